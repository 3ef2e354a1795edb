"""Alarms: made, looked at, and what is called when their state changes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.core.wire.coercions import whole_or_none
from cumulo.telemetry.model.alarm import (
    OPERATORS,
    STATES,
    AlarmChangeRow,
    AlarmMetricRow,
    AlarmRow,
    CallRow,
    State,
    decide,
)
from cumulo.telemetry.model.metric import MetricRow
from cumulo.telemetry.queries import alarm as queries
from cumulo.telemetry.service.metrics import Metrics

log = logging.getLogger("cumulo.telemetry")

TYPES = {
    "gnocchi_resources_threshold": "gnocchi_resources_threshold_rule",
    "gnocchi_aggregation_by_metrics_threshold": "gnocchi_aggregation_by_metrics_threshold_rule",
}
FOR_ALL = ("http://", "https://")
SCHEMES = (*FOR_ALL, "log://", "test://")
"""The last two write this cloud's log: for administrators."""
SEVERITIES = ("low", "moderate", "critical")
MOST_ACTIONS = 10


KNOWN = {
    "gnocchi_resources_threshold": {"metric", "resource_id", "resource_type"},
    "gnocchi_aggregation_by_metrics_threshold": {"metrics"},
}
COMMON = {
    *("comparison_operator", "evaluation_periods", "granularity", "threshold"),
    "aggregation_method",
}
FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    "max": max, "min": min, "sum": sum, "count": sum,
}  # fmt: skip
"""What a method makes of several metrics' values; of any other method it is the mean."""
MOST_CHANGES = 1000
"""That are remembered of an alarm."""
MOST_CALLS = 20
"""Of one alarm that wait to be made; older ones make place."""
Rights = Callable[[Tx, str, str, Mapping[str, str] | None], Principal | None]


