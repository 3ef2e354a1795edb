"""Gnocchi's aggregates across metrics: `/v1/aggregates`, and the two older ways to ask."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.bodies import metric_body, resource_body, target_of
from cumulo.telemetry.api.lists import flag
from cumulo.telemetry.api.resources import search_in, whose
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.model.operations import Node, Reference, read, references
from cumulo.telemetry.model.search_text import parsed
from cumulo.telemetry.model.times import seconds_of, span_of, stamp
from cumulo.telemetry.service.aggregates import (
    FOREVER,
    Aggregates,
    Asked,
    Budget,
    Member,
    groups_of,
)
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.resources import fields_of, searched
from cumulo.telemetry.service.types import Types

MOST_RESOURCES = 1000
MOST_GROUPED = 10
"""Attributes that one groups by."""


class Wish(StrictBody):
    operations: Any
    search: Any = None
    resource_type: str = "generic"


class AggregatesApi:
    def __init__(self, metrics: Metrics, types: Types) -> None:
        self._metrics = metrics
        self._types = types
        self._aggregates = Aggregates(metrics)

    def operations(self) -> list[Operation]:
        heavy: dict[str, Any] = {"kind": "heavy", "policy": "list metric", "writes": False}
        return [
            Operation("POST", "/v1/aggregates", self.aggregates, body=Wish, **heavy),
            Operation("GET", "/v1/aggregation/metric", self.of_metrics, **heavy),
            Operation(
                "POST",
                "/v1/aggregation/resource/{type}/metric/{name}",
                self.of_resources,
                body=dict[str, Any] | None,
                **heavy,
            ),
            Operation(
                "GET",
                "/v1/aggregation/resource/{type}/metric/{name}",
                self.of_resources,
                **heavy,
            ),
        ]

    def aggregates(self, call: Call, tx: Tx) -> Any:
        body: Wish = call.body
        node = read(body.operations)
        if body.search is None:
            return self._by_ids(call, tx, node)
        return self._by_search(call, tx, node, body.resource_type, body.search)

    # --- older ways -----------------------------------------------------------------------------

    def of_metrics(self, call: Call, tx: Tx) -> Any:
        ids = call.query.all("metric")
        method = call.query.get("aggregation") or "mean"
        node = read(_older(call, [[id, method] for id in ids]))
        return self._by_ids(call, tx, node)["measures"]["aggregated"]

    def of_resources(self, call: Call, tx: Tx) -> Any:
        method = call.query.get("aggregation") or "mean"
        node = read(_older(call, [[call.path["name"], method]]))
        kind = call.path["type"]
        found = self._by_search(call, tx, node, kind, call.body or {})
        if not _grouped(call):
            return found["measures"]["aggregated"]
        return [
            {"group": each["group"], "measures": each["measures"]["measures"]["aggregated"]}
            for each in found
        ]

    # --- by ids ---------------------------------------------------------------------------------

    def _by_ids(self, call: Call, tx: Tx, node: Node) -> dict[str, Any]:
        wanted = references(node)
        rows = self._metrics.by_ids(tx, [name for name, _ in wanted])
        of = self._metrics.resources.by_ids(
            tx, [row.resource_id for row in rows.values() if row.resource_id is not None]
        )
        unknown = [name for name, _ in wanted if not self._readable(call, rows.get(name), of)]
        if unknown:
            raise _caused("Unknown metrics", list(dict.fromkeys(unknown)))
        members = {each: [Member((each[0],), rows[each[0]])] for each in wanted}
        measures = self._aggregates.compute(tx, node, members, _asked(call))
        made: dict[str, Any] = {"measures": _stamped(measures)}
        if flag(call, "details"):
            policies = {each.name: each for each in self._metrics.policies.all(tx)}
            made["references"] = [
                metric_body(row, policies[row.archive_policy]) for row in rows.values()
            ]
        return made

    @staticmethod
    def _readable(call: Call, row: MetricRow | None, of: Mapping[str, ResourceRow]) -> bool:
        if row is None:
            return False
        resource = of.get(row.resource_id or "")
        project = row.project_id if resource is None else resource.project_id
        return call.allowed("get metric", target_of(row, project))

    # --- by search ------------------------------------------------------------------------------

    def _by_search(self, call: Call, tx: Tx, node: Node, kind: str, given: Any) -> Any:
        if isinstance(given, str):
            given = parsed(given)
        search = search_in(call, tx, self._types, kind, given)
        start = _asked(call).start
        found = self._metrics.resources.search(
            tx,
            search,
            kind=kind,
            project=whose(call),
            # What had ended before has no measures of that time.
            there_since=None if start is None else to_moment(start),
            limit=MOST_RESOURCES,
        )
        if found.more:
            raise BadRequest(
                f"Invalid input: more than {MOST_RESOURCES} resources; ask for a later start, or "
                "for those whose ended_at is null"
            )
        wanted = references(node)
        names = list(dict.fromkeys(name for name, _ in wanted))
        of = self._metrics.of_resources(tx, [row.id for row in found.rows], names)
        metrics = {id: {str(row.name): row for row in rows} for id, rows in of.items()}
        # Those that lack one of the metrics are left out.
        rows = [row for row in found.rows if all(name in metrics[row.id] for name in names)]
        if not rows:
            raise _caused("Metrics not found", names)
        grouped = _grouped(call)
        if not grouped:
            whole = [(row, -FOREVER, FOREVER) for row in rows]
            return self._group(call, tx, node, wanted, metrics, whole)
        fields = fields_of(self._types.attributes(tx, kind))
        for name in grouped:
            if name not in fields:
                raise BadRequest(f"Invalid groupby attribute {name[:80]!r}")
        revisions = None
        if flag(call, "use_history"):
            revisions = self._metrics.resources.revisions(tx, [row.id for row in rows], 10_000)
        groups = groups_of(
            rows, revisions, grouped, lambda was, row, name: searched(was, row).get(name)
        )
        budget = Budget()
        return [
            {
                "group": dict(zip(grouped, key, strict=True)),
                "measures": self._group(call, tx, node, wanted, metrics, members, budget),
            }
            for key, members in sorted(groups.items(), key=lambda item: str(item[0]))
        ]

    def _group(
        self,
        call: Call,
        tx: Tx,
        node: Node,
        wanted: Sequence[Reference],
        metrics: Mapping[str, Mapping[str, MetricRow]],
        rows: Sequence[tuple[ResourceRow, float, float]],
        budget: Budget | None = None,
    ) -> dict[str, Any]:
        members = {
            (name, method): [
                Member((row.id, name), metrics[row.id][name], since, until)
                for row, since, until in rows
            ]
            for name, method in wanted
        }
        asked = _asked(call)
        if any(since > -FOREVER or until < FOREVER for _, since, until in rows):
            # Whose it was for a while only has gaps by nature.
            asked = asked._replace(fill=asked.fill or "dropna")
        measures = self._aggregates.compute(tx, node, members, asked, budget)
        made: dict[str, Any] = {"measures": _stamped(measures)}
        if flag(call, "details"):
            of = {row.id: row for row, _, _ in rows}
            made["references"] = [
                resource_body(row, list(metrics[row.id].values())) for row in of.values()
            ]
        return made


def _older(call: Call, pairs: list[list[str]]) -> list[Any]:
    method = (call.query.get("aggregation") or "mean").removeprefix("rate:")
    again = call.query.get("reaggregation") or method
    made: list[Any] = ["aggregate", again, ["metric", *pairs]]
    resample = call.query.get("resample")
    return made if resample is None else ["resample", again, resample, made]


def _grouped(call: Call) -> list[str]:
    names = [name for text in call.query.all("groupby") for name in text.split(",") if name]
    if len(names) > MOST_GROUPED:
        raise BadRequest(f"Invalid input: at most {MOST_GROUPED} attributes to group by")
    return list(dict.fromkeys(names))


def _asked(call: Call) -> Asked:
    """Of the query. Raises BadRequest."""

    def number(name: str, of: Any) -> float | None:
        text = call.query.get(name)
        return None if text is None else of(text, name)

    fill: float | str | None = call.query.get("fill")
    if fill is not None and fill not in ("null", "dropna"):
        fill = _float(str(fill), "fill")
    overlap = call.query.get("needed_overlap")
    asked = Asked(
        number("start", seconds_of),
        number("stop", seconds_of),
        number("granularity", span_of),
        100.0 if overlap is None else _float(overlap, "needed_overlap"),
        fill,
    )
    if asked.start is not None and asked.stop is not None and asked.start > asked.stop:
        raise BadRequest("Invalid input: start is after stop")
    if not 0 <= asked.overlap <= 100:
        raise BadRequest("Invalid input: needed_overlap is a percentage")
    if isinstance(fill, float) and asked.granularity is None:
        raise BadRequest("Invalid input: fill needs a granularity")
    return asked


def _float(text: str, name: str) -> float:
    try:
        found = float(text[:40])
    except ValueError:
        raise BadRequest(f"Invalid value for {name}: it is no number") from None
    if not -1e150 < found < 1e150:
        raise BadRequest(f"Invalid value for {name}")
    return found


def _stamped(measures: Any) -> Any:
    if isinstance(measures, dict):
        return {name: _stamped(each) for name, each in measures.items()}
    return [(stamp(at), span, value) for at, span, value in measures]


def _caused(cause: str, detail: Any) -> NotFound:
    return NotFound(cause, details={"cause": cause, "detail": json.dumps(detail)})
