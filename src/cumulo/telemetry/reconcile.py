"""The loops of telemetry: alarms look at their metrics, and what they call is called."""

import logging
from typing import Protocol

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.telemetry.model.alarm import AlarmRow, CallRow
from cumulo.telemetry.service.alarms import Alarms, call_body

log = logging.getLogger("cumulo.telemetry")

TRIES = 5


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

    def due(self, tx: Tx, most: int) -> list[str]:
        return list(self._alarms.calls_due(tx, most))

    async def step(self, id: str) -> None:
        row = await self._database.read(lambda tx: tx.get(CallRow, id))
        if row is None:
            return
        if row.url.startswith(("http://", "https://")):
            await self._post(row.url, call_body(row))
        elif row.url.startswith("log://"):
            log.info(
                "alarm %s (%s) went from %s to %s: %s",
                row.alarm_id,
                row.body["alarm_name"],
                row.body["previous"],
                row.body["current"],
                row.body["reason"],
            )
        await self._database.write(lambda tx: tx.delete(row), name="alarm action called")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(CallRow, id)
        if row is None:
            return
        if row.tries + 1 >= TRIES:
            log.warning("the action %s of alarm %s is given up: %s", row.url, row.alarm_id, reason)
            tx.delete(row)
        else:
            tx.update(row, tries=row.tries + 1, due=later(tx.now, 2.0 ** (row.tries + 1)))
