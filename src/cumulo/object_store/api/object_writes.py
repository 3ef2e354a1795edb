"""Objects on the wire, written: Swift v1 PUT, POST, DELETE and COPY."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import quote

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Interrupted, Operation, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.api import texts
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.api.large import LargeApi
from cumulo.object_store.api.objects import (
    MANIFEST,
    PATH,
    VERSION,
    ObjectsApi,
    content_type_of,
    created,
    version_of,
)
from cumulo.object_store.api.symlinks import Symlinks
from cumulo.object_store.api.sync import SyncApi, written
from cumulo.object_store.api.versions import VersionsApi
from cumulo.object_store.model import limits, lock, manifest, names, ranges, timestamps
from cumulo.object_store.model.conditions import unquoted
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    BadInput,
    ClientGone,
    LengthRequired,
    NoRange,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
)
from cumulo.object_store.model.headers import KEPT, header_name, kept, metadata
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.contents import MANIFEST as DYNAMIC
from cumulo.object_store.service.contents import Content
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject

FORM = "multipart/form-data"
LAST = 9_999_999_999
"""The last second that a time of ten digits can say."""
CONDITIONS = ("if-none-match", "if-match", "if-unmodified-since")


class ObjectWritesApi:
    def __init__(
        self,
        store: ObjectStoreService,
        reads: ObjectsApi,
        large: LargeApi,
        form: Callable[[Call], Awaitable[Reply]],
        sync: SyncApi,
    ) -> None:
        self._sync = sync
        self._store = store
        self._symlinks = Symlinks(store)
        self._versions = VersionsApi(store)
        self._form = form
        self._reads = reads
        self._large = large

    def operations(self) -> list[Operation]:
        return [
            Operation("PUT", PATH, self.put, kind="stream"),
            Operation("POST", PATH, self.post, kind="stream"),
            Operation("DELETE", PATH, self.delete, kind="stream"),
            Operation("COPY", PATH, self.copy, kind="stream"),
        ]

    async def put(self, call: Call) -> Reply:
        asked = Asked(call)
        headers, place = asked.headers, asked.place
        names.check_object(place.object)
        older = await self._sync.older(asked)
        if older is not None:
            return older
        source = headers.get("x-copy-from")
        if source is not None:
            return await self._copy_from(asked, source)
        if call.query.get(VERSION):
            return await self._versions.restore(asked)
        length = length_of(headers)
        check_none_match(headers)
        new = new_object(asked)
        new.timestamp = written(asked)
        await self._symlinks.note(asked, length, new)
        if call.query.get(MANIFEST) == "put":
            return await self._large.put(asked, new, length)
        conditions = conditions_of(headers)
        container = await self._store.database.read(
            lambda tx: self._store.objects.begin(
                tx, asked.access, place.container, place.object, length, conditions
            )
        )
        row = await self.take(asked, container, new, body_of(call), conditions)
        return created(row)

    async def take(
        self,
        asked: Asked,
        container: ContainerRow,
        new: NewObject,
        body: AsyncIterator[bytes],
        conditions: Mapping[str, str],
    ) -> ObjectRow:
        """Bytes, then the row; no row, no bytes."""
        etag = unquoted(asked.headers.get("etag", ""))

        def check(size: int, md5: str) -> None:
            if etag and etag.lower() != md5:
                raise Unprocessable()

        received = await self._store.bytes.receive(body, limits.MAX_FILE_SIZE, check=check)
        new.blob, new.size, new.etag = received
        return await self.commit(container, asked.place.object, new, conditions)

    async def commit(
        self, container: ContainerRow, name: str, new: NewObject, conditions: Mapping[str, str]
    ) -> ObjectRow:
        return await self._store.keep(
            new.blob,
            lambda tx: self._store.objects.commit(tx, container, name, new, conditions),
            name="object put",
        )

    async def post(self, call: Call) -> Reply:
        if (call.header("Content-Type") or "").lower().startswith(FORM):
            return await self._form(call)
        asked = Asked(call)
        self._symlinks.refuse_target(asked)
        if call.query.get(VERSION):
            raise BadInput("POST to a specific version is not allowed")
        headers = stored_headers(asked.headers)
        content_type = asked.headers.get("content-type")
        end = delete_at(asked.headers)

        def change(tx: Tx) -> dict[str, str]:
            link = self._symlinks.kept(tx, asked)
            self._store.objects.post(
                tx,
                asked.access,
                asked.place.container,
                asked.place.object,
                {**headers, **link},
                content_type,
                end,
            )
            return link

        link = await self._store.write(change, name="object post")
        if link:
            raise self._symlinks.moved(asked, link)
        return Reply(202, raw=texts.ACCEPTED, content_type=texts.HTML)

    async def delete(self, call: Call) -> Reply:
        asked = Asked(call)
        await self._sync.older(asked)
        if call.query.get(MANIFEST) == "delete":
            return await self._large.delete(asked)
        return await self._versions.delete(asked)

    async def copy(self, call: Call) -> Reply:
        asked = Asked(call)
        destination = asked.headers.get("destination")
        if not destination:
            raise PreconditionFailed("Destination header required")
        container, name = names.container_and_object(
            names.decoded(destination.encode("latin-1").decode("utf-8", "replace")), "Destination"
        )
        account = _account(asked, asked.headers.get("destination-account"))
        target = names.Place(account, container, name)
        return await self._copy(asked, asked.access, asked.place, target)

    async def _copy_from(self, asked: Asked, source: str) -> Reply:
        if length_of(asked.headers):
            raise BadInput("Copy requests require a zero byte body")
        container, name = names.container_and_object(
            names.decoded(source.encode("latin-1").decode("utf-8", "replace")), "X-Copy-From"
        )
        account = _account(asked, asked.headers.get("x-copy-from-account"))
        place = names.Place(account, container, name)
        return await self._copy(asked, asked.fresh(account), place, asked.place)

    async def _copy(
        self, asked: Asked, source: Access, place: names.Place, target: names.Place
    ) -> Reply:
        names.check_object(target.object)
        access = asked.fresh(target.account)
        conditions = conditions_of(asked.headers, ("if-none-match",))
        version = version_of(asked)
        row, _ = await self._reads.looked_up(source, place, version)
        row, place = await self._symlinks.followed(asked, row, place)
        source = asked.fresh(place.account)
        as_it_is = asked.query.get(MANIFEST) == "get"
        content = await self._store.contents.of(row, source, as_it_is=as_it_is)
        new = _copied(asked, row, keep_manifest=as_it_is)
        start, end = await self._wanted_of(asked, content, as_it_is)
        whole = (start, end) == (0, content.size)
        size = end - start
        if row.kind == "slo" and as_it_is and target.account != place.account:
            await self._check_manifest(access, row)
        if size > limits.MAX_FILE_SIZE and content.is_large:
            raise TooLarge()
        container = await self._store.database.read(
            lambda tx: self._store.objects.begin(
                tx, access, target.container, target.object, size, conditions
            )
        )
        if content.is_large or not whole:
            new.extra = {}
            pieces = self._store.contents.pieces(content, source, start, end)
            received = await self._store.bytes.receive(
                self._store.bytes.read(pieces), limits.MAX_FILE_SIZE
            )
            new.blob, new.size, new.etag = received
            made = await self.commit(container, target.object, new, conditions)
        else:
            made = await self._share(
                source, (place, version), container, target.object, new, conditions
            )
        return _copy_reply(made, place, row)

    async def _wanted_of(self, asked: Asked, content: Content, as_it_is: bool) -> tuple[int, int]:
        """The bytes that a copy has: a range, a part, or all."""
        part = None if as_it_is else await self._reads.part_of(asked, content)
        if part is not None:
            if part.start < 0:
                raise NoRange("The requested part number is not satisfiable")
            return part.start, part.end
        wanted = ranges.parse(asked.headers.get("range"))
        if as_it_is or wanted is None or len(wanted) != 1:
            return 0, content.size
        found = ranges.satisfied(wanted, content.size)
        if not found:
            raise NoRange()
        return found[0]

    async def _check_manifest(self, access: Access, row: ObjectRow) -> None:
        """In another account its segments are other ones. Raises BadInput."""
        segments = await self._store.contents.segments(row)
        wishes = manifest.read(msgspec.json.encode(manifest.raw(segments)))
        await self._store.database.read(lambda tx: self._store.manifests.check(tx, access, wishes))

    async def _share(
        self,
        source: Access,
        wanted: tuple[names.Place, str | None],
        container: ContainerRow,
        name: str,
        new: NewObject,
        conditions: Mapping[str, str],
    ) -> ObjectRow:
        """A copy is another row for the same bytes, if its source is still what it was."""

        def work(tx: Tx) -> ObjectRow:
            place, version = wanted
            if version is None:
                now = self._store.objects.seen(tx, source, place.container, place.object)
            else:
                now = self._store.object_versions.seen(
                    tx, source, place.container, place.object, version
                )
            new.blob, new.assembly, new.kind = now.blob, now.assembly, now.kind
            new.size, new.etag = now.size, now.etag
            return self._store.objects.commit(tx, container, name, new, conditions)

        return await self._store.write(work, name="object copy")


def _account(asked: Asked, given: str | None) -> str:
    """Of `X-Copy-From-Account` and `Destination-Account`."""
    if not given:
        return asked.place.account
    account = names.decoded(given.encode("latin-1").decode("utf-8", "replace"))
    if "/" in account:
        raise PreconditionFailed("Account name cannot contain slashes")
    return account


def _copied(asked: Asked, row: ObjectRow, *, keep_manifest: bool) -> NewObject:
    """What a copy has: its source's metadata under what the request says."""
    given = asked.headers
    own = stored_headers(given)
    fresh = asked.flag("x-fresh-metadata")
    old = {} if fresh else {n: v for n, v in row.headers.items() if n != DYNAMIC}
    if DYNAMIC in row.headers and keep_manifest:
        old[DYNAMIC] = row.headers[DYNAMIC]
    return NewObject(
        content_type=given.get("content-type") or row.content_type,
        headers={**old, **own},
        delete_at=delete_at(given) or row.delete_at,
        extra=lock.carried(row.extra) if keep_manifest or row.kind != "slo" else {},
    )


