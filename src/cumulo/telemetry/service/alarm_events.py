"""Alarms that wait for an event: of the cloud's own log, of their project."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.faults import BadRequest
from cumulo.telemetry.model import hours
from cumulo.telemetry.model.alarm import AlarmRow, Verdict
from cumulo.telemetry.model.search import COMPARISONS
from cumulo.telemetry.queries import alarm as queries
from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.policies import glob
from cumulo.telemetry.service.rules import event_value

MOST_AT_ONCE = 200
"""Events of a project's alarms that are heard in one transaction."""


class AlarmEvents:
    """Implements core.events.consumers.Consumer."""

    name = "telemetry alarms"

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        # What an alarm's own change emits is no event of the log: nothing goes round in circles.
        projects = list(dict.fromkeys(each.project_id for each in events if each.project_id))
        if not projects:
            return
        waiting: dict[str, list[AlarmRow]] = {}
        for row in tx.all(queries.OF_EVENTS, projects=projects):
            waiting.setdefault(row.project_id, []).append(row)
        if not waiting:
            return
        hits: dict[str, list[tuple[AlarmRow, EventRow]]] = {}
        for event in events:
            rows = waiting.get(event.project_id or "")
            if rows:
                known = traits(event)
                found = [(row, event) for row in rows if matches(row.rule, event, known)]
                hits.setdefault(event.project_id or "", []).extend(found)
        for pairs in hits.values():
            if len(pairs) > MOST_AT_ONCE:
                # Of a flood each alarm hears of the last event.
                pairs = list({row.id: (row, event) for row, event in pairs}.values())
            rows_now: dict[str, AlarmRow] = {}
            for row, event in pairs:
                rows_now[row.id] = self._fire(tx, rows_now.get(row.id, row), event)

    def _fire(self, tx: Tx, row: AlarmRow, event: EventRow) -> AlarmRow:
        if row.state == "alarm" and not row.repeat_actions:
            return row
        if not hours.within(row.time_constraints, seconds_of(event.at)):
            return row
        reason = (
            f"Event <id:{event.sequence},event_type:{event.type}> hits the query "
            f"<query={row.rule['query']}>."
        )
        data = {"type": "event", "event": told(event)}
        return self._alarms.change(tx, row, Verdict("alarm", reason, data), None)


def told(event: EventRow) -> dict[str, Any]:
    """An event as those who are called see it."""
    return {
        "message_id": str(event.position),
        "event_type": event.type,
        "generated": event.at,
        "traits": [[name, 1, str(value)] for name, value in traits(event).items()],
    }


def traits(event: EventRow) -> dict[str, Any]:
    named = {
        "service": event.service,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "project_id": event.project_id,
        "tenant_id": event.project_id,
        "user_id": event.user_id,
        "request_id": event.request_id,
    }
    return {**event.detail, **{name: value for name, value in named.items() if value is not None}}


def matches(rule: Mapping[str, Any], event: EventRow, known: Mapping[str, Any]) -> bool:
    """`known`: the event's traits."""
    if not glob(rule["event_type"]).found_in(event.type):
        return False
    own = {"event_type": event.type, "message_id": str(event.position), "generated": event.at}
    for term in rule["query"]:
        name = term["field"]
        found = (
            known.get(name.removeprefix("traits.")) if name.startswith("traits.") else own.get(name)
        )
        if found is None:
            return False
        try:
            wanted = event_value(term)
            mine = event_value({"type": term.get("type"), "value": found})
            if not COMPARISONS[term.get("op") or "eq"](mine, wanted):
                return False
        except (BadRequest, TypeError):
            return False
    return True
