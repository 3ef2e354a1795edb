"""Gnocchi's search of values: when metrics were more, less or just so much."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.telemetry.api.bodies import target_of
from cumulo.telemetry.model.metric import MetricRow
from cumulo.telemetry.model.times import seconds_of, span_of, stamp
from cumulo.telemetry.model.values import search_of
from cumulo.telemetry.service.aggregates import Budget
from cumulo.telemetry.service.metrics import Metrics

MOST_METRICS = 100
MOST_GRANULARITIES = 20


class ValuesApi:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "POST",
                "/v1/search/metric",
                self.search,
                policy="search metric",
                body=dict[str, Any] | None,
                kind="heavy",
                writes=False,
                early=False,
            )
        ]

    def search(self, call: Call, tx: Tx) -> dict[str, list[tuple[str, float, float]]]:
        """By metric: (begin, granularity, value) of those that fit. Whoever may not see a metric
        sees none."""
        ids = list(dict.fromkeys(call.query.all("metric_id")))
        if not 0 < len(ids) <= MOST_METRICS:
            raise BadRequest(f"Invalid input: 1 to {MOST_METRICS} of metric_id are needed")
        if not call.body:
            raise BadRequest("No query specified in body")
        fits = search_of(call.body)
        texts = call.query.all("granularity")
        spans = list(dict.fromkeys(span_of(text, "granularity") for text in texts))
        if len(spans) > MOST_GRANULARITIES:
            raise BadRequest(f"Invalid input: at most {MOST_GRANULARITIES} granularities")
        start, stop = (
            None if text is None else seconds_of(text, name)
            for name in ("start", "stop")
            for text in [call.query.get(name)]
        )
        made: dict[str, list[tuple[str, float, float]]] = {}
        budget = Budget()
        for row in self._metrics.by_ids(tx, ids).values():
            if not call.allowed("search metric", self._target(tx, row)):
                continue
            found: list[tuple[int, float, float]] = []
            wanted: list[float | None] = [*spans] or [None]
            for span in wanted:
                try:
                    points = self._metrics.measures(
                        tx,
                        row,
                        method=call.query.get("aggregation") or "mean",
                        granularity=span,
                        start=start,
                        stop=stop,
                    )
                except NotFound as missing:
                    raise BadRequest(missing.message) from None
                budget.take(len(points))
                found += points
            made[row.id] = [(stamp(at), span, v) for at, span, v in found if fits(v)]
        return made

    def _target(self, tx: Tx, row: MetricRow) -> dict[str, str | None]:
        return target_of(row, self._metrics.project_of(tx, row))
