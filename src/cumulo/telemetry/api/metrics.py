"""Gnocchi's API: archive policies, metrics, measures, resources."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link, page_of
from cumulo.core.wire.shapes import Body, StrictBody
from cumulo.telemetry.api.times import (
    moment_of,
    moment_text,
    seconds_of,
    span_of,
    span_text,
    stamp,
)
from cumulo.telemetry.model.metric import (
    DEFAULT_METHODS,
    METHODS,
    RATES,
    ArchivePolicyRow,
    Definition,
    MetricRow,
    ResourceRow,
)
from cumulo.telemetry.service.metrics import Metrics, id_of

Name = Annotated[str, Meta(min_length=1, max_length=255)]
MOST_DEFINITIONS = 20
FIRST_TIME = -30e9
"""Of a measure: about the year 1019; the span that it falls into still begins in the calendar."""
LARGEST_VALUE = 1e150
"""Its square is a number still."""
LONGEST_TIMESPAN = 10**12
TYPES: dict[str, dict[str, Any]] = {
    "generic": {},
    "instance": {"display_name": "string", "flavor_id": "string", "flavor_name": "string"},
    "instance_disk": {"instance_id": "string", "name": "string"},
    "instance_network_interface": {"instance_id": "string", "name": "string"},
    "volume": {"display_name": "string", "volume_type": "string"},
    "volume_snapshot": {"display_name": "string"},
    "image": {"name": "string"},
    "floating_ip": {"display_name": "string"},
    "router": {"display_name": "string"},
}


class NewPolicy(StrictBody):
    name: Name
    definition: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_DEFINITIONS)]
    aggregation_methods: Annotated[list[str], Meta(max_length=40)] | None = None
    back_window: Annotated[int, Meta(ge=0, le=10**6)] = 0


class NewMetric(StrictBody):
    name: Name | None = None
    unit: Annotated[str, Meta(max_length=31)] | None = None
    archive_policy_name: Name | None = None
    resource_id: Name | None = None
    user_id: str | None = None
    project_id: str | None = None


class NewResource(Body):
    id: Name
    user_id: Annotated[str, Meta(max_length=255)] | None = None
    project_id: Annotated[str, Meta(max_length=255)] | None = None
    started_at: str | None = None
    ended_at: str | None = None
    metrics: dict[str, Any] | None = None


class Measure(Body):
    timestamp: str | float
    value: float


def creator_of(call: Call) -> str:
    who = call.principal
    return f"{who.user_id}:{who.project_id or ''}"


def target_of(row: MetricRow | ResourceRow, project_id: str | None) -> dict[str, str | None]:
    """What rules look at: whose it is, and whose user has made it (nobody's: the cloud has)."""
    return {
        "project_id": project_id,
        "created_by_project_id": row.creator.partition(":")[2] or None,
    }


class MetricsApi:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def operations(self) -> list[Operation]:
        policy, metric = "/v1/archive_policy", "/v1/metric"
        late: dict[str, Any] = {"early": False}
        one, named = f"{metric}/{{metric_id}}", "/v1/resource/{type}/{resource_id}/metric/{name}"
        measures = Annotated[list[Measure], Meta(max_length=100_000)]
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation("GET", "/v1/capabilities", self.capabilities),
            Operation("GET", "/v1/status", self.status, policy="get status"),
            Operation("GET", policy, self.policies, policy="list archive policy"),
            Operation(
                "POST",
                policy,
                self.new_policy,
                policy="create archive policy",
                body=NewPolicy,
                status=201,
            ),
            Operation("GET", f"{policy}/{{name}}", self.policy, policy="get archive policy"),
            Operation(
                "DELETE",
                f"{policy}/{{name}}",
                self.drop_policy,
                policy="delete archive policy",
                status=204,
            ),
            Operation("GET", metric, self.index, policy="list metric"),
            Operation(
                "POST", metric, self.create, policy="create metric", body=NewMetric, status=201
            ),
            Operation("GET", one, self.show, policy="get metric", **late),
            Operation("DELETE", one, self.delete, policy="delete metric", status=204, **late),
            Operation("GET", f"{one}/measures", self.measures, policy="get measures", **late),
            Operation(
                "POST",
                f"{one}/measures",
                self.add,
                policy="post measures",
                body=measures,
                status=202,
                **late,
            ),
            Operation("GET", f"{named}", self.show, policy="get metric", **late),
            Operation(
                "DELETE", f"{named}", self.delete, policy="delete metric", status=204, **late
            ),
            Operation("GET", f"{named}/measures", self.measures, policy="get measures", **late),
            Operation(
                "POST",
                f"{named}/measures",
                self.add,
                policy="post measures",
                body=measures,
                status=202,
                **late,
            ),
            Operation(
                "POST",
                "/v1/batch/metrics/measures",
                self.add_many,
                policy="post measures",
                body=dict[str, measures],
                status=202,
                **late,
            ),
            Operation(
                "POST",
                "/v1/batch/resources/metrics/measures",
                self.add_by_name,
                policy="post measures",
                body=dict[str, dict[str, Any]],
                status=202,
                **late,
            ),
        ]

    def versions(self, call: Call, tx: Tx) -> Any:
        link = {"rel": "self", "href": f"{call.base_url}/v1/"}
        one = {"id": "v1.0", "status": "CURRENT", "links": [link], "updated": "2015-03-19"}
        return {"versions": [one], "build": "4.6.0"}

    def capabilities(self, call: Call, tx: Tx) -> Any:
        return {"aggregation_methods": sorted([*METHODS, *RATES])}

    def status(self, call: Call, tx: Tx) -> Any:
        return {
            "storage": {"summary": {"metrics": 0, "measures": 0}},
            "metricd": {"processors": []},
        }

    # --- archive policies -----------------------------------------------------------------------

    def policies(self, call: Call, tx: Tx) -> Any:
        return [policy_body(row) for row in self._metrics.policies(tx)]

    def policy(self, call: Call, tx: Tx) -> Any:
        return policy_body(self._metrics.policy(tx, call.path["name"]))

    def new_policy(self, call: Call, tx: Tx) -> Any:
        body: NewPolicy = call.body
        made = [_definition(each) for each in body.definition]
        methods = body.aggregation_methods
        row = self._metrics.create_policy(
            tx, body.name, made, DEFAULT_METHODS if methods is None else methods, body.back_window
        )
        return policy_body(row)

    def drop_policy(self, call: Call, tx: Tx) -> None:
        self._metrics.delete_policy(tx, call.path["name"])

    # --- metrics --------------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {}
        if not call.principal.is_admin:
            where["project_id"] = call.project_id
        elif call.query.get("project_id"):
            where["project_id"] = call.query.get("project_id")
        for name in ("id", "name", "resource_id"):
            asked = call.query.all(name)
            if asked:
                where[name] = asked
        page = page_of(
            call, tx, self._metrics.listing, where, find_marker=lambda id: tx.get(MetricRow, id)
        )
        policies = {row.name: row for row in self._metrics.policies(tx)}
        bodies = [metric_body(row, policies[row.archive_policy]) for row in page.rows]
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return Reply(200, bodies, headers)

    def create(self, call: Call, tx: Tx) -> Any:
        body: NewMetric = call.body
        resource_id = None
        if body.resource_id is not None:
            row = self._metrics.resource(tx, body.resource_id, creator_of(call))
            call.allow(target_of(row, row.project_id), "update resource")
            resource_id = row.id
        made = self._metrics.create(
            tx,
            creator=creator_of(call),
            project_id=call.project_id,
            name=body.name,
            unit=body.unit,
            policy=body.archive_policy_name or "low",
            resource_id=resource_id,
        )
        where = {"Location": f"{call.base_url}/v1/metric/{made.id}"}
        return Reply(201, metric_body(made, self._metrics.policy(tx, made.archive_policy)), where)

    def _one(self, call: Call, tx: Tx) -> MetricRow:
        if "metric_id" in call.path:
            row = self._metrics.get(tx, call.path["metric_id"])
        else:
            resource = self._metrics.resource(tx, call.path["resource_id"], creator_of(call))
            row = self._metrics.named(tx, resource.id, call.path["name"])
        target = target_of(row, self._metrics.project_of(tx, row))
        rule = call.operation.policy
        assert rule is not None
        if not call.allowed(rule, target) and not call.allowed("get metric", target):
            raise NotFound(f"Metric {row.id} does not exist")
        call.allow(target)
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        body = metric_body(row, self._metrics.policy(tx, row.archive_policy))
        found = None if row.resource_id is None else tx.get(ResourceRow, row.resource_id)
        body["resource"] = None if found is None else resource_body(found, [])
        return body

    def delete(self, call: Call, tx: Tx) -> None:
        tx.delete(self._one(call, tx))

    # --- measures -------------------------------------------------------------------------------

    def measures(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)

        def time(name: str) -> float | None:
            text = call.query.get(name)
            return None if text is None else seconds_of(text, name)

        granularity = call.query.get("granularity")
        found = self._metrics.measures(
            tx,
            row,
            method=call.query.get("aggregation") or "mean",
            granularity=None if granularity is None else span_of(granularity, "granularity"),
            start=time("start"),
            stop=time("stop"),
        )
        return [[stamp(at), span, value] for at, span, value in found]

    def add(self, call: Call, tx: Tx) -> None:
        row = self._one(call, tx)
        self._metrics.add(tx, {row.id: _points(call.body)})

    def add_many(self, call: Call, tx: Tx) -> None:
        measures = {}
        for id, given in call.body.items():
            row = self._metrics.get(tx, id)
            call.allow(target_of(row, self._metrics.project_of(tx, row)))
            measures[row.id] = _points(given)
        self._metrics.add(tx, measures)

    def add_by_name(self, call: Call, tx: Tx) -> None:
        make = call.query.get("create_metrics", "false") in ("true", "True", "1")
        measures: dict[str, list[tuple[float, float]]] = {}
        for id, metrics in call.body.items():
            resource = self._metrics.resource(tx, id, creator_of(call))
            call.allow(target_of(resource, resource.project_id))
            known = {
                row.name: row for row in self._metrics.of_resources(tx, [resource.id])[resource.id]
            }
            for name, given in metrics.items():
                wish = given if isinstance(given, dict) else {"measures": given}
                row = known.get(name)
                if row is None and make:
                    row = self._metrics.create(
                        tx,
                        creator=creator_of(call),
                        project_id=call.project_id,
                        name=name[:255],
                        unit=None,
                        policy=str(wish.get("archive_policy_name") or "low"),
                        resource_id=resource.id,
                    )
                if row is None:
                    raise BadRequest(f"Unknown metrics: {name} of resource {id}")
                try:
                    points = msgspec.convert(wish.get("measures"), list[Measure])
                except msgspec.ValidationError as problem:
                    raise BadRequest(f"Invalid input: {problem}") from None
                measures[row.id] = _points(points)
        self._metrics.add(tx, measures)