class Alarms:
    listing = queries.ALARMS
    changes = queries.CHANGES

    """`rights`: what a user may in a project at this moment."""

    def __init__(self, metrics: Metrics, rights: Rights, interval: float, most: int) -> None:
        self._metrics = metrics
        self._rights = rights
        self._interval = interval
        self._most = most
        self.ring_calls: Callable[[], None] = lambda: None

    # --- verbs ----------------------------------------------------------------------------------

    def get(self, tx: Tx, id: str, who: Principal, *, everybody: bool) -> AlarmRow:
        row = tx.get(AlarmRow, id)
        if row is None or (not everybody and row.project_id != who.project_id):
            raise NotFound(f"Alarm {id} not found")
        return row

    def checked(self, tx: Tx, wish: Mapping[str, Any], who: Principal) -> dict[str, Any]:
        """The columns of a wish. Raises BadRequest."""
        kind = wish["type"]
        if kind not in TYPES:
            raise BadRequest(f"Invalid value for alarm type: {kind} is not in this release")
        rule = dict(wish["rule"])
        self._check_rule(tx, kind, rule, who)
        actions = {
            "ok": list(wish["ok_actions"]),
            "alarm": list(wish["alarm_actions"]),
            "insufficient data": list(wish["insufficient_data_actions"]),
        }
        for urls in actions.values():
            if len(urls) > MOST_ACTIONS:
                raise BadRequest(f"more than {MOST_ACTIONS} actions")
            for url in urls:
                if not url.startswith(SCHEMES):
                    raise BadRequest(f"Unsupported action {url}")
                if not url.startswith(FOR_ALL) and not who.is_admin:
                    raise Forbidden("You are not authorized to create action: " + url[:200])
        if wish["time_constraints"]:
            raise BadRequest("Invalid input: time_constraints are not in this release")
        if wish["state"] not in STATES:
            raise BadRequest(f"Invalid input for state: {wish['state']}")
        if wish["severity"] not in SEVERITIES:
            raise BadRequest(f"Invalid severity {wish['severity']}")
        return {
            "name": wish["name"],
            "description": wish["description"],
            "type": kind,
            "rule": rule,
            "enabled": wish["enabled"],
            "severity": wish["severity"],
            "actions": actions,
            "repeat_actions": wish["repeat_actions"],
            "time_constraints": list(wish["time_constraints"]),
        }

    def _check_rule(self, tx: Tx, kind: str, rule: dict[str, Any], who: Principal) -> None:
        unknown = sorted(rule.keys() - COMMON - KNOWN[kind])
        if unknown:
            raise BadRequest(f"Unknown attribute {unknown[0]:.60} in the rule")
        rule.setdefault("comparison_operator", "eq")
        rule.setdefault("evaluation_periods", 1)
        rule.setdefault("granularity", 60)
        if rule["comparison_operator"] not in OPERATORS:
            raise BadRequest(f"Invalid comparison operator {rule['comparison_operator']}")
        for name, low, high in (("evaluation_periods", 1, 1000), ("granularity", 1, 10**7)):
            value = rule[name]
            # The stock client sends what was typed, as text.
            if isinstance(value, str):
                value = rule[name] = whole_or_none(value)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise BadRequest(f"Invalid input for {name}: a whole number from {low} to {high}")
        if isinstance(rule.get("threshold"), bool) or not isinstance(
            rule.get("threshold"), int | float
        ):
            raise BadRequest("Invalid input: threshold is mandatory and a number")
        needed = ["aggregation_method"]
        if kind == "gnocchi_resources_threshold":
            needed += ["metric", "resource_id", "resource_type"]
        for name in needed:
            if not isinstance(rule.get(name), str):
                raise BadRequest(f"Invalid input: {name} is mandatory")
        if kind == "gnocchi_aggregation_by_metrics_threshold":
            metrics = rule.get("metrics")
            if not isinstance(metrics, list) or not 0 < len(metrics) <= 100:
                raise BadRequest("Invalid input: metrics is a list of 1 to 100 ids")
        self._metrics_of_rule(tx, kind, rule, who.project_id, who.user_id, who.is_admin)

    def create(
        self, tx: Tx, wish: Mapping[str, Any], who: Principal, project_id: str, user_id: str
    ) -> AlarmRow:
        if self._most >= 0 and int(tx.value(queries.OF_PROJECT, project=project_id)) >= self._most:
            raise Forbidden(f"Alarm quota exceeded for user on project {project_id}")
        row = AlarmRow(
            id=new_id(),
            state=wish["state"],
            state_reason="Not evaluated yet",
            state_timestamp=tx.now,
            project_id=project_id,
            user_id=user_id,
            lent=who.lent,
            own=(project_id, user_id) == (who.project_id, who.user_id),
            repeated_at=tx.now,
            due=tx.now,
            created_at=tx.now,
            updated_at=tx.now,
            **self.checked(tx, wish, who),
        )
        tx.insert(row)
        self._watch(tx, row)
        self._note(tx, row, "creation", {"name": row.name, "rule": row.rule}, who.user_id)
        return row

    def update(self, tx: Tx, row: AlarmRow, wish: Mapping[str, Any], who: Principal) -> AlarmRow:
        changes = self.checked(tx, wish, who)
        changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
        # It looks with the rights of who has said at what, not of who has made it.
        own = who.project_id == row.project_id
        changes |= {"lent": who.lent, "own": own, "user_id": who.user_id if own else row.user_id}
        row = tx.update(row, **changes, due=tx.now, updated_at=tx.now)
        self._watch(tx, row)
        if wish["state"] != row.state and wish["has_state"]:
            row = self._change(tx, row, wish["state"], "Manually set via API", who.user_id)
        if changed:
            self._note(tx, row, "rule change", changed, who.user_id)
        return row

    def delete(self, tx: Tx, row: AlarmRow) -> None:
        tx.delete(row)

    def set_state(self, tx: Tx, row: AlarmRow, state: str, who: Principal) -> AlarmRow:
        if state not in STATES:
            raise BadRequest(f"Invalid input for state: {state}")
        return self._change(tx, row, state, "Manually set via API", who.user_id)

    def _note(
        self, tx: Tx, row: AlarmRow, kind: str, detail: Mapping[str, Any], user_id: str | None
    ) -> None:
        tx.insert(
            AlarmChangeRow(new_id(), row.id, kind, dict(detail), user_id, row.project_id, tx.now)
        )
        tx.run(queries.OLD_CHANGES, alarm=row.id, of=row.id, kept=MOST_CHANGES)

    def _watch(self, tx: Tx, row: AlarmRow, now: Sequence[MetricRow] | None = None) -> None:
        """Which metrics' measures it waits for."""
        if now is None:
            try:
                now = self._metrics_seen(tx, row)
            except Fault:
                now = []
        wanted = {metric.id for metric in now}
        if wanted != {str(id) for (id,) in tx.tuples(queries.WATCHED, alarm=row.id)}:
            tx.run(queries.UNWATCH, alarm=row.id)
            for id in sorted(wanted):
                tx.insert(AlarmMetricRow(row.id, id))

    # --- looking --------------------------------------------------------------------------------

    def look(self, tx: Tx, id: str) -> None:
        """One alarm at its metric; the change and the calls that follow are one transaction."""
        row = tx.get(AlarmRow, id)
        if row is None or not row.enabled:
            return
        row = tx.update(row, due=later(tx.now, self._interval))
        rule = row.rule
        try:
            values = self._values(tx, row)
        except Fault as fault:
            values, said = [], fault.message
        else:
            said = ""
        state, reason = decide(
            values,
            operator=rule["comparison_operator"],
            threshold=float(rule["threshold"]),
            periods=rule["evaluation_periods"],
            before=row.state,
        )
        if state != row.state:
            self._change(tx, row, state, said or reason, None)
        elif row.repeat_actions and row.repeated_at <= later(tx.now, -self._interval):
            # Once in an interval, however often measures come.
            self._call(tx, row, row.state, row.state, reason)

    def _values(self, tx: Tx, row: AlarmRow) -> list[float]:
        rule = row.rule
        granularity, periods = rule["granularity"], rule["evaluation_periods"]
        now = seconds_of(tx.now)
        found = self._metrics_seen(tx, row)
        self._watch(tx, row, found)
        fold = FOLDS.get(rule["aggregation_method"], _mean)
        per_span: dict[float, list[float]] = {}
        for metric in found:
            for at, _, value in self._metrics.measures(
                tx,
                metric,
                method=rule["aggregation_method"],
                granularity=float(granularity),
                # The newest span is not whole yet, and measures come a little late.
                start=now - granularity * (periods + 2),
            ):
                per_span.setdefault(at, []).append(value)
        return [fold(each) for _, each in sorted(per_span.items())]

    def _metrics_seen(self, tx: Tx, row: AlarmRow) -> list[MetricRow]:
        """Those of its rule, as far as its user may look at them now. Raises Fault."""
        everybody = False
        if row.own:
            who = self._rights(tx, row.user_id, row.project_id, row.lent or None)
            if who is None:
                raise Forbidden("What gave the right to look at the metric has ended")
            everybody = who.is_admin
        return self._metrics_of_rule(tx, row.type, row.rule, row.project_id, row.user_id, everybody)

    def _metrics_of_rule(
        self,
        tx: Tx,
        kind: str,
        rule: Mapping[str, Any],
        project: str | None,
        user: str | None,
        everybody: bool,
    ) -> list[MetricRow]:
        """Those that the alarm's owner may read. Raises NotFound."""
        if kind == "gnocchi_resources_threshold":
            resource = self._metrics.named_resource(
                tx, rule["resource_id"], project or "", user or ""
            )
            if resource is None or (not everybody and resource.project_id != project):
                raise NotFound(f"Resource {rule['resource_id']} does not exist")
            return [self._metrics.named(tx, resource.id, rule["metric"])]
        found = []
        for id in rule["metrics"]:
            metric = self._metrics.get(tx, str(id))
            if not everybody and self._metrics.project_of(tx, metric) != project:
                raise NotFound(f"Metric {id} does not exist")
            found.append(metric)
        return found

    def _change(
        self, tx: Tx, row: AlarmRow, state: State | str, reason: str, user_id: str | None
    ) -> AlarmRow:
        before = row.state
        row = tx.update(row, state=state, state_reason=reason[:500], state_timestamp=tx.now)
        detail = {"state": state, "transition_reason": reason}
        self._note(tx, row, "state transition", detail, user_id)
        return self._call(tx, row, before, row.state, reason)

    def _call(self, tx: Tx, row: AlarmRow, before: str, state: str, reason: str) -> AlarmRow:
        urls = row.actions.get(state, ())
        row = tx.update(row, repeated_at=tx.now)
        if urls:
            waiting = tx.all(queries.WAITING_CALLS, alarm=row.id)
            for old in waiting[: max(0, len(waiting) + len(urls) - MOST_CALLS)]:
                tx.delete(old)
        for url in urls:
            body = {
                "alarm_id": row.id,
                "alarm_name": row.name,
                "severity": row.severity,
                "previous": before,
                "current": state,
                "reason": reason,
                "reason_data": {"type": "threshold"},
            }
            tx.insert(CallRow(new_id(), row.id, row.project_id, url, body, 0, tx.now))
        tx.after_commit(lambda: self.ring_calls())
        return row

    def due(self, tx: Tx, most: int) -> list[str]:
        return [str(id) for (id,) in tx.tuples(queries.DUE, now=tx.now, most=most)]

    def calls_due(self, tx: Tx, most: int) -> Sequence[str]:
        return [str(id) for (id,) in tx.tuples(queries.CALLS, now=tx.now, most=most)]

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def shown(self, row: AlarmRow) -> dict[str, Any]:
        return {
            "alarm_id": row.id,
            "name": row.name,
            "description": row.description,
            "type": row.type,
            TYPES[row.type]: row.rule,
            "enabled": row.enabled,
            "state": row.state,
            "state_reason": row.state_reason,
            "state_timestamp": row.state_timestamp,
            "severity": row.severity,
            "ok_actions": row.actions.get("ok", []),
            "alarm_actions": row.actions.get("alarm", []),
            "insufficient_data_actions": row.actions.get("insufficient data", []),
            "repeat_actions": row.repeat_actions,
            "time_constraints": row.time_constraints,
            "project_id": row.project_id,
            "user_id": row.user_id,
            "timestamp": row.updated_at,
            "evaluate_timestamp": row.due,
        }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def call_body(row: CallRow) -> bytes:
    return msgspec.json.encode(row.body)
