"""What makes the disks equal to the rows: removals, and objects whose time is over."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from cumulo.core.db.transaction import Database, Tx
from cumulo.object_store.model.container import RemovalRow
from cumulo.object_store.service.devices import Devices
from cumulo.object_store.service.lifecycle import Lifecycle
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.repair import Repair

START = "start"
"""The id of the work that is done once, when the process starts."""
AT_ONCE = 500


class ObjectRemovals:
    """Removes the bytes of what rows let go of; at its start also what no row knows of: a kill
    between the renaming of bytes and the commit leaves that."""

    name = "object removals"

    def __init__(
        self,
        database: Database,
        store: ObjectStoreService,
        *,
        keep: Callable[[], bool] = lambda: False,
    ) -> None:
        """`keep`: an older copy of the database may lack the objects of what no row knows."""
        self._keep = keep
        self._database = database
        self._store = store
        self._removals = store.removals
        self._started = False

    def due(self, tx: Tx, most: int) -> list[str]:
        if not self._started:
            return [START]
        return [row.id for row in self._removals.due(tx, most)]

    async def step(self, id: str) -> None:
        if id == START:
            await self._start()
            return
        if not await self._database.write(lambda tx: self._is_free(tx, id), name="object free"):
            return
        # What let go of it must have come through a power cut before the bytes go: else the older
        # row would be back, without them.
        await self._database.settled()
        await self._store.bytes.remove(id)
        await self._database.write(lambda tx: self._gone(tx, id), name="object removed")

    def _is_free(self, tx: Tx, id: str) -> bool:
        row = tx.get(RemovalRow, id)
        if row is None:
            return False
        if row.kind == "parts":
            self._removals.expand(tx, row)
            tx.after_commit(self._removals.ring)
            return False
        return self._removals.unused(tx, row)

    def _gone(self, tx: Tx, id: str) -> None:
        row = tx.get(RemovalRow, id)
        if row is not None:
            self._removals.done(tx, row)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        self._removals.failed(tx, id, reason)

    async def _start(self) -> None:
        if self._keep():
            self._started = True
            return
        for partition in range(self._store.bytes.partitions):
            found = await self._store.bytes.sweep(partition)
            for first in range(0, len(found), AT_ONCE):
                await self._sweep(found[first : first + AT_ONCE])
        self._started = True

    async def _sweep(self, blobs: list[str]) -> None:
        if self._keep():
            return
        for blob in await self._database.read(lambda tx: self._removals.unknown(tx, blobs)):
            await self._store.bytes.remove(blob)


class ObjectExpiry:
    """Removes objects whose `X-Delete-At` is over; nobody sees them from that moment on."""

    name = "object expiry"

    def __init__(self, database: Database, store: ObjectStoreService) -> None:
        self._database = database
        self._objects = store.objects

    def due(self, tx: Tx, most: int) -> list[str]:
        found = self._objects.expired(tx, most)
        return [f"{container}/{name.hex()}" for container, name in found]

    async def step(self, id: str) -> None:
        container, _, name = id.partition("/")
        await self._database.write(
            lambda tx: self._objects.expire(tx, container, bytes.fromhex(name)),
            name="object expired",
        )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Nothing to note: the row itself is the work."""


log = logging.getLogger("cumulo.object_store")
LOOK_SECONDS = 3600.0
FIRST_SECONDS = 120.0
LOOK_PAGE = 200


class LifecyclePasses:
    """What the rules of buckets take away, once an hour."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def run(self) -> None:
        """Until cancelled."""
        # Soon after a start: who restarts once an hour has rules, too.
        pause = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = LOOK_SECONDS
            try:
                await self._lifecycle.once()
            except Exception:  # the database is away: the next pass sees the same
                log.exception("the rules of buckets were not looked at")


class ContainerLooks:
    """Says what is in containers, of those that have changed since it looked last."""

    def __init__(self, database: Database, store: ObjectStoreService) -> None:
        self._database = database
        self._containers = store.containers
        self._seen: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except Exception:  # the database is away: the next look says the same
                log.exception("containers were not looked at")
            await asyncio.sleep(LOOK_SECONDS)

    async def once(self) -> None:
        after = ""
        seen: dict[str, tuple[int, int]] = {}
        while True:
            last = after
            rows = await self._database.read(
                lambda tx, last=last: self._containers.after(tx, last, LOOK_PAGE)  # type: ignore[misc]
            )
            changed = [r.id for r in rows if self._seen.get(r.id) != (r.bytes, r.objects)]
            if changed:
                await self._database.write(
                    lambda tx, changed=changed: self._containers.say(tx, changed),  # type: ignore[misc]
                    name="containers looked at",
                )
            seen |= {row.id: (row.bytes, row.objects) for row in rows}
            if len(rows) < LOOK_PAGE:
                self._seen = seen
                return
            after = rows[-1].id


REPAIR_SECONDS = 3600.0
LACKING_SECONDS = 60.0
"""The same while replicas are missing."""
AUDIT_SECONDS = 7 * 24 * 3600.0


class DeviceKeeping:
    """The ring as the rows have it; passes of repair, at once when something has moved; everything
    is read again once a week."""

    def __init__(self, devices: Devices, repair: Repair) -> None:
        self._devices = devices
        self._repair = repair
        self._moved = asyncio.Event()
        devices.wake = self._moved.set

    async def run(self) -> None:
        """Until cancelled."""
        loaded = False
        while True:
            try:
                if not loaded:
                    await self._devices.load()
                    loaded = True
                self._moved.clear()
                # On one device everything is where it should be.
                several = len(await self._devices.read()) > 1
                missing = await self._repair.replicate() if several else 0
                if await self._devices.audit_due(AUDIT_SECONDS):
                    await self._repair.audit()
            except Exception:  # the database or a disk is away: the next pass sees the same
                log.exception("devices were not looked at")
                missing = 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LACKING_SECONDS if missing else REPAIR_SECONDS):
                    await self._moved.wait()
