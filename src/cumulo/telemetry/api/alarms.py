"""Aodh's API."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.model.alarm import AlarmChangeRow, AlarmRow
from cumulo.telemetry.service.alarms import TYPES, Alarms

Urls = Annotated[list[Annotated[str, Meta(max_length=2048)]], Meta(max_length=50)]


class AlarmWish(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    type: str
    description: Annotated[str, Meta(max_length=255)] | None = None
    enabled: bool = True
    state: str | None = None
    severity: str = "low"
    ok_actions: Urls = []
    alarm_actions: Urls = []
    insufficient_data_actions: Urls = []
    repeat_actions: bool = False
    time_constraints: Annotated[list[dict[str, Any]], Meta(max_length=20)] = []
    project_id: str | None = None
    user_id: str | None = None
    gnocchi_resources_threshold_rule: dict[str, Any] | None = None
    gnocchi_aggregation_by_metrics_threshold_rule: dict[str, Any] | None = None
    # Clients change an alarm by sending back the whole of what they were shown.
    alarm_id: str | None = None
    timestamp: str | None = None
    state_timestamp: str | None = None
    state_reason: str | None = None
    evaluate_timestamp: str | None = None


class AlarmsApi:
    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def operations(self) -> list[Operation]:
        all_, one = "/v2/alarms", "/v2/alarms/{alarm_id}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation("GET", all_, self.index, policy="telemetry:get_alarms"),
            Operation(
                "POST",
                all_,
                self.create,
                policy="telemetry:create_alarm",
                body=AlarmWish,
                status=201,
            ),
            Operation("GET", one, self.show, policy="telemetry:get_alarm", **late),
            Operation(
                "PUT", one, self.update, policy="telemetry:change_alarm", body=AlarmWish, **late
            ),
            Operation(
                "DELETE", one, self.delete, policy="telemetry:delete_alarm", status=204, **late
            ),
            Operation(
                "GET", f"{one}/state", self.state, policy="telemetry:get_alarm_state", **late
            ),
            Operation(
                "PUT",
                f"{one}/state",
                self.set_state,
                policy="telemetry:change_alarm_state",
                body=str,
                **late,
            ),
            Operation(
                "GET", f"{one}/history", self.history, policy="telemetry:alarm_history", **late
            ),
            Operation("GET", "/v2/capabilities", self.capabilities),
        ]

    def versions(self, call: Call, tx: Tx) -> Any:
        link = {"rel": "self", "href": f"{call.base_url}/v2"}
        one = {"id": "v2", "status": "stable", "links": [link], "updated": "2013-02-13T00:00:00Z"}
        return {"versions": {"values": [one]}}

    def capabilities(self, call: Call, tx: Tx) -> Any:
        return {
            "api": {"alarms:query:simple": True, "alarms:history:query:simple": True},
            "alarm_storage": {"storage:production_ready": True},
        }

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {"project_id": call.project_id}
        if call.query.get("all_projects") in ("true", "True", "1"):
            call.allow(action="telemetry:get_alarms:all_projects")
            del where["project_id"]
        for field, value in _query(call):
            if field == "project_id" and value != call.project_id and not call.principal.is_admin:
                raise BadRequest("Not Authorized to access project")
            if field not in self._alarms.listing.filters:
                raise BadRequest(f"Unknown argument: {field}")
            where[field] = value.lower() == "true" if field == "enabled" else value
        page = page_of(
            call, tx, self._alarms.listing, where, find_marker=lambda id: tx.get(AlarmRow, id)
        )
        return [self._alarms.shown(row) for row in page.rows]

    def _one(self, call: Call, tx: Tx) -> AlarmRow:
        row = self._alarms.get(
            tx, call.path["alarm_id"], call.principal, everybody=call.principal.is_admin
        )
        call.allow({"project_id": row.project_id})
        return row

    def create(self, call: Call, tx: Tx) -> Any:
        body: AlarmWish = call.body
        admin = call.principal.is_admin
        row = self._alarms.create(
            tx,
            _wish(body),
            call.principal,
            body.project_id if admin and body.project_id else call.project_id,
            body.user_id if admin and body.user_id else call.principal.user_id,
        )
        where = {"Location": f"{call.base_url}/v2/alarms/{row.id}"}
        return Reply(201, self._alarms.shown(row), where)

    def show(self, call: Call, tx: Tx) -> Any:
        return self._alarms.shown(self._one(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        return self._alarms.shown(self._alarms.update(tx, row, _wish(call.body), call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        self._alarms.delete(tx, self._one(call, tx))

    def state(self, call: Call, tx: Tx) -> Any:
        return self._one(call, tx).state

    def set_state(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        return self._alarms.set_state(tx, row, call.body, call.principal).state

    def history(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        page = page_of(
            call,
            tx,
            self._alarms.changes,
            {"alarm_id": row.id},
            find_marker=lambda id: tx.get(AlarmChangeRow, id),
            sort_names={"timestamp": "at"},
        )
        return [
            {
                "event_id": each.id,
                "alarm_id": each.alarm_id,
                "type": each.type,
                "detail": _encoded(each.detail),
                "user_id": each.user_id,
                "project_id": each.project_id,
                "on_behalf_of": each.project_id,
                "timestamp": each.at,
            }
            for each in page.rows
        ]


def _encoded(detail: dict[str, Any]) -> str:
    return msgspec.json.encode(detail).decode()


def _wish(body: AlarmWish) -> dict[str, Any]:
    rules = {
        "gnocchi_resources_threshold_rule": body.gnocchi_resources_threshold_rule,
        "gnocchi_aggregation_by_metrics_threshold_rule": (
            body.gnocchi_aggregation_by_metrics_threshold_rule
        ),
    }
    wanted = TYPES.get(body.type)
    given = [name for name, rule in rules.items() if rule is not None]
    if wanted is not None and given != [wanted]:
        raise BadRequest(f"{wanted} must be set, and no other rule, for {body.type} alarm")
    return {
        "name": body.name,
        "type": body.type,
        "description": body.description or f"{body.type} alarm",
        "rule": rules.get(wanted or "") or {},
        "enabled": body.enabled,
        "state": body.state or "insufficient data",
        "has_state": body.state is not None,
        "severity": body.severity,
        "ok_actions": body.ok_actions,
        "alarm_actions": body.alarm_actions,
        "insufficient_data_actions": body.insufficient_data_actions,
        "repeat_actions": body.repeat_actions,
        "time_constraints": body.time_constraints,
    }


def _query(call: Call) -> list[tuple[str, str]]:
    """`q.field=…&q.value=…`; only equality. Raises BadRequest."""
    fields, values = call.query.all("q.field"), call.query.all("q.value")
    if len(fields) != len(values) or len(fields) > 20:
        raise BadRequest("q.field and q.value come in pairs")
    if any(each not in ("eq", "") for each in call.query.all("q.op")):
        raise BadRequest("only q.op=eq is in this release")
    return list(zip(fields, values, strict=True))
