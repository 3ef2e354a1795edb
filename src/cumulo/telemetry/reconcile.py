"""The loops of telemetry: alarms look at their metrics, and what they call is called."""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Database, Overtaken, Tx
from cumulo.telemetry.model.alarm import AlarmRow, CallRow
from cumulo.telemetry.service.alarms import TRUSTED, WEB, Alarms, Judged, Searching, Stuck
from cumulo.telemetry.service.metrics import Metrics

log = logging.getLogger("cumulo.telemetry")

TRIES = 5
LOOKS = 50
"""Alarms that are looked at in one transaction."""
PLACES = 2
"""Calls of one project at once."""
BUSY_SECONDS = 1.0
CLAIM_SECONDS = 15.0
"""So long nobody else makes a call that is being made; longer than it may take."""


class Post(Protocol):
    async def __call__(self, url: str, body: bytes, who: Principal | None) -> None:
        """POST JSON to a URL that a user has named; `who`: for whom, if it is an operation of this
        cloud. Raises an exception with the reason."""


class AlarmLooks:
    """Implements core.work.Reconciler."""

    name = "alarms"

    def __init__(self, database: Database, alarms: Alarms) -> None:
        self._database = database
        self._alarms = alarms
        self._waiting: dict[str, None] = {}
        """Alarms whose metrics have new measures, and those whose time has come: hints. A process
        that does not live to look at them finds all due when it starts again, and each is once in
        an interval."""

    def look_soon(self, ids: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(ids))

    def due(self, tx: Tx, most: int) -> list[str]:
        periodic = self._alarms.due(tx, most)
        self._waiting.update(dict.fromkeys(periodic))
        return list(dict.fromkeys([*itertools.islice(self._waiting, most), *periodic]))[:most]

    async def step(self, id: str) -> None:
        """This one, and of the others as many as are looked at in one go."""
        if id not in self._waiting:
            return  # Another step has taken it along.
        ids = list(dict.fromkeys([id, *itertools.islice(self._waiting, LOOKS - 1)]))
        for each in ids:
            del self._waiting[each]
        try:
            now, found = await self._database.read(
                lambda tx: (tx.now, self._alarms.judge_all(tx, ids))
            )
        except BaseException:
            self.look_soon(ids)
            raise
        for one in found:
            await self._one(one, now)

    async def _one(self, one: Judged | Searching | Stuck, now: Moment) -> None:
        """What comes in the way of one alarm is noted at that one: the others that were taken along
        are looked at all the same."""
        id = one.row.id if isinstance(one, Judged) else one.id
        try:
            if isinstance(one, Stuck):
                raise one.error
            judged: Judged | None = await self._searched(one) if isinstance(one, Searching) else one
            if judged is not None and self._alarms.has_news(judged, now):
                await self._settle(judged)
        except Overtaken:
            self.look_soon([id])
            self._alarms.ring_looks()
        except Exception as error:
            log.exception("alarm %s: its look failed", id)
            reason = f"{type(error).__name__}: {error}"
            await self._database.write(
                lambda tx: self.failed(tx, id, reason), name="alarm look failed"
            )

    async def _searched(self, one: Searching) -> Judged | None:
        """Read beside the loop."""
        return await self._database.study(lambda tx: self._alarms.judge(tx, one))

    async def _settle(self, judged: Judged) -> None:
        await self._database.write(lambda tx: self._alarms.settle(tx, judged), name="alarm looks")

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
        if not await self._database.write(
            lambda tx: self._alarms.claim(tx, row, CLAIM_SECONDS), name="alarm action claimed"
        ):
            return
        self._busy[row.project_id] += 1
        try:
            await self._call(row, alarm)
        finally:
            self._busy[row.project_id] -= 1
            if not self._busy[row.project_id]:
                del self._busy[row.project_id]
        await self._database.write(lambda tx: tx.delete(row), name="alarm action called")

    def _wait(self, tx: Tx, id: str) -> None:
        row = tx.get(CallRow, id)
        if row is not None:
            tx.update(row, due=later(tx.now, BUSY_SECONDS))

    async def _call(self, row: CallRow, alarm: AlarmRow) -> None:
        if row.url.startswith(WEB):
            await self._post(row.url, msgspec.json.encode(row.body), None)
        elif row.url.startswith(TRUSTED):
            who = await self._database.read(lambda tx: self._alarms.principal(tx, alarm))
            if who is None:
                raise PermissionError("what gave the alarm its right has ended")
            url = row.url.removeprefix(TRUSTED)
            await self._post(url, msgspec.json.encode(row.body), who)
        elif row.url.startswith("log:"):
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


class GonePoints:
    """The points of metrics that were removed go piece by piece, and what is gone for long."""

    name = "removed metrics"

    def __init__(self, database: Database, metrics: Metrics, seconds: float) -> None:
        self._database = database
        self._metrics = metrics
        self._seconds = seconds

    def due(self, tx: Tx, most: int) -> list[str]:
        before = later(tx.now, -self._seconds)
        found = [f"metric {id}" for id in self._metrics.gone(tx, most)]
        return [*found, *(f"resource {id}" for id in self._metrics.ended(tx, before, most))][:most]

    async def step(self, id: str) -> None:
        kind, _, id = id.partition(" ")
        remove = self._metrics.forget if kind == "metric" else self._metrics.remove_ended
        await self._database.write(lambda tx: remove(tx, id), name=f"removed {kind}")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        log.warning("%s: its points are not removed: %s", id, reason)
