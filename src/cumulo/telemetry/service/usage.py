"""Usage: intervals out of events, and what they add up to.

Times are whole microseconds and money is decimal, so that a bill is the same whatever order its
parts are added in; it is rounded once, when it is shown.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any, NamedTuple

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.usage import Metered
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.queries import interval as queries
from cumulo.telemetry.queries import rating
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.prices import PriceBook

BATCH = 5_000
HOUR = 3_600_000_000
"""Microseconds."""
EXACT = Context(prec=60)
CENTS = Decimal("0.00000001")
"""What is shown is rounded to."""
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of thing was used in a time, by one project."""

    project_id: str
    resource_type: str
    facts: dict[str, Any]
    resources: int
    hours: float
    """Resource-hours."""
    price: float


class Piece(NamedTuple):
    """A part of an interval in which nothing changes, its price neither."""

    row: IntervalRow
    began: Moment
    ended: Moment
    length: int
    """Microseconds."""
    hour: Decimal
    """What an hour of it costs."""

    @property
    def cost(self) -> Decimal:
        """In microseconds' share: divided by HOUR it is money."""
        return self.hour * self.length


def microseconds(moment: Moment) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // _MICROSECOND


def money(cost: Decimal) -> Decimal:
    """Of a sum of pieces' costs."""
    with localcontext(EXACT):
        return (cost / HOUR).quantize(CENTS, ROUND_HALF_UP)


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
        """One interval ends and the next begins at the very moment of the change. Where the cloud's
        clock was put back, it stands still for this thing until it is later than it was: no second
        is counted twice."""
        facts = event.detail.get("facts")
        last = tx.one(queries.LAST, id=event.resource_id, kind=kind)
        there = last if last is not None and last.ended is None else None
        if there is not None and (there.facts, there.project_id) == (facts, event.project_id):
            return  # Said again, by who only looks now and then.
        at = event.at if last is None else max(event.at, last.ended or last.began)
        tx.run(queries.CLOSE, id=event.resource_id, kind=kind, at=at)
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
                    began=at,
                    ended=None,
                )
            )
        attributes = None if facts is None else {"display_name": name, **facts}
        self._metrics.resources.known(
            tx, kind, event.resource_id, event.project_id, owner, attributes, at
        )


class Usage:
    """What was used between two moments."""

    def __init__(self, prices: PriceBook) -> None:
        self.prices = prices

    def intervals(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None
    ) -> Iterator[IntervalRow]:
        """Cut to the span. Read in batches: for heavy operations."""
        after = 0
        while True:
            if project_id is None:
                rows = tx.all(queries.OF_ALL, since=since, until=until, after=after, most=BATCH)
            else:
                rows = tx.all(
                    queries.OF_PROJECT,
                    project=project_id,
                    since=since,
                    until=until,
                    after=after,
                    most=BATCH,
                )
            yield from (_cut(row, since, until) for row in rows)
            if len(rows) < BATCH:
                return
            after = rows[-1].id

    def pieces(
        self,
        tx: Tx,
        since: Moment,
        until: Moment,
        project_id: str | None,
        edges: Sequence[Moment] = (),
    ) -> Iterator[Piece]:
        """The same with prices, cut where prices change and at `edges` (sorted)."""
        prices = self.prices.now(tx)
        for row in self.intervals(tx, since, until, project_id):
            assert row.ended is not None
            cuts = prices.cuts(row.began, row.ended)
            inner = edges[bisect_right(edges, row.began) : bisect_left(edges, row.ended)]
            places = sorted({row.began, row.ended, *cuts, *inner})
            for began, ended in itertools.pairwise(places):
                length = microseconds(ended) - microseconds(began)
                hour = prices.hour(row.project_id, row.resource_type, row.facts, began)
                yield Piece(row, began, ended, length, hour)

    def projects(self, tx: Tx, since: Moment, until: Moment, most: int) -> list[str]:
        """Which have used something."""
        found = tx.tuples(rating.PROJECTS, since=since, until=until, most=most)
        return [str(id) for (id,) in found]

    def lines(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None = None
    ) -> list[Line]:
        """By project, kind and facts (without names and ids of single things)."""
        found: dict[tuple[str, str, str], list[Any]] = {}
        with localcontext(EXACT):
            for piece in self.pieces(tx, since, until, project_id):
                row = piece.row
                key = (row.project_id, row.resource_type, msgspec.json.encode(row.facts).decode())
                line = found.setdefault(key, [set(), 0, Decimal(0), row.facts])
                line[0].add(row.resource_id)
                line[1] += piece.length
                line[2] += piece.cost
        return [
            Line(
                project_id=project,
                resource_type=kind,
                facts=facts,
                resources=len(ids),
                hours=length / HOUR,
                price=float(money(cost)),
            )
            for (project, kind, _), (ids, length, cost, facts) in sorted(
                found.items(), key=lambda item: item[0]
            )
        ]


def _cut(row: IntervalRow, since: Moment, until: Moment) -> IntervalRow:
    ended = until if row.ended is None else min(row.ended, until)
    return msgspec.structs.replace(row, began=max(row.began, since), ended=ended)
