"""Blobs as files on devices (folders of this machine's disks).

    DEVICE/PARTITION/ID         a whole blob, read-only
    DEVICE/PARTITION/.new-ID    on its way: flushed, then renamed, then the folder is flushed

The names are random ids, never what users chose. With several replicas a write succeeds at a
majority; a read takes the first device that has it.
"""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cumulo.object_store.model.ring import Device, Ring

NEW = ".new-"
_ID = frozenset("0123456789abcdef")


class FileWriter:
    def __init__(self, paths: Sequence[Path], *, durable: bool) -> None:
        self._paths = list(paths)
        self._durable = durable
        self._quorum = len(paths) // 2 + 1
        self._open: dict[Path, int] = {}
        self._error: OSError | None = None
        self._started = False

    def write(self, block: bytes) -> None:
        self._start()
        for path, descriptor in list(self._open.items()):
            try:
                view = memoryview(block)
                while view:
                    view = view[os.write(descriptor, view) :]
            except OSError as error:
                self._lose(path, error)

    def keep(self) -> None:
        self._start()
        for path, descriptor in list(self._open.items()):
            try:
                os.fchmod(descriptor, 0o400)
                if self._durable:
                    os.fsync(descriptor)
                os.close(self._open.pop(path))
                _temporary(path).rename(path)
                if self._durable:
                    _flush(path.parent)
            except OSError as error:
                self._lose(path, error)
        self._check(len(self._paths))

    def drop(self) -> None:
        for path in self._paths:
            with contextlib.suppress(OSError):
                if path in self._open:
                    os.close(self._open.pop(path))
                _temporary(path).unlink(missing_ok=True)

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        for path in list(self._paths):
            try:
                self._open[path] = _create(_temporary(path), flags)
            except OSError as error:
                self._lose(path, error)

    def _lose(self, path: Path, error: OSError) -> None:
        """One replica less; below a majority the write has failed."""
        self._error = error
        if path in self._open:
            os.close(self._open.pop(path))
        self._paths.remove(path)
        with contextlib.suppress(OSError):
            _temporary(path).unlink(missing_ok=True)
        self._check(len(self._paths))

    def _check(self, left: int) -> None:
        if left < self._quorum:
            raise self._error or OSError("no device takes the object")


class FileBlobs:
    """`places`: device → its folder. `durable`: False trades safety at a power cut for speed."""

    def __init__(self, ring: Ring, places: Mapping[str, Path], *, durable: bool = True) -> None:
        self._ring = ring
        self._places = dict(places)
        self._durable = durable
        # Files are dated by a clock of the kernel's that is a tick behind this one.
        self._born = time.time() - 1.0
        for place in places.values():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def partitions(self) -> int:
        return 1 << self._ring.power

    def writer(self, blob: str) -> FileWriter:
        partition = self._ring.partition(_checked(blob))
        paths = [self._path(device, partition, blob) for device in self._ring.keepers(partition)]
        return FileWriter(paths, durable=self._durable)

    def open(self, blob: str) -> int:
        error: OSError | None = None
        for path in self._candidates(blob):
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as failed:
                error = failed
        raise error or FileNotFoundError(blob)

    def remove(self, blob: str) -> None:
        for path in self._candidates(blob):
            path.unlink(missing_ok=True)

    def sweep(self, partition: int) -> list[str]:
        found = set()
        for place in self._places.values():
            with contextlib.suppress(FileNotFoundError):
                for entry in os.scandir(place / f"{partition:02x}"):
                    with contextlib.suppress(FileNotFoundError):
                        # What is younger is being written by this process.
                        if entry.stat().st_mtime >= self._born:
                            continue
                        if entry.name.startswith(NEW):
                            Path(entry.path).unlink()
                        else:
                            found.add(entry.name)
        return sorted(found)

    def _candidates(self, blob: str) -> list[Path]:
        """Its keepers first, then wherever it may have been put when one was missing."""
        partition = self._ring.partition(_checked(blob))
        devices = (*self._ring.keepers(partition), *self._ring.handoffs(partition))
        return [self._path(device, partition, blob) for device in devices]

    def _path(self, device: Device, partition: int, blob: str) -> Path:
        return self._places[device.name] / f"{partition:02x}" / blob


def _checked(blob: str) -> str:
    if len(blob) != 32 or not _ID.issuperset(blob):
        raise ValueError(f"{blob!r} is no blob's id")
    return blob


def _temporary(path: Path) -> Path:
    return path.with_name(NEW + path.name)


def _create(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        # A partition's first blob makes its folder, whose name has to be flushed, too.
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _flush(path.parent.parent)
        return os.open(path, flags, 0o600)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
