"""Nodes on the wire: create, list, show, patch, delete, validate."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.baremetal.api import common
from cumulo.baremetal.api.node_body import SUMMARY, NodeBody, node_body
from cumulo.baremetal.model.hardware import INTERFACES
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import Stage
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody

RULE = "baremetal:node"
FILTERS = {
    "instance_uuid", "associated", "maintenance", "provision_state", "driver", "resource_class",
    "conductor_group", "owner", "fault", "description_contains", "conductor",
}  # fmt: skip
PAGING = {"limit", "marker", "sort_key", "sort_dir", "fields", "detail"}
FILTERS_SINCE = {
    "provision_state": "1.9", "driver": "1.16", "resource_class": "1.21", "fault": "1.42",
    "conductor_group": "1.46", "conductor": "1.49", "owner": "1.50",
    "description_contains": "1.51",
}  # fmt: skip


class NewNode(StrictBody):
    driver: str
    uuid: Uuid | None = None
    name: Annotated[str | None, Since("1.5")] = None
    driver_info: dict[str, Any] | None = None
    instance_info: dict[str, Any] | None = None
    instance_uuid: str | None = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    resource_class: Annotated[str | None, Since("1.21")] = None
    conductor_group: Annotated[str | None, Since("1.46")] = None
    automated_clean: Annotated[bool | None, Since("1.47")] = None
    owner: Annotated[str | None, Since("1.50")] = None
    description: Annotated[str | None, Since("1.51")] = None


class NodesBody(Body, kw_only=True):
    nodes: list[NodeBody]
    next: str | Any = UNSET


class NodesApi:
    def __init__(self, service: BareMetalService) -> None:
        self._nodes = service.nodes
        self._host = service.host

    def operations(self) -> list[Operation]:
        many, one = "/v1/nodes", "/v1/nodes/{node}"
        make: dict[str, Any] = {
            "policy": f"{RULE}:create", "body": NewNode, "response": NodeBody, "status": 201,
        }  # fmt: skip
        held: dict[str, Any] = {"early": False}
        return [
            Operation("POST", many, self.create_available, until="1.10", **make),
            Operation("POST", many, self.create, since="1.11", **make),
            Operation("GET", many, self.index, policy=f"{RULE}:list", response=NodesBody),
            Operation("GET", f"{many}/detail", self.detail, policy=f"{RULE}:list",
                      response=NodesBody),
            Operation("GET", one, self.show, policy=f"{RULE}:get", response=NodeBody, **held),
            Operation("PATCH", one, self.update, policy=f"{RULE}:update", body=common.Patch,
                      response=NodeBody, **held),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", status=204, **held),
            Operation("GET", f"{one}/validate", self.validate, policy=f"{RULE}:validate", **held),
        ]  # fmt: skip

    def one(self, call: Call, tx: Tx) -> NodeRow:
        return node_of(self._nodes.get(tx, call.path["node"]), call)

    def body(self, call: Call, row: NodeRow) -> NodeBody:
        return node_body(call, row, self._host, self._nodes.is_locked(row))

    def create(self, call: Call, tx: Tx) -> Reply:
        return self._create(call, tx, "enroll")

    def create_available(self, call: Call, tx: Tx) -> Reply:
        """Before 1.11 nodes came without being verified."""
        return self._create(call, tx, "available")

    def _create(self, call: Call, tx: Tx, stage: Stage) -> Reply:
        wish: NewNode = call.body
        given = {
            name: value
            for name in wish.__struct_fields__
            if name != "uuid" and (value := getattr(wish, name)) is not None
        }
        row = self._nodes.create(tx, given, stage, wish.uuid, call.principal)
        body = self.body(call, row)
        return Reply(201, body, {"Location": f"{call.base_url}/v1/nodes/{row.id}"})

    def index(self, call: Call, tx: Tx) -> Any:
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        return self._list(call, tx, detail)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, True)

    def _list(self, call: Call, tx: Tx, detail: bool) -> Any:
        where = self._where(call)
        if where is None:
            return {"nodes": []}
        page = page_of(
            call, tx, self._nodes.listing, where,
            find_marker=lambda id: self._marker(call, tx, id), sort_names={"uuid": "id"},
        )  # fmt: skip
        fields = common.asked_fields(call)
        bodies = [self.body(call, row) for row in page.rows]
        if not detail:
            for body in bodies:
                common.only(call, body, self._names(call) if fields is None else fields)
        return common.with_next(call, "nodes", bodies, page)

    def _names(self, call: Call) -> list[str]:
        known = call.version is None or call.version >= call.version.parse("1.5")
        return [name for name in SUMMARY if known or name != "name"]

    def _marker(self, call: Call, tx: Tx, id: str) -> NodeRow | None:
        try:
            return node_of(self._nodes.get(tx, id), call)
        except NotFound:
            return None

    def _where(self, call: Call) -> dict[str, Any] | None:
        """None: nothing can fit."""
        common.refuse_query(call, FILTERS | PAGING, FILTERS_SINCE)
        plain = FILTERS - {"associated", "maintenance", "fault", "conductor"}
        where: dict[str, Any] = {
            name: value for name in plain if (value := call.query.get(name)) is not None
        }
        if call.query.get("associated") is not None:
            where["unassociated"] = not common.flag(call, "associated")
        if call.query.get("maintenance") is not None:
            where["maintenance"] = common.flag(call, "maintenance")
        if call.query.get("fault") not in (None, "none"):
            return None
        if call.query.get("conductor") not in (None, self._host):
            return None
        if not call.allowed(f"{RULE}:list_all", {}):
            owner = call.principal.project_id
            if owner is None or where.get("owner", owner) != owner:
                return None
            where["owner"] = owner
        return where

    def show(self, call: Call, tx: Tx) -> NodeBody:
        row = self.one(call, tx)
        fields = common.asked_fields(call)
        body = self.body(call, row)
        return body if fields is None else common.only(call, body, fields)

    def update(self, call: Call, tx: Tx) -> NodeBody:
        row = self.one(call, tx)
        changes = common.changes_of(call)
        target = {"node.owner": row.owner}
        for top in {change.path[0] for change in changes} & {"owner", "driver_info", "driver"}:
            call.allow(target, f"{RULE}:update:{'owner' if top == 'owner' else 'driver_info'}")
        return self.body(call, self._nodes.update(tx, row, changes, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        self._nodes.delete(tx, self.one(call, tx), call.principal)

    def validate(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        lacking = self._nodes.lacks(row)
        found: dict[str, Any] = {}
        for name in INTERFACES:
            kind = row.interfaces.get(name)
            if kind is None or kind.startswith("no-"):
                found[name] = {
                    "result": False if kind else None,
                    "reason": f"Driver {row.driver} does not support {name}.",
                }
            elif name in lacking:
                found[name] = {"result": False, "reason": lacking[name]}
            else:
                found[name] = {"result": True}
        return found


def node_of(row: NodeRow, call: Call) -> NodeRow:
    """The node, if the caller may do this with it; who may not see it learns nothing of it."""
    target = {"node.owner": row.owner}
    if not call.allowed(f"{RULE}:get", target):
        raise NotFound(f"Node {call.path.get('node', row.id)[:255]} could not be found.")
    if call.operation.policy != f"{RULE}:list":
        call.allow(target)
    return row
