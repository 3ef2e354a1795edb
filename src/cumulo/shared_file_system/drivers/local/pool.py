"""The room of a host: one btrfs in a sparse file, made with the first share.

A share is a subvolume whose limit is its size; a snapshot one that cannot be written. btrfs counts
a subvolume's bytes by its qgroup, so a limit holds whoever writes. All methods block.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.shared_file_system.drivers.driver import DataLoss, Refused, check_id

GIB = 1 << 30
NEEDED = ("btrfs", "mkfs.btrfs", "mount", "ganesha.nfsd", "dbus-daemon", "dbus-send", "ip")
_NEW, _OLD = "new", "old"
"""Folders of subvolumes that take each other's place"""
_TOKEN = "trusted.cumulo.revert"
"""Of a subvolume: the reversion that made it. No client sees or sets attributes of this kind."""
_TAME = "nosuid,nodev,noexec"
"""What clients make counts as nothing on this machine."""
_WRITABLE = 0o777
"""Of a new share's top: who mounts it decides, as on Manila's own back ends."""


def missing() -> str | None:
    """Why this machine can keep no shares, or None."""
    if os.geteuid() != 0:
        return "shares need root: file systems are mounted"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        packages = "btrfs-progs nfs-ganesha nfs-ganesha-vfs dbus-daemon dbus-bin"
        return f"not installed: {', '.join(absent)} (apt-get install {packages})"
    if "btrfs" not in Path("/proc/filesystems").read_text().split():
        return "the kernel has no btrfs"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    return None


