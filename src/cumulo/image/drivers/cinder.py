"""Images as volumes of block storage: ours, or any other that gives files or devices of this
machine (`driver_volume_type: local`).

    image-ID   a volume; it is the image ID once its metadata says how many bytes of it are

A volume grows by steps while bytes come, because nobody says how many will. Its attachments are
made and ended around that: block storage only lets volumes grow that nobody has.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.work import pools
from cumulo.core.work.ending import to_its_end
from cumulo.image.drivers.driver import Sums, check_id
from cumulo.image.drivers.nbd import Disk, allowed, open_disk
from cumulo.image.drivers.remote import Login
from cumulo.image.drivers.volumes import Volumes, image_of, name_of, size_of
from cumulo.image.model.content import Capabilities, Received

log = logging.getLogger("cumulo.image")

GIB = 1024**3


class CinderOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    auth_url: str
    user: str
    password: str
    project: str
    folders: list[str]
    """Only files and devices below these are opened, whatever block storage says."""
    user_domain: str = "Default"
    project_domain: str = "Default"
    region: str = ""
    volume_type: str = ""
    step_gib: int = 1
    patience: float = 300.0
    """Seconds that a volume may take to be made, to grow, to go."""
    ca_file: str = ""


class CinderDriver:
    def __init__(self, options: CinderOptions) -> None:
        if not 1 <= options.step_gib <= 1024:
            raise ValueError("step_gib is between 1 and 1024")
        if not options.folders or not all(each.startswith("/") for each in options.folders):
            raise ValueError("folders names folders by their absolute paths")
        self.options = options
        login = Login(
            options.auth_url,
            options.user,
            options.password,
            options.project,
            options.user_domain,
            options.project_domain,
            options.region,
            options.ca_file,
        )
        self.volumes = Volumes(login, volume_type=options.volume_type, patience=options.patience)
        properties: dict[str, str | int | bool] = {"project": options.project}
        if options.volume_type:
            properties["volume_type"] = options.volume_type
        self.capabilities = Capabilities("cinder", "cinder", properties=properties)
        self.writing: set[str] = set()
        self._shared: dict[str, _Shared] = {}
        self._doomed: set[str] = set()

    # --- the contract ------------------------------------------------------------------------

    def writer(self, key: str) -> "CinderWriter":
        return CinderWriter(self, check_id(key))

    async def reader(self, key: str) -> "CinderReader":
        for volume in await self.volumes.listed(check_id(key)):
            size = size_of(volume)
            if size is not None:
                return CinderReader(self, volume["id"], size)
        raise KeyError(key)

    async def remove(self, key: str) -> None:
        for volume in await self.volumes.listed(check_id(key)):
            if volume["id"] in self._shared:
                self._doomed.add(volume["id"])
                raise OSError(f"the volume of the image {key} is being read")
            if volume["id"] not in self.writing:
                await self.volumes.remove(volume["id"])

    async def keys(self) -> Sequence[str]:
        found = await self.volumes.listed()
        return sorted({image_of(each) for each in found if size_of(each) is not None})

    async def forget_unfinished(self) -> int:
        """What no image is: uploads of processes that are gone, what was replaced."""
        seen: set[str] = set()
        count = 0
        for volume in await self.volumes.listed():
            current = size_of(volume) is not None and image_of(volume) not in seen
            if current:
                seen.add(image_of(volume))
            elif volume["id"] not in self.writing and volume["id"] not in self._shared:
                await self.volumes.remove(volume["id"])
                count += 1
        return count

    def path(self, key: str) -> str | None:
        return None

    def url(self, key: str) -> str:
        there = self.options.auth_url.partition("://")[2].rstrip("/")
        return f"cinder://{there}/{name_of(check_id(key))}"

    # --- what readers and writers need -------------------------------------------------------

    async def open(self, volume_id: str, *, read_only: bool) -> tuple[str, Disk]:
        """The id of an attachment, and the bytes behind it."""
        attachment_id, info = await self.volumes.attach(volume_id, read_only=read_only)
        try:
            disk = await self._disk(info, read_only=read_only)
            try:
                await self.volumes.complete(attachment_id)
            except BaseException:
                await disk.close()
                raise
        except BaseException:
            with contextlib.suppress(OSError):
                await self.volumes.detach(attachment_id)
            raise
        return attachment_id, disk

    async def _disk(self, info: dict[str, Any], *, read_only: bool) -> Disk:
        # Some put it beside the kind, some below it, as the connectors of volumes have it.
        details = {**info, **(info["data"] if isinstance(info.get("data"), dict) else {})}
        kind, place = details.get("driver_volume_type"), details.get("path")
        place = place or details.get("device_path")
        if place is None and isinstance(details.get("name"), str):
            # Cumulo's own block storage names a volume by its place below the host's data.
            place = await pools.DISK(_named, details["name"], self.options.folders)
        if kind != "local" or not isinstance(place, str):
            raise OSError(f"volumes of the kind {kind!r:.40} cannot be opened by this store")
        path = await pools.DISK(allowed, place, self.options.folders)
        return await open_disk(path, str(details.get("format", "raw")), read_only=read_only)

    @contextlib.asynccontextmanager
    async def shared(self, volume_id: str) -> AsyncIterator["_Shared"]:
        """A volume is attached once for all of its readers, when the first one reads."""
        shared = self._shared.setdefault(volume_id, _Shared(self, volume_id))
        shared.users += 1
        try:
            yield shared
        finally:
            shared.users -= 1
            # A client that has all it wanted leaves while we are here.
            await to_its_end(self._let_go(shared))

    async def _let_go(self, shared: "_Shared") -> None:
        """Unless somebody reads, or the next one has come meanwhile."""
        async with shared.lock:
            if shared.users == 0 and self._shared.get(shared.volume_id) is shared:
                await self._close(shared)

    async def _close(self, shared: "_Shared") -> None:
        try:
            await shared.close()
            if shared.volume_id in self._doomed:
                await self.volumes.remove(shared.volume_id)
        except OSError as error:
            log.warning("volume %s: %s", shared.volume_id, error)
        finally:
            self._doomed.discard(shared.volume_id)
            if shared.users == 0:
                self._shared.pop(shared.volume_id, None)
            # Else somebody came while it was closed, and opens it again: it is theirs to close.

    async def replaced(self, key: str, by: str) -> None:
        """The older volumes of an image go, one that is being read after that."""
        try:
            for volume in await self.volumes.listed(key):
                if volume["id"] in self._shared:
                    self._doomed.add(volume["id"])
                elif volume["id"] != by and volume["id"] not in self.writing:
                    await self.volumes.remove(volume["id"])
        except OSError as error:
            log.warning("older volumes of the image %s: %s", key, error)


class _Shared:
    def __init__(self, driver: CinderDriver, volume_id: str) -> None:
        self.volume_id = volume_id
        self.users = 0
        self.lock = asyncio.Lock()
        self._driver = driver
        self._attachment: str | None = None
        self._disk: Disk | None = None

    async def disk(self) -> Disk:
        # An attachment that nobody waits for any more is ended by the last one's `_let_go`.
        return await to_its_end(self._open())

    async def _open(self) -> Disk:
        async with self.lock:
            if self._disk is None:
                # What has it is a reader of another process, or of one that was killed.
                await self._driver.volumes.let_go(self.volume_id)
                await self._driver.volumes.available(self.volume_id)
                self._attachment, self._disk = await self._driver.open(
                    self.volume_id, read_only=True
                )
            return self._disk

    async def close(self) -> None:
        disk, self._disk = self._disk, None
        if disk is not None:
            await disk.close()
        if self._attachment is not None:
            await self._driver.volumes.detach(self._attachment)
            self._attachment = None


class CinderReader:
    def __init__(self, driver: CinderDriver, volume_id: str, size: int) -> None:
        self.size: int | None = size
        self._driver = driver
        self._volume_id = volume_id
        self._end = size
        self._stack = contextlib.AsyncExitStack()
        self._disk: Disk | None = None

    async def read(self, offset: int, length: int) -> bytes:
        length = min(length, self._end - offset)
        if length <= 0:
            return b""
        if self._disk is None:
            shared = await self._stack.enter_async_context(self._driver.shared(self._volume_id))
            self._disk = await shared.disk()
        return await self._disk.read(offset, length)

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        self._disk = None
        await self._stack.aclose()


class CinderWriter:
    def __init__(self, driver: CinderDriver, key: str) -> None:
        self._driver = driver
        self._volumes = driver.volumes
        self._key = key
        self._sums = Sums()
        self._volume_id: str | None = None
        self._attachment: str | None = None
        self._disk: Disk | None = None
        self._gib = 0

    async def write(self, block: bytes) -> None:
        at = self._sums.size
        await pools.DISK(self._sums.add, block)
        disk = await self._reach(at + len(block))
        await disk.write(at, block)

    async def share(self, descriptor: int) -> bool:
        return False

    async def finish(self) -> Received:
        disk = await self._reach(0)
        await disk.flush()
        return self._sums.result()

    async def keep(self) -> None:
        await self._close()
        assert self._volume_id is not None, "finish comes before keep"
        await self._volumes.available(self._volume_id)
        await self._volumes.publish(self._volume_id, self._sums.size)
        volume_id, self._volume_id = self._volume_id, None
        self._driver.writing.discard(volume_id)
        await self._driver.replaced(self._key, volume_id)

    async def drop(self) -> None:
        volume_id, self._volume_id = self._volume_id, None
        with contextlib.suppress(OSError):
            await self._close()
        if volume_id is not None:
            try:
                await self._volumes.remove(volume_id)
            except OSError as error:
                log.warning("the volume of an upload that failed: %s", error)
            self._driver.writing.discard(volume_id)

    async def _reach(self, size: int) -> Disk:
        """The open disk, with room for so many bytes."""
        if self._volume_id is None:
            self._gib = max(1, -(-size // GIB))
            volume = await self._volumes.create(self._key, self._gib)
            self._volume_id = str(volume["id"])
            self._driver.writing.add(self._volume_id)
        elif size > self._gib * GIB:
            await self._close()
            await self._volumes.available(self._volume_id)
            self._gib = max(self._gib + self._driver.options.step_gib, -(-size // GIB))
            await self._volumes.extend(self._volume_id, self._gib)
        if self._disk is None:
            await self._volumes.available(self._volume_id)
            self._attachment, self._disk = await self._driver.open(self._volume_id, read_only=False)
            if self._disk.size < self._gib * GIB:
                raise OSError(f"the volume {self._volume_id} is smaller than it says")
        return self._disk

    async def _close(self) -> None:
        disk, self._disk = self._disk, None
        attachment, self._attachment = self._attachment, None
        if disk is not None:
            await disk.close()
        if attachment is not None:
            await self._volumes.detach(attachment)


def _named(name: str, folders: Sequence[str]) -> str:
    """The file of this name, below one of the folders or beside what is in it."""
    places = [place / name for each in folders for place in (Path(each), Path(each).parent)]
    return str(next((place for place in places if place.exists()), places[-1]))
