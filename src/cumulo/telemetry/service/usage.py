"""Usage: intervals out of events, and what they add up to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.clock import Moment, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.usage import Metered
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.queries import interval as queries
from cumulo.telemetry.service.metrics import Metrics

BATCH = 5_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of thing was used in a time, by one project."""

    project_id: str
    resource_type: str
    facts: dict[str, Any]
    resources: int
    hours: float
    """Resource-hours."""
    price: float


class UsageConsumer:
    """Follows the events of what is paid for. Implements core.events.consumers.Consumer."""

    name = "telemetry usage"

    def __init__(self, meters: Sequence[Metered[Any]], metrics: Metrics) -> None:
        self._types = {each.event: each.resource_type for each in meters}
        self._metrics = metrics

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        for event in events:
            kind = self._types.get(event.type)
            if kind is not None:
                self._take(tx, event, kind)

    def _take(self, tx: Tx, event: EventRow, kind: str) -> None:
        """One interval ends and the next begins at the very moment of the change."""
        tx.run(queries.CLOSE, id=event.resource_id, at=event.at)
        facts = event.detail.get("facts")
        owner = event.detail.get("owner")
        name = event.detail.get("name")
        if facts is not None and event.project_id:
            tx.insert(
                IntervalRow(
                    id=0,
                    resource_id=event.resource_id,
                    resource_type=kind,
                    project_id=event.project_id,
                    user_id=owner,
                    name=name,
                    facts=facts,
                    began=event.at,
                    ended=None,
                )
            )
        attributes = None if facts is None else {"display_name": name, **facts}
        self._metrics.resources.known(
            tx, kind, event.resource_id, event.project_id, owner, attributes, event.at
        )


class Usage:
    """What was used between two moments."""

    def __init__(self, prices: Mapping[str, float]) -> None:
        self.prices = dict(prices)

    def intervals(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None
    ) -> Iterator[IntervalRow]:
        """Cut to the span. Read in batches: for heavy operations."""
        if project_id is not None:
            rows = tx.all(
                queries.OF_PROJECT, project=project_id, since=since, until=until, most=10**6
            )
            yield from (_cut(row, since, until) for row in rows)
            return
        after = 0
        while True:
            rows = tx.all(queries.OF_ALL, since=since, until=until, after=after, most=BATCH)
            yield from (_cut(row, since, until) for row in rows)
            if len(rows) < BATCH:
                return
            after = rows[-1].id

    def lines(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None = None
    ) -> list[Line]:
        """By project, kind and facts (without names and ids of single things)."""
        found: dict[tuple[str, str, str], list[Any]] = {}
        for row in self.intervals(tx, since, until, project_id):
            assert row.ended is not None
            hours = (seconds_of(row.ended) - seconds_of(row.began)) / 3600.0
            key = (row.project_id, row.resource_type, msgspec.json.encode(row.facts).decode())
            line = found.setdefault(key, [set(), 0.0, 0.0, row.facts])
            line[0].add(row.resource_id)
            line[1] += hours
            line[2] += hours * self.rate(row.resource_type, row.facts)
        return [
            Line(
                project_id=project,
                resource_type=kind,
                facts=facts,
                resources=len(ids),
                hours=hours,
                price=price,
            )
            for (project, kind, _), (ids, hours, price, facts) in sorted(found.items())
        ]

    def rate(self, resource_type: str, facts: Mapping[str, Any]) -> float:
        """What an hour of a thing with these facts costs."""
        rate = self.prices.get(resource_type, 0.0)
        for name, value in facts.items():
            price = self.prices.get(f"{resource_type}.{name}")
            if price is not None and isinstance(value, int | float):
                rate += price * value
            rate += self.prices.get(f"{resource_type}.{name}={value}", 0.0)
        return rate


def _cut(row: IntervalRow, since: Moment, until: Moment) -> IntervalRow:
    ended = until if row.ended is None else min(row.ended, until)
    return msgspec.structs.replace(row, began=max(row.began, since), ended=ended)