def _copy_reply(made: ObjectRow, place: names.Place, row: ObjectRow) -> Reply:
    reply = created(made)
    headers = dict(reply.headers)
    headers["X-Copied-From-Account"] = quote(place.account)
    headers["X-Copied-From"] = quote(f"{place.container}/{place.object}")
    headers["X-Copied-From-Last-Modified"] = timestamps.http_date(row.timestamp)
    for name, value in made.headers.items():
        if name.startswith("x-object-meta-"):
            headers[header_name(name)] = value
    reply.headers = headers
    return reply


def new_object(asked: Asked) -> NewObject:
    headers = asked.headers
    guess = asked.flag("x-detect-content-type")
    return NewObject(
        content_type=content_type_of(headers, asked.place.object, guess=guess),
        headers=stored_headers(headers),
        delete_at=delete_at(headers),
    )


def stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Metadata and the plain headers that stay with an object."""
    # An empty value is a value here: a POST replaces all, so nothing has to be taken away.
    named = {name: value for name, value in headers.items() if not name.startswith("x-remove-")}
    given = metadata(named, "object")
    found = {f"x-object-meta-{name}": value for name, value in given.items()}
    found |= kept(headers, KEPT)
    dynamic = headers.get(DYNAMIC)
    if dynamic is not None:
        container, _, prefix = dynamic.partition("/")
        if not container or not prefix or "?" in dynamic or "&" in dynamic:
            raise BadInput("X-Object-Manifest must be in the format container/prefix")
        found[DYNAMIC] = dynamic
    return found


MOST_DIGITS = 100
"""Of a number in a header; a longer one is none."""


def delete_at(headers: Mapping[str, str]) -> int | None:
    """When the object is to go. Raises BadInput."""
    after, at = headers.get("x-delete-after"), headers.get("x-delete-at")
    if after:
        if whole_or_none(after) is None:
            raise BadInput("Non-integer X-Delete-After")
        if after.strip().startswith("-") or not after.strip("0 +"):
            raise BadInput("X-Delete-After in past")
        return LAST if len(after) > 10 else min(LAST, int(time.time()) + int(after))
    if not at:
        return None
    if len(at) > MOST_DIGITS or not at.isdecimal():
        raise BadInput("Non-integer X-Delete-At")
    if len(at) > len(str(LAST)):
        return LAST
    if int(at) <= time.time():
        raise BadInput("X-Delete-At in past")
    return min(LAST, int(at))


def check_none_match(headers: Mapping[str, str]) -> None:
    if headers.get("if-none-match", "*").strip() != "*":
        raise BadInput("If-None-Match only supports *")


def conditions_of(
    headers: Mapping[str, str], known: tuple[str, ...] = CONDITIONS
) -> dict[str, str]:
    return {name: headers[name] for name in known if name in headers}


def length_of(headers: Mapping[str, str]) -> int | None:
    """None for a body of unknown length. Raises LengthRequired, BadInput, TooLarge."""
    text = headers.get("content-length")
    if text is None:
        if "chunked" not in headers.get("transfer-encoding", "").lower():
            raise LengthRequired("Missing Content-Length header.")
        return None
    if not text.isdecimal() or len(text) > 19:
        raise BadInput("Invalid Content-Length")
    if int(text) > limits.MAX_FILE_SIZE:
        raise TooLarge()
    return int(text)


async def body_of(call: Call) -> AsyncIterator[bytes]:
    assert call.stream is not None
    try:
        async for piece in call.stream:
            yield piece
    except Interrupted:
        raise ClientGone() from None
