"""Back-off against guessing: who was wrong often waits longer for every further try.

Counted for a user from an address, so that nobody can lock somebody else out, and for an address
alone, at a higher threshold, against trying one password on many users. The wait comes before the
password is looked at: it is the same for a right one.

The counts are rows, for all processes together; they are bounded, and forgotten after a while. As
long as nobody was wrong lately, which every process knows by announcements, no login looks at them.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import TooManyRequests
from cumulo.identity.model.guess import GuessRow
from cumulo.identity.queries import guess as queries

FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 100
FIRST_WAIT = 0.25
LONGEST_WAIT = 4.0
LONGEST_QUEUE = 8.0
"""Seconds; whoever would wait longer behind others is refused at once."""
FORGOTTEN_AFTER = 600.0
KEPT = 20_000
"""Rows; beyond that the oldest are forgotten."""


class Guessing:
    """`clock`: seconds since the epoch."""

    what = "guesses"

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._heard = 0
        self._none_at: int | None = None
        """What had been heard when there was no row."""
        self.news = Announcement("guesses", self._hear)
        """Somebody was wrong, here or in another process."""
        database.subscribe(self.news)

    def _hear(self) -> None:
        self._heard += 1

    async def admit(self, user: str, address: str) -> None:
        """Wait as long as the failures before ask for. Raises TooManyRequests."""
        wait = await self.reserve(user, address)
        if wait > 0:
            await asyncio.sleep(wait)

    async def reserve(self, user: str, address: str) -> float:
        """Seconds that this try has to wait; its place in the queue is taken."""
        heard = self._heard
        if self._none_at == heard:
            return 0.0
        counts = _counts(user, address)

        def look(tx: Tx) -> tuple[bool, bool]:
            found = [(self._row(tx, id), free) for id, free in counts]
            waits = any(row is not None and row.failures >= free for row, free in found)
            return waits, any(row for row, _ in found) or tx.value(queries.ANY) is not None

        waits, some = await self._database.read(look)
        if not some:
            self._none_at = heard
        if not waits:
            return 0.0
        return await self._database.write(
            lambda tx: self._queue(tx, counts), name="wait after guesses"
        )

    def _queue(self, tx: Tx, counts: Sequence[tuple[str, int]]) -> float:
        now = self._clock()
        found = [
            (row, _pause(row.failures - free))
            for id, free in counts
            if (row := self._row(tx, id)) is not None and row.failures >= free
        ]
        wait = max((row.free_at - now for row, _ in found), default=0.0)
        if wait > LONGEST_QUEUE:
            raise TooManyRequests(
                "Too many failed attempts; try again later.",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        for row, pause in found:
            tx.update(row, free_at=max(row.free_at, now) + pause)
        return max(wait, 0.0)

    async def failed(self, user: str, address: str) -> None:
        counts = _counts(user, address)
        await self._database.write(lambda tx: self._count(tx, counts), name="count a guess")

    def _count(self, tx: Tx, counts: Sequence[tuple[str, int]]) -> None:
        now = self._clock()
        for id, free in counts:
            row = tx.get(GuessRow, id)
            if row is None:
                row = GuessRow(id, 0, now, 0.0)
                tx.insert(row)
            failures = 1 if _is_old(row, now) else row.failures + 1
            free_at = 0.0 if _is_old(row, now) else row.free_at
            if failures >= free:
                free_at = max(free_at, now + _pause(failures - free))
            tx.update(row, failures=failures, last=now, free_at=free_at)
        tx.after_commit(self.news)

    async def succeeded(self, user: str, address: str) -> None:
        """What was wrong before is forgotten. The address's own count stays: one right password
        must not pay for guesses at others."""
        if self._none_at == self._heard:
            return
        id, _ = _counts(user, address)[0]
        row = await self._database.read(lambda tx: tx.get(GuessRow, id))
        if row is not None:
            await self._database.write(lambda tx: tx.delete(row), name="forget guesses")

    def _row(self, tx: Tx, id: str) -> GuessRow | None:
        row = tx.get(GuessRow, id)
        return None if row is None or _is_old(row, self._clock()) else row

    def expired(self, tx: Tx, most: int) -> Sequence[GuessRow]:
        old = tx.all(queries.OLD, now=self._clock() - FORGOTTEN_AFTER, most=most)
        return old or tx.all(queries.TOO_MANY, most=most, kept=KEPT)

    def forget_expired(self, tx: Tx, row: GuessRow) -> None:
        tx.delete(row)


def _counts(user: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """The ids of what is counted for a try, and how often it may be wrong for nothing."""
    return (
        (_hashed(f"{user}\n{address}"), FREE_TRIES),
        (_hashed(f"\n{address}"), FREE_TRIES_OF_ADDRESS),
    )


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _is_old(row: GuessRow, now: float) -> bool:
    return row.last + FORGOTTEN_AFTER < now


def _pause(beyond: int) -> float:
    return float(min(FIRST_WAIT * 2 ** min(max(beyond, 0), 10), LONGEST_WAIT))
