"""Objects of S3."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3 import acls, locks
from cumulo.object_store.api.s3.asked import Asked, Body, number
from cumulo.object_store.api.s3.buckets import deleted
from cumulo.object_store.api.s3.documents import (
    children,
    document,
    element,
    malformed_xml,
    parsed,
    slowly,
    text,
    value_of,
)
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.api.sending import body
from cumulo.object_store.model import checksums, conditions, limits, lock, names, ranges, timestamps
from cumulo.object_store.model.ciphers import is_encrypted
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    BadInput,
    Missing,
    NoRange,
    NoSuchObject,
    NotImplementedYet,
    PreconditionFailed,
    StoreFault,
)
from cumulo.object_store.model.headers import KEPT, kept
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import NULL, version_time
from cumulo.object_store.service.access import OBJECT_ACL, Access
from cumulo.object_store.service.contents import MANIFEST
from cumulo.object_store.service.multipart import PartOf
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject

META = "x-amz-meta-"
SSE = "x-amz-server-side-encryption"
OWN_META = "x-object-meta-"
META_SIZE = 2048
TAGS = 10
RESPONSES = (
    "content-type",
    "content-language",
    "expires",
    "cache-control",
    "content-disposition",
    "content-encoding",
)


class ObjectsApi:
    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def get(self, call: Call) -> Reply:
        asked = self._read(call)
        try:
            return await self._get(asked)
        except Missing:
            # It may have been replaced between the look at its row and the look at its file.
            return await self._get(asked)

    async def _get(self, asked: Asked) -> Reply:
        call = asked.call
        row = await self._current(asked)
        content = await self._store.contents.of(row, asked.access)
        headers = headers_of(row, content.etag)
        for name in RESPONSES:
            given = call.query.get(f"response-{name}")
            if given is not None:
                headers[name] = _header_text(given)
        kind = headers.pop("content-type", row.content_type)
        outcome = conditions.outcome(asked.headers, content.etag, row.timestamp)
        if outcome == 412:
            raise PreconditionFailed()
        if outcome == 304:
            return Reply(304, headers=headers, raw=b"", content_type=kind)
        start, end, status = 0, content.size, 200
        part = await self._part(asked, row)
        if part is not None:
            start, end = part.start, part.end
            status = 206 if end > start else 200
            if status == 206:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
            if part.parts:
                headers["x-amz-mp-parts-count"] = str(part.parts)
        wanted = ranges.parse(asked.headers.get("range"))
        holds = conditions.range_holds(asked.headers, content.etag, row.timestamp)
        if wanted is not None and len(wanted) == 1 and holds:
            found = ranges.satisfied(wanted, content.size)
            if not found:
                raise NoRange(headers={"Content-Range": f"bytes */{content.size}"})
            (start, end), status = found[0], 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
        elif asked.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
            headers |= checksum_headers(row)
            if part is not None and part.checksums:
                headers |= {checksums.PREFIX + n: v for n, v in part.checksums.items()}
        headers["Content-Length"] = str(end - start)
        if call.operation.method == "HEAD":
            return Reply(status, headers=headers, raw=b"", content_type=kind)
        return await body(
            self._store, call, content, asked.access, start, end, status, headers, kind
        )

    async def _part(self, asked: Asked, row: ObjectRow) -> PartOf | None:
        """Where the part is that `partNumber` asks for."""
        given = asked.query.get("partNumber")
        if given is None:
            return None
        if "range" in asked.headers:
            raise BadInput("Cannot specify both Range header and partNumber query parameter")
        wanted = number(given, 1, 1, limits.S3_PARTS + 1, "partNumber")
        return await self._store.database.read(
            lambda tx: self._store.multipart.part_of(tx, row, wanted)
        )

    async def _current(self, asked: Asked) -> ObjectRow:
        """What a GET is about. Raises NoSuchObject, which tells of a marker."""
        version = asked.query.get("versionId")
        try:
            return await self.row(asked.access, asked.bucket, asked.key, version)
        except NoSuchObject as fault:
            if version is None:
                found = await self._store.database.read(lambda tx: self._marker(tx, asked))
                if found is not None:
                    fault.headers |= {"x-amz-delete-marker": "true", "x-amz-version-id": found}
            elif fault.kind == "MethodNotAllowed":
                fault.status = 405
            raise

    def _marker(self, tx: Tx, asked: Asked) -> str | None:
        container = self._store.containers.get(tx, asked.access.account, asked.bucket)
        newest = self._store.versions.newest(tx, container, asked.key.encode())
        return newest.version if newest is not None and newest.marker else None

    async def row(
        self, access: Access, bucket: str, key: str, version: str | None = None
    ) -> ObjectRow:
        return await self._store.database.read(
            lambda tx: self._store.objects.seen_version(tx, access, bucket, key, version)
        )

    async def put(self, call: Call) -> Reply:
        asked = self._read(call)
        if "x-amz-copy-source" in asked.headers:
            return await slowly(self._copy(asked), call)
        check_encryption(asked, self._store.bytes.ciphers.on)
        new = new_object(asked)
        given = asked.body()
        given.check_size(limits.MAX_FILE_SIZE)
        held = write_conditions(asked.headers)
        container = await self._store.database.read(
            lambda tx: self._store.objects.begin(
                tx, asked.access, asked.bucket, asked.key, given.size, held
            )
        )
        granted(asked, container, new.extra)
        received = await self._store.bytes.receive(
            given.pieces(), limits.MAX_FILE_SIZE, sums=given.sums, check=given.check
        )
        new.blob, new.size, new.etag = received
        _note_checksum(new, given)
        row = await self._commit(asked, container, new, held)
        headers = {"ETag": f'"{row.etag}"', **checksum_headers(row), **version_header(row)}
        headers |= encryption_header(row)
        return Reply(200, headers=headers, raw=b"")

    async def _commit(
        self, asked: Asked, container: ContainerRow, new: NewObject, held: Mapping[str, str]
    ) -> ObjectRow:
        return await self._store.keep(
            new.blob,
            lambda tx: self._store.objects.commit(tx, container, asked.key, new, held, s3=True),
            name="object put",
        )

    async def _copy(self, asked: Asked) -> Reply:
        bucket, key, version = source_of(asked)
        directive = asked.headers.get("x-amz-metadata-directive", "COPY").upper()
        if directive not in ("COPY", "REPLACE"):
            raise BadInput("Unknown metadata directive.", kind="InvalidArgument")
        same = (bucket, key) == (asked.bucket, asked.key) and version is None
        if same and directive == "COPY":
            raise BadInput(
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata, storage class, website redirect location "
                "or encryption attributes."
            )
        check_encryption(asked, self._store.bytes.ciphers.on)
        own = new_object(asked)
        held = write_conditions(asked.headers)
        source = await self.row(asked.access, bucket, key, version)
        check_source(asked.headers, source)
        if source.size > limits.S3_COPY_SIZE:
            raise BadInput("The specified copy source is larger than the maximum allowable size")
        content = await self._store.contents.of(source, asked.access)
        container = await self._store.database.read(
            lambda tx: self._store.objects.begin(
                tx, asked.access, asked.bucket, asked.key, content.size, held
            )
        )
        new = _copied(source, own, replace=directive == "REPLACE")
        granted(asked, container, new.extra)
        if "x-amz-tagging-directive" in asked.headers:
            replace = asked.headers["x-amz-tagging-directive"].upper() == "REPLACE"
            new.extra["tags"] = (own if replace else source).extra.get("tags", {})
        if content.is_large:
            pieces = self._store.contents.pieces(content, asked.access, 0, content.size)
            received = await self._store.bytes.receive(
                self._store.bytes.read(pieces), limits.MAX_FILE_SIZE
            )
            new.blob, new.size, new.etag = received
            row = await self._commit(asked, container, new, held)
        else:
            row = await self._share(asked, (bucket, key, version), container, new, held)
        return document(
            "CopyObjectResult",
            element("LastModified", timestamps.s3_iso(row.timestamp)),
            text("ETag", f'"{row.etag}"'),
            headers=version_header(row)
            | encryption_header(row)
            | {
                f"x-amz-copy-source-{name.removeprefix('x-amz-')}": value
                for name, value in version_header(source).items()
            },
        )

    async def _share(
        self,
        asked: Asked,
        source: tuple[str, str, str | None],
        container: ContainerRow,
        new: NewObject,
        held: Mapping[str, str],
    ) -> ObjectRow:
        """A copy is another row for the same bytes, if its source is still there."""

        def work(tx: Tx) -> ObjectRow:
            now = self._store.objects.seen_version(tx, asked.access, *source)
            new.blob, new.assembly, new.kind = now.blob, now.assembly, now.kind
            new.size, new.etag = now.size, now.etag
            return self._store.objects.commit(tx, container, asked.key, new, held, s3=True)

        return await self._store.write(work, name="object copy")

    async def delete(self, call: Call) -> Reply:
        """What is not there is gone, too."""
        asked = self._read(call)
        version = call.query.get("versionId")
        if version is not None and not version_time(version):
            raise BadInput("Invalid version id specified", kind="InvalidArgument")
        held = {name: asked.headers[name] for name in ("if-match",) if name in asked.headers}
        if any(name.startswith("x-amz-if-match-") for name in asked.headers):
            raise NotImplementedYet("Only If-Match is a condition of a deletion.")
        done = await self._store.write(
            lambda tx: deleted(self._store, tx, asked, asked.key, version, held),
            name="object delete",
        )
        headers = {"x-amz-delete-marker": "true"} if done.marker else {}
        if done.version is not None:
            headers["x-amz-version-id"] = done.version
        return Reply(204, headers=headers)

    async def tags(self, call: Call) -> Reply:
        asked = self._read(call)
        row = await self.row(asked.access, asked.bucket, asked.key, asked.query.get("versionId"))
        found = "".join(
            element("Tag", text("Key", name), text("Value", value))
            for name, value in row.extra.get("tags", {}).items()
        )
        return document("Tagging", f"<TagSet>{found}</TagSet>")

    async def put_tags(self, call: Call) -> Reply:
        asked = self._read(call)
        tags: dict[str, str] = {}
        if call.operation.method == "PUT":
            tags = _tags_of(await asked.body().whole())
        await self._store.write(
            lambda tx: self._store.objects.set_tags(
                tx, asked.access, asked.bucket, asked.key, tags, asked.query.get("versionId")
            ),
            name="object tags",
        )
        return Reply(200 if tags or call.operation.method == "PUT" else 204, raw=b"")


def granted(asked: Asked, container: ContainerRow, extra: dict[str, Any]) -> None:
    """What a write's headers say of who may read it. Raises Denied, also for locks that are not the
    caller's to set, and BadInput for locks where there are none."""
    locks.check(asked, container)
    lock.check_kept(container.options, extra)
    extra.pop(OBJECT_ACL, None)
    found = acls.for_object(asked, container)
    if found:
        extra[OBJECT_ACL] = found


