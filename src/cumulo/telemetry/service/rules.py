"""Rules of alarms: checked when they come, and what they say of the metrics at this moment.

A rule of thresholds looks at one metric of a resource, at metrics by their ids, or at the metric of
that name of all resources that a search finds; a composite one joins such rules; an event's rule
waits for what happens (`service.alarm_events`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, NotFound
from cumulo.core.wire.coercions import number_or_none, whole_or_none
from cumulo.telemetry.model.alarm import OPERATORS, AlarmRow, State, Verdict, decide, joined
from cumulo.telemetry.model.metric import MetricRow
from cumulo.telemetry.model.operations import aggregate
from cumulo.telemetry.model.points import METHODS
from cumulo.telemetry.model.search import Search, search_of
from cumulo.telemetry.model.search_text import parsed
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.policies import glob
from cumulo.telemetry.service.resources import fields_of, id_of
from cumulo.telemetry.service.types import Types

RESOURCES = "gnocchi_resources_threshold"
BY_METRICS = "gnocchi_aggregation_by_metrics_threshold"
BY_RESOURCES = "gnocchi_aggregation_by_resources_threshold"
TYPES = {
    RESOURCES: f"{RESOURCES}_rule",
    BY_METRICS: f"{BY_METRICS}_rule",
    BY_RESOURCES: f"{BY_RESOURCES}_rule",
    "composite": "composite_rule",
    "event": "event_rule",
}
_OWN: Mapping[str, tuple[str, ...]] = {
    RESOURCES: ("metric", "resource_id", "resource_type"),
    BY_METRICS: ("metrics",),
    BY_RESOURCES: ("metric", "query", "resource_type"),
}
_COMMON = (
    "comparison_operator",
    "evaluation_periods",
    "granularity",
    "threshold",
    "aggregation_method",
)
MOST_METRICS = 100
"""That are named by their ids."""
MOST_FOUND = 1000
"""Resources that a search of an alarm finds."""
MOST_PERIODS = 1000
MOST_POINTS = 20_000
"""Periods of all metrics of a look, together."""
MOST_RULES = 10
"""In a composite one."""
MOST_DEPTH = 4
MOST_TERMS = 20
"""In the query of an event's rule."""
EVENT_TYPES = ("string", "integer", "float", "boolean", "datetime", "")


def _folded(method: str, values: Sequence[float]) -> float:
    """What a method makes of several metrics' values: of counts it is all of them."""
    if method in ("count", "rate:count"):
        return sum(values)
    if method in ("std", "rate:std") and len(values) == 1:
        return values[0]
    return aggregate(method, values) or 0.0


class Who:
    """By whose right an alarm looks."""

    def __init__(self, project_id: str | None, user_id: str | None, *, everybody: bool) -> None:
        self.project_id = project_id
        self.user_id = user_id
        self.everybody = everybody

    @classmethod
    def of(cls, principal: Principal) -> "Who":
        return cls(principal.project_id, principal.user_id, everybody=principal.is_admin)


