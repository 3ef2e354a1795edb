"""Back-off against guessing: who was wrong often waits longer for every further try.

Counted for a user from a network (an IPv4 address, an IPv6 /64), for a user from anywhere, against
guessing from many networks, and for a network, against trying one password on many users. From
where somebody has logged in before only the first counts: nobody is locked out by what others do
elsewhere, or behind the same address. The wait comes before the secret is looked at: it is the same
for a right one.

The counts are rows, for all processes together; they are bounded, and forgotten after a while. As
long as nobody was wrong lately, which every process knows by announcements, no login looks at them.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import TooManyRequests
from cumulo.identity.model.guess import GuessRow
from cumulo.identity.queries import guess as queries
from cumulo.identity.service.places import Places, hashed, network_of

FREE_TRIES = 5
FREE_TRIES_OF_USER = 30
FREE_TRIES_OF_ADDRESS = 100
FIRST_WAIT = 0.25
LONGEST_WAIT = 4.0
LONGEST_WAIT_OF_USER = 16.0
"""A code of six digits withstands this: some 5,000 tries a day, of a million codes."""
LONGEST_WAIT_OF_ADDRESS = 0.1
"""Behind one address may be a dashboard, or a whole office."""
LONGEST_QUEUE = 8.0
"""Seconds; whoever would wait longer behind others is refused at once."""
FORGOTTEN_AFTER = 600.0
KEPT = 20_000
"""Rows; beyond that the oldest are forgotten."""
PEEKS = 20
"""How often one may be wrong, in FORGOTTEN_AFTER seconds, and still have the next try compared with
what is known to be right, without a wait. In memory, and exact: tries at once do not get more."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """One count of failures: `free` of them cost nothing, then waits double up to `longest`."""

    id: str
    free: int
    longest: float

    def pause(self, failures: int) -> float:
        beyond = min(max(failures - self.free, 0), 10)
        return float(min(FIRST_WAIT * 2**beyond, self.longest))


class Guessing:
    """`clock`: seconds since the epoch."""

    what = "guesses"

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._heard = 0
        self._none_at: int | None = None
        """What had been heard when there was no row."""
        self.places = Places(database, clock)
        self._peeks: OrderedDict[str, tuple[int, float]] = OrderedDict()
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

        def look(tx: Tx) -> tuple[list[Count], bool]:
            counts = self._counts(tx, user, address)
            found = [(self._row(tx, count.id), count) for count in counts]
            full = [count for row, count in found if row is not None and row.failures >= count.free]
            return full, any(row for row, _ in found) or tx.value(queries.ANY) is not None

        full, some = await self._database.read(look)
        if not some:
            self._none_at = heard
        if not full:
            return 0.0
        return await self._database.write(lambda tx: self._queue(tx, full), name="wait for guesses")

    def _counts(self, tx: Tx, user: str, address: str) -> Sequence[Count]:
        """What makes this try wait."""
        pair, *others = _all_counts(user, address)
        return [pair] if self.places.is_known(tx, pair.id) else [pair, *others]

    def _queue(self, tx: Tx, counts: Sequence[Count]) -> float:
        now = self._clock()
        found = [
            (row, count.pause(row.failures))
            for count in counts
            if (row := self._row(tx, count.id)) is not None and row.failures >= count.free
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

    def may_peek(self, user: str, address: str) -> bool:
        """May a secret from here be compared with what is known to be right, before any wait?"""
        pair = _pair(user, address)
        tries, since = self._peeks.get(pair, (0, 0.0))
        fresh = since + FORGOTTEN_AFTER < self._clock()
        return self.places.is_remembered(pair) and (fresh or tries < PEEKS)

    def peeked_in_vain(self, user: str, address: str) -> None:
        """It was not, or not known. Called without giving way after `may_peek`."""
        pair, now = _pair(user, address), self._clock()
        tries, since = self._peeks.get(pair, (0, now))
        if since + FORGOTTEN_AFTER < now:
            tries, since = 0, now
        self._peeks[pair] = (tries + 1, since)
        if len(self._peeks) > REMEMBERED:
            self._peeks.popitem(last=False)

    async def failed(self, user: str, address: str) -> None:
        counts = _all_counts(user, address)
        await self._database.write(lambda tx: self._count(tx, counts), name="count a guess")

    def _count(self, tx: Tx, counts: Sequence[Count]) -> None:
        now = self._clock()
        for count in counts:
            row = tx.get(GuessRow, count.id)
            if row is None:
                row = GuessRow(count.id, 0, now, 0.0)
                tx.insert(row)
            failures = 1 if _is_old(row, now) else row.failures + 1
            free_at = 0.0 if _is_old(row, now) else row.free_at
            if failures >= count.free:
                free_at = max(free_at, now + count.pause(failures))
            tx.update(row, failures=failures, last=now, free_at=free_at)
        tx.after_commit(self.news)

    async def succeeded(self, user: str, address: str) -> None:
        """What was wrong from here before is forgotten. The other counts stay: one right secret
        must not pay for guesses at others, or from elsewhere."""
        pair = _pair(user, address)
        await self.places.note(pair)
        if self._none_at == self._heard:
            return
        row = await self._database.read(lambda tx: tx.get(GuessRow, pair))
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


def _pair(user: str, address: str) -> str:
    return hashed(f"{user}\n{network_of(address)}")


def _all_counts(user: str, address: str) -> tuple[Count, Count, Count]:
    """Of the user from this network, of the user, and of the network."""
    network = network_of(address)
    return (
        Count(_pair(user, address), FREE_TRIES, LONGEST_WAIT),
        Count(hashed(f"{user}\n"), FREE_TRIES_OF_USER, LONGEST_WAIT_OF_USER),
        Count(hashed(f"\n{network}"), FREE_TRIES_OF_ADDRESS, LONGEST_WAIT_OF_ADDRESS),
    )


def _is_old(row: GuessRow, now: float) -> bool:
    return row.last + FORGOTTEN_AFTER < now
