"""qcow2 images, read piece by piece. Whoever made the image is not trusted.

Layout: qcow2 specification (docs/interop/qcow2.txt of QEMU): a header, an L1 table of L2 tables of
clusters; each cluster is data, compressed data, or zeros.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

MAGIC = b"QFI\xfb"
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZERO = 1
_KNOWN_FEATURES = 0b1001
"""Incompatible features that change nothing for a reader: dirty, and a compression type."""
MOST_L1 = 4 * 1024 * 1024


class BadImage(Exception):
    """It cannot be what it says it is, or wants what is not allowed."""


class Qcow2:
    """`size`: bytes of the disk inside."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        head = self._read(0, 72)
        (magic, version, backing, _, bits, size, crypt, l1_size, l1_at) = struct.unpack(
            ">4sIQIIQIIQ", head[:48]
        )
        if magic != MAGIC or version not in (2, 3):
            raise BadImage("it is no qcow2 image")
        if backing or crypt:
            raise BadImage("images with a backing file or encryption are not written")
        if not 9 <= bits <= 21:
            raise BadImage("its clusters have no possible size")
        if version == 3:
            (features,) = struct.unpack(">Q", self._read(72, 8))
            if features & ~_KNOWN_FEATURES:
                raise BadImage("it has data elsewhere, or features that are not known")
            if features & 8 and self._read(104, 1) != b"\0":
                raise BadImage("only images that are packed by zlib are unpacked")
        self.size = size
        self.cluster = 1 << bits
        self._bits = bits
        per_table = self.cluster // 8
        needed = -(-size // (self.cluster * per_table))
        if l1_size < needed or l1_size * 8 > MOST_L1:
            raise BadImage("its table has no possible size")
        self._l1 = struct.unpack(f">{needed}Q", self._read(l1_at, needed * 8))

    def _read(self, at: int, length: int) -> bytes:
        self._file.seek(at)
        found = self._file.read(length)
        if len(found) < length:
            raise BadImage("it ends early")
        return found

    def pieces(self) -> Iterator[tuple[int, int, bytes | None]]:
        """(where, length, bytes; None: zeros), from the beginning to the end."""
        per_table = self.cluster // 8
        span = self.cluster * per_table
        for number, entry in enumerate(self._l1):
            at = number * span
            table_at = entry & _OFFSET
            if not table_at:
                yield at, min(span, self.size - at), None
                continue
            table = struct.unpack(f">{per_table}Q", self._read(table_at, self.cluster))
            for place, cluster in enumerate(table):
                start = at + place * self.cluster
                if start >= self.size:
                    return
                length = min(self.cluster, self.size - start)
                data = self._cluster(cluster)
                yield start, length, None if data is None else data[:length]

    def _cluster(self, entry: int) -> bytes | None:
        if entry & _COMPRESSED:
            return self._unpacked(entry)
        at = entry & _OFFSET
        if not at or entry & _ZERO:
            return None
        return self._short(at, self.cluster)

    def _short(self, at: int, length: int) -> bytes:
        """The last cluster of a file may be cut: what is missing is zeros."""
        self._file.seek(at)
        return self._file.read(length).ljust(length, b"\0")

    def _unpacked(self, entry: int) -> bytes:
        split = 62 - (self._bits - 8)
        at = entry & ((1 << split) - 1)
        sectors = ((entry >> split) & ((1 << (self._bits - 8)) - 1)) + 1
        self._file.seek(at)
        packed = self._file.read(sectors * 512 - (at & 511))
        try:
            # Never more than a cluster, whatever the stream would unpack to.
            data = zlib.decompressobj(-12).decompress(packed, self.cluster)
        except zlib.error as error:
            raise BadImage(f"a cluster cannot be unpacked: {error}") from None
        return data.ljust(self.cluster, b"\0")