class Rules:
    def __init__(self, metrics: Metrics, types: Types) -> None:
        self._metrics = metrics
        self._types = types

    # --- checking -------------------------------------------------------------------------------

    def checked(self, tx: Tx, kind: str, given: Any, who: Who) -> dict[str, Any]:
        """The rule as it is kept. Raises BadRequest, NotFound."""
        if not isinstance(given, dict):
            raise BadRequest(f"Invalid input: the rule of a {kind} alarm is an object")
        if kind == "event":
            return _checked_event(given)
        if kind == "composite":
            count = [0]
            made = self._composite(tx, given, who, 0, count)
            if count[0] < 2:
                raise BadRequest("Invalid input: a composite rule joins at least two rules")
            return made
        return self._threshold(tx, kind, given, who)

    def _composite(
        self, tx: Tx, given: Any, who: Who, depth: int, count: list[int]
    ) -> dict[str, Any]:
        if not isinstance(given, dict) or depth > MOST_DEPTH:
            raise BadRequest("Invalid input composite rule: rules are objects")
        joins = [word for word in ("and", "or") if word in given]
        if joins:
            [word, *others] = joins
            parts = given[word]
            if others or len(given) != 1 or not isinstance(parts, list) or not parts:
                raise BadRequest("Invalid input composite rule: it has one of and, or with a list")
            if len(parts) > MOST_RULES:
                raise BadRequest(f"Invalid input composite rule: at most {MOST_RULES} rules")
            return {word: [self._composite(tx, each, who, depth + 1, count) for each in parts]}
        kind = str(given.get("type"))
        if kind not in _OWN:
            raise BadRequest(f"Invalid input composite rule: unsupported type {kind[:60]!r}")
        count[0] += 1
        if count[0] > MOST_RULES:
            raise BadRequest(f"Invalid input composite rule: at most {MOST_RULES} rules")
        rest = {name: value for name, value in given.items() if name != "type"}
        return {"type": kind, **self._threshold(tx, kind, rest, who)}

    def _threshold(self, tx: Tx, kind: str, given: dict[str, Any], who: Who) -> dict[str, Any]:
        rule = dict(given)
        unknown = sorted(rule.keys() - set(_COMMON) - set(_OWN[kind]))
        if unknown:
            raise BadRequest(f"Unknown attribute {unknown[0]:.60} in the rule")
        rule.setdefault("comparison_operator", "eq")
        rule.setdefault("evaluation_periods", 1)
        rule.setdefault("granularity", 60)
        if rule["comparison_operator"] not in OPERATORS:
            raise BadRequest(f"Invalid comparison operator {str(rule['comparison_operator'])[:40]}")
        for name, low, high in (
            ("evaluation_periods", 1, MOST_PERIODS),
            ("granularity", 1, 10**7),
        ):
            rule[name] = _whole(rule[name], name, low, high)
        rule["threshold"] = number_or_none(rule.get("threshold"))
        if rule["threshold"] is None:
            raise BadRequest("Invalid input: threshold is mandatory and a number")
        for name in ("aggregation_method", *_OWN[kind]):
            value = rule.get(name)
            if name != "metrics" and (not isinstance(value, str) or not 0 < len(value) <= 4096):
                raise BadRequest(f"Invalid input: {name} is mandatory")
        if rule["aggregation_method"] not in METHODS:
            raise BadRequest(
                f"aggregation_method should be one of {sorted(METHODS)[:20]} …, not "
                f"{rule['aggregation_method'][:40]}"
            )
        if kind == BY_METRICS:
            metrics = rule.get("metrics")
            if (
                not isinstance(metrics, list)
                or not 0 < len(metrics) <= MOST_METRICS
                or not all(isinstance(each, str) and len(each) <= 64 for each in metrics)
            ):
                raise BadRequest(f"Invalid input: metrics is a list of 1 to {MOST_METRICS} ids")
        if kind == BY_RESOURCES:
            self._search(tx, rule, who)
        if kind == RESOURCES:
            # Whether there is such a resource shows when it looks: it may come later.
            self._types.attributes(tx, rule["resource_type"])
        return rule

    def _search(self, tx: Tx, rule: Mapping[str, Any], who: Who) -> Search:
        text = rule["query"]
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = parsed(text)
        attributes = self._types.attributes(tx, rule["resource_type"])
        creator = f"{who.user_id}:{who.project_id}"
        return search_of(given, fields_of(attributes), lambda id: id_of(id, creator))

    def _resource(self, tx: Tx, rule: Mapping[str, Any], who: Who) -> str:
        found = self._metrics.resources.named(tx, rule["resource_id"], who.project_id, who.user_id)
        if found is None or (not who.everybody and found.project_id != who.project_id):
            raise NotFound(f"Resource {rule['resource_id']} does not exist")
        return found.id

    # --- looking --------------------------------------------------------------------------------

    def metrics(self, tx: Tx, kind: str, rule: Mapping[str, Any], who: Who) -> list[MetricRow]:
        """Those that it looks at now. Raises Fault."""
        if kind == "event":
            return []
        if kind == "composite":
            found: dict[str, MetricRow] = {}
            for each in leaves(rule):
                try:
                    found |= {m.id: m for m in self.metrics(tx, each["type"], each, who)}
                except Fault:
                    continue
            return list(found.values())
        if kind == RESOURCES:
            return [self._metrics.named(tx, self._resource(tx, rule, who), rule["metric"])]
        if kind == BY_METRICS:
            return self._by_ids(tx, rule["metrics"], who)
        search = self._search(tx, rule, who)
        # Of an administrator's, too, those of the own project, unless it says which ones.
        wide = who.everybody and {"project_id", "server_group", "id"} & set(search.demands)
        resources = self._metrics.resources.search(
            tx,
            search,
            kind=rule["resource_type"],
            project=None if wide else who.project_id or "",
            limit=MOST_FOUND,
        )
        of = self._metrics.of_resources(tx, [row.id for row in resources.rows], [rule["metric"]])
        return [metric for rows in of.values() for metric in rows]

    def _by_ids(self, tx: Tx, ids: Sequence[str], who: Who) -> list[MetricRow]:
        rows = self._metrics.by_ids(tx, ids)
        of = self._metrics.resources.by_ids(
            tx, [row.resource_id for row in rows.values() if row.resource_id is not None]
        )
        for id in ids:
            row = rows.get(id)
            resource = None if row is None else of.get(row.resource_id or "")
            project = None if row is None else row.project_id
            project = project if resource is None else resource.project_id
            if row is None or (not who.everybody and project != who.project_id):
                raise NotFound(f"Metric {id} does not exist")
        return list(rows.values())

    def look(
        self, tx: Tx, row: AlarmRow, who: Who, found: Sequence[str] | None = None
    ) -> tuple[Verdict, list[MetricRow]]:
        """What its rule says now, and of which metrics; `found`: the ids of those that were
        searched for just before. Raises Fault."""
        if row.type == "composite":
            verdict = self._look_composite(tx, row.rule, who, row.state)
            return verdict, self.metrics(tx, row.type, row.rule, who)
        return self._look(tx, row.type, row.rule, who, row.state, found)

    def _look_composite(self, tx: Tx, rule: Mapping[str, Any], who: Who, before: State) -> Verdict:
        said: list[str] = []

        def state(part: Mapping[str, Any]) -> State:
            for word in ("and", "or"):
                if word in part:
                    return joined(word, [state(each) for each in part[word]])
            name = f"rule{len(said) + 1}"
            try:
                verdict, _ = self._look(tx, part["type"], part, who, before)
            except Fault as fault:
                verdict = Verdict("insufficient data", fault.message, {})
            said.append(f"{name} ({part['type']}): {verdict.state}, {verdict.reason}")
            return verdict.state

        found = state(rule)
        return Verdict(
            found,
            f"Composite rule alarm is {found}: " + "; ".join(said),
            {"type": "composite", "composition_form": found, "rules": said[:MOST_RULES]},
        )

    def _look(
        self,
        tx: Tx,
        kind: str,
        rule: Mapping[str, Any],
        who: Who,
        before: State,
        found: Sequence[str] | None = None,
    ) -> tuple[Verdict, list[MetricRow]]:
        granularity, periods = rule["granularity"], rule["evaluation_periods"]
        method = rule["aggregation_method"]
        metrics = [] if found is not None else self.metrics(tx, kind, rule, who)
        if kind == RESOURCES:
            # Says what is wrong where the metric's policy has no such aggregate.
            policy = self._metrics.policies.get(tx, metrics[0].archive_policy)
            known = {each.granularity for each in policy.definition}
            if method not in policy.aggregation_methods or granularity not in known:
                raise NotFound(
                    f"Aggregation method '{method}' at granularity '{granularity}' for metric "
                    f"{metrics[0].id} does not exist"
                )
        per_span: dict[int, list[float]] = {}
        series = self._metrics.store.read_several(
            tx,
            [metric.id for metric in metrics] if found is None else found,
            granularity,
            method,
            # The newest span is not whole yet, and measures come a little late.
            since=seconds_of(tx.now) - granularity * (periods + 2),
            most=MOST_POINTS,
        )
        for points in series.values():
            for at, value in points:
                per_span.setdefault(at, []).append(value)
        verdict = decide(
            [_folded(method, each) for _, each in sorted(per_span.items())],
            operator=rule["comparison_operator"],
            threshold=rule["threshold"],
            periods=periods,
            before=before,
        )
        return verdict, metrics


