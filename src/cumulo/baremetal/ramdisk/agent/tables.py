"""Partition tables, as far as the config drive needs them: one more partition at the end.

MBR    four entries of 16 bytes at 446: flag, CHS, type, CHS, first sector, count
GPT    header in sector 1 and in the last one, entries behind the first; CRC32 over both
"""

import struct
import uuid
import zlib
from dataclasses import dataclass

from cumulo.baremetal.ramdisk.agent.devices import SECTOR, Target

ALIGN = 2048
"""Sectors: partitions begin at whole MiB."""
_LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
_PROTECTIVE = 0xEE
_HEADER = "<8sIIIIQQQQ16sQIII"
MOST_ENTRIES = 1024


class NoPlace(Exception):
    """The table cannot take one more partition."""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    start: int
    """Bytes."""
    size: int


def add_last(disk: Target, size: int) -> Part:
    """A partition of at least `size` bytes at the disk's end. Raises NoPlace."""
    first = disk.read(0, SECTOR)
    if first[510:] != b"\x55\xaa":
        raise NoPlace("the image has no partition table")
    sectors = -(-size // (ALIGN * SECTOR)) * ALIGN
    if any(first[446 + 16 * n + 4] == _PROTECTIVE for n in range(4)):
        return _in_gpt(disk, sectors)
    return _in_mbr(disk, bytearray(first), sectors)


def _in_mbr(disk: Target, first: bytearray, sectors: int) -> Part:
    entries = [struct.unpack_from("<B3sB3sII", first, 446 + 16 * n) for n in range(4)]
    free = next((n for n, entry in enumerate(entries) if entry[2] == 0), None)
    if free is None:
        raise NoPlace("all four primary partitions are taken")
    last = max((entry[4] + entry[5] for entry in entries if entry[2]), default=ALIGN)
    end = min(disk.size // SECTOR, (1 << 32) - 1)
    start = (end - sectors) // ALIGN * ALIGN
    if start < last:
        raise NoPlace("the disk has no room for a config drive behind the image")
    chs = b"\xfe\xff\xff"
    struct.pack_into("<B3sB3sII", first, 446 + 16 * free, 0, chs, 0x83, chs, start, sectors)
    disk.write(0, bytes(first))
    return Part(free + 1, start * SECTOR, sectors * SECTOR)


def _in_gpt(disk: Target, sectors: int) -> Part:
    header = disk.read(SECTOR, SECTOR)
    fields = list(struct.unpack_from(_HEADER, header))
    (magic, _, length, crc, _, _, _, first, _, _, at, count, size, _) = fields
    if magic != b"EFI PART" or not 92 <= length <= SECTOR or size != 128 or count > MOST_ENTRIES:
        raise NoPlace("the image's partition table cannot be read")
    zeroed = header[:16] + b"\0\0\0\0" + header[20:length]
    if zlib.crc32(zeroed) != crc:
        raise NoPlace("the image's partition table is damaged")
    table = bytearray(disk.read(at * SECTOR, count * size))
    table_sectors = -(-len(table) // SECTOR)
    total = disk.size // SECTOR
    backup, usable = total - 1, total - 2 - table_sectors
    entries = [struct.unpack_from("<16s16sQQQ", table, n * size) for n in range(count)]
    free = next((n for n, entry in enumerate(entries) if entry[0] == bytes(16)), None)
    if free is None:
        raise NoPlace("the partition table is full")
    last = max((entry[3] for entry in entries if entry[0] != bytes(16)), default=first - 1)
    start = (usable + 1 - sectors) // ALIGN * ALIGN
    if start <= last:
        raise NoPlace("the disk has no room for a config drive behind the image")
    name = "config-2".encode("utf-16-le").ljust(72, b"\0")
    entry = struct.pack("<16s16sQQQ", _LINUX, uuid.uuid4().bytes_le, start, start + sectors - 1, 0)
    table[free * size : (free + 1) * size] = entry + name
    _write_gpt(disk, fields, bytes(table), backup, usable)
    return Part(free + 1, start * SECTOR, sectors * SECTOR)


def _write_gpt(disk: Target, fields: list[int], table: bytes, backup: int, usable: int) -> None:
    """Both copies; the second one at the disk's end, where the image could not know it."""
    fields[2], fields[8], fields[13] = 92, usable, zlib.crc32(table)
    copies = ((1, backup, fields[10]), (backup, 1, usable + 1))
    for own, other, table_at in reversed(copies):
        fields[3], fields[5], fields[6], fields[10] = 0, own, other, table_at
        fields[3] = zlib.crc32(struct.pack(_HEADER, *fields))
        disk.write(table_at * SECTOR, table)
        disk.write(own * SECTOR, struct.pack(_HEADER, *fields).ljust(SECTOR, b"\0"))
