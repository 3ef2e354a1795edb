"""What a disk file says of itself, read without any tool, so that none has to open a guest's."""

import struct
from pathlib import Path

_QCOW2 = struct.Struct(">4sIQIIQ")


class NotADisk(OSError):
    """The file is not of the format that it should be."""


def virtual_size(path: Path, format: str) -> int:
    """Bytes that a guest sees, for `raw` and `qcow2`. Works while a guest has the file open.
    Raises OSError."""
    if format == "raw":
        return path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_QCOW2.size)
    if len(head) < _QCOW2.size or head[:4] != b"QFI\xfb":
        raise NotADisk(f"{path.name} is not a qcow2 file")
    return int(_QCOW2.unpack(head)[-1])


def empty_qcow2(size: int) -> bytes:
    """A valid qcow2 file (version 3) of `size` bytes of zeros: header, refcounts, L1 table."""
    cluster = 65536
    tables = -(-size // (512 * 1024**2))  # one L1 entry for 512 MiB
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(b"QFI\xfb", 3, 0, 0, 16, size, 0, tables, 3 * cluster, cluster, 1, 0, 0, 0, 0, 0, 4, 104),
    )
    refcount_table = struct.pack(">Q", 2 * cluster)
    refcounts = struct.pack(">4H", 1, 1, 1, 1)
    parts = (header, refcount_table, refcounts, b"")
    return b"".join(part.ljust(cluster, b"\0") for part in parts)