def check_encryption(asked: Asked, on: bool) -> None:
    """What is asked for is what the cloud does with all that comes."""
    given = {n: v for n, v in asked.headers.items() if n.startswith(SSE)}
    if given and (given != {SSE: "AES256"} or not on):
        raise NotImplementedYet("Objects are encrypted by the cloud's own key, or not at all.")


def encryption_header(row: ObjectRow) -> dict[str, str]:
    kept = is_encrypted(row.blob) or row.extra.get("sse")
    return {SSE: "AES256"} if kept else {}


def headers_of(row: ObjectRow, etag: str) -> dict[str, str]:
    found = {}
    for name, value in row.headers.items():
        if name.startswith(OWN_META):
            found[META + name.removeprefix(OWN_META)] = value
        elif name != MANIFEST:
            found[name] = value
    found["ETag"] = f'"{etag}"'
    found["Last-Modified"] = timestamps.http_date(row.timestamp)
    found["Accept-Ranges"] = "bytes"
    found |= version_header(row)
    found |= locks.headers_of(row)
    found |= encryption_header(row)
    tags = row.extra.get("tags")
    if tags:
        found["x-amz-tagging-count"] = str(len(tags))
    return found


def checksum_headers(row: ObjectRow) -> dict[str, str]:
    found = {
        checksums.PREFIX + name: value for name, value in row.extra.get("checksums", {}).items()
    }
    if found:
        found["x-amz-checksum-type"] = str(row.extra.get("checksum_type", "FULL_OBJECT"))
    return found


