"""The storage host's side: wanted disks in, driver calls, seen disks out.

Work on disks runs beside the exchange of state, so that a long copy holds up nothing else. What
was done, or failed for good, for a generation is remembered and reported again; after a restart
everything is asked of the driver once more, where doing it twice is doing it once. Removals that
fail are tried again with back-off, everything else waits until something else is wanted.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from cumulo.block_storage.drivers.driver import (
    BlockStorageDriver,
    StaleOrder,
    VolumeSource,
    VolumeSpec,
)
from cumulo.block_storage.model.orders import (
    DesiredStorage,
    ObservedStorage,
    SeenDisk,
    SeenPool,
    WantedDisk,
)
from cumulo.core.work.reconciler import backoff

log = logging.getLogger("cumulo.block_storage")

# Most work takes less: then its result goes with the same report.
PATIENCE = 0.2


class NotThereYet(Exception):
    """The source of a copy is still being made: wait for it."""


class StorageAgent:
    kind = "block_storage"

    def __init__(self, driver: BlockStorageDriver) -> None:
        self._driver = driver
        self._ring: Callable[[], None] = lambda: None
        self._done: dict[str, tuple[WantedDisk, SeenDisk]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._waiting = False

    async def apply(self, desired: DesiredStorage) -> ObservedStorage:
        self._waiting = False
        wanted = {disk.id: disk for disk in desired.disks}
        for known in [id for id in self._done if id not in wanted]:
            del self._done[known]
        for disk in desired.disks:
            done = self._done.get(disk.id)
            if disk.id not in self._tasks and (done is None or _differs(done[0], disk)):
                self._start(disk)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=PATIENCE)
        room = await self._driver.capabilities()
        pool = SeenPool(
            driver=room.driver, total_gb=int(room.total_gb), free_gb=max(0, int(room.free_gb))
        )
        return ObservedStorage(pool, [seen for _, seen in self._done.values()])

    def unfinished(self) -> bool:
        return self._waiting

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        raise ValueError(f"unknown question: {question}")

    def on_change(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def _start(self, disk: WantedDisk) -> None:
        task = asyncio.create_task(self._work(disk), name=f"disk {disk.id}")
        self._tasks[disk.id] = task

        def ended(task: asyncio.Task[None]) -> None:
            del self._tasks[disk.id]
            self._ring()

        task.add_done_callback(ended)

    async def _work(self, disk: WantedDisk) -> None:
        """One disk, to its end: what came of it is in `_done`, or is tried again."""
        try:
            seen = await (self._remove(disk) if disk.wanted == "absent" else self._ensure(disk))
        except (NotThereYet, StaleOrder) as wait:
            log.debug("disk %s: %s", disk.id, wait)
            self._waiting = True
            return
        except Exception as error:
            log.exception("disk %s", disk.id)
            fault = f"{type(error).__name__}: {error}"
            seen = SeenDisk(id=disk.id, generation=disk.generation, size_gb=0, fault=fault)
        self._done[disk.id] = (disk, seen)
        if disk.wanted == "absent" and seen.fault is not None:
            failures = self._failures[disk.id] = self._failures.get(disk.id, 0) + 1
            loop = asyncio.get_running_loop()
            loop.call_later(backoff(failures), self._again, disk.id)
        else:
            self._failures.pop(disk.id, None)

    def _again(self, disk_id: str) -> None:
        self._done.pop(disk_id, None)
        self._ring()

    async def _remove(self, disk: WantedDisk) -> SeenDisk:
        fault = None
        try:
            await self._driver.remove(disk.id)
        except OSError as error:
            fault = str(error)
        return SeenDisk(id=disk.id, generation=disk.generation, size_gb=0, fault=fault)

    async def _ensure(self, disk: WantedDisk) -> SeenDisk:
        source = None
        if disk.source is not None and disk.source.path is not None:
            source = VolumeSource(disk.source.path, disk.source.format)
        elif disk.source is not None and disk.source.disk_id is not None:
            source = await self._other(disk.id, disk.source.disk_id)
        spec = VolumeSpec(
            id=disk.id, generation=disk.generation, size_gb=disk.size_gb, source=source
        )
        state = await self._driver.ensure_volume(spec)
        fault = state.fault
        if disk.in_use and state.path is not None and state.size_gb < disk.size_gb:
            # The host of the guest that has it open lets it grow; look again until it has.
            raise NotThereYet("it grows with its guest")
        connection = None if state.path is None else await self._driver.connection(disk.id)
        return SeenDisk(
            id=disk.id,
            generation=disk.generation,
            size_gb=state.size_gb,
            connection=connection,
            fault=fault,
        )

    async def _other(self, disk_id: str, source_id: str) -> VolumeSource | None:
        """Another disk of this host; None once ours is made and the other one may be gone."""
        try:
            await self._driver.connection(disk_id)
        except KeyError:
            pass
        else:
            return None
        if source_id in self._tasks:
            raise NotThereYet(f"the source {source_id} is being worked at")
        try:
            found = await self._driver.connection(source_id)
        except KeyError:
            raise FileNotFoundError(f"the source {source_id} is not on this host") from None
        return VolumeSource(found["path"], found["format"])


def _differs(before: WantedDisk, now: WantedDisk) -> bool:
    return before.generation != now.generation or before.wanted != now.wanted