def searches(kind: str, rule: Mapping[str, Any]) -> bool:
    """Whether what it looks at follows from a search."""
    if kind == "composite":
        return any(each["type"] == BY_RESOURCES for each in leaves(rule))
    return kind == BY_RESOURCES


def leaves(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rules that a composite one joins."""
    for word in ("and", "or"):
        if word in rule:
            for each in rule[word]:
                yield from leaves(each)
            return
    yield rule


def _whole(value: Any, name: str, low: int, high: int) -> int:
    # The stock client sends what was typed, as text.
    if isinstance(value, str):
        value = whole_or_none(value)
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"Invalid input for {name}: a whole number from {low} to {high}")
    return value


def _checked_event(given: dict[str, Any]) -> dict[str, Any]:
    if set(given) - {"event_type", "query"}:
        raise BadRequest("Unknown attribute in the rule: it has event_type and query")
    kind = given.get("event_type") or "*"
    if not isinstance(kind, str) or len(kind) > 200:
        raise BadRequest("Invalid input for event_type")
    glob(kind)
    terms = given.get("query") or []
    if not isinstance(terms, list) or len(terms) > MOST_TERMS:
        raise BadRequest(f"Invalid input for query: a list of at most {MOST_TERMS} terms")
    for each in terms:
        if not isinstance(each, dict) or set(each) - {"field", "op", "type", "value"}:
            raise BadRequest("Invalid input for query: a term has field, op, type and value")
        if not isinstance(each.get("field"), str) or len(each["field"]) > 255:
            raise BadRequest("Invalid input for query: a term has a field")
        if each.get("op", "eq") not in OPERATORS:
            raise BadRequest(f"Invalid input for op: one of {', '.join(OPERATORS)}")
        if (each.get("type") or "") not in EVENT_TYPES:
            raise BadRequest(f"The data type {str(each.get('type'))[:40]} is not supported.")
        if len(str(each.get("value"))) > 1024:
            raise BadRequest("Invalid input for value")
        event_value(each)
    return {"event_type": kind, "query": terms}


def event_value(term: Mapping[str, Any]) -> Any:
    """What a term compares with, in its type. Raises BadRequest."""
    value, kind = term.get("value"), term.get("type") or "string"
    try:
        if kind == "integer":
            found = whole_or_none(str(value))
            if found is None:
                raise ValueError
            return found
        if kind == "float":
            return float(str(value)[:40])
        if kind == "boolean":
            return {"true": True, "false": False}[str(value).lower()]
    except (ValueError, KeyError):
        raise BadRequest(f"Invalid input for value: it is no {kind}") from None
    return str(value)
