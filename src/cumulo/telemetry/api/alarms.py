"""Aodh's API: alarms, their states and their history."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound, Unauthorized
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.alarm_search import change_body, find, find_changes
from cumulo.telemetry.api.lists import flag
from cumulo.telemetry.model.alarm import AlarmRow
from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.rules import TYPES

Urls = Annotated[list[Annotated[str, Meta(max_length=2048)]], Meta(max_length=50)]
MOST_TERMS = 20


class AlarmWish(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    type: str
    description: Annotated[str, Meta(max_length=255)] | None = None
    enabled: bool = True
    state: str | None = None
    severity: str = "low"
    ok_actions: Urls | None = None
    alarm_actions: Urls | None = None
    insufficient_data_actions: Urls | None = None
    repeat_actions: bool = False
    time_constraints: Annotated[list[dict[str, Any]], Meta(max_length=20)] | None = None
    project_id: str | None = None
    user_id: str | None = None
    gnocchi_resources_threshold_rule: dict[str, Any] | None = None
    gnocchi_aggregation_by_metrics_threshold_rule: dict[str, Any] | None = None
    gnocchi_aggregation_by_resources_threshold_rule: dict[str, Any] | None = None
    composite_rule: dict[str, Any] | None = None
    event_rule: dict[str, Any] | None = None
    prometheus_rule: dict[str, Any] | None = None
    loadbalancer_member_health_rule: dict[str, Any] | None = None
    threshold_rule: dict[str, Any] | None = None
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
        of = "telemetry:"
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation("GET", "/v2", self.versions, public=True),
            Operation("GET", all_, self.index, policy=f"{of}get_alarms"),
            Operation(
                "POST", all_, self.create, policy=f"{of}create_alarm", body=AlarmWish, status=201
            ),
            Operation("GET", one, self.show, policy=f"{of}get_alarm", **late),
            Operation("PUT", one, self.update, policy=f"{of}change_alarm", body=AlarmWish, **late),
            Operation("DELETE", one, self.delete, policy=f"{of}delete_alarm", status=204, **late),
            Operation("GET", f"{one}/state", self.state, policy=f"{of}get_alarm_state", **late),
            Operation(
                "PUT",
                f"{one}/state",
                self.set_state,
                policy=f"{of}change_alarm_state",
                body=str,
                **late,
            ),
            Operation("GET", f"{one}/history", self.history, policy=f"{of}alarm_history"),
            Operation("GET", "/v2/capabilities", self.capabilities),
        ]

    def versions(self, call: Call, tx: Tx) -> Any:
        link = {"rel": "self", "href": f"{call.base_url}/v2"}
        # The second is announced by Aodh, too, which does not speak it either.
        media = [
            {
                "base": f"application/{kind}",
                "type": f"application/vnd.openstack.telemetry-v2+{kind}",
            }
            for kind in ("json", "xml")
        ]
        one = {
            "id": "v2",
            "status": "stable",
            "links": [link],
            "updated": "2013-02-13T00:00:00Z",
            "media-types": media,
        }
        return {"versions": {"values": [one]}}

    def capabilities(self, call: Call, tx: Tx) -> Any:
        return {
            "api": {
                "alarms:query:simple": True,
                "alarms:query:complex": True,
                "alarms:history:query:simple": True,
                "alarms:history:query:complex": True,
            },
            "alarm_storage": {"storage:production_ready": True},
        }

    def index(self, call: Call, tx: Tx) -> Any:
        terms, everybody = [], flag(call, "all_projects")
        project: str | None = call.project_id
        for field, word, value in _query(call):
            if word != "eq" or field in ("timestamp", "state_timestamp"):
                raise BadRequest(f"unrecognized operator or field in query: {field[:40]} {word}")
            if field == "all_projects":
                everybody = everybody or value.lower() == "true"
                continue
            if field == "project_id" and value != call.project_id:
                if not call.principal.is_admin:
                    raise Unauthorized(f"Not Authorized to access project {value[:80]}")
                project = value
            terms.append({"=": {field: value}})
        if everybody:
            call.allow(action="telemetry:get_alarms:all_projects")
            project = None
        search = {"and": terms} if terms else None
        rows = find(call, tx, self._alarms, search, project)
        return [self._alarms.shown(row) for row in rows]

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
        self._alarms.delete(tx, self._one(call, tx), call.principal)

    def state(self, call: Call, tx: Tx) -> Any:
        return self._one(call, tx).state

    def set_state(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        return self._alarms.set_state(tx, row, call.body, call.principal).state

    def history(self, call: Call, tx: Tx) -> Any:
        """Also of an alarm that there is no more."""
        id = call.path["alarm_id"]
        terms = [{word: {field: value}} for field, word, value in _query(call)]
        project = None if call.principal.is_admin else call.project_id
        search = {"and": [{"=": {"alarm_id": id}}, *terms]}
        rows = find_changes(call, tx, self._alarms, search, project)
        if not rows and not terms and not call.query.get("marker"):
            raise NotFound(f"Alarm {id[:80]} not found")
        return [change_body(row) for row in rows]


def _wish(body: AlarmWish) -> dict[str, Any]:
    wanted = TYPES.get(body.type)
    rules = [name for name in body.__struct_fields__ if name.endswith("_rule")]
    given = [name for name in rules if getattr(body, name) is not None]
    if wanted is not None and given != [wanted]:
        raise BadRequest(f"{wanted} must be set, and no other rule, for {body.type} alarm")
    return {
        "name": body.name,
        "type": body.type,
        "description": body.description or f"{body.type} alarm rule",
        "rule": getattr(body, wanted) if wanted else {},
        "enabled": body.enabled,
        "state": body.state or "insufficient data",
        "has_state": body.state is not None,
        "severity": body.severity,
        "ok_actions": body.ok_actions or [],
        "alarm_actions": body.alarm_actions or [],
        "insufficient_data_actions": body.insufficient_data_actions or [],
        "repeat_actions": body.repeat_actions,
        "time_constraints": body.time_constraints or [],
    }


def _query(call: Call) -> list[tuple[str, str, str]]:
    """`q.field=…&q.op=…&q.value=…`: (field, operator, value). Raises BadRequest."""
    fields, values = call.query.all("q.field"), call.query.all("q.value")
    operators = call.query.all("q.op")
    if len(fields) != len(values) or len(fields) > MOST_TERMS:
        raise BadRequest("q.field and q.value come in pairs")
    if operators and len(operators) != len(fields):
        raise BadRequest("q.op comes with each q.field, or with none")
    words = [each or "eq" for each in operators] or ["eq"] * len(fields)
    for word in words:
        if word not in ("eq", "ne", "lt", "le", "gt", "ge"):
            raise BadRequest(f"Invalid input for q.op: {word[:40]}")
    return list(zip(fields, words, values, strict=True))
