"""Consumers: named readers of all events, each with a durable cursor.

    class Meters:
        name = "meters"
        def handle(self, tx: Tx, events: Sequence[EventRow]) -> None: …

Events come in order, each once: what `handle` writes and how far it has read are one commit. It
sees an event only when no other can come before it any more (see `queries`). What must happen
outside of the database is written down by `handle`, say as a job. A consumer that fails gets the
same events again, after a pause; its fault is shown by `cumulo status`. History is kept for it
until it has been away for too long: then it is dropped, by name, and goes on with what is left
when it comes back.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events import queries
from cumulo.core.events.history import events_since, last_position, ring_at_events
from cumulo.core.events.model import ConsumerRow, EventRow, Position
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.events")

BATCH = 200
GATHER_SECONDS = 0.2
"""How long new events are waited for after the first: each batch is a commit of every consumer."""
SWEEP_SECONDS = 2.0
"""Between two looks for events of other processes, and for those that could still be overtaken."""
ALIVE_SECONDS = 60.0
"""How often an idle consumer says that it is there."""


class Consumer(Protocol):
    name: str
    """Its cursor's; never changed."""

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        """Take some events, in order. May be run again when the transaction is."""


class ConsumerLoop:
    def __init__(self, database: Database, consumer: Consumer, *, from_start: bool = False) -> None:
        """`from_start`: a consumer that is new begins with the oldest event there is, not with the
        next one."""
        self._database = database
        self._consumer = consumer
        self._from_start = from_start
        self._failures = 0
        self._bell = Wakeup()

    async def run(self) -> None:
        """Until cancelled."""
        ring_at_events(self._bell)
        while True:
            try:
                more = await self.once()
                self._failures = 0
            except Exception as error:
                await self._complain(error)
                await asyncio.sleep(backoff(self._failures, most=60.0))
                self._failures += 1
                continue
            if not more and await self._bell.wait(SWEEP_SECONDS):
                # One batch for what belongs together: a create and what its host says of it.
                await asyncio.sleep(GATHER_SECONDS)

    async def once(self) -> bool:
        """Take what there is, a batch at the most; True when there may be more at once."""
        name = self._consumer.name
        row = await self._database.read(lambda tx: tx.get(ConsumerRow, name))
        if row is None or row.dropped_at is not None:
            row = await self._database.write(self._begin, name=f"events of {name}: begin")
        cursor = row
        found = await self._database.read(lambda tx: events_since(tx, cursor.position, BATCH))
        if not found:
            await self._say_alive(cursor)
            return False

        def take(tx: Tx) -> bool:
            if not _move(tx, cursor, found[-1].position):
                return False
            self._consumer.handle(tx, found)
            return True

        await self._database.write(take, name=f"events of {name}")
        return len(found) == BATCH

    def _begin(self, tx: Tx) -> ConsumerRow:
        name = self._consumer.name
        known = tx.get(ConsumerRow, name)
        if known is None:
            start = Position(0, 0) if self._from_start else last_position(tx)
            made = ConsumerRow(name, *start, alive_at=tx.now, dropped_at=None, fault=None)
            tx.insert(made, ignore_duplicate=True)
            return tx.get(ConsumerRow, name) or made
        if known.dropped_at is None:
            return known
        log.error(
            "the consumer %s was dropped at %s, since it had not read: it goes on with what is "
            "left, and misses what was forgotten since",
            name,
            known.dropped_at,
        )
        return tx.update(known, dropped_at=None, alive_at=tx.now, fault=None)

    async def _say_alive(self, row: ConsumerRow) -> None:
        def say(tx: Tx) -> None:
            tx.run(queries.ALIVE, consumer=row.name, now=tx.now)

        def due(tx: Tx) -> bool:
            return row.fault is not None or row.alive_at < later(tx.now, -ALIVE_SECONDS)

        if await self._database.read(due):
            await self._database.write(say, name=f"events of {row.name}: alive")

    async def _complain(self, error: Exception) -> None:
        name, reason = self._consumer.name, f"{type(error).__name__}: {error}"[:500]

        def note(tx: Tx) -> bool:
            row = tx.get(ConsumerRow, name)
            if row is None or row.fault == reason:
                return False
            tx.update(row, fault=reason)
            return True

        try:
            new = await self._database.write(note, name=f"events of {name}: failed")
        except Exception:  # the database is away, which is what the error says, too
            new = self._failures == 0
        if new:
            log.error("the consumer of events %s failed", name, exc_info=error)


def _move(tx: Tx, row: ConsumerRow, to: Position) -> bool:
    """False: another process was quicker."""
    moved = tx.run(
        queries.MOVE,
        consumer=row.name,
        old_turn=row.turn,
        old_sequence=row.sequence,
        new_turn=to.turn,
        new_sequence=to.sequence,
        now=tx.now,
    )
    return moved == 1


def state_of_consumers(tx: Tx) -> list[dict[str, Any]]:
    """For `cumulo status`: who follows the events, and who has fallen behind."""
    last = last_position(tx)
    return [
        {
            "name": row.name,
            "position": str(row.position),
            "behind": row.position < last,
            "alive_at": row.alive_at,
            "dropped_at": row.dropped_at,
            "fault": row.fault,
        }
        for row in tx.all(queries.CONSUMERS)
    ]
