"""The storage host's side: how one disk is made, grown and removed.

What failed for good is not tried again before something else is wanted; removals that fail are,
with back-off. Copies have places of their own, so that two long ones hold up no blank volume.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from cumulo.block_storage.drivers.driver import (
    BlockStorageDriver,
    StaleOrder,
    VolumeFault,
    VolumeSource,
    VolumeSpec,
)
from cumulo.block_storage.model.orders import SeenDisk, SeenPool, WantedDisk
from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.shelf import Coming, Shelf
from cumulo.core.hosts.copies import Copies
from cumulo.core.hosts.journal import Order, generation_of
from cumulo.core.hosts.work import Failed, Look, NotYet, Slots

COPY_SECONDS = 3600.0
SOURCE_SECONDS = 30.0
"""How long a source may be missing: it is asked to be there before it is copied."""


class StorageAgent:
    """Implements `core.hosts.work.ItemWork`, and `Tidies`."""

    kind = "block_storage"
    item_type = WantedDisk
    slots = {"short": Slots(8, 60.0), "copy": Slots(2, COPY_SECONDS)}

    def __init__(self, driver: BlockStorageDriver, shelf: Shelf, folder: Path) -> None:
        """`folder`: the host's own."""
        self.driver = driver
        self._shelf = shelf.used_by(self.kind)
        copies = folder / "volume-copies"
        copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._copies = Copies(copies)
        self._copying = asyncio.Semaphore(2)
        """So many long copies at once, beside those that volumes are made by."""

    def slot(self, order: Order) -> str:
        disk: WantedDisk | None = order.item
        copies = disk is not None and disk.source is not None and self._lacks(disk)
        return "copy" if copies else "short"

    async def ensure(self, order: Order, tell: Callable[[str], None]) -> SeenDisk:
        disk: WantedDisk = order.item
        if disk.held:
            return await self._as_it_is(disk.id)
        if disk.made and not self.driver.has(disk.id):
            lost = SeenDisk(size_gb=0)
            raise Failed("its content is not on this host any more", final=True, state=lost)
        spec = VolumeSpec(
            id=disk.id,
            generation=order.stamp(disk.generation),
            size_gb=disk.size_gb,
            source=await self._source(disk),
            content=disk.content,
        )
        try:
            state = await self.driver.ensure_volume(spec)
        except StaleOrder as stale:
            raise NotYet(str(stale)) from stale
        except (OSError, ValueError) as error:
            raise Failed(f"{type(error).__name__}: {error}", final=True) from error
        if disk.in_use and state.path is not None and state.size_gb < disk.size_gb:
            # The host of the guest that has it open lets it grow; look again until it has.
            raise NotYet("it grows with its guest", patience=None)
        connection = None if state.path is None else await self.driver.connection(disk.id)
        seen = SeenDisk(size_gb=state.size_gb, connection=connection)
        if state.fault is not None:
            raise Failed(state.fault, final=True, state=seen)
        return seen

    async def remove(self, order: Order) -> None:
        await self.driver.remove(order.id)

    async def look(self, order: Order) -> Look:
        """Disks do not change by themselves, and looking into them costs."""
        return Look(None, True)

    async def names(self) -> Iterable[str]:
        return await self.driver.names()

    async def describe(self, id: str) -> dict[str, Any]:
        state = next((each for each in await self.driver.list() if each.id == id), None)
        if state is None:
            return {}
        return {
            "size_gb": state.size_gb,
            "path": state.path,
            "generation": generation_of(state.generation),
        }

    async def host(self) -> SeenPool:
        room = await self.driver.capabilities()
        return SeenPool(
            driver=room.driver, total_gb=int(room.total_gb), free_gb=max(0, int(room.free_gb))
        )

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """`copy` (id, name, format): a disk as a file of another kind; `take_copy` (id, name): the
        other way round; and what `Copies` answers."""
        if question == "take_copy":
            return await self._take_copy(arguments["id"], self._copies.path(arguments["name"]))
        if question != "copy":
            return await self._copies.answer(question, arguments)
        target = await self._copies.prepare(arguments["name"])
        async with self._copying:
            try:
                await self.driver.copy_out(arguments["id"], target, arguments["format"])
            except VolumeFault as fault:
                return {"reason": str(fault)}
        return {"reason": None, "size": target.stat().st_size}

    async def _take_copy(self, id: str, source: Path) -> Any:
        async with self._copying:
            try:
                await self.driver.copy_in(id, source)
            except VolumeFault as fault:
                return {"reason": str(fault)}
        return {"reason": None}

    def on_change(self, ring: Callable[[str | None], None]) -> None:
        """Nothing happens to disks by itself."""

    async def _as_it_is(self, disk_id: str) -> SeenDisk:
        if not self.driver.has(disk_id):
            return SeenDisk(size_gb=0, held=True)
        connection = await self.driver.connection(disk_id)
        return SeenDisk(size_gb=0, connection=connection, held=True)

    def _lacks(self, disk: WantedDisk) -> bool:
        """It is not there, or has an older content."""
        return not self.driver.has(disk.id) or self.driver.content(disk.id) < disk.content

    async def _source(self, disk: WantedDisk) -> VolumeSource | None:
        """What it is copied from; None once it is made: the source may be gone by then."""
        source = disk.source
        if source is None or not self._lacks(disk):
            return None
        if source.content is not None:
            return VolumeSource(await self._content(source.content), source.content.format)
        assert source.disk_id is not None
        found = self.driver.path(source.disk_id)
        if found is None:
            reason = f"the source {source.disk_id} is not on this host"
            raise NotYet(reason, patience=SOURCE_SECONDS)
        return VolumeSource(*found)

    async def _content(self, content: Content) -> str:
        """The file of an image on this host's shelf."""
        try:
            return str(await self._shelf.have(content))
        except Coming as error:
            raise NotYet(str(error), patience=None) from error
        except Missing as error:
            raise Failed(f"image {content.id} is not there any more", final=True) from error
        except OSError as error:
            raise NotYet(f"image {content.id} cannot be had: {error}") from error

    async def tidy(self, orders: Sequence[Order], unknown: Sequence[str]) -> None:
        """Images are needed until what is made of them is made."""
        waiting = [each.item for each in orders if each.item and self._lacks(each.item)]
        sources = [disk.source for disk in waiting if disk.source is not None]
        needed = {each.content.name for each in sources if each.content is not None}
        await self._copies.tidy()
        await self._shelf.tidy(self.kind, needed)
