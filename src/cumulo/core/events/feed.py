"""The live feed: events as they happen, to any number of listeners, resumable by an event's id.

One reader for a whole process hands each event out, so that a listener costs no query. Who gives
the id of the last event that they saw first gets, from the database, what came after it; who is too
slow is led through the database as well, and misses nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events import queries
from cumulo.core.events.history import events_since, last_position, ring_at_events
from cumulo.core.events.model import START, EventRow, Position
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.events")

BATCH = 200
SWEEP_SECONDS = 1.0
"""Between two looks for what other processes have committed, and for what could be overtaken."""
WAITING = 500
"""Events that wait for one listener before it is led through the database."""


class _Listener:
    def __init__(self, project_id: str | None, start: Position) -> None:
        self.project_id = project_id
        self.start = start
        self.waiting: deque[EventRow] = deque()
        self.overrun = False
        self.bell = asyncio.Event()

    def hear(self, event: EventRow) -> None:
        if self.project_id is not None and event.project_id != self.project_id:
            return
        if len(self.waiting) >= WAITING:
            self.overrun = True
        else:
            self.waiting.append(event)
        self.bell.set()


class Feed:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: set[_Listener] = set()
        self._bell = Wakeup()
        self._at = START
        self._read: asyncio.Task[None] | None = None

    async def follow(
        self, project_id: str | None, after: Position | None = None
    ) -> AsyncIterator[EventRow]:
        """Events of a project (None: of all) after a place, or from now on; without end."""
        listener = await self._join(project_id)
        try:
            seen = listener.start if after is None else after
            while True:
                upto = listener.start
                while seen < upto:
                    found = await self._page(project_id, seen)
                    for event in found:
                        if event.position > upto:
                            break
                        yield event
                        seen = event.position
                    else:
                        if len(found) == BATCH:
                            continue
                    break
                seen = max(seen, upto)
                while not listener.overrun:
                    while listener.waiting:
                        event = listener.waiting.popleft()
                        if event.position > seen:
                            yield event
                            seen = event.position
                    if not listener.overrun:
                        listener.bell.clear()
                        await listener.bell.wait()
                self._leave(listener)
                listener = await self._join(project_id)
        finally:
            self._leave(listener)

    async def _page(self, project_id: str | None, after: Position) -> list[EventRow]:
        def read(tx: Tx) -> list[EventRow]:
            if project_id is None:
                return events_since(tx, after, BATCH)
            return tx.all(
                queries.OF_PROJECT_SINCE,
                project=project_id,
                turn=after.turn,
                sequence=after.sequence,
                most=BATCH,
            )

        return await self._database.read(read)

    async def _join(self, project_id: str | None) -> _Listener:
        """A listener that hears all events after its `start`."""
        if self._read is None or self._read.done():
            position = await self._database.read(last_position)
            # Somebody may have been quicker meanwhile.
            if self._read is None or self._read.done():
                self._at = position
                self._read = asyncio.create_task(self._hand_out())
        listener = _Listener(project_id, self._at)
        self._listeners.add(listener)
        return listener

    def _leave(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and self._read is not None:
            self._read.cancel()
            self._read = None

    async def _hand_out(self) -> None:
        """As long as somebody listens."""
        ring_at_events(self._bell)
        while True:
            try:
                found = await self._database.read(lambda tx: events_since(tx, self._at, BATCH))
            except Exception:  # the database is away: the same again, later
                log.exception("the live feed could not be read")
                await asyncio.sleep(SWEEP_SECONDS)
                continue
            # Nothing waits from here on: who joins hears all or none of these.
            for event in found:
                for listener in self._listeners:
                    listener.hear(event)
            if found:
                self._at = found[-1].position
            if len(found) < BATCH:
                await self._bell.wait(SWEEP_SECONDS)
