"""Multipart uploads of S3."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.api.s3.asked import Asked, number
from cumulo.object_store.api.s3.documents import (
    children,
    document,
    element,
    malformed_xml,
    name_of,
    parsed,
    slowly,
    text,
    value_of,
)
from cumulo.object_store.api.s3.lists import Read, encoder, owner
from cumulo.object_store.api.s3.objects import (
    SSE,
    ObjectsApi,
    check_encryption,
    check_source,
    checksum_headers,
    granted,
    new_object,
    source_of,
    version_header,
    write_conditions,
)
from cumulo.object_store.model import checksums, limits, timestamps
from cumulo.object_store.model.conditions import unquoted
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, NoRange
from cumulo.object_store.model.object import PartRow, UploadRow
from cumulo.object_store.service.bytes import Received
from cumulo.object_store.service.multipart import Said, Wanted
from cumulo.object_store.service.object_store import ObjectStoreService

AT_ONCE = 1000
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
_NAMES = {name: f"Checksum{name.upper()}" for name in checksums.ALGORITHMS}


class MultipartApi:
    def __init__(self, store: ObjectStoreService, read: Read, objects: ObjectsApi) -> None:
        self._store = store
        self._read = read
        self._objects = objects

    async def begin(self, call: Call) -> Reply:
        asked = self._read(call)
        on = self._store.bytes.ciphers.on
        check_encryption(asked, on)
        new = new_object(asked)
        if on:
            new.extra["sse"] = True
        algorithm = checksums.wanted(asked.headers)
        headers: dict[str, str] = {SSE: "AES256"} if on else {}
        if algorithm is not None:
            default = "FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE"
            kind = asked.headers.get("x-amz-checksum-type", default).upper()
            whole = algorithm.startswith("crc")
            if kind not in ("FULL_OBJECT", "COMPOSITE") or (kind == "FULL_OBJECT" and not whole):
                raise BadInput("Value for x-amz-checksum-type header is invalid.")
            new.extra |= {"checksum": algorithm, "checksum_type": kind}
            headers["x-amz-checksum-algorithm"] = algorithm.upper()
            headers["x-amz-checksum-type"] = kind

        def begin(tx: Tx) -> UploadRow:
            row = self._store.multipart.begin(tx, asked.access, asked.bucket, asked.key, new)
            return row

        container = await self._store.database.read(
            lambda tx: self._store.objects.container(
                tx, asked.access, asked.bucket, "write", asked.key
            )
        )
        granted(asked, container, new.extra)
        row = await self._store.write(begin, name="object upload")
        return document(
            "InitiateMultipartUploadResult",
            text("Bucket", asked.bucket),
            text("Key", asked.key),
            element("UploadId", row.id),
            headers=headers,
        )

    async def put(self, call: Call) -> Reply:
        asked = self._read(call)
        place = number(call.query.get("partNumber"), 0, 0, limits.S3_PARTS + 1, "partNumber")
        if not 1 <= place <= limits.S3_PARTS:
            raise BadInput(
                f"Part number must be an integer between 1 and {limits.S3_PARTS}, inclusive",
                kind="InvalidArgument",
            )
        if "x-amz-copy-source" in asked.headers:
            return await slowly(self._copy(asked, place), call)
        _, upload = await self._find(asked)
        algorithm = checksums.wanted(asked.headers) or upload.extra.get("checksum")
        given = asked.body(algorithm)
        given.check_size(limits.MAX_FILE_SIZE)
        await self._check_room(asked, given.size)
        received = await self._store.bytes.receive(
            given.pieces(), limits.MAX_FILE_SIZE, sums=given.sums, check=given.check
        )
        part = await self._keep(upload, place, received, given.checksum)
        headers = {"ETag": f'"{part.etag}"'}
        headers |= {checksums.PREFIX + name: value for name, value in part.checksums.items()}
        return Reply(200, headers=headers, raw=b"")

    async def _copy(self, asked: Asked, place: int) -> Reply:
        _, upload = await self._find(asked)
        source = await self._objects.row(asked.access, *source_of(asked))
        check_source(asked.headers, source)
        content = await self._store.contents.of(source, asked.access)
        start, end = 0, content.size
        wanted = asked.headers.get("x-amz-copy-source-range")
        if wanted is not None:
            match = _RANGE.fullmatch(wanted)
            if match is None:
                raise BadInput(
                    "The x-amz-copy-source-range value must be of the form bytes=first-last",
                    kind="InvalidArgument",
                )
            start, end = int(match[1]), int(match[2]) + 1
            if not start < end <= content.size:
                raise NoRange()
        if end - start > limits.S3_COPY_SIZE:
            raise BadInput("The specified copy source is larger than the maximum allowable size")
        await self._check_room(asked, end - start)
        algorithm = upload.extra.get("checksum")
        sums = [checksums.ALGORITHMS[algorithm]()] if algorithm else []
        pieces = self._store.contents.pieces(content, asked.access, start, end)
        received = await self._store.bytes.receive(
            self._store.bytes.read(pieces), limits.MAX_FILE_SIZE, sums=sums
        )
        found = {algorithm: checksums.text(sums[0])} if algorithm else {}
        part = await self._keep(upload, place, received, found)
        return document(
            "CopyPartResult",
            element("LastModified", timestamps.s3_iso(part.timestamp)),
            text("ETag", f'"{part.etag}"'),
        )

    async def _find(self, asked: Asked) -> tuple[ContainerRow, UploadRow]:
        upload = asked.query.get("uploadId") or ""
        return await self._store.database.read(
            lambda tx: self._store.multipart.find(tx, asked.access, asked.bucket, asked.key, upload)
        )

    async def _check_room(self, asked: Asked, size: int) -> None:
        def check(tx: Tx) -> None:
            container = self._store.objects.container(
                tx, asked.access, asked.bucket, "write", asked.key
            )
            self._store.multipart.check_room(tx, container, size)

        await self._store.database.read(check)

    async def _keep(
        self, upload: UploadRow, place: int, received: Received, found: dict[str, str]
    ) -> PartRow:
        return await self._store.keep(
            received.blob,
            lambda tx: self._store.multipart.put(tx, upload.id, place, received, found),
            name="object part",
        )

    async def complete(self, call: Call) -> Reply:
        asked = self._read(call)
        return await slowly(self._complete(asked, await asked.completion()), call)

    async def _complete(self, asked: Asked, raw: bytes) -> Reply:
        call = asked.call
        wanted = _wanted(raw)
        held = write_conditions(asked.headers)
        upload = call.query.get("uploadId") or ""
        said = _said_of(asked.headers)
        row = await self._store.write(
            lambda tx: self._store.multipart.complete(
                tx, asked.access, asked.bucket, asked.key, upload, wanted, held, said
            ),
            name="object complete",
        )
        url = f"{call.base_url}/{quote(asked.bucket)}/{quote(asked.key)}"
        sums = [
            element(_NAMES[name], value) for name, value in row.extra.get("checksums", {}).items()
        ]
        if sums:
            sums.append(element("ChecksumType", checksum_headers(row)["x-amz-checksum-type"]))
        return document(
            "CompleteMultipartUploadResult",
            text("Location", url),
            text("Bucket", asked.bucket),
            text("Key", asked.key),
            text("ETag", f'"{row.etag}"'),
            *sums,
            headers=version_header(row),
        )

    async def abort(self, call: Call) -> Reply:
        asked = self._read(call)
        upload = call.query.get("uploadId") or ""
        await self._store.write(
            lambda tx: self._store.multipart.abort(
                tx, asked.access, asked.bucket, asked.key, upload
            ),
            name="object abort",
        )
        return Reply(204)

    async def parts(self, call: Call) -> Reply:
        asked = self._read(call)
        query = call.query
        most = number(query.get("max-parts"), 1000, 0, 1000, "max-parts")
        after = number(query.get("part-number-marker"), 0, 0, 2**31, "part-number-marker")
        _, upload = await self._find(asked)
        rows = await self._store.database.read(
            lambda tx: self._store.multipart.parts(tx, upload.id, after, most + 1)
        )
        found = [_part(row) for row in rows[:most]]
        more = len(rows) > most
        head = [
            text("Bucket", asked.bucket),
            text("Key", asked.key),
            element("UploadId", upload.id),
            owner(asked, "Initiator"),
            owner(asked),
            element("StorageClass", "STANDARD"),
            element("PartNumberMarker", after),
            element("MaxParts", most),
            element("IsTruncated", "true" if more else "false"),
        ]
        if rows[:most]:
            head.append(element("NextPartNumberMarker", rows[:most][-1].number))
        return document("ListPartsResult", *head, *found)

    async def uploads(self, call: Call) -> Reply:
        asked = self._read(call)
        query = call.query
        most = number(query.get("max-uploads"), 1000, 0, 1000, "max-uploads")
        marker = query.get("key-marker") or ""
        # Without an upload's id, all uploads of the marker's own key are behind us.
        after = (marker, (query.get("upload-id-marker") or "\U0010ffff") if marker else "")
        prefix, delimiter = query.get("prefix") or "", query.get("delimiter") or ""
        if delimiter and marker.startswith(prefix) and marker.endswith(delimiter):
            # The page before ended with this folder: all of it is behind us.
            after = (marker + "\U0010ffff", "")
        encode = encoder(query.get("encoding-type"))
        page = _Uploads(prefix, delimiter, most)
        while page.wants_more:
            rows = await self._store.database.read(
                lambda tx: self._uploads(tx, asked, prefix, page.after or after)
            )
            page.feed(rows)
        head = [
            text("Bucket", asked.bucket),
            text("KeyMarker", encode(marker)),
            text("UploadIdMarker", query.get("upload-id-marker") or ""),
            text("Prefix", encode(prefix)),
            element("MaxUploads", most),
            element("IsTruncated", "true" if page.more else "false"),
        ]
        if delimiter:
            head.append(text("Delimiter", encode(delimiter)))
        if query.get("encoding-type") == "url":
            head.append(element("EncodingType", "url"))
        if page.more and page.shown:
            last = page.shown[-1]
            head.append(text("NextKeyMarker", encode(last if isinstance(last, str) else last.text)))
            if isinstance(last, UploadRow):
                head.append(element("NextUploadIdMarker", last.id))
        shown = (_upload(asked, each, encode) for each in page.shown)
        return document("ListMultipartUploadsResult", *head, *shown)

    def _uploads(
        self, tx: Tx, asked: Asked, prefix: str, after: tuple[str, str]
    ) -> list[UploadRow]:
        container = self._store.containers.seen(tx, asked.access, asked.bucket)
        return self._store.multipart.uploads(tx, container, prefix, after, AT_ONCE)


def _part(row: PartRow) -> str:
    return element(
        "Part",
        element("PartNumber", row.number),
        element("LastModified", timestamps.s3_iso(row.timestamp)),
        text("ETag", f'"{row.etag}"'),
        element("Size", row.size),
        *(element(_NAMES[name], value) for name, value in row.checksums.items()),
    )


class _Uploads:
    """A page: uploads, and folders in place of those that are in them."""

    def __init__(self, prefix: str, delimiter: str, most: int) -> None:
        self._prefix, self._delimiter, self._most = prefix, delimiter, most
        self.shown: list[UploadRow | str] = []
        self.after: tuple[str, str] | None = None
        self.more = False
        self.wants_more = most > 0

    def feed(self, rows: list[UploadRow]) -> None:
        for row in rows:
            at = row.text.find(self._delimiter, len(self._prefix)) if self._delimiter else -1
            line = row if at < 0 else row.text[: at + len(self._delimiter)]
            if isinstance(line, str) and self.shown and self.shown[-1] == line:
                continue
            if len(self.shown) == self._most:
                self.more, self.wants_more = True, False
                return
            self.shown.append(line)
        self.wants_more = len(rows) == AT_ONCE
        if rows:
            self.after = (rows[-1].text, rows[-1].id)
        last = self.shown[-1] if self.shown else None
        if isinstance(last, str):
            # All that is in the folder is behind us.
            self.after = (last + "\U0010ffff", "")


def _upload(asked: Asked, row: UploadRow | str, encode: Callable[[str], str]) -> str:
    if isinstance(row, str):
        return element("CommonPrefixes", text("Prefix", encode(row)))
    return element(
        "Upload",
        text("Key", encode(row.text)),
        element("UploadId", row.id),
        owner(asked, "Initiator"),
        owner(asked),
        element("StorageClass", "STANDARD"),
        element("Initiated", timestamps.s3_iso(row.timestamp)),
    )


def _said_of(headers: Mapping[str, str]) -> Said:
    """Raises BadInput."""
    size = headers.get("x-amz-mp-object-size")
    if size is not None and whole_or_none(size) is None:
        raise BadInput("Value for x-amz-mp-object-size header is invalid.")
    names = (name for name in checksums.ALGORITHMS if checksums.PREFIX + name in headers)
    found = {name: headers[checksums.PREFIX + name] for name in names}
    return Said(None if size is None else whole_or_none(size), found)


def _wanted(raw: bytes) -> list[Wanted]:
    """The parts that a completion names. Raises BadInput."""
    malformed = malformed_xml()
    node = parsed(raw)
    if node is None or name_of(node) != "CompleteMultipartUpload":
        raise malformed
    found = []
    for part in children(node, "Part"):
        place, etag = value_of(part, "PartNumber") or "", value_of(part, "ETag")
        if not place.isdecimal() or len(place) > 5 or etag is None:
            raise malformed
        sums = [value_of(part, name) for name in _NAMES.values()]
        checksum = next((each for each in sums if each), None)
        found.append(Wanted(int(place), unquoted(etag), checksum))
    if not found or len(found) > limits.S3_PARTS:
        raise malformed
    return found
