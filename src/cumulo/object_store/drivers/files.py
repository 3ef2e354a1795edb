"""Blobs as files on devices (folders of this machine's disks).

    DEVICE/cumulo-device          its marker: a folder without it is not mounted, and left alone
    DEVICE/PARTITION/ID           a whole blob, read-only
    DEVICE/PARTITION/.new-ID      on its way: flushed, then renamed, then the folder is flushed
    DEVICE/quarantined/ID-TIME    one that has rotted, for whoever wants to look at it

The names are random ids, never what users chose. With several replicas a write succeeds at a
majority: a device that is away is stood in for by the next one of the ring. A read takes the first
device that has it.
"""

import contextlib
import errno
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cumulo.object_store.model.ciphers import Ciphers
from cumulo.object_store.model.ring import Ring

log = logging.getLogger("cumulo.object_store")
NEW = ".new-"
MARKER = "cumulo-device"
QUARANTINE = "quarantined"
BLOCK = 1024 * 1024
LOOK = 64 * BLOCK
"""So many bytes of a body are taken between two looks at the room that is left."""
_ID = re.compile(r"[0-9a-f]{32}(\.e\d\d)?")


class FileWriter:
    """Writes to so many of the paths as there are replicas; the others stand in for those that
    fail before anything was written."""

    def __init__(
        self,
        paths: Sequence[Path],
        replicas: int,
        *,
        durable: bool,
        has_room: Callable[[Path], bool] = lambda path: True,
    ) -> None:
        """`has_room`: whether the disk of a path has more than its reserve; asked again and again
        while bytes come."""
        self._has_room = has_room
        self._asked = 0
        self._kept: list[Path] = []
        """Paths that have their names: whole replicas, should the write fail at others."""
        self._paths = list(paths[:replicas])
        self._spare = list(paths[replicas:])
        self._durable = durable
        self._quorum = replicas // 2 + 1
        self._open: dict[Path, int] = {}
        self._error: OSError | None = None
        self._started = False

    def write(self, block: bytes) -> None:
        self._start()
        self._asked += len(block)
        look, self._asked = self._asked >= LOOK, self._asked % LOOK
        for path, descriptor in list(self._open.items()):
            try:
                if look and not self._has_room(path):
                    raise _full()
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
                self._kept.append(path)
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
        for path in self._kept:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        wanted, self._paths = self._paths, []
        for path in wanted:
            if not self._begin(path, flags):
                while self._spare and not self._begin(self._spare.pop(0), flags):
                    pass
        self._check(len(self._paths))

    def _begin(self, path: Path, flags: int) -> bool:
        try:
            if not self._has_room(path):
                raise _full()
            self._open[path] = _create(_temporary(path), flags)
        except OSError as error:
            self._error = error
            return False
        self._paths.append(path)
        return True

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
    """`places`: device → its folder, also of those that the ring has no more. `durable`: False
    trades safety at a power cut for speed. `reserve`: percent of a disk that objects leave free."""

    def __init__(
        self,
        ring: Ring,
        places: Mapping[str, Path],
        *,
        durable: bool = True,
        ciphers: Ciphers | None = None,
        reserve: float = 0.0,
    ) -> None:
        """`ciphers`: for the MD5 of what is encrypted; it is written and read as it is."""
        self._ciphers = ciphers or Ciphers()
        self._durable = durable
        self._reserve = reserve
        # Files are dated by a clock of the kernel's that is a tick behind this one.
        self._born = time.time() - 1.0
        self._labels: dict[str, str] = {}
        self.arrange(ring, places)
        for place in places.values():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def arrange(
        self, ring: Ring, places: Mapping[str, Path], labels: Mapping[str, str] | None = None
    ) -> None:
        """Other devices from now on. `labels`: what their markers say; None: none is looked at."""
        self._ring, self._places, self._labels = ring, dict(places), dict(labels or {})

    @property
    def partitions(self) -> int:
        return 1 << self._ring.power

    @property
    def ring(self) -> Ring:
        return self._ring

    def is_there(self, device: str) -> bool:
        """Whether a device is what it says, and not the empty place where it is mounted."""
        label = self._labels.get(device)
        if label is None:
            return True
        try:
            return (self._places[device] / MARKER).read_text().strip() == label
        except (OSError, UnicodeDecodeError):
            return False

    def marked(self, place: Path) -> str:
        """What a folder's marker says; empty: it has none."""
        try:
            return (place / MARKER).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def mark(self, device: str, label: str) -> str:
        """A new device gets its marker; what it says, which is older where the database is an older
        copy. Raises OSError."""
        place = self._places[device]
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.marked(place)
        if found:
            return found
        descriptor = os.open(place / MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, f"{label}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _flush(place)
        return label

    def writer(self, blob: str) -> FileWriter:
        partition = self._ring.partition(_checked(blob))
        devices = (*self._ring.keepers(partition), *self._ring.handoffs(partition))
        paths = [
            self._path(device.name, partition, blob)
            for device in devices
            if self.is_there(device.name)
        ]
        if len(self._labels) and not paths:
            raise OSError(19, "No device is there")
        return FileWriter(
            paths, self._ring.replicas, durable=self._durable, has_room=self._has_room
        )

    def _has_room(self, path: Path) -> bool:
        """The disk may be the database's, too: without it nothing of the cloud works, not even to
        remove an object."""
        if not self._reserve:
            return True
        found = os.statvfs(path.parent.parent)
        return found.f_bavail >= found.f_blocks * self._reserve / 100

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
        """What is not a blob is nobody's here, and a folder that cannot be read is left."""
        found: set[str] = set()
        for place in self._places.values():
            try:
                self._sweep(place / f"{partition:02x}", found)
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("%s/%02x was not looked through: %s", place, partition, error.strerror)
        return sorted(found)

    def _sweep(self, folder: Path, found: set[str]) -> None:
        for entry in os.scandir(folder):
            with contextlib.suppress(FileNotFoundError):
                # What is younger is being written by this process.
                if entry.stat().st_mtime >= self._born:
                    continue
                if entry.name.startswith(NEW):
                    Path(entry.path).unlink()
                elif _is_blob(entry.name):
                    found.add(entry.name)

    # for repair

    def keepers(self, partition: int) -> list[str]:
        return [device.name for device in self._ring.keepers(partition)]

    def found(self, partition: int) -> dict[str, dict[str, float]]:
        """Blob → the devices that have it, and when it was written there."""
        found: dict[str, dict[str, float]] = {}
        for device, place in self._places.items():
            if not self.is_there(device):
                continue
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                for entry in os.scandir(place / f"{partition:02x}"):
                    if entry.name.startswith(NEW) or not _is_blob(entry.name):
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        found.setdefault(entry.name, {})[device] = entry.stat().st_mtime
        return found

    def holds_any(self, device: str) -> bool:
        place = self._places.get(device)
        if place is None or not self.is_there(device):
            return False
        return any(
            _is_blob(entry.name)
            for partition in range(self.partitions)
            if (place / f"{partition:02x}").is_dir()
            for entry in os.scandir(place / f"{partition:02x}")
        )

    def digest(self, device: str, blob: str) -> tuple[int, str]:
        """(size, MD5) of a blob as a device has it. Raises OSError."""
        total, size = hashlib.md5(usedforsecurity=False), 0
        plain = self._ciphers.of(blob)
        with self._at(device, blob).open("rb") as file:
            while block := file.read(BLOCK):
                total.update(plain(block))
                size += len(block)
        return size, total.hexdigest()

    def copy(self, blob: str, source: str, target: str) -> tuple[int, str]:
        """Another replica; (size, MD5) of what was copied. Raises OSError."""
        path = self._at(target, blob)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with contextlib.suppress(FileNotFoundError):
            _temporary(path).unlink()
        total, size = hashlib.md5(usedforsecurity=False), 0
        plain = self._ciphers.of(blob)
        with self._at(source, blob).open("rb") as file:
            descriptor = _create(_temporary(path), flags)
            try:
                while block := file.read(BLOCK):
                    total.update(plain(block))
                    size += len(block)
                    view = memoryview(block)
                    while view:
                        view = view[os.write(descriptor, view) :]
                os.fchmod(descriptor, 0o400)
                os.fsync(descriptor)
            except OSError:
                _temporary(path).unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
        _temporary(path).rename(path)
        _flush(path.parent)
        return size, total.hexdigest()

    def drop(self, device: str, blob: str) -> None:
        """One replica less."""
        self._at(device, blob).unlink(missing_ok=True)

    def quarantine(self, device: str, blob: str) -> None:
        """It is out of the way, and can be looked at."""
        folder = self._places[device] / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._at(device, blob).rename(folder / f"{blob}-{int(time.time())}")

    def room(self, device: str) -> tuple[int, int]:
        """(bytes in all, free) of the disk that a device is on. Raises OSError."""
        found = os.statvfs(self._places[device])
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def _at(self, device: str, blob: str) -> Path:
        return self._path(device, self._ring.partition(_checked(blob)), blob)

    def _candidates(self, blob: str) -> list[Path]:
        """Its keepers first, then wherever it may have been put when one was missing, and where it
        was before the ring changed."""
        partition = self._ring.partition(_checked(blob))
        devices = [
            each.name for each in (*self._ring.keepers(partition), *self._ring.handoffs(partition))
        ]
        rest = [name for name in self._places if name not in devices]
        return [self._path(device, partition, blob) for device in (*devices, *rest)]

    def _path(self, device: str, partition: int, blob: str) -> Path:
        return self._places[device] / f"{partition:02x}" / blob


def _full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_blob(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def _checked(blob: str) -> str:
    if not _is_blob(blob):
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