class Pool:
    """`folder`: where the file is; `mounts`: where it is mounted, below directories that everybody
    may enter."""

    def __init__(self, folder: Path, mounts: Path, size_gb: int) -> None:
        self._file = folder / "pool.img"
        self._top = mounts / "pool"
        self._exports = mounts / "exports"
        self._size_gb = size_gb
        self._is_sized = False

    # --- the pool ---------------------------------------------------------------------------

    def exists(self) -> bool:
        return self._file.exists()

    def room(self) -> tuple[float, float]:
        """(total, free) in GiB. Free is also what the file may still grow on its own disk."""
        folder = self._file.parent
        while not folder.exists():
            folder = folder.parent
        disk = shutil.disk_usage(folder).free / GIB
        if not self._top.is_mount():
            return float(self._size_gb), min(float(self._size_gb), disk)
        usage = shutil.disk_usage(self._top)
        return usage.total / GIB, min(usage.free / GIB, disk)

    def open(self) -> None:
        """Made and mounted, as large as it shall be."""
        if not self._top.is_mount():
            self._make()
        if not self._is_sized:
            self._grow()
            self._is_sized = True

    def _grow(self) -> None:
        """As large as the setting says, with all that is in use; never smaller. Done once by each
        process, as far as it is to do: whatever was interrupted is repeated."""
        if self._file.stat().st_size < self._size_gb * GIB:
            os.truncate(self._file, self._size_gb * GIB)
        _run("losetup", "-c", self._device())
        _run("btrfs", "filesystem", "resize", "max", str(self._top))

    def _device(self) -> str:
        return _run("findmnt", "-n", "-o", "SOURCE", str(self._top)).strip().partition("[")[0]

    def _make(self) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._file.exists():
            new = self._file.with_suffix(".new")
            with new.open("wb") as file:
                file.truncate(self._size_gb * GIB)
            _run("mkfs.btrfs", "-q", "-f", str(new))
            new.replace(self._file)
        self._top.mkdir(mode=0o700, parents=True, exist_ok=True)
        _run("mount", "-o", f"loop,{_TAME}", str(self._file), str(self._top))
        _run("btrfs", "quota", "enable", str(self._top))
        for name in ("shares", "snapshots"):
            (self._top / name).mkdir(exist_ok=True)

    def _tidy(self) -> None:
        """What a reversion that was interrupted has left."""
        for name in (_NEW, _OLD):
            folder = self._top / name
            for path in folder.iterdir() if folder.is_dir() else ():
                self._recover(path.name)

    def close(self) -> None:
        """Unmounted, as far as nobody has files open."""
        for path in sorted(self._exports.iterdir()) if self._exports.is_dir() else ():
            self._unmount(path)
        if self._top.is_mount():
            _run("umount", str(self._top))

    def remove(self) -> None:
        """Once it is closed: the file with all that is in it."""
        self._file.unlink(missing_ok=True)
        for place in (self._top, self._exports):
            if place.is_dir():
                place.rmdir()

    # --- shares -----------------------------------------------------------------------------

    def _share(self, id: str) -> Path:
        return self._top / "shares" / check_id(id)

    def _snapshot(self, id: str) -> Path:
        return self._top / "snapshots" / check_id(id)

    def ensure_share(self, id: str, size_gb: int, snapshot_id: str | None) -> int:
        path = self._share(id)
        if size_gb < 1:
            raise ValueError("a share has at least 1 GiB")
        self.open()
        if not path.exists():
            if snapshot_id is None:
                _run("btrfs", "subvolume", "create", str(path))
                path.chmod(_WRITABLE)
            else:
                source = self._snapshot(snapshot_id)
                if not source.exists():
                    raise Refused(f"snapshot {snapshot_id} is not on this host")
                _run("btrfs", "subvolume", "snapshot", str(source), str(path))
        has = self.size(id)
        if has < size_gb:
            self._limit(path, size_gb)
        return max(has, size_gb)

    def size(self, id: str) -> int:
        """GiB; 0: it is not there, or not yet with its limit."""
        path = self._share(id)
        self._recover(id)
        if not path.exists():
            return 0
        limit = _group(path).limit
        return 0 if limit is None else limit // GIB

    def shrink(self, id: str, size_gb: int) -> int:
        """Raises DataLoss; then nothing has changed."""
        path, has = self._share(id), self.size(id)
        if size_gb < 1:
            raise ValueError("a share has at least 1 GiB")
        if not has:
            raise Refused(f"share {id} is not there")
        if has > size_gb:
            self._refuse_loss(path, size_gb)
            # What is written from now on is refused, not lost; what was written just now is seen.
            self._limit(path, size_gb)
            try:
                self._refuse_loss(path, size_gb)
            except DataLoss:
                self._limit(path, has)
                raise
        return min(has, size_gb)

    def _refuse_loss(self, path: Path, size_gb: int) -> None:
        _run("btrfs", "filesystem", "sync", str(self._top))
        used = _group(path).used
        if used > size_gb * GIB:
            raise DataLoss(
                f"{used / GIB:.2f} GiB are in it, more than the {size_gb} GiB that it was to become"
            )

    def _limit(self, path: Path, size_gb: int) -> None:
        """By its group, at the pool's top: a subvolume that is full takes no change at all, not
        even of its limit."""
        _run("btrfs", "qgroup", "limit", str(size_gb * GIB), _group(path).id, str(self._top))

    def revert(self, id: str, snapshot_id: str, size_gb: int, token: str) -> None:
        """The subvolume is replaced by a new one of the snapshot's content, which bears the token.
        It must not be exported meanwhile. Wherever it is interrupted, either of them is there."""
        path, source = self._share(id), self._snapshot(snapshot_id)
        self._recover(id)
        if self.reverted(id, token):
            return
        if not source.exists():
            raise Refused(f"snapshot {snapshot_id} is not on this host")
        new, old = self._top / _NEW / id, self._top / _OLD / id
        for place in (new, old):
            place.parent.mkdir(exist_ok=True)
        if new.exists():
            _drop(new)
        _run("btrfs", "subvolume", "snapshot", str(source), str(new))
        self._limit(new, size_gb)
        os.setxattr(new, _TOKEN, token.encode())
        self._unmount(self.place(id))
        if path.exists():
            path.rename(old)
        new.rename(path)
        self._recover(id)

    def reverted(self, id: str, token: str) -> bool:
        try:
            return os.getxattr(self._share(id), _TOKEN) == token.encode()
        except OSError:
            return False

    def _recover(self, id: str) -> None:
        """A reversion was interrupted: between its two renamings the new content counts."""
        path, new, old = self._share(id), self._top / _NEW / id, self._top / _OLD / id
        if not path.exists() and old.exists() and new.exists():
            new.rename(path)
        for left in (new, old):
            if path.exists() and left.exists():
                _drop(left)

    def place(self, id: str) -> Path:
        return self._exports / check_id(id)

    def mounted(self, id: str) -> Path:
        """Where the share alone is mounted: an export server cannot serve a subvolume's path."""
        if not self._share(id).exists() and not self.place(id).is_mount():
            raise Refused(f"share {id} is not there")
        return self._mount(id, f"subvol=shares/{id}")

    def snapshot_mounted(self, id: str) -> Path:
        if not self.has_snapshot(id):
            raise Refused(f"snapshot {id} is not there")
        return self._mount(id, f"ro,subvol=snapshots/{id}")

    def _mount(self, id: str, options: str) -> Path:
        place = self.place(id)
        if not place.is_mount():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _run("mount", "-o", f"{options},{_TAME}", self._device(), str(place))
        return place

    def remove_share(self, id: str) -> None:
        path = self._share(id)
        self._unmount(self._exports / id)
        for each in (path, self._top / _NEW / id, self._top / _OLD / id):
            if each.exists():
                _drop(each)

    def _unmount(self, place: Path) -> None:
        if place.is_mount():
            _run("umount", str(place))
        if place.is_dir():
            place.rmdir()

    # --- snapshots --------------------------------------------------------------------------

    def ensure_snapshot(self, id: str, share_id: str) -> None:
        path, source = self._snapshot(id), self._share(share_id)
        if path.exists():
            return
        if not source.exists():
            raise Refused(f"share {share_id} is not there")
        _run("btrfs", "subvolume", "snapshot", "-r", str(source), str(path))

    def has_snapshot(self, id: str) -> bool:
        return self._snapshot(id).exists()

    def remove_snapshot(self, id: str) -> None:
        path = self._snapshot(id)
        self._unmount(self._exports / id)
        if path.exists():
            _drop(path)

    def names(self) -> dict[str, str]:
        """What there is; nothing as long as nobody ever had a share here."""
        if not self.exists():
            return {}
        self.open()
        self._tidy()
        found: dict[str, str] = {}
        for name, what in (("shares", "share"), ("snapshots", "snapshot")):
            found |= {path.name: what for path in (self._top / name).iterdir()}
        return found


class _Group(NamedTuple):
    """What btrfs counts of a subvolume, in bytes."""

    id: str
    used: int
    limit: int | None


def _group(path: Path) -> _Group:
    text = _run("btrfs", "qgroup", "show", "-r", "-f", "--raw", str(path))
    words = text.strip().splitlines()[-1].split()
    limited = len(words) > 3 and words[3].isdecimal()
    return _Group(words[0], int(words[1]), int(words[3]) if limited else None)


def _drop(path: Path) -> None:
    _run("btrfs", "subvolume", "delete", "-c", str(path))


def _run(*argv: str) -> str:
    try:
        return run_blocking(argv, timeout=60.0).decode(errors="replace")
    except CommandFailed as failed:
        raise OSError(str(failed)) from failed
