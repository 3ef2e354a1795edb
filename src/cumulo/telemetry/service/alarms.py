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
    AlarmRow,
    CallRow,
    State,
    decide,
)
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.queries import alarm as queries
from cumulo.telemetry.service.metrics import Metrics, id_of

log = logging.getLogger("cumulo.telemetry")

TYPES = {
    "gnocchi_resources_threshold": "gnocchi_resources_threshold_rule",
    "gnocchi_aggregation_by_metrics_threshold": "gnocchi_aggregation_by_metrics_threshold_rule",
}
SCHEMES = ("http://", "https://", "log://", "test://")
SEVERITIES = ("low", "moderate", "critical")
MOST_ACTIONS = 10


class Alarms:
    listing = queries.ALARMS
    changes = queries.CHANGES

    def __init__(self, metrics: Metrics, interval: float, most: int) -> None:
        self._metrics = metrics
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
        self._metrics_of_rule(tx, kind, rule, who.project_id, who.is_admin)

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
            roles=list(who.roles),
            due=tx.now,
            created_at=tx.now,
            updated_at=tx.now,
            **self.checked(tx, wish, who),
        )
        tx.insert(row)
        self._note(tx, row, "creation", {"name": row.name, "rule": row.rule}, who.user_id)
        return row

    def update(self, tx: Tx, row: AlarmRow, wish: Mapping[str, Any], who: Principal) -> AlarmRow:
        changes = self.checked(tx, wish, who)
        changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
        # It looks with the rights of who has said at what, not of who has made it.
        roles = list(who.roles)
        row = tx.update(row, **changes, roles=roles, due=tx.now, updated_at=tx.now)
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
        elif row.repeat_actions:
            self._call(tx, row, row.state, row.state, reason)

    def _values(self, tx: Tx, row: AlarmRow) -> list[float]:
        rule = row.rule
        granularity, periods = rule["granularity"], rule["evaluation_periods"]
        now = seconds_of(tx.now)
        found = self._metrics_of_rule(tx, row.type, rule, row.project_id, "admin" in row.roles)
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
        return [sum(each) / len(each) for _, each in sorted(per_span.items())]

    def _metrics_of_rule(
        self, tx: Tx, kind: str, rule: Mapping[str, Any], project: str | None, everybody: bool
    ) -> list[MetricRow]:
        """Those that the alarm's owner may read. Raises NotFound."""
        if kind == "gnocchi_resources_threshold":
            resource = tx.get(ResourceRow, id_of(rule["resource_id"], project or ""))
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
        self._call(tx, row, before, row.state, reason)
        return row

    def _call(self, tx: Tx, row: AlarmRow, before: str, state: str, reason: str) -> None:
        for url in row.actions.get(state, ()):
            body = {
                "alarm_id": row.id,
                "alarm_name": row.name,
                "severity": row.severity,
                "previous": before,
                "current": state,
                "reason": reason,
                "reason_data": {"type": "threshold"},
            }
            tx.insert(CallRow(new_id(), row.id, url, body, 0, tx.now))
        tx.after_commit(lambda: self.ring_calls())

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


def call_body(row: CallRow) -> bytes:
    return msgspec.json.encode(row.body)
