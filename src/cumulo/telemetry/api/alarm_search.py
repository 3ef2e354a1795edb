"""Aodh's complex queries, of alarms and of their history, and its quotas."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from cumulo.core.db.listing import Direction
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import MAX_LIMIT
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.lists import limited, order, ordered
from cumulo.telemetry.model.alarm import AlarmChangeRow, AlarmRow
from cumulo.telemetry.model.search import Kind, search_of
from cumulo.telemetry.service.alarms import Alarms

ALARM_FIELDS: Mapping[str, Kind] = {
    "alarm_id": "text",
    "name": "text",
    "description": "text",
    "type": "text",
    "state": "text",
    "state_reason": "text",
    "severity": "text",
    "project_id": "text",
    "user_id": "text",
    "enabled": "bool",
    "repeat_actions": "bool",
    "timestamp": "time",
    "state_timestamp": "time",
}
NAMES = {"alarm_id": "id", "timestamp": "updated_at"}
"""Ours where they differ."""
CHANGE_FIELDS: Mapping[str, Kind] = {
    "event_id": "text",
    "alarm_id": "text",
    "type": "text",
    "severity": "text",
    "user_id": "text",
    "project_id": "text",
    "on_behalf_of": "text",
    "timestamp": "time",
}
CHANGE_NAMES = {
    "event_id": "id",
    "timestamp": "at",
    "project_id": "by_project_id",
    "on_behalf_of": "project_id",
}
CHANGE_SORTS = {"event_id": "id", "timestamp": "at", "on_behalf_of": "project_id"}
_BOOLEANS = ("enabled", "repeat_actions")
LARGEST_LIMIT = 2**31 - 1


R = TypeVar("R", AlarmRow, AlarmChangeRow)


class Query(StrictBody):
    filter: Annotated[str, Meta(max_length=65536)] | None = None
    orderby: Annotated[str, Meta(max_length=4096)] | None = None
    limit: Annotated[int, Meta(ge=1)] | None = None


class Limit(StrictBody):
    resource: str
    limit: Annotated[int, Meta(ge=-1, le=LARGEST_LIMIT)]


class Limits(StrictBody):
    project_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quotas: Annotated[list[Limit], Meta(max_length=10)]


def _marker(call: Call, tx: Tx, kind: type[R], project: str | None) -> R | None:
    """The row that a page begins after."""
    marker = call.query.get("marker")
    if not marker:
        return None
    after = tx.get(kind, marker)
    if after is None or (project is not None and after.project_id != project):
        raise BadRequest(f"marker {marker[:80]} not found")
    return after


def find(
    call: Call,
    tx: Tx,
    alarms: Alarms,
    given: Any,
    project: str | None,
    *,
    sort: Sequence[tuple[str, Direction]] | None = None,
    limit: int | None = None,
) -> list[AlarmRow]:
    """A page of the alarms that a search fits; `project` None: of everybody."""
    search = search_of(given, ALARM_FIELDS)
    names = list(ALARM_FIELDS)
    where: dict[str, Any] = {} if project is None else {"project_id": project}
    for name in set(search.demands) & {"alarm_id", "name", "type", "state", "enabled", "user_id"}:
        where[NAMES.get(name, name)] = search.demands[name]

    def fits(rows: list[tuple[Any, ...]]) -> list[bool]:
        found = (dict(zip(names, row[1:], strict=True)) for row in rows)
        return [
            search.fits({**row, **{name: bool(row[name]) for name in _BOOLEANS}}) for row in found
        ]

    after = _marker(call, tx, AlarmRow, project)
    return alarms.listing.look(
        tx,
        where=where,
        columns=[NAMES.get(name, name) for name in names],
        fits=fits,
        sort=order(call, alarms.listing, NAMES) if sort is None else sort,
        marker=after,
        limit=limited(call) if limit is None else limit,
    ).rows


def find_changes(
    call: Call,
    tx: Tx,
    alarms: Alarms,
    given: Any,
    project: str | None,
    *,
    sort: Sequence[tuple[str, Direction]] | None = None,
    limit: int | None = None,
) -> list[AlarmChangeRow]:
    search = search_of(given, CHANGE_FIELDS)
    names = list(CHANGE_FIELDS)
    where: dict[str, Any] = {} if project is None else {"project_id": project}
    if "alarm_id" in search.demands:
        where["alarm_id"] = search.demands["alarm_id"]

    def fits(rows: list[tuple[Any, ...]]) -> list[bool]:
        return [search.fits(dict(zip(names, row[1:], strict=True))) for row in rows]

    after = _marker(call, tx, AlarmChangeRow, project)
    return alarms.changes.look(
        tx,
        where=where,
        columns=[CHANGE_NAMES.get(name, name) for name in names],
        fits=fits,
        sort=order(call, alarms.changes, CHANGE_SORTS) if sort is None else sort,
        marker=after,
        limit=limited(call) if limit is None else limit,
    ).rows


def change_body(row: AlarmChangeRow) -> dict[str, Any]:
    return {
        "event_id": row.id,
        "alarm_id": row.alarm_id,
        "type": row.type,
        "detail": msgspec.json.format(msgspec.json.encode(row.detail), indent=0).decode(),
        "user_id": row.user_id,
        "project_id": row.by_project_id,
        "on_behalf_of": row.project_id,
        "timestamp": row.at,
        "severity": row.severity,
    }


class AlarmQueriesApi:
    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def operations(self) -> list[Operation]:
        # Many terms on many rows: not on the loop.
        asks: dict[str, Any] = {"body": Query, "writes": False, "kind": "heavy"}
        of = "telemetry:"
        return [
            Operation("POST", "/v2/query/alarms", self.alarms, policy=f"{of}query_alarm", **asks),
            Operation(
                "POST",
                "/v2/query/alarms/history",
                self.history,
                policy=f"{of}query_alarm_history",
                **asks,
            ),
            Operation("GET", "/v2/quotas", self.own_limits),
            Operation("GET", "/v2/quotas/{project_id}", self.limits),
            Operation(
                "POST",
                "/v2/quotas",
                self.set_limits,
                policy=f"{of}update_quotas",
                body=Limits,
                status=201,
            ),
            Operation(
                "DELETE",
                "/v2/quotas/{project_id}",
                self.drop_limits,
                policy=f"{of}delete_quotas",
                status=204,
            ),
        ]

    def alarms(self, call: Call, tx: Tx) -> Any:
        query: Query = call.body
        project = None if call.principal.is_admin else call.project_id
        # What was changed last comes first, unless it is asked for otherwise.
        wishes = _order(query) or [("timestamp", "desc")]
        sort = ordered(wishes, self._alarms.listing, NAMES)
        rows = find(call, tx, self._alarms, _filter(query), project, sort=sort, limit=_limit(query))
        return [self._alarms.shown(row) for row in rows]

    def history(self, call: Call, tx: Tx) -> Any:
        query: Query = call.body
        project = None if call.principal.is_admin else call.project_id
        sort = ordered(_order(query), self._alarms.changes, CHANGE_SORTS)
        rows = find_changes(
            call, tx, self._alarms, _filter(query), project, sort=sort, limit=_limit(query)
        )
        return [change_body(row) for row in rows]

    # --- quotas ---------------------------------------------------------------------------------

    def own_limits(self, call: Call, tx: Tx) -> Any:
        return self._limits(call, tx, call.query.get("project_id") or call.project_id)

    def limits(self, call: Call, tx: Tx) -> Any:
        return self._limits(call, tx, call.path["project_id"])

    def _limits(self, call: Call, tx: Tx, project: str) -> Any:
        if project != call.principal.project_id and not call.principal.is_admin:
            raise Forbidden("Only an administrator sees the quotas of other projects.")
        most = self._alarms.limit(tx, project)
        return {"project_id": project, "quotas": [{"resource": "alarms", "limit": most}]}

    def set_limits(self, call: Call, tx: Tx) -> Any:
        body: Limits = call.body
        for each in body.quotas:
            if each.resource != "alarms":
                raise BadRequest(f"Unknown resource {each.resource[:60]}: there is alarms")
            self._alarms.set_limit(tx, body.project_id, each.limit)
        return Reply(201, self._limits(call, tx, body.project_id))

    def drop_limits(self, call: Call, tx: Tx) -> None:
        self._alarms.set_limit(tx, call.path["project_id"], None)


def _filter(query: Query) -> Any:
    if not query.filter:
        return None
    return _decoded(query.filter, "filter")


def _order(query: Query) -> list[tuple[str, ...]]:
    given = _decoded(query.orderby, "orderby") if query.orderby else []
    if not isinstance(given, list) or not all(
        isinstance(each, dict)
        and len(each) == 1
        and all(isinstance(word, str) for word in each.values())
        for each in given
    ):
        raise BadRequest("Invalid input: orderby is a list of objects: a field and its direction")
    return [(str(name), word) for each in given for name, word in each.items()]


def _limit(query: Query) -> int:
    return MAX_LIMIT if query.limit is None else min(query.limit, MAX_LIMIT)


def _decoded(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest(f"Invalid input: {name} is no JSON") from None
