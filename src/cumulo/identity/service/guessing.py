"""Back-off against guessing: who was wrong often waits longer for every further try.

Counted for a user from an address, so that nobody can lock somebody else out, and for an address
alone, at a higher threshold, against trying one password on many users. The wait comes before the
password is looked at: it is the same for a right one. In memory, bounded, forgotten after a while.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cumulo.core.faults import TooManyRequests

FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 100
FIRST_WAIT = 0.25
LONGEST_WAIT = 4.0
LONGEST_QUEUE = 8.0
"""Seconds; whoever would wait longer behind others is refused at once."""
FORGOTTEN_AFTER = 600.0
KEPT = 20_000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last: float = 0.0
    free_at: float = 0.0
    """When the next try may begin; tries queue up behind one another."""


class Guessing:
    """`clock`: monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: OrderedDict[tuple[str, ...], _Record] = OrderedDict()

    async def admit(self, user: str, address: str) -> None:
        """Wait as long as the failures before ask for. Raises TooManyRequests."""
        wait = self.reserve(user, address)
        if wait > 0:
            await asyncio.sleep(wait)

    def reserve(self, user: str, address: str) -> float:
        """Seconds that this try has to wait; its place in the queue is taken."""
        if not self._records:
            return 0.0
        now = self._clock()
        pairs = (((user, address), FREE_TRIES), ((address,), FREE_TRIES_OF_ADDRESS))
        found = [
            (record, _pause(record.failures - free))
            for key, free in pairs
            if (record := self._record(key, now)) is not None and record.failures >= free
        ]
        wait = max((record.free_at - now for record, _ in found), default=0.0)
        if wait > LONGEST_QUEUE:
            raise TooManyRequests(
                "Too many failed attempts; try again later.",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        for record, pause in found:
            record.free_at = max(record.free_at, now) + pause
        return max(wait, 0.0)

    def failed(self, user: str, address: str) -> None:
        now = self._clock()
        for key, free in (((user, address), FREE_TRIES), ((address,), FREE_TRIES_OF_ADDRESS)):
            record = self._record(key, now)
            if record is None:
                record = self._records[key] = _Record()
                if len(self._records) > KEPT:
                    self._records.popitem(last=False)
            record.failures += 1
            record.last = now
            if record.failures >= free:
                record.free_at = max(record.free_at, now + _pause(record.failures - free))
            self._records.move_to_end(key)

    def succeeded(self, user: str, address: str) -> None:
        """What was wrong before is forgotten. The address's own count stays: one right password
        must not pay for guesses at others."""
        if self._records:
            self._records.pop((user, address), None)

    def _record(self, key: tuple[str, ...], now: float) -> _Record | None:
        record = self._records.get(key)
        if record is not None and record.last + FORGOTTEN_AFTER < now:
            del self._records[key]
            return None
        return record


def _pause(beyond: int) -> float:
    return float(min(FIRST_WAIT * 2 ** min(max(beyond, 0), 10), LONGEST_WAIT))
