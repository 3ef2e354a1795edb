"""Repair: every blob is where the ring wants it, as often as it wants, and is what it was.

Two passes over the devices, each bounded in bytes a second. *Replicate* makes replicas that are
missing, moves what the ring has moved, takes away what stood in, and what nobody knows any more.
*Audit* reads everything and holds it against its MD5: what has rotted goes into quarantine, and is
made again from a replica that has not. A copy is checked while it is made: rot does not spread.
"""

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work import pools
from cumulo.object_store.queries import device as queries
from cumulo.object_store.service.removals import Removals

log = logging.getLogger("cumulo.object_store")

AT_ONCE = 500
YOUNG = 3600.0
"""Seconds after which bytes that no row knows were not on their way to one."""


class Blobs(Protocol):
    """Of drivers.files."""

    @property
    def partitions(self) -> int: ...
    def keepers(self, partition: int) -> list[str]: ...
    def is_there(self, device: str) -> bool: ...
    def found(self, partition: int) -> dict[str, dict[str, float]]: ...
    def digest(self, device: str, blob: str) -> tuple[int, str]: ...
    def copy(self, blob: str, source: str, target: str) -> tuple[int, str]: ...
    def drop(self, device: str, blob: str) -> None: ...
    def quarantine(self, device: str, blob: str) -> None: ...


class Known(NamedTuple):
    """What rows say of a blob; None: they do not say."""

    size: int | None
    md5: str | None

    def fits(self, found: tuple[int, str]) -> bool:
        return self.size in (None, found[0]) and self.md5 in (None, found[1])


@dataclass(slots=True)
class Figures:
    """What passes have done since the start."""

    passes: int = 0
    audits: int = 0
    copied: int = 0
    dropped: int = 0
    removed: int = 0
    audited: int = 0
    quarantined: int = 0
    missing: int = 0
    """Replicas that the last pass could not make."""
    last: dict[str, float] = field(default_factory=dict)


class Repair:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        removals: Removals,
        *,
        rate: float,
        keep: Callable[[], bool],
    ) -> None:
        """`rate`: bytes a second. `keep`: whether what no row knows stays: the database may be
        an older copy, also since a moment ago."""
        self._database = database
        self._blobs = blobs
        self._removals = removals
        self._rate = rate
        self._keep = keep
        self.figures = Figures()
        self._one = asyncio.Lock()

    async def replicate(self) -> int:
        """One pass; how many replicas are still missing."""
        async with self._one:
            missing = 0
            for partition in range(self._blobs.partitions):
                missing += await self._partition(partition)
                await asyncio.sleep(0)
            self.figures.passes += 1
            self.figures.missing = missing
            self.figures.last["replicate"] = time.time()
            return missing

    async def _partition(self, partition: int) -> int:
        found = await pools.DISK(self._blobs.found, partition)
        keepers = self._blobs.keepers(partition)
        missing = 0
        names = sorted(found)
        for first in range(0, len(names), AT_ONCE):
            chosen = names[first : first + AT_ONCE]
            known = await self._database.read(lambda tx, chosen=chosen: _known(tx, chosen))  # type: ignore[misc]
            for blob in chosen:
                if blob in known:
                    missing += await self._blob(blob, known[blob], keepers, found[blob])
                else:
                    await self._nobodys(blob, found[blob])
        return missing

    async def _blob(
        self, blob: str, known: Known, keepers: list[str], holders: dict[str, float]
    ) -> int:
        """How many of its replicas are missing afterwards."""
        there = set(holders)
        missing = 0
        for keeper in keepers:
            if keeper in there:
                continue
            if self._blobs.is_there(keeper) and await self._copied(blob, known, there, keeper):
                there.add(keeper)
            else:
                missing += 1
        if not missing:
            for device in there - set(keepers):
                await pools.DISK(self._blobs.drop, device, blob)
                self.figures.dropped += 1
        return missing

    async def _copied(self, blob: str, known: Known, holders: set[str], target: str) -> bool:
        for source in sorted(holders):
            try:
                made = await pools.DISK(self._blobs.copy, blob, source, target)
            except OSError:
                continue
            await self._spent(made[0])
            if not known.fits(made):
                await pools.DISK(self._blobs.drop, target, blob)
                await self._rotten(source, blob)
                holders.discard(source)
                continue
            # It may have been removed meanwhile: then nobody would remove this one.
            if await self._unknown(blob):
                await pools.DISK(self._blobs.drop, target, blob)
                return True
            self.figures.copied += 1
            return True
        return False

    async def _nobodys(self, blob: str, holders: Mapping[str, float]) -> None:
        """Left on a device that was away while its row went."""
        if self._keep() or max(holders.values()) > time.time() - YOUNG:
            return
        if self._removals.readers[blob] or not await self._unknown(blob):
            return
        for device in holders:
            await pools.DISK(self._blobs.drop, device, blob)
        self.figures.removed += 1

    async def _unknown(self, blob: str) -> bool:
        return not await self._database.read(lambda tx: _known(tx, [blob]))

    async def audit(self) -> int:
        """One pass; how many blobs have rotted."""
        rotten = 0
        for partition in range(self._blobs.partitions):
            found = await pools.DISK(self._blobs.found, partition)
            names = sorted(found)
            for first in range(0, len(names), AT_ONCE):
                chosen = names[first : first + AT_ONCE]
                known = await self._database.read(lambda tx, chosen=chosen: _known(tx, chosen))  # type: ignore[misc]
                for blob in chosen:
                    if blob in known:
                        for device in found[blob]:
                            rotten += await self._audited(device, blob, known[blob])
            await asyncio.sleep(0)
        self.figures.audits += 1
        self.figures.last["audit"] = time.time()
        if rotten:
            await self.replicate()
        return rotten

    async def _audited(self, device: str, blob: str, known: Known) -> int:
        try:
            seen = await pools.DISK(self._blobs.digest, device, blob)
        except FileNotFoundError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                # A key that is not here, or no more descriptors: that is ours, and no rot.
                log.warning("blob %s on %s was not audited: %s", blob, device, error)
                return 0
            seen = (-1, "")
        await self._spent(max(0, seen[0]))
        self.figures.audited += 1
        if seen[0] >= 0 and known.fits(seen):
            return 0
        await self._rotten(device, blob)
        return 1

    async def _rotten(self, device: str, blob: str) -> None:
        await pools.DISK(self._blobs.quarantine, device, blob)
        self.figures.quarantined += 1

    async def _spent(self, size: int) -> None:
        """The bound: the disks are for those who store and read."""
        await asyncio.sleep(size / self._rate)


def _known(tx: Tx, blobs: list[str]) -> dict[str, Known]:
    """Of those that a row has."""
    found: dict[str, Known] = {}
    for blob, kind, size, etag, extra in tx.tuples(queries.SUMS, blobs=blobs):
        found[blob] = Known(size, etag) if kind == "plain" else _manifest(extra)
    return found


def _manifest(extra: Any) -> Known:
    more = msgspec.json.decode(extra) if isinstance(extra, str | bytes) else extra
    return Known(None, more.get("blob_md5"))
