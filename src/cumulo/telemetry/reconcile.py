"""The loops of telemetry: alarms look at their metrics, and what they call is called."""

import logging
from collections import Counter
from typing import Protocol

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.telemetry.model.alarm import AlarmRow, CallRow
from cumulo.telemetry.service.alarms import Alarms, call_body

log = logging.getLogger("cumulo.telemetry")

TRIES = 5
PLACES = 2
"""Calls of one project at once."""
BUSY_SECONDS = 1.0


class Post(Protocol):
    async def __call__(self, url: str, body: bytes) -> None:
        """POST JSON to a URL that a user has named. Raises an exception with the reason."""


class AlarmLooks:
    """Implements core.work.Reconciler."""

    name = "alarms"

    def __init__(self, database: Database, alarms: Alarms) -> None:
        self._database = database
        self._alarms = alarms

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._alarms.due(tx, most)

    async def step(self, id: str) -> None:
        await self._database.write(lambda tx: self._alarms.look(tx, id), name="alarm looks")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(AlarmRow, id)
        if row is not None:
            tx.update(row, due=later(tx.now, 60.0))


class AlarmCalls:
    """Calls actions, each at least once: a kill between the call and its note repeats it."""

    name = "alarm actions"

    def __init__(self, database: Database, alarms: Alarms, post: Post) -> None:
        self._database = database
        self._alarms = alarms
        self._post = post
        self._busy: Counter[str] = Counter()
        """Calls under way, by project: whose URLs hang keeps nobody else's waiting."""

    def due(self, tx: Tx, most: int) -> list[str]:
        return list(self._alarms.calls_due(tx, most))

    async def step(self, id: str) -> None:
        found = await self._database.read(
            lambda tx: (row := tx.get(CallRow, id)) and (row, tx.get(AlarmRow, row.alarm_id))
        )
        if not found:
            return
        row, alarm = found
        if alarm is None or not alarm.enabled:
            await self._database.write(lambda tx: tx.delete(row), name="alarm action dropped")
            return
        if self._busy[row.project_id] >= PLACES:
            await self._database.write(lambda tx: self._wait(tx, id), name="alarm action waits")
            return
        self._busy[row.project_id] += 1
        try:
            await self._call(row)
        finally:
            self._busy[row.project_id] -= 1
            if not self._busy[row.project_id]:
                del self._busy[row.project_id]
        await self._database.write(lambda tx: tx.delete(row), name="alarm action called")

    def _wait(self, tx: Tx, id: str) -> None:
        row = tx.get(CallRow, id)
        if row is not None:
            tx.update(row, due=later(tx.now, BUSY_SECONDS))

    async def _call(self, row: CallRow) -> None:
        if row.url.startswith(("http://", "https://")):
            await self._post(row.url, call_body(row))
        elif row.url.startswith("log://"):
            log.info(
                "alarm %s (%s) went from %s to %s: %s",
                row.alarm_id,
                repr(row.body["alarm_name"]),
                row.body["previous"],
                row.body["current"],
                row.body["reason"],
            )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(CallRow, id)
        if row is None:
            return
        if row.tries + 1 >= TRIES:
            log.warning("the action %s of alarm %s is given up: %s", row.url, row.alarm_id, reason)
            tx.delete(row)
        else:
            tx.update(row, tries=row.tries + 1, due=later(tx.now, 2.0 ** (row.tries + 1)))