def new_object(asked: Asked) -> NewObject:
    """What a PUT says of an object, but for its bytes."""
    headers = asked.headers
    found = {
        OWN_META + name.removeprefix(META): value
        for name, value in headers.items()
        if name.startswith(META)
    }
    if sum(len(name) - len(OWN_META) + len(value) for name, value in found.items()) > META_SIZE:
        raise BadInput(
            "Your metadata headers exceed the maximum allowed metadata size",
            kind="MetadataTooLarge",
        )
    found |= kept(headers, KEPT)
    coding = [
        each.strip()
        for each in headers.get("content-encoding", "").split(",")
        if each.strip() and each.strip() != "aws-chunked"
    ]
    found.pop("content-encoding", None)
    if coding:
        found["content-encoding"] = ",".join(coding)
    extra: dict[str, Any] = locks.wanted(headers)
    if headers.get("x-amz-tagging"):
        pairs = parse_qsl(headers["x-amz-tagging"], keep_blank_values=True)
        extra["tags"] = _checked_tags(pairs)
    kind = headers.get("content-type") or "binary/octet-stream"
    return NewObject(content_type=kind, headers=found, extra=extra)


def _note_checksum(new: NewObject, given: Body) -> None:
    if given.checksum:
        new.extra["checksums"] = given.checksum
        new.extra["checksum_type"] = "FULL_OBJECT"


