"""The object store as a whole: its nouns."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cumulo.core.db.transaction import Database, Tx, Unsure
from cumulo.core.work.ending import to_its_end
from cumulo.object_store.model.ciphers import Ciphers
from cumulo.object_store.service.accounts import Accounts
from cumulo.object_store.service.bytes import Blobs, Bytes
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.contents import Contents
from cumulo.object_store.service.listings import Listings
from cumulo.object_store.service.manifests import Manifests
from cumulo.object_store.service.multipart import Multipart
from cumulo.object_store.service.object_versions import ObjectVersions
from cumulo.object_store.service.objects import Objects
from cumulo.object_store.service.removals import Removals
from cumulo.object_store.service.versions import Versions

T = TypeVar("T")


class ObjectStoreService:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        *,
        durable: bool = True,
        ciphers: Ciphers | None = None,
    ) -> None:
        self.durable = durable
        self.database = database
        self.removals = Removals()
        self.accounts = Accounts()
        self.containers = Containers(self.accounts, self.removals)
        self.versions = Versions(self.removals)
        self.objects = Objects(self.containers, self.removals, self.versions)
        self.object_versions = ObjectVersions(
            self.containers, self.objects, self.versions, self.removals
        )
        self.multipart = Multipart(self.containers, self.objects, self.removals)
        self.manifests = Manifests(self.objects)
        self.listings = Listings(database)
        self.bytes = Bytes(blobs, self.removals, ciphers)
        self.contents = Contents(database, self.containers, self.objects, self.bytes)

    async def write(self, work: Callable[[Tx], T], *, name: str) -> T:
        """A transaction whose answer is a promise: it survives a power cut."""
        done = await self.database.write(work, name=name)
        if self.durable:
            await self.database.settled()
        return done

    async def keep(self, blob: str | None, work: Callable[[Tx], T], *, name: str) -> T:
        """The same for a row that is to have these bytes: no row, no bytes. Where nobody knows
        whether it was written, the next start looks."""
        try:
            done = await self.database.write(work, name=name)
        except (Unsure, asyncio.CancelledError):
            raise
        except BaseException:
            await to_its_end(self.bytes.drop(blob))
            raise
        if self.durable:
            await self.database.settled()
        return done
