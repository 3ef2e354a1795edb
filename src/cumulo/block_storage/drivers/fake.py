"""Simulated volumes: the same contract without bytes, with a capacity and faults to inject."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from cumulo.block_storage.drivers.driver import (
    Capabilities,
    ImageFormat,
    StaleOrder,
    VolumeFault,
    VolumeFormat,
    VolumeSpec,
    VolumeState,
    check_id,
    check_spec,
)
from cumulo.core.blobs.disks import empty_qcow2
from cumulo.core.work import pools


class Fault(msgspec.Struct):
    """Makes an effect fail: with this message, this many times (-1: always).

    `volume`: only for this id. `delay`: seconds that the effect takes before it fails.
    """

    message: str
    count: int = -1
    volume: str | None = None
    delay: float = 0.0


class FakeVolume(msgspec.Struct):
    """A simulated volume; `size_gb` 0: ordered, but not made."""

    generation: int
    size_gb: int = 0
    format: VolumeFormat = "qcow2"
    content: int = 0


class FakeDriver:
    """Volumes in memory, or with `data` also in a file that survives a restart.

    `make_seconds`: how long making one takes. `faults`: by effect, one of "make", "extend",
    "remove", "list", "connection", "copy_out", "copy_in".
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        total_gb: float = 10_000.0,
        make_seconds: float = 0.0,
        faults: dict[str, Fault] | None = None,
    ) -> None:
        self.faults = faults if faults is not None else {}
        self._folder = None if data is None else data / "fake-volumes"
        self._total_gb = total_gb
        self._make_seconds = make_seconds
        self._volumes: dict[str, FakeVolume] = {}
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.glob("*.json"):
                self._volumes[path.stem] = msgspec.json.decode(path.read_bytes(), type=FakeVolume)

    async def capabilities(self) -> Capabilities:
        used = sum(volume.size_gb for volume in self._volumes.values())
        return Capabilities("fake", ["qcow2", "raw"], self._total_gb, self._total_gb - used)

    async def ensure_volume(self, spec: VolumeSpec) -> VolumeState:
        check_spec(spec)
        volume = self._volumes.setdefault(spec.id, FakeVolume(0, 0, spec.format))
        if spec.generation < volume.generation:
            raise StaleOrder(
                f"volume {spec.id}: generation {spec.generation} is older than {volume.generation}"
            )
        volume.generation = spec.generation
        fault = None
        if volume.content < spec.content:
            fault = await self._fault("make", spec.id)
            if fault is None:
                await asyncio.sleep(self._make_seconds)
                volume.content = spec.content
        if fault is None and volume.size_gb < spec.size_gb:
            fault = await self._grow(spec, volume)
        self._save(spec.id)
        return self._state(spec.id, volume, fault)

    async def remove(self, volume_id: str) -> None:
        check_id(volume_id)
        if volume_id in self._volumes:
            await self._raise("remove", volume_id)
            self._volumes.pop(volume_id, None)
            if self._folder is not None:
                (self._folder / f"{volume_id}.json").unlink(missing_ok=True)

    def has(self, volume_id: str) -> bool:
        volume = self._volumes.get(volume_id)
        return volume is not None and volume.size_gb > 0

    def content(self, volume_id: str) -> int:
        volume = self._volumes.get(check_id(volume_id))
        return 0 if volume is None else volume.content

    async def names(self) -> "list[str]":
        return sorted(id for id, volume in self._volumes.items() if volume.size_gb)

    async def list(self) -> "list[VolumeState]":
        await self._raise("list", "")
        return [
            self._state(volume_id, volume, None)
            for volume_id, volume in sorted(self._volumes.items())
            if volume.size_gb
        ]

    def path(self, volume_id: str) -> tuple[str, VolumeFormat] | None:
        volume = self._volumes.get(check_id(volume_id))
        if volume is None or not volume.size_gb:
            return None
        return _path(volume_id, volume), volume.format

    async def copy_out(self, volume_id: str, target: Path, format: ImageFormat) -> None:
        """A small file in the place of any format but qcow2: nothing is in a simulated disk."""
        try:
            await self._raise("copy_out", volume_id)
        except OSError as error:
            raise VolumeFault(str(error)) from error
        volume = self._volumes.get(check_id(volume_id))
        if volume is None or not volume.size_gb:
            raise VolumeFault(f"volume {volume_id} is not on this host")
        content = empty_qcow2(volume.size_gb * 1024**3) if format == "qcow2" else bytes(1024**2)
        await pools.DISK(target.write_bytes, content)

    async def copy_in(self, volume_id: str, source: Path) -> None:
        try:
            await self._raise("copy_in", volume_id)
        except OSError as error:
            raise VolumeFault(str(error)) from error
        volume = self._volumes.get(check_id(volume_id))
        if volume is None or not volume.size_gb:
            raise VolumeFault(f"volume {volume_id} is not on this host")
        if not await pools.DISK(source.exists):
            raise VolumeFault(f"there is no {source.name} to take over")

    async def connection(self, volume_id: str) -> dict[str, Any]:
        await self._raise("connection", volume_id)
        volume = self._volumes.get(check_id(volume_id))
        if volume is None or not volume.size_gb:
            raise KeyError(volume_id)
        name = f"volumes/{volume_id}.{volume.format}"
        return {"driver": "file", "name": name, "format": volume.format}

    async def _grow(self, spec: VolumeSpec, volume: FakeVolume) -> str | None:
        """Why it could not, or None."""
        fault = await self._fault("extend" if volume.size_gb else "make", spec.id)
        if fault is not None:
            return fault
        if not volume.size_gb:
            await asyncio.sleep(self._make_seconds)
        free = (await self.capabilities()).free_gb
        if spec.size_gb - volume.size_gb > free:
            return f"no space: {spec.size_gb} GB are needed, {free:g} are free"
        volume.size_gb = spec.size_gb
        return None

    def _state(self, volume_id: str, volume: FakeVolume, fault: str | None) -> VolumeState:
        return VolumeState(
            id=volume_id,
            generation=volume.generation,
            size_gb=volume.size_gb,
            path=_path(volume_id, volume) if volume.size_gb else None,
            fault=fault,
        )

    async def _raise(self, effect: str, volume_id: str) -> None:
        fault = await self._fault(effect, volume_id)
        if fault is not None:
            raise OSError(fault)

    async def _fault(self, effect: str, volume_id: str) -> str | None:
        fault = self.faults.get(effect)
        if fault is None or fault.count == 0 or fault.volume not in (None, volume_id):
            return None
        fault.count -= 1 if fault.count > 0 else 0
        await asyncio.sleep(fault.delay)
        return fault.message

    def _save(self, volume_id: str) -> None:
        if self._folder is None:
            return
        temporary = self._folder / f"{volume_id}.new"
        temporary.write_bytes(msgspec.json.encode(self._volumes[volume_id]))
        temporary.replace(self._folder / f"{volume_id}.json")


def _path(volume_id: str, volume: FakeVolume) -> str:
    return f"/simulated/volumes/{volume_id}.{volume.format}"
