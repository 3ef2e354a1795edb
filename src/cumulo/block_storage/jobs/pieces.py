"""How the bytes of a volume become pieces of a backup, and pieces become bytes again.

A volume is cut into blocks of 4 MiB. A block of zeros is nothing; one that is as in the parent is a
reference to whoever stored it; any other is compressed and stored by its number. What each block is
is written down by 64 blocks (`part-N`), after their pieces: a part that is there is done, and who
goes on after a kill begins with the next one. `head` is written last: a backup without it is none.

On the way back every block is held against its sum.
"""

import hashlib
from typing import Protocol

import msgspec

from cumulo.block_storage.model.backup_store import BackupStore
from cumulo.core.blobs import zstd
from cumulo.core.work import pools
from cumulo.core.work.jobs import Failed

BLOCK = 4 * 1024 * 1024
PART = 64
"""Blocks"""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One block that is not all zeros."""

    sum: str
    """SHA-256 of what is in it, before it is compressed"""
    owner: str
    """Whose piece it is: the content of this backup, or of one that it stands on."""


Part = list[Entry | None]


class Head(msgspec.Struct, frozen=True):
    size: int
    """Bytes"""
    parts: int
    stored: int
    """Pieces of its own"""
    block: int = BLOCK


class Source(Protocol):
    async def read(self, offset: int, length: int) -> bytes: ...

    async def next_data(self, offset: int) -> int:
        """The first place from there on that may hold something else than zeros."""
        ...


def parts_of(size: int) -> int:
    return -(-size // (BLOCK * PART))


async def read_part(store: BackupStore, content: str, number: int) -> Part:
    """Raises Failed."""
    try:
        text = await store.get(content, f"part-{number}")
        return msgspec.json.decode(text, type=Part)
    except (KeyError, msgspec.MsgspecError) as error:
        raise Failed(
            f"The backup is damaged: part {number} of {content} cannot be read."
        ) from error


async def read_head(store: BackupStore, content: str) -> Head:
    try:
        return msgspec.json.decode(await store.get(content, "head"), type=Head)
    except (KeyError, msgspec.MsgspecError) as error:
        raise Failed(f"The store has no whole backup {content}.") from error


async def store_part(
    store: BackupStore, content: str, number: int, source: Source, size: int, parent: str | None
) -> int:
    """How many pieces were stored for these blocks. Done twice it is done once."""
    before = await _parents_part(store, parent, number)
    found: Part = []
    first = number * PART
    end = min(size, (first + PART) * BLOCK)
    data = await source.next_data(first * BLOCK)
    for at in range(first * BLOCK, end, BLOCK):
        length = min(BLOCK, end - at)
        if data < at:
            data = await source.next_data(at)
        if data >= at + length:
            found.append(None)
            continue
        block = await _read(source, at, length)
        place = len(found)
        known = before[place] if place < len(before) else None
        found.append(await _store(store, content, first + place, block, known))
    await store.put(content, f"part-{number}", msgspec.json.encode(found))
    return sum(1 for each in found if each is not None and each.owner == content)


async def _parents_part(store: BackupStore, parent: str | None, number: int) -> Part:
    if parent is None or number >= (await read_head(store, parent)).parts:
        return []
    return await read_part(store, parent, number)


async def _read(source: Source, at: int, length: int) -> bytes:
    """Short at the end of the source only."""
    pieces, got = [], 0
    while got < length and (piece := await source.read(at + got, length - got)):
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces)


async def _store(
    store: BackupStore, content: str, number: int, block: bytes, known: Entry | None
) -> Entry | None:
    if not block.strip(b"\0"):
        return None
    sum = await pools.HASH(_sum, block)
    if known is not None and known.sum == sum:
        return known
    await store.put(content, f"{number}.zst", await pools.COPY(zstd.compress, block))
    return Entry(sum, content)


async def finish(store: BackupStore, content: str, size: int, stored: int) -> None:
    head = Head(size, parts_of(size), stored)
    await store.put(content, "head", msgspec.json.encode(head))


async def load_block(store: BackupStore, number: int, entry: Entry) -> bytes:
    """Raises Failed when it is not what was stored."""
    try:
        packed = await store.get(entry.owner, f"{number}.zst")
        block = await pools.COPY(zstd.decompress, packed, BLOCK)
    except (KeyError, zstd.BadFrame) as error:
        raise Failed(f"The backup is damaged: block {number} cannot be read.") from error
    if await pools.HASH(_sum, block) != entry.sum:
        raise Failed(f"The backup is damaged: block {number} is not what was stored.")
    return block


def _sum(block: bytes) -> str:
    return hashlib.sha256(block).hexdigest()
