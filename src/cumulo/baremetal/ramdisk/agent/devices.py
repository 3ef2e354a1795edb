"""The machine's disks, as the kernel shows them, and which of them an image goes to."""

import fcntl
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

BLKRRPART, BLKDISCARD, BLKZEROOUT, BLKGETSIZE64 = 0x125F, 0x1277, 0x127F, 0x80081272
SECTOR = 512
LEAST = 4 << 30
"""Bytes: a smaller disk is not taken unless a hint names it."""
STEP = 1 << 30
ZEROS = 1 << 20
_SKIPPED = ("loop", "ram", "zram", "fd", "sr", "dm-", "md")


class NoDisk(Exception):
    """No disk fits."""


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def disks(root: Path = Path("/sys/block")) -> list[dict[str, Any]]:
    """Every whole disk: name, size in bytes and what hints may ask for."""
    found = []
    for path in sorted(root.iterdir()):
        if path.name.startswith(_SKIPPED) or _text(path / "removable") == "1":
            continue
        size = int(_text(path / "size") or 0) * SECTOR
        if size == 0 or _text(path / "ro") == "1":
            continue
        device = path / "device"
        found.append(
            {
                "name": f"/dev/{path.name}",
                "size": size,
                "model": _text(device / "model"),
                "vendor": _text(device / "vendor"),
                "serial": _text(path / "serial") or _text(device / "serial"),
                "wwn": _text(path / "wwid") or _text(device / "wwid") or None,
                "rotational": _text(path / "queue" / "rotational") == "1",
                "hctl": device.resolve().name if (device / "scsi_disk").exists() else None,
                "by_path": None,
            }
        )
    return found


def root_device(hints: Mapping[str, Any], found: list[dict[str, Any]]) -> str:
    """The one that all hints fit; without any, the smallest that is large enough. Raises NoDisk."""
    if hints:
        for disk in found:
            if all(_fits(disk, name, wanted) for name, wanted in hints.items()):
                return str(disk["name"])
        raise NoDisk(f"no disk fits the root device hints {sorted(hints)}")
    large = [disk for disk in found if disk["size"] >= LEAST]
    if not large:
        raise NoDisk("there is no disk of 4 GiB or more")
    return str(min(large, key=lambda disk: (disk["size"], disk["name"]))["name"])


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a >= b),
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    "<": lambda a, b: bool(a < b),
}


def _fits(disk: Mapping[str, Any], name: str, wanted: Any) -> bool:
    """One hint: a value, or an operator and a value (`>= 60`, `s== vda`, `<in> QEMU`)."""
    if name not in disk:
        return False
    have = disk[name]
    text = str(wanted).strip()
    if name == "size":
        match = re.fullmatch(r"(==|!=|>=|<=|=|>|<)?\s*(\d+)", text)
        if match is None:
            return False
        return _OPERATORS[match[1] or "=="](have >> 30, int(match[2]))
    if name == "rotational":
        return (text.lower() in ("true", "1", "yes")) is bool(have)
    have = str(have or "").lower()
    if text.startswith("<or>"):
        return have in [each.strip().lower() for each in text.split("<or>") if each.strip()]
    if text.startswith("<in>"):
        return text[4:].strip().lower() in have
    match = re.fullmatch(r"(s==|s!=)?\s*(.*)", text, re.S)
    assert match is not None
    return (have == match[2].lower()) != (match[1] == "s!=")


class Target:
    """A disk that is written. For tests it may be an ordinary file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.size = os.lseek(self._descriptor, 0, os.SEEK_END)

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, at: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, at)

    def write(self, at: int, data: bytes) -> None:
        if at < 0 or at + len(data) > self.size:
            raise NoDisk(f"{self.path} is too small")
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, at)
            view, at = view[done:], at + done

    def zero(self, at: int, length: int) -> None:
        """Zeros, by the disk itself where it can."""
        if at < 0 or at + length > self.size:
            raise NoDisk(f"{self.path} is too small")
        try:
            fcntl.ioctl(self._descriptor, BLKZEROOUT, struct.pack("QQ", at, length))
        except OSError:
            for start in range(at, at + length, ZEROS):
                self.write(start, bytes(min(ZEROS, at + length - start)))

    def discard(self) -> None:
        """Nothing of it is needed any more; a disk need not listen."""
        try:
            fcntl.ioctl(self._descriptor, BLKDISCARD, struct.pack("QQ", 0, self.size))
        except OSError:
            return

    def erase(self) -> Iterator[int]:
        """All of it; tells how far it is."""
        self.discard()
        for at in range(0, self.size, STEP):
            self.zero(at, min(STEP, self.size - at))
            yield at

    def flush(self) -> None:
        os.fsync(self._descriptor)

    def reread(self) -> None:
        """The kernel looks at the partitions anew."""
        try:
            fcntl.ioctl(self._descriptor, BLKRRPART)
        except OSError:
            return
