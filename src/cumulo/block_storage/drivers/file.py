"""Volumes as files, opened by the guests' own QEMU: the fewest copies, and online growth.

    DATA/volumes/ID.qcow2, ID.raw    the volume; its owner is whoever has it attached
    DATA/volumes/ID.json             the newest generation that was accepted
    DATA/volumes/ID.content          which content it has, where that is not the first
    DATA/volumes/.new-ID.*           a volume being made: renamed when it is whole

A volume that is made from an image never refers to it: it is a copy (by reflink where the file
system can), so either may go without the other.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from cumulo.block_storage.drivers.driver import (
    Capabilities,
    ImageFormat,
    StaleOrder,
    VolumeFault,
    VolumeFormat,
    VolumeSource,
    VolumeSpec,
    VolumeState,
    check_id,
    check_spec,
)
from cumulo.core.blobs import sparse
from cumulo.core.blobs.disks import virtual_size
from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.sandbox import INPUT, OUTPUT, Bounds, SandboxFailed, in_sandbox, lent
from cumulo.core.work import pools

GIB = 1024**3
FORMATS: list[VolumeFormat] = ["qcow2", "raw"]
_COPY_SECONDS = 3600.0
# What is left free on the file system, so that guests' thin volumes find room to grow.
_RESERVE = 64 * 1024 * 1024


class FileDriver:
    """Volumes below `data`/volumes. How many are made at once its caller decides."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "volumes"
        self._folder.mkdir(parents=True, exist_ok=True)
        # Guests' QEMU passes through to a volume whose name it was told; it cannot list them.
        self._folder.chmod(0o711)
        # Threads of their own: long copies hold up nothing else.
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="cumulo-disk")
        self._locks: dict[str, asyncio.Lock] = {}

    async def capabilities(self) -> Capabilities:
        space = await pools.DISK(shutil.disk_usage, self._folder)
        return Capabilities("file", FORMATS, space.total / GIB, space.free / GIB)

    async def ensure_volume(self, spec: VolumeSpec) -> VolumeState:
        check_spec(spec)
        async with self._locks.setdefault(spec.id, asyncio.Lock()):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ensure, spec)

    async def remove(self, volume_id: str) -> None:
        check_id(volume_id)
        async with self._locks.setdefault(volume_id, asyncio.Lock()):
            await pools.DISK(self._remove, volume_id)
        self._locks.pop(volume_id, None)

    def has(self, volume_id: str) -> bool:
        return self._find(check_id(volume_id)) is not None

    def content(self, volume_id: str) -> int:
        try:
            return int((self._folder / f"{check_id(volume_id)}.content").read_text())
        except (OSError, ValueError):
            return 0

    def _note_content(self, spec: VolumeSpec) -> None:
        """After the content is there: cut between the two, it is made once more, while no guest
        has it."""
        if spec.content:
            temporary = self._folder / f"{spec.id}.tmp"
            temporary.write_text(str(spec.content))
            temporary.replace(self._folder / f"{spec.id}.content")

    async def names(self) -> "list[str]":
        return sorted(self._names())

    async def list(self) -> "list[VolumeState]":
        return list(await pools.DISK(self._scan))

    def path(self, volume_id: str) -> tuple[str, VolumeFormat] | None:
        found = self._find(check_id(volume_id))
        return None if found is None else (str(found), _format_of(found))

    async def connection(self, volume_id: str) -> dict[str, Any]:
        """`name`: below the data directory of the host."""
        found = self._find(check_id(volume_id))
        if found is None:
            raise KeyError(volume_id)
        name = f"{self._folder.name}/{found.name}"
        return {"driver": "file", "name": name, "format": _format_of(found)}

    # --- making -----------------------------------------------------------------------------

    def _ensure(self, spec: VolumeSpec) -> VolumeState:
        accepted = self._generation(spec.id)
        if spec.generation < accepted:
            raise StaleOrder(
                f"volume {spec.id}: generation {spec.generation} is older than {accepted}"
            )
        fault = None
        try:
            self._note_generation(spec)
            found = self._find(spec.id)
            if found is None or self.content(spec.id) < spec.content:
                self._make(spec)
                self._note_content(spec)
            elif virtual_size(found, found.suffix[1:]) < spec.size_gb * GIB:
                self._grow(found, spec)
        except (VolumeFault, CommandFailed, SandboxFailed, OSError) as error:
            fault = _in_short(error)
        return self._state(spec.id, fault)

    def _make(self, spec: VolumeSpec) -> None:
        known = self._find(spec.id)  # Another content has the same format: servers know it.
        format = spec.format if known is None else _format_of(known)
        spec = msgspec.structs.replace(spec, format=format)
        target = self._folder / f"{spec.id}.{spec.format}"
        temporary = self._folder / f".new-{spec.id}.{spec.format}"
        temporary.unlink(missing_ok=True)
        size = spec.size_gb * GIB
        try:
            if spec.source is None:
                run_blocking(
                    ["qemu-img", "create", "-q", "-f", spec.format, str(temporary), str(size)]
                )
            else:
                self._copy(spec, spec.source, temporary)
                _resize(temporary, spec.format, size)
            temporary.chmod(0o600)
            with temporary.open("rb") as made:
                os.fsync(made.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _copy(self, spec: VolumeSpec, source: VolumeSource, temporary: Path) -> None:
        path = Path(source.path)
        needed = virtual_size(path, source.format)
        if needed > spec.size_gb * GIB:
            raise VolumeFault(
                f"the source needs {needed / GIB:.2f} GiB, the volume has {spec.size_gb} GiB"
            )
        if source.format == spec.format and reflink(path, temporary):
            return
        try:
            _convert(path, source.format, temporary, spec.format)
        except SandboxFailed as failed:
            raise _open_elsewhere(failed) from failed

    def _grow(self, path: Path, spec: VolumeSpec) -> None:
        """A volume that a guest has open is locked: the guest's host grows it instead."""
        try:
            _resize(path, path.suffix[1:], spec.size_gb * GIB)
        except SandboxFailed as failed:
            if "another process" in str(failed):
                raise VolumeFault("in use: the host of its guest grows it") from failed
            raise

    async def copy_out(self, volume_id: str, target: Path, format: ImageFormat) -> None:
        check_id(volume_id)
        async with self._locks.setdefault(volume_id, asyncio.Lock()):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._copy_out, volume_id, target, format)

    def _copy_out(self, volume_id: str, target: Path, format: ImageFormat) -> None:
        found = self._find(volume_id)
        if found is None:
            raise VolumeFault(f"volume {volume_id} is not on this host")
        target.unlink(missing_ok=True)
        try:
            if format == found.suffix[1:] and reflink(found, target):
                return
            _convert(found, found.suffix[1:], target, format)
        except SandboxFailed as failed:
            target.unlink(missing_ok=True)
            raise VolumeFault(str(_open_elsewhere(failed))) from failed
        except (CommandFailed, OSError) as error:
            target.unlink(missing_ok=True)
            raise VolumeFault(_in_short(error)) from error

    async def copy_in(self, volume_id: str, source: Path) -> None:
        check_id(volume_id)
        async with self._locks.setdefault(volume_id, asyncio.Lock()):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._copy_in, volume_id, source)

    def _copy_in(self, volume_id: str, source: Path) -> None:
        found = self._find(volume_id)
        if found is None or not source.exists():
            raise VolumeFault(f"volume {volume_id}, or what it is to become, is not on this host")
        temporary = found.with_name(f".new-{found.name}")
        temporary.unlink(missing_ok=True)
        try:
            size = virtual_size(found, found.suffix[1:])
            if source.stat().st_size > size:
                raise VolumeFault(f"{source.stat().st_size} bytes do not fit in {size}")
            _convert(source, "raw", temporary, found.suffix[1:])
            _resize(temporary, found.suffix[1:], size)
            temporary.chmod(0o600)
            with temporary.open("rb") as made:
                os.fsync(made.fileno())
            temporary.replace(found)
        except (CommandFailed, SandboxFailed, OSError) as error:
            raise VolumeFault(_in_short(error)) from error
        finally:
            temporary.unlink(missing_ok=True)

    # --- finding ----------------------------------------------------------------------------

    def _find(self, volume_id: str) -> Path | None:
        paths = (self._folder / f"{volume_id}.{suffix}" for suffix in FORMATS)
        return next((path for path in paths if path.exists()), None)

    def _state(self, volume_id: str, fault: str | None = None) -> VolumeState:
        found = self._find(volume_id)
        size = 0
        if found is not None:
            try:
                size = virtual_size(found, found.suffix[1:])
            except OSError as error:
                fault = fault or _in_short(error)
        return VolumeState(
            id=volume_id,
            generation=self._generation(volume_id),
            size_gb=size // GIB,
            path=None if found is None else str(found),
            fault=fault,
        )

    def _names(self) -> set[str]:
        return {
            path.stem
            for path in self._folder.iterdir()
            if path.suffix[1:] in FORMATS and not path.name.startswith(".")
        }

    def _scan(self) -> Sequence[VolumeState]:
        return [self._state(name) for name in sorted(self._names())]

    def _remove(self, volume_id: str) -> None:
        for suffix in FORMATS:
            (self._folder / f".new-{volume_id}.{suffix}").unlink(missing_ok=True)
            (self._folder / f"{volume_id}.{suffix}").unlink(missing_ok=True)
        (self._folder / f"{volume_id}.content").unlink(missing_ok=True)
        (self._folder / f"{volume_id}.json").unlink(missing_ok=True)

    def _generation(self, volume_id: str) -> int:
        try:
            return msgspec.json.decode((self._folder / f"{volume_id}.json").read_bytes(), type=int)
        except (OSError, msgspec.MsgspecError):
            return 0

    def _note_generation(self, spec: VolumeSpec) -> None:
        if spec.generation == self._generation(spec.id):
            return
        path = self._folder / f"{spec.id}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(msgspec.json.encode(spec.generation))
        temporary.replace(path)


