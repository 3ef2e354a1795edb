"""Static large objects on the wire: `?multipart-manifest=put` and `=delete`."""

import hashlib
from collections.abc import AsyncIterator, Mapping

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Reply
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.api.bulk import Outcome, broken, kind_of, upload_told
from cumulo.object_store.api.objects import created
from cumulo.object_store.api.patience import patient
from cumulo.object_store.model import limits, manifest
from cumulo.object_store.model.conditions import unquoted
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    BadInput,
    NoSuchObject,
    StoreFault,
    TooLarge,
    Unprocessable,
)
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject


class LargeApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    async def put(self, asked: Asked, new: NewObject, length: int | None) -> Reply:
        """The manifest is the body; what it names must be there. With `heartbeat` the answer begins
        then, and tells at its end what came out."""
        place, access = asked.place, asked.access
        if length is not None and length > limits.MAX_MANIFEST_SIZE:
            raise TooLarge(f"Manifest File > {limits.MAX_MANIFEST_SIZE} bytes")
        conditions = {
            name: asked.headers[name] for name in ("if-none-match",) if name in asked.headers
        }
        container = await self._store.database.read(
            lambda tx: self._store.objects.begin(
                tx, access, place.container, place.object, 0, conditions
            )
        )
        heartbeat = (asked.query.get("heartbeat") or "").lower()
        patiently = heartbeat in ("true", "1", "yes", "on", "t", "y")
        answers_with = kind_of(asked) if patiently else ""
        raw = await read_all(asked, limits.MAX_MANIFEST_SIZE)
        if not patiently:
            return await self._made(asked, new, container, raw, conditions)

        async def told() -> Reply:
            made = await self._made(asked, new, container, raw, conditions)
            found = {"Etag": made.headers.get("Etag", "").strip('"')}
            found["Last Modified"] = made.headers.get("Last-Modified", "")
            words = {**found, "Response Body": "", "Response Status": "201 Created"}
            return Reply(201, raw=b"\r\n\r\n" + upload_told(asked, words))

        def failed(fault: StoreFault) -> bytes:
            status = f"{fault.status} {fault.title}"
            words = {"Response Body": fault.message, "Response Status": status}
            return b"\r\n\r\n" + upload_told(asked, words)

        return await patient(told(), answers_with, failed, status=202, at_once=True)

    async def _made(
        self,
        asked: Asked,
        new: NewObject,
        container: ContainerRow,
        raw: bytes,
        conditions: Mapping[str, str],
    ) -> Reply:
        place, access = asked.place, asked.access
        wishes = manifest.read(raw)
        for index, wish in enumerate(wishes):
            if (wish.container, wish.name) == (place.container, place.object):
                raise BadInput(f"Index {index}: manifest must not include itself as a segment\n")
        segments = await self._store.database.read(
            lambda tx: self._store.manifests.check(tx, access, wishes)
        )
        new.etag = manifest.etag_of(segments)
        given = unquoted(asked.headers.get("etag", ""))
        if given and given != new.etag:
            raise Unprocessable()
        if manifest.size_of(segments) > limits.MAX_LARGE_SIZE:
            raise TooLarge(f"Large object > {limits.MAX_LARGE_SIZE} bytes")
        text = manifest.dump(segments)
        received = await self._store.bytes.receive(_once(text), len(text))
        new.blob, new.kind, new.size = received.blob, "slo", manifest.size_of(segments)
        new.extra["blob_md5"] = received.md5
        # What `?multipart-manifest=get` gives is what it is, for whoever compares sums.
        given_back = msgspec.json.encode(manifest.shown(segments))
        new.extra |= {
            "manifest_etag": hashlib.md5(given_back, usedforsecurity=False).hexdigest(),
            "manifest_size": len(given_back),
        }
        row = await self._store.keep(
            new.blob,
            lambda tx: self._store.objects.commit(tx, container, place.object, new, conditions),
            name="object put",
        )
        return created(row)

    async def delete(self, asked: Asked) -> Reply:
        """The segments, those of nested ones too, and the manifest at last."""

        async def work() -> Reply:
            outcome = Outcome()
            place = asked.place
            version = asked.query.get("version-id") or None
            await self._delete(asked.access, place.container, place.object, outcome, 0, version)
            return outcome.reply(asked)

        return await patient(work(), kind_of(asked), broken(asked))

    async def _delete(
        self,
        access: Access,
        container: str,
        name: str,
        outcome: Outcome,
        depth: int,
        version: str | None = None,
    ) -> None:
        def gone(tx: Tx) -> None:
            if version is not None:
                self._store.object_versions.delete_version(tx, access, container, name, version)
            elif not self._store.object_versions.delete(tx, access, container, name).found:
                raise NoSuchObject()

        try:
            row = await self._store.database.read(
                lambda tx: self._store.manifests.find(tx, access, container, name, version)
            )
            if row.kind == "slo" and depth < limits.MAX_NESTING:
                for each in await self._store.contents.segments(row):
                    if each.data is None and outcome.goes_on:
                        await self._delete(access, each.container, each.name, outcome, depth + 1)
            await self._store.write(gone, name="object delete")
            outcome.deleted += 1
        except StoreFault as fault:
            outcome.failed(f"/{container}/{name}", fault)


async def read_all(asked: Asked, most: int) -> bytes:
    """A whole small body. Raises TooLarge."""
    found = bytearray()
    assert asked.call.stream is not None
    async for piece in asked.call.stream:
        found += piece
        if len(found) > most:
            raise TooLarge()
    return bytes(found)


async def _once(text: bytes) -> AsyncIterator[bytes]:
    yield text
