"""Gnocchi's API: metrics, and what the service says of itself."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link, page_of
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.bodies import creator_of, metric_body, resource_body, target_of
from cumulo.telemetry.api.lists import order
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.model.points import METHODS
from cumulo.telemetry.service.metrics import Metrics

Name = Annotated[str, Meta(min_length=1, max_length=255)]
NAMED = "/v1/resource/{type}/{resource_id}/metric/{name}"
FILTERS = ("id", "name", "unit", "resource_id", "archive_policy_name")
MOST_VALUES = 500


class NewMetric(StrictBody):
    name: Name | None = None
    unit: Annotated[str, Meta(max_length=31)] | None = None
    archive_policy_name: Name | None = None
    resource_id: Name | None = None
    user_id: str | None = None
    project_id: str | None = None


def metric_of(call: Call, tx: Tx, metrics: Metrics) -> MetricRow:
    """The metric of the path, which the caller may do this with. Raises NotFound, Forbidden."""
    who = call.principal
    if "metric_id" in call.path:
        row = metrics.get(tx, call.path["metric_id"])
    else:
        resource = metrics.resources.get(tx, call.path["resource_id"], who.project_id, who.user_id)
        target = target_of(resource, resource.project_id)
        if not call.allowed("get resource", target):
            raise NotFound(f"Resource {call.path['resource_id']} does not exist")
        row = metrics.named(tx, resource.id, call.path["name"])
    target = target_of(row, metrics.project_of(tx, row))
    rule = call.operation.policy
    assert rule is not None
    if not call.allowed(rule, target) and not call.allowed("get metric", target):
        raise NotFound(f"Metric {row.id} does not exist")
    call.allow(target)
    return row


class MetricsApi:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def operations(self) -> list[Operation]:
        all_, one = "/v1/metric", "/v1/metric/{metric_id}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation("GET", "/v1", self.root, public=True),
            Operation("GET", "/v1/capabilities", self.capabilities),
            Operation("GET", "/v1/status", self.status, policy="get status"),
            Operation("GET", all_, self.index, policy="list metric"),
            Operation(
                "POST", all_, self.create, policy="create metric", body=NewMetric, status=201
            ),
            Operation("GET", one, self.show, policy="get metric", **late),
            Operation("DELETE", one, self.delete, policy="delete metric", status=204, **late),
            Operation("GET", NAMED, self.show, policy="get metric", **late),
            Operation("DELETE", NAMED, self.delete, policy="delete metric", status=204, **late),
        ]

    def versions(self, call: Call, tx: Tx) -> Any:
        link = {"rel": "self", "href": f"{call.base_url}/v1/"}
        one = {"id": "v1.0", "status": "CURRENT", "links": [link], "updated": "2015-03-19"}
        return {"versions": [one], "build": "4.6.0"}

    def root(self, call: Call, tx: Tx) -> Any:
        names = (
            "archive_policy archive_policy_rule metric resource resource_type search/resource "
            "search/metric aggregates status capabilities"
        )
        links = [{"rel": name, "href": f"{call.base_url}/v1/{name}"} for name in names.split()]
        return {"version": "1.0", "links": links}

    def capabilities(self, call: Call, tx: Tx) -> Any:
        return {"aggregation_methods": sorted(METHODS)}

    def status(self, call: Call, tx: Tx) -> Any:
        """Measures are folded when they come: none ever wait."""
        waiting: dict[str, Any] = {"summary": {"metrics": 0, "measures": 0}}
        if (call.query.get("details") or "true").lower() != "false":
            waiting["measures_to_process"] = {}
        return {"storage": waiting, "metricd": {"processors": [], "statistics": {}}}

    def index(self, call: Call, tx: Tx) -> Any:
        if call.query.get("status") == "delete":
            # A metric that was removed is not shown any more, though its points go later.
            return []
        where: dict[str, Any] = {}
        if not call.principal.is_admin:
            where["project_id"] = call.project_id
        for name in ("project_id", "creator"):
            asked = call.query.get(name)
            if asked and call.principal.is_admin:
                where[name] = asked
        for name in FILTERS:
            values = call.query.all(name)
            if len(values) > MOST_VALUES:
                raise BadRequest(f"Invalid input: more than {MOST_VALUES} values of {name}")
            if values:
                where[name] = values
        listing = self._metrics.listing
        page = page_of(
            call,
            tx,
            listing,
            where,
            find_marker=lambda id: self._marker(call, tx, id),
            sort=order(call, listing),
        )
        policies = {row.name: row for row in self._metrics.policies.all(tx)}
        bodies = [metric_body(row, policies[row.archive_policy]) for row in page.rows]
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return Reply(200, bodies, headers)

    @staticmethod
    def _marker(call: Call, tx: Tx, id: str) -> MetricRow | None:
        """A foreign one would tell by what comes after it what it is like."""
        row = tx.get(MetricRow, id)
        mine = row is not None and (call.principal.is_admin or row.project_id == call.project_id)
        return row if mine else None

    def create(self, call: Call, tx: Tx) -> Any:
        body: NewMetric = call.body
        if "/" in (body.name or ""):
            raise BadRequest("'/' is not supported in metric name")
        row = None
        if body.resource_id is not None:
            who = call.principal
            row = self._metrics.resources.get(tx, body.resource_id, who.project_id, who.user_id)
            target = target_of(row, row.project_id)
            if not call.allowed("get resource", target):
                raise NotFound(f"Resource {body.resource_id} does not exist")
            call.allow(target, "update resource")
        made = self._metrics.create(
            tx,
            creator=creator_of(call),
            project_id=call.project_id,
            name=body.name,
            unit=body.unit,
            policy=body.archive_policy_name,
            resource=row,
        )
        where = {"Location": f"{call.base_url}/v1/metric/{made.id}"}
        shown = metric_body(made, self._metrics.policies.get(tx, made.archive_policy))
        # Only who asks for a metric is told what its policy is like.
        del shown["archive_policy"]
        return Reply(201, shown, where)

    def show(self, call: Call, tx: Tx) -> Any:
        row = metric_of(call, tx, self._metrics)
        body = metric_body(row, self._metrics.policies.get(tx, row.archive_policy))
        found = None if row.resource_id is None else tx.get(ResourceRow, row.resource_id)
        body["resource"] = None if found is None else resource_body(found, [])
        return body

    def delete(self, call: Call, tx: Tx) -> None:
        self._metrics.delete(tx, metric_of(call, tx, self._metrics))
