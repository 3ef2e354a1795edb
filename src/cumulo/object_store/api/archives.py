"""Bulk upload on the wire: `PUT …?extract-archive=tar.gz`."""

from collections.abc import AsyncIterator

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.work.ending import to_its_end
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.api.bulk import Outcome, broken, kind_of
from cumulo.object_store.api.object_writes import body_of, length_of
from cumulo.object_store.api.objects import PATH, content_type_of
from cumulo.object_store.api.patience import patient
from cumulo.object_store.model import limits, names
from cumulo.object_store.model.faults import BadInput, NoSuchContainer, StoreFault
from cumulo.object_store.service.archives import MAX_CONTAINERS, MAX_FAILED, MODES, Archive, Member
from cumulo.object_store.service.bytes import Received
from cumulo.object_store.service.containers import ContainerWishes
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject

QUERY = "extract-archive"


class ArchivesApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        return [
            Operation("PUT", path, self.put, kind="stream", query=QUERY)
            for path in ("/v1/{account}", "/v1/{account}/{container}", PATH)
        ]

    async def put(self, call: Call) -> Reply:
        asked = Asked(call)
        kind = call.query.get(QUERY) or ""
        if kind not in MODES:
            raise BadInput("Unsupported archive format")
        answers_with = kind_of(asked)  # What cannot be answered is refused before a byte is taken.
        length = length_of(asked.headers)
        await self._store.database.read(lambda tx: self._check(tx, asked, length or 0))
        received = await self._store.bytes.receive(body_of(call), limits.MAX_FILE_SIZE)
        if received.blob is None:
            raise BadInput("Invalid Tar File: it is empty")
        work = self._unpacked(asked, received, kind)
        return await patient(work, answers_with, broken(asked))

    async def _unpacked(self, asked: Asked, received: Received, kind: str) -> Reply:
        assert received.blob is not None
        opened = await self._store.bytes.open(received.blob)
        try:
            archive = Archive(opened.file(), kind, received.size)
            outcome = await self._extract(asked, archive)
        finally:
            opened.close()
            await to_its_end(self._store.bytes.drop(received.blob))
        return outcome.reply(asked)

    def _check(self, tx: Tx, asked: Asked, length: int) -> None:
        """Before a byte is taken: may this caller make anything there, and is there room for the
        archive? Each member is asked about again. Raises Denied, NeedsLogin, TooLarge."""
        place, access = asked.place, asked.access
        found = None
        if place.container:
            found = self._store.containers.find(tx, access.account, place.container)
        if found is None:
            access.check_account(writing=True)
        else:
            access.check("write", found, place.container)
            self._store.containers.check_room(tx, found, objects=0, bytes=length)

    async def _extract(self, asked: Asked, archive: Archive) -> Outcome:
        outcome = Outcome("Number Files Created", done="201 Created")
        made: set[str] = set()
        try:
            async for member in archive.members():
                path = self._path(asked, member)
                try:
                    await self._store_member(asked, archive, member, path, made)
                    outcome.deleted += 1
                except StoreFault as fault:
                    outcome.errors.append((f"/{path}", f"{fault.status} {fault.title}"))
                    if len(outcome.errors) >= MAX_FAILED:
                        outcome.stop("Max failures exceeded")
                        break
        except BadInput as fault:
            outcome.stop(fault.message, "400 Bad Request")
        return outcome

    def _path(self, asked: Asked, member: Member) -> str:
        """Container and object: below what the request names."""
        name = member.name.removeprefix("./").lstrip("/")
        above = [each for each in asked.place[1:] if each]
        return "/".join([*(each.rstrip("/") for each in above), name])

    async def _store_member(
        self, asked: Asked, archive: Archive, member: Member, path: str, made: set[str]
    ) -> None:
        container, _, name = path.partition("/")
        if not container or not name:
            raise BadInput("Invalid path")
        names.check_object(name)
        access = asked.access
        if container not in made:
            if len(made) >= MAX_CONTAINERS:
                raise BadInput("More containers than one archive may make.")
            await self._container(asked, container)
            made.add(container)
        row = await self._store.database.read(
            lambda tx: self._store.objects.begin(tx, access, container, name, member.size, {})
        )
        received = await self._store.bytes.receive(
            self._content(archive, member), limits.MAX_FILE_SIZE
        )
        new = NewObject(
            received.size, received.md5, content_type_of({}, name, guess=True), blob=received.blob
        )
        await self._store.keep(
            new.blob,
            lambda tx: self._store.objects.commit(tx, row, name, new, {}),
            name="object put",
        )

    async def _container(self, asked: Asked, name: str) -> None:
        """Made when it is missing, by whoever may."""

        try:
            await self._store.database.read(
                lambda tx: self._store.containers.get(tx, asked.access.account, name)
            )
        except NoSuchContainer:
            await self._store.write(
                lambda tx: self._store.containers.put(tx, asked.access, name, ContainerWishes()),
                name="object container put",
            )

    async def _content(self, archive: Archive, member: Member) -> AsyncIterator[bytes]:
        async for block in archive.content(member):
            yield block