class ResourcesApi:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def operations(self) -> list[Operation]:
        all_, one = "/v1/resource/{type}", "/v1/resource/{type}/{resource_id}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", "/v1/resource_type", self.types, policy="list resource type"),
            Operation("GET", "/v1/resource_type/{name}", self.type, policy="get resource type"),
            Operation("GET", "/v1/resource", self.roots, policy="list resource"),
            Operation("GET", all_, self.index, policy="list resource"),
            Operation(
                "POST", all_, self.create, policy="create resource", body=dict[str, Any], status=201
            ),
            Operation("GET", one, self.show, policy="get resource", **late),
            Operation(
                "PATCH", one, self.update, policy="update resource", body=dict[str, Any], **late
            ),
            Operation("DELETE", one, self.delete, policy="delete resource", status=204, **late),
            Operation("GET", f"{one}/metric", self.metrics, policy="get resource", **late),
            Operation(
                "POST",
                f"{one}/metric",
                self.add_metrics,
                policy="update resource",
                body=dict[str, Any],
                status=204,
                **late,
            ),
        ]

    def types(self, call: Call, tx: Tx) -> Any:
        return [_type_body(name) for name in sorted(TYPES)]

    def type(self, call: Call, tx: Tx) -> Any:
        if call.path["name"] not in TYPES:
            raise NotFound(f"Resource type {call.path['name']} does not exist")
        return _type_body(call.path["name"])

    def roots(self, call: Call, tx: Tx) -> Any:
        return {name: f"{call.base_url}/v1/resource/{name}" for name in sorted(TYPES)}

    def index(self, call: Call, tx: Tx) -> Any:
        kind = self._type(call)
        where: dict[str, Any] = {} if kind == "generic" else {"type": kind}
        if not call.principal.is_admin:
            where["project_id"] = call.project_id
        page = page_of(
            call, tx, self._metrics.resources, where, find_marker=lambda id: tx.get(ResourceRow, id)
        )
        metrics = self._metrics.of_resources(tx, [row.id for row in page.rows])
        bodies = [resource_body(row, metrics[row.id]) for row in page.rows]
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        return Reply(200, bodies, {"Link": f'<{following}>; rel="next"'} if following else {})

    @staticmethod
    def _type(call: Call) -> str:
        kind = call.path["type"]
        if kind not in TYPES:
            raise NotFound(f"Resource type {kind} does not exist")
        return kind

    def create(self, call: Call, tx: Tx) -> Any:
        kind = self._type(call)
        body, attributes = self._wish(kind, call.body)
        id = id_of(body.id, creator_of(call))
        if tx.get(ResourceRow, id) is not None:
            raise Conflict(f"Resource {id} already exists")
        started = moment_of(body.started_at, "started_at") if body.started_at else tx.now
        row = ResourceRow(
            id,
            body.id,
            kind,
            body.project_id if call.principal.is_admin else call.project_id,
            body.user_id,
            creator_of(call),
            attributes,
            started,
            moment_of(body.ended_at, "ended_at") if body.ended_at else None,
            started,
        )
        tx.insert(row)
        self._add(call, tx, row, body.metrics or {})
        where = {"Location": f"{call.base_url}/v1/resource/{kind}/{id}"}
        return Reply(201, self._shown(tx, row), where)

    @staticmethod
    def _wish(kind: str, given: dict[str, Any]) -> tuple[NewResource, dict[str, Any]]:
        try:
            body = msgspec.convert(given, NewResource)
        except msgspec.ValidationError as problem:
            raise BadRequest(f"Invalid input: {problem}") from None
        attributes = {k: v for k, v in given.items() if k not in NewResource.__struct_fields__}
        unknown = set(attributes) - set(TYPES[kind])
        if unknown:
            raise BadRequest(f"Invalid input: extra keys not allowed: {min(unknown)}")
        for name, value in attributes.items():
            if not isinstance(value, str) or len(value) > 255:
                raise BadRequest(f"Invalid input: {name} is text of at most 255 letters")
        return body, attributes

    def _add(self, call: Call, tx: Tx, row: ResourceRow, metrics: dict[str, Any]) -> None:
        if len(metrics) > 1000:
            raise BadRequest("Invalid input: more than 1000 metrics")
        for name, wish in metrics.items():
            given = wish if isinstance(wish, dict) else {}
            self._metrics.create(
                tx,
                creator=creator_of(call),
                project_id=call.project_id,
                name=name[:255],
                unit=str(given["unit"])[:31] if given.get("unit") else None,
                policy=str(given.get("archive_policy_name") or "low"),
                resource_id=row.id,
            )

    def _one(self, call: Call, tx: Tx) -> ResourceRow:
        row = self._metrics.resource(tx, call.path["resource_id"], creator_of(call))
        target = target_of(row, row.project_id)
        if not call.allowed("get resource", target):
            raise NotFound(f"Resource {call.path['resource_id']} does not exist")
        kind = self._type(call)
        if kind not in ("generic", row.type):
            raise NotFound(f"Resource {call.path['resource_id']} does not exist")
        call.allow(target)
        return row

    def _shown(self, tx: Tx, row: ResourceRow) -> dict[str, Any]:
        return resource_body(row, self._metrics.of_resources(tx, [row.id])[row.id])

    def show(self, call: Call, tx: Tx) -> Any:
        return self._shown(tx, self._one(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        given = dict(call.body)
        changes: dict[str, Any] = {"revision_start": tx.now}
        ended = given.pop("ended_at", None)
        if ended is not None:
            changes["ended_at"] = moment_of(str(ended), "ended_at")
        metrics = given.pop("metrics", None)
        _, attributes = self._wish(row.type, {"id": "x", **given})
        changes["attributes"] = {**row.attributes, **attributes}
        row = tx.update(row, **changes)
        if isinstance(metrics, dict):
            self._add(call, tx, row, metrics)
        return self._shown(tx, row)

    def delete(self, call: Call, tx: Tx) -> None:
        tx.delete(self._one(call, tx))

    def metrics(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        policies = {each.name: each for each in self._metrics.policies(tx)}
        found = self._metrics.of_resources(tx, [row.id])[row.id]
        return [metric_body(each, policies[each.archive_policy]) for each in found]

    def add_metrics(self, call: Call, tx: Tx) -> None:
        self._add(call, tx, self._one(call, tx), call.body)


def _points(given: list[Measure]) -> list[tuple[float, float]]:
    """Raises BadRequest for times and values that sums and dates cannot be made of."""
    made = [(seconds_of(str(each.timestamp), "timestamp"), each.value) for each in given]
    for at, value in made:
        if at < FIRST_TIME:
            raise BadRequest("Invalid value for timestamp")
        if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            raise BadRequest("Invalid input: a value is out of range")
    return made


def _definition(given: dict[str, Any]) -> Definition:
    """Two of granularity, points and timespan say the third."""
    if set(given) - {"granularity", "points", "timespan"}:
        raise BadRequest("Invalid input: extra keys not allowed")
    granularity = span_of(given["granularity"], "granularity") if "granularity" in given else None
    timespan = span_of(given["timespan"], "timespan") if "timespan" in given else None
    points = given.get("points")
    if points is not None and (not isinstance(points, int) or not 0 < points < 10**9):
        raise BadRequest("Invalid input: points")
    if granularity is None and points and timespan:
        granularity = timespan / points
    if points is None and granularity and timespan:
        points = int(timespan // granularity)
    if granularity is None or not points:
        raise BadRequest("Invalid input: two of granularity, points and timespan are needed")
    if granularity < 1 or granularity != int(granularity):
        raise BadRequest("Invalid input: a granularity is a whole number of seconds")
    if granularity * points > LONGEST_TIMESPAN:
        raise BadRequest(f"Invalid input: a timespan is {LONGEST_TIMESPAN} seconds at the most")
    return Definition(int(granularity), points)


def policy_body(row: ArchivePolicyRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "back_window": row.back_window,
        "definition": [
            {
                "granularity": span_text(each.granularity),
                "points": each.points,
                "timespan": span_text(each.granularity * each.points),
            }
            for each in row.definition
        ],
        "aggregation_methods": row.aggregation_methods,
    }


def metric_body(row: MetricRow, policy: ArchivePolicyRow) -> dict[str, Any]:
    user, _, project = row.creator.partition(":")
    return {
        "id": row.id,
        "name": row.name,
        "unit": row.unit,
        "archive_policy": policy_body(policy),
        "archive_policy_name": row.archive_policy,
        "resource_id": row.resource_id,
        "creator": row.creator,
        "created_by_user_id": user,
        "created_by_project_id": project,
    }


def resource_body(row: ResourceRow, metrics: list[MetricRow]) -> dict[str, Any]:
    user, _, project = row.creator.partition(":")
    return {
        **row.attributes,
        "id": row.id,
        "type": row.type,
        "original_resource_id": row.original_id,
        "project_id": row.project_id,
        "user_id": row.user_id,
        "creator": row.creator,
        "created_by_user_id": user,
        "created_by_project_id": project,
        "started_at": moment_text(row.started_at),
        "ended_at": moment_text(row.ended_at),
        "revision_start": moment_text(row.revision_start),
        "revision_end": None,
        "metrics": {str(each.name): each.id for each in metrics},
    }


def _type_body(name: str) -> dict[str, Any]:
    attributes = {
        key: {"type": kind, "required": False, "min_length": 0, "max_length": 255}
        for key, kind in TYPES[name].items()
    }
    return {"name": name, "attributes": attributes, "state": "active"}
