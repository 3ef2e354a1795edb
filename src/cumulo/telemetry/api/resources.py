"""Gnocchi's resources: made, changed, listed with their history, and searched."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Body
from cumulo.telemetry.api.bodies import creator_of, metric_body, resource_body, target_of
from cumulo.telemetry.api.lists import flag, limited, order
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.model.search import Search, search_of
from cumulo.telemetry.model.search_text import parsed
from cumulo.telemetry.model.times import moment_of
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.resources import fields_of, id_of, searched
from cumulo.telemetry.service.types import Types, values

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=255)]
MOST_METRICS = 1000
MOST_REVISIONS = 10_000
MOST_DELETING_TERMS = 8
"""Of a search that is made while nobody else may write."""
MOST_DELETED = 100
"""By one search: each has metrics to be removed."""


class NewResource(Body):
    id: Name
    user_id: Text | None = None
    project_id: Text | None = None
    started_at: str | None = None
    ended_at: str | None = None
    metrics: dict[str, Any] | None = None


OWN = NewResource.__struct_fields__


def search_in(call: Call, tx: Tx, types: Types, kind: str, given: Any) -> Search:
    """A search of a type's resources, decoded or as the query's text. Raises BadRequest."""
    attributes = types.attributes(tx, kind)
    text = call.query.get("filter")
    if text and given:
        raise BadRequest("Invalid input: a filter and a body")
    who = creator_of(call)
    return search_of(
        parsed(text) if text else given, fields_of(attributes), lambda id: id_of(id, who)
    )


def whose(call: Call) -> str | None:
    """Of which project a caller sees resources; None: of all."""
    return None if call.principal.is_admin else call.project_id


class ResourcesApi:
    def __init__(self, metrics: Metrics, types: Types) -> None:
        self._metrics = metrics
        self._resources = metrics.resources
        self._types = types

    def operations(self) -> list[Operation]:
        all_, one = "/v1/resource/{type}", "/v1/resource/{type}/{resource_id}"
        late: dict[str, Any] = {"early": False}
        free = dict[str, Any]
        # Many terms on many rows: not on the loop.
        heavy: dict[str, Any] = {"kind": "heavy", "writes": False}
        asks: dict[str, Any] = {"body": free | None, **heavy}
        return [
            Operation("GET", all_, self.index, policy="list resource"),
            Operation("GET", all_, self.index, policy="list resource", query="filter", **heavy),
            Operation("POST", all_, self.create, policy="create resource", body=free, status=201),
            Operation(
                "DELETE",
                all_,
                self.delete_many,
                policy="delete resources",
                body=free | None,
            ),
            Operation("GET", one, self.show, policy="get resource", **late),
            Operation("PATCH", one, self.update, policy="update resource", body=free, **late),
            Operation("DELETE", one, self.delete, policy="delete resource", status=204, **late),
            Operation("GET", f"{one}/history", self.history, policy="get resource", **late),
            Operation("GET", f"{one}/metric", self.metrics, policy="get resource", **late),
            Operation(
                "POST",
                f"{one}/metric",
                self.add_metrics,
                policy="update resource",
                body=free,
                **late,
            ),
            Operation(
                "POST", "/v1/search/resource/{type}", self.search, policy="search resource", **asks
            ),
        ]

    # --- lists ----------------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        return self._found(call, tx, None)

    def search(self, call: Call, tx: Tx) -> Any:
        return self._found(call, tx, call.body)

    def _found(self, call: Call, tx: Tx, given: Any) -> Any:
        kind = call.path["type"]
        search = search_in(call, tx, self._types, kind, given)
        history, details = flag(call, "history"), call.query.get("details") or ""
        marker, limit = None, limited(call)
        if call.query.get("marker"):
            marker = tx.get(ResourceRow, str(call.query.get("marker")))
            # A foreign one would tell by what comes after it what it is like.
            if marker is None or whose(call) not in (None, marker.project_id):
                raise BadRequest(f"Invalid marker {str(call.query.get('marker'))[:80]}")
        found = self._resources.search(
            tx,
            search,
            kind=kind,
            project=whose(call),
            sort=order(call, self._resources.listing),
            marker=marker,
            limit=limit,
        )
        rows = found.rows
        metrics = self._metrics.of_resources(tx, [row.id for row in rows])
        if history:
            return self._histories(tx, rows, metrics, search)
        bodies = [resource_body(row, metrics[row.id]) for row in rows]
        wanted = call.query.all("attrs") if details.lower() != "true" else []
        if wanted:
            bodies = [{k: v for k, v in body.items() if k in wanted} for body in bodies]
        headers = {}
        if found.more and rows:
            pairs = [(name, value) for name, value in call.query.pairs if name != "marker"]
            url = f"{call.url}?{urlencode([*pairs, ('marker', rows[-1].id)])}"
            headers["Link"] = f'<{url}>; rel="next"'
        # As Gnocchi writes it, with blanks, which its users look for in the text.
        raw = msgspec.json.format(msgspec.json.encode(bodies), indent=0)
        return Reply(200, raw=raw, headers=headers, content_type="application/json")

    def _histories(
        self,
        tx: Tx,
        rows: list[ResourceRow],
        metrics: Mapping[str, list[MetricRow]],
        search: Search,
    ) -> list[dict[str, Any]]:
        """Of each resource what it was, as far as that fits, too, and what it is."""
        before = self._resources.revisions(tx, [row.id for row in rows], MOST_REVISIONS)
        made = []
        for row in rows:
            made += [
                resource_body(row, metrics[row.id], was)
                for was in before[row.id]
                if search.fits(searched(was, row))
            ]
            made.append(resource_body(row, metrics[row.id]))
        return made

    def history(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        metrics = self._metrics.of_resources(tx, [row.id])
        made = self._histories(tx, [row], metrics, search_of(None, {}))
        return made[: limited(call)]

    # --- one ------------------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        kind = call.path["type"]
        attributes = self._types.attributes(tx, kind)
        body = _wish(call.body)
        if "\x00" in body.id or "/" in body.id:
            raise BadRequest("Invalid input: an id has no / and no NUL")
        given = values(attributes, _others(call.body), whole=True)
        id = id_of(body.id, creator_of(call))
        if tx.get(ResourceRow, id) is not None:
            raise Conflict(f"Resource {body.id} already exists")
        self._metrics.check_resources(tx, call.principal.project_id)
        started = moment_of(body.started_at, "started_at") if body.started_at else tx.now
        ended = moment_of(body.ended_at, "ended_at") if body.ended_at else None
        if ended is not None and ended < started:
            raise BadRequest("Start timestamp cannot be after end timestamp")
        admin = call.principal.is_admin
        row = self._resources.insert(
            tx,
            ResourceRow(
                id,
                body.id,
                kind,
                body.project_id if admin else call.project_id,
                body.user_id,
                creator_of(call),
                given,
                started,
                ended,
                started,
                None,
            ),
        )
        self._add(call, tx, row, body.metrics or {})
        where = {"Location": f"{call.base_url}/v1/resource/{kind}/{id}"}
        return Reply(201, self._shown(tx, row), where)

    def _one(self, call: Call, tx: Tx) -> ResourceRow:
        given, who = call.path["resource_id"], call.principal
        row = self._resources.get(tx, given, who.project_id, who.user_id)
        target = target_of(row, row.project_id)
        kind = call.path["type"]
        self._types.attributes(tx, kind)
        if kind not in ("generic", row.type) or not call.allowed("get resource", target):
            raise NotFound(f"Resource {given} does not exist")
        call.allow(target)
        return row

    def _shown(self, tx: Tx, row: ResourceRow) -> dict[str, Any]:
        return resource_body(row, self._metrics.of_resources(tx, [row.id])[row.id])

    def show(self, call: Call, tx: Tx) -> Any:
        return self._shown(tx, self._one(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        body = _wish({"id": "x", **call.body})
        changes: dict[str, Any] = {}
        others = values(self._types.attributes(tx, row.type), _others(call.body), whole=False)
        if others:
            changes["attributes"] = {**row.attributes, **others}
        if "started_at" in call.body:
            if not body.started_at:
                raise BadRequest("Invalid input: started_at is a time")
            changes["started_at"] = moment_of(body.started_at, "started_at")
        if "ended_at" in call.body:
            text = body.ended_at
            changes["ended_at"] = moment_of(text, "ended_at") if text else None
        if "user_id" in call.body:
            changes["user_id"] = body.user_id
        if "project_id" in call.body and body.project_id != row.project_id:
            if not call.principal.is_admin:
                raise BadRequest("Invalid input: only an administrator gives a resource away")
            changes["project_id"] = body.project_id
        row = self._resources.update(tx, row, tx.now, **changes)
        if body.metrics is not None:
            self._set_metrics(call, tx, row, body.metrics)
        return self._shown(tx, row)

    def _set_metrics(
        self, call: Call, tx: Tx, row: ResourceRow, metrics: Mapping[str, Any]
    ) -> None:
        """From now on it has these: what is not named is removed, what is there stays."""
        there = {str(each.name): each for each in self._metrics.of_resources(tx, [row.id])[row.id]}
        new = {}
        for name, wish in metrics.items():
            if name not in there:
                new[name] = wish
            elif wish != there[name].id and isinstance(wish, str):
                raise Conflict(f"Named metric {name[:80]} already exists")
        self._add(call, tx, row, new)
        for name, metric in there.items():
            if name not in metrics:
                call.allow(target_of(metric, row.project_id), "delete metric")
                self._metrics.delete(tx, metric)

    def delete(self, call: Call, tx: Tx) -> None:
        self._resources.delete(tx, self._one(call, tx))

    def delete_many(self, call: Call, tx: Tx) -> Any:
        kind = call.path["type"]
        search = search_in(call, tx, self._types, kind, call.body)
        if not search.fields:
            raise BadRequest("Invalid input: a search is needed, which says what is to be deleted")
        if search.terms > MOST_DELETING_TERMS:
            raise BadRequest(f"Invalid input: more than {MOST_DELETING_TERMS} terms")
        found = self._resources.search(
            tx, search, kind=kind, project=whose(call), limit=MOST_DELETED
        )
        rows = found.rows
        if found.more:
            raise BadRequest(f"Invalid input: more than {MOST_DELETED} resources")
        for row in rows:
            call.allow(target_of(row, row.project_id), "delete resource")
        for row in rows:
            self._resources.delete(tx, row)
        return {"deleted": len(rows)}

    # --- metrics --------------------------------------------------------------------------------

    def metrics(self, call: Call, tx: Tx) -> Any:
        return self._metric_bodies(tx, self._one(call, tx))

    def _metric_bodies(self, tx: Tx, row: ResourceRow) -> list[dict[str, Any]]:
        policies = {each.name: each for each in self._metrics.policies.all(tx)}
        found = self._metrics.of_resources(tx, [row.id])[row.id]
        return [metric_body(each, policies[each.archive_policy]) for each in found]

    def add_metrics(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        made = self._add(call, tx, row, call.body)
        policies = {each.name: each for each in self._metrics.policies.all(tx)}
        return [metric_body(each, policies[each.archive_policy]) for each in made]

    def _add(
        self, call: Call, tx: Tx, row: ResourceRow, metrics: Mapping[str, Any]
    ) -> list[MetricRow]:
        """Metrics by name: the id of one that there is, or what a new one is like."""
        if len(metrics) > MOST_METRICS:
            raise BadRequest(f"Invalid input: more than {MOST_METRICS} metrics")
        made = []
        quota = self._metrics.quota(tx, call.project_id) if metrics else None
        for name, wish in metrics.items():
            if not 0 < len(name) <= 255 or "/" in name:
                raise BadRequest("Invalid input: a metric's name has 1 to 255 letters and no /")
            if isinstance(wish, str):
                made.append(self._linked(call, tx, row, name, wish))
                continue
            if not isinstance(wish, dict) or set(wish) - {"archive_policy_name", "unit", "name"}:
                raise BadRequest(f"Invalid input: the metric {name[:80]!r}")
            unit, policy = wish.get("unit"), wish.get("archive_policy_name")
            if not isinstance(unit, str | None) or not isinstance(policy, str | None):
                raise BadRequest(f"Invalid input: the metric {name[:80]!r}")
            if unit is not None and len(unit) > 31:
                raise BadRequest("Invalid input: a unit has at most 31 letters")
            made.append(
                self._metrics.create(
                    tx,
                    creator=creator_of(call),
                    project_id=call.project_id,
                    name=name,
                    unit=unit,
                    policy=policy,
                    resource=row,
                    quota=quota,
                )
            )
        return made

    def _linked(self, call: Call, tx: Tx, row: ResourceRow, name: str, id: str) -> MetricRow:
        metric = tx.get(MetricRow, id)
        if metric is None or not call.allowed(
            "get metric", target_of(metric, self._metrics.project_of(tx, metric))
        ):
            raise BadRequest(f"Metric {id[:80]} does not exist")
        call.allow(target_of(metric, metric.project_id), "delete metric")
        return self._metrics.link(tx, metric, row, name)


def _wish(given: Mapping[str, Any]) -> NewResource:
    try:
        return msgspec.convert(given, NewResource)
    except msgspec.ValidationError as problem:
        raise BadRequest(f"Invalid input: {problem}") from None


def _others(given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of its type."""
    return {name: value for name, value in given.items() if name not in OWN}
