"""Retention: history is forgotten from its old end, a little at a time.

Never what a live consumer has not read. One that has not read for `CONSUMER_DAYS` is dead: it is
named in the log and in `cumulo status`, and dropped.
"""

import asyncio
import logging

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events import queries
from cumulo.core.events.model import Position

log = logging.getLogger("cumulo.events")

BATCH = 500
PAUSE_SECONDS = 0.05
"""Between two batches, so that requests come in between."""
PASS_SECONDS = 3600.0
DAY = 86400.0
CONSUMER_DAYS = 7


class Retention:
    """Forgets what is older than the setting says, once an hour."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._days = days

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except Exception:  # the database is away: an hour later will do
                log.exception("history could not be shortened")
            await asyncio.sleep(PASS_SECONDS)

    async def once(self) -> int:
        """How many events went."""
        await self._database.write(drop_the_dead, name="drop dead consumers")
        total = 0
        while True:
            gone = await self._database.write(
                lambda tx: forget(tx, self._days), name="forget events"
            )
            total += gone
            if gone < BATCH:
                return total
            await asyncio.sleep(PAUSE_SECONDS)


def drop_the_dead(tx: Tx) -> None:
    limit = later(tx.now, -CONSUMER_DAYS * DAY)
    for row in tx.all(queries.CONSUMERS):
        if row.dropped_at is None and row.alive_at < limit:
            tx.update(row, dropped_at=tx.now)
            log.error(
                "the consumer of events %s has not read since %s: history is not kept for it any "
                "longer",
                row.name,
                row.alive_at,
            )


def forget(tx: Tx, days: int) -> int:
    """Remove the oldest events as far as they are older than that many days and all have read
    them, `BATCH` at the most; how many."""
    before = later(tx.now, -days * DAY)
    unread = min(
        (row.position for row in tx.all(queries.CONSUMERS) if row.dropped_at is None), default=None
    )
    last: Position | None = None
    # The newest stays: SQLite would number on from nothing, behind what all have read.
    for event in tx.all(queries.OLDEST, most=BATCH + 1)[:-1]:
        if event.at >= before or (unread is not None and event.position > unread):
            break
        last = event.position
    if last is None:
        return 0
    return tx.run(queries.FORGET, turn=last.turn, sequence=last.sequence)