def _convert(path: Path, source_format: str, target: Path, format: str) -> None:
    """A copy in another format. Raises VolumeFault, SandboxFailed, OSError."""
    room = shutil.disk_usage(target.parent).free - _RESERVE
    formats = ["-f", source_format, "-O", format]
    if format in FORMATS:
        measure = ["qemu-img", "measure", "--output=json", *formats, INPUT]
        with lent(path) as user:
            measured = in_sandbox(measure, reads={INPUT: path}, user=user)
        required = int(msgspec.json.decode(measured)["required"])
        if required > room:
            raise VolumeFault(f"no space: {required} bytes are needed, {max(room, 0)} are free")
    target.touch(0o600)
    with lent(path) as user:
        if os.geteuid() == 0:
            os.chown(target, user, -1)
        try:
            in_sandbox(
                ["qemu-img", "convert", "-q", *formats, INPUT, OUTPUT],
                reads={INPUT: path},
                writes={OUTPUT: target},
                bounds=Bounds(disk=room, seconds=_COPY_SECONDS),
                user=user,
            )
        finally:
            if os.geteuid() == 0:
                os.chown(target, 0, -1)


def _open_elsewhere(failed: SandboxFailed) -> Exception:
    """What a guest writes to can be copied where the file system shares blocks, at one moment; a
    tool that reads it meanwhile would read half of a change."""
    if "another process" not in str(failed):
        return failed
    return VolumeFault("a guest has it open, and this file system cannot share its blocks")


def _format_of(path: Path) -> VolumeFormat:
    return "raw" if path.suffix == ".raw" else "qcow2"


def _resize(path: Path, format: str, size: int) -> None:
    """What is in it came from strangers, so the tool sees this file only. Raises SandboxFailed."""
    argv = ["qemu-img", "resize", "-q", "-f", format, OUTPUT, str(size)]
    with lent(path) as user:
        in_sandbox(argv, reads={}, writes={OUTPUT: path}, bounds=Bounds(disk=1 << 60), user=user)


def reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; False where the file system cannot."""
    with source.open("rb") as old, target.open("wb") as new:
        return sparse.share(old.fileno(), new.fileno())


def _in_short(error: Exception) -> str:
    if isinstance(error, CommandFailed) and error.stderr.strip():
        return error.stderr.strip().splitlines()[-1]
    return str(error)