def _copied(source: ObjectRow, own: NewObject, *, replace: bool) -> NewObject:
    extra = {} if source.kind == "slo" else lock.carried(source.extra)
    extra |= {name: own.extra[name] for name in (lock.LOCK, lock.HOLD) if name in own.extra}
    if replace:
        extra["tags"] = own.extra.get("tags", extra.get("tags", {}))
        return NewObject(content_type=own.content_type, headers=own.headers, extra=extra)
    headers = {name: value for name, value in source.headers.items() if name != MANIFEST}
    return NewObject(content_type=source.content_type, headers=headers, extra=extra)


def source_of(asked: Asked) -> tuple[str, str, str | None]:
    """Bucket, key and version of `x-amz-copy-source`."""
    given, _, version = asked.headers["x-amz-copy-source"].partition("?versionId=")
    try:
        path = names.decoded(given)
    except StoreFault:
        path = ""
    bucket, _, key = path.removeprefix("/").partition("/")
    if not bucket or not key:
        raise BadInput(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            kind="InvalidArgument",
        )
    return bucket, key, version or None


def version_header(row: ObjectRow) -> dict[str, str]:
    return {} if row.version == NULL else {"x-amz-version-id": row.version}


def check_source(headers: Mapping[str, str], source: ObjectRow) -> None:
    """`x-amz-copy-source-if-…`. Raises PreconditionFailed."""
    prefix = "x-amz-copy-source-"
    held = {
        name.removeprefix(prefix): value
        for name, value in headers.items()
        if name.startswith(f"{prefix}if-")
    }
    if held and conditions.outcome(held, source.etag, source.timestamp) != 200:
        raise PreconditionFailed()


def write_conditions(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("if-match", "if-none-match") if name in headers}


def _header_text(value: str) -> str:
    """A header's value from a query; line breaks would begin another header."""
    found = value.encode().decode("latin-1")
    if any(c < " " for c in found):
        raise BadInput("Header value cannot be represented.", kind="InvalidArgument")
    return found


def _tags_of(raw: bytes) -> dict[str, str]:
    node = parsed(raw)
    pairs = []
    for sets in children(node, "TagSet") if node is not None else ():
        for tag in children(sets, "Tag"):
            pairs.append((value_of(tag, "Key") or "", value_of(tag, "Value") or ""))
    if node is None:
        raise malformed_xml()
    return _checked_tags(pairs)


def _checked_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    if len(pairs) > TAGS:
        raise BadInput("Object tags cannot be greater than 10", kind="BadRequest")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadInput("Cannot provide multiple Tags with the same key", kind="InvalidTag")
    if any(not 0 < len(name) <= 128 or len(value) > 256 for name, value in pairs):
        raise BadInput("The TagKey or TagValue you have provided is invalid", kind="InvalidTag")
    return found
