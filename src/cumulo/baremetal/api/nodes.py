"""Nodes on the wire: create, list, show, patch, delete, validate."""

from typing import Any

from msgspec import UNSET

from cumulo.baremetal.api import common
from cumulo.baremetal.api.node_body import SINCE, SUMMARY, NodeBody, node_body
from cumulo.baremetal.api.things import ident
from cumulo.baremetal.model.hardware import INTERFACES
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import Stage
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, StrictBody

RULE = "baremetal:node"
FILTERS = {
    "instance_uuid", "associated", "maintenance", "provision_state", "driver", "resource_class",
    "conductor_group", "owner", "fault", "description_contains", "conductor", "lessee", "project",
    "retired", "chassis_uuid", "shard", "sharded", "parent_node", "include_children",
    "instance_name",
}  # fmt: skip
PAGING = {"limit", "marker", "sort_key", "sort_dir", "fields", "detail"}
FILTERS_SINCE = {
    "provision_state": "1.9", "driver": "1.16", "resource_class": "1.21", "fault": "1.42",
    "conductor_group": "1.46", "conductor": "1.49", "owner": "1.50",
    "description_contains": "1.51", "retired": "1.61", "lessee": "1.65", "project": "1.65",
    "shard": "1.82", "sharded": "1.82", "parent_node": "1.83", "include_children": "1.83",
    "instance_name": "1.104", "fields": "1.8",
}  # fmt: skip
FAULTS = ("power failure", "clean failure", "rescue abort failure", "service failure")
OWNERS_FIELDS = {
    "name", "retired", "retired_reason", "maintenance", "maintenance_reason", "conductor_group",
    "network_data", "protected", "protected_reason", "automated_clean", "chassis_uuid",
    "properties", "resource_class", "shard", "parent_node", "disable_power_off", "description",
}  # fmt: skip


class NewNode(StrictBody):
    driver: str
    uuid: Uuid | None = None
    name: str | None = None
    chassis_uuid: str | None = None
    driver_info: dict[str, Any] | None = None
    instance_info: dict[str, Any] | None = None
    instance_uuid: str | None = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    network_interface: str | None = None
    resource_class: str | None = None
    boot_interface: str | None = None
    console_interface: str | None = None
    deploy_interface: str | None = None
    inspect_interface: str | None = None
    management_interface: str | None = None
    power_interface: str | None = None
    raid_interface: str | None = None
    vendor_interface: str | None = None
    storage_interface: str | None = None
    rescue_interface: str | None = None
    bios_interface: str | None = None
    conductor_group: str | None = None
    automated_clean: bool | None = None
    protected: bool | None = None
    protected_reason: str | None = None
    owner: str | None = None
    description: str | None = None
    retired: bool | None = None
    retired_reason: str | None = None
    lessee: str | None = None
    network_data: dict[str, Any] | None = None
    shard: str | None = None
    parent_node: str | None = None
    firmware_interface: str | None = None
    disable_power_off: bool | None = None
    instance_name: str | None = None


class NodesBody(Body, kw_only=True):
    nodes: list[NodeBody]
    next: str | Any = UNSET


class NodesApi:
    def __init__(self, service: BareMetalService) -> None:
        self._nodes = service.nodes
        self._agents = service.agents
        self._host = service.host
        self._chassis = service.chassis

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
            Operation("GET", f"{one}/children", self.children, policy=f"{RULE}:get",
                      since="1.83", **held),
            Operation("GET", "/v1/chassis/{chassis}/nodes", self.of_chassis,
                      policy=f"{RULE}:list", response=NodesBody),
            Operation("GET", "/v1/chassis/{chassis}/nodes/detail", self.of_chassis_detail,
                      policy=f"{RULE}:list", response=NodesBody),
            Operation("GET", "/v1/shards", self.shards, policy="baremetal:shards:get",
                      since="1.82"),
            Operation("GET", f"{one}/validate", self.validate, policy=f"{RULE}:validate", **held),
        ]  # fmt: skip

    def one(self, call: Call, tx: Tx) -> NodeRow:
        return node_of(self._nodes.get(tx, ident(call, "node")), call)

    def body(self, call: Call, row: NodeRow, internal: dict[str, Any] | None = None) -> NodeBody:
        return node_body(call, row, self._host, self._nodes.is_locked(row), internal)

    def children(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        found = self._nodes.listing.page(tx, where={"parent_node": row.id}, limit=1000)
        return {"children": [each.id for each in found]}

    def shards(self, call: Call, tx: Tx) -> Any:
        return {
            "shards": [{"name": name, "count": count} for name, count in self._nodes.shards(tx)]
        }

    def of_chassis(self, call: Call, tx: Tx) -> Any:
        chassis = self._chassis.get(tx, ident(call, "chassis"))
        return self._list(call, tx, False, chassis_id=chassis.id)

    def of_chassis_detail(self, call: Call, tx: Tx) -> Any:
        chassis = self._chassis.get(tx, ident(call, "chassis"))
        return self._list(call, tx, True, chassis_id=chassis.id)

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
        common.refuse_newer(call, given, SINCE)
        row = self._nodes.create(tx, given, stage, wish.uuid, call.principal)
        body = self.body(call, row)
        return Reply(201, body, {"Location": f"{call.base_url}/v1/nodes/{row.id}"})

    def index(self, call: Call, tx: Tx) -> Any:
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        return self._list(call, tx, detail)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, True)

    def _list(self, call: Call, tx: Tx, detail: bool, **more: Any) -> Any:
        where = self._where(call, tx)
        if where is None:
            return {"nodes": []}
        where |= more
        page = page_of(
            call, tx, self._nodes.listing, where,
            find_marker=lambda id: self._marker(call, tx, id), sort_names={"uuid": "id"},
        )  # fmt: skip
        fields = common.asked_fields(call)
        bodies = [self.body(call, row) for row in page.rows]
        if not detail or fields is not None:
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

    def _where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        """None: nothing can fit."""
        common.refuse_query(call, FILTERS | PAGING, FILTERS_SINCE)
        own = {
            "associated", "maintenance", "fault", "conductor", "retired", "shard", "sharded",
            "include_children", "chassis_uuid",
        }  # fmt: skip
        where: dict[str, Any] = {
            name: value for name in FILTERS - own if (value := call.query.get(name)) is not None
        }
        for name, condition in (("associated", "unassociated"), ("sharded", "unsharded")):
            if call.query.get(name) is not None:
                where[condition] = not common.flag(call, name)
        for name in ("maintenance", "retired"):
            if call.query.get(name) is not None:
                where[name] = common.flag(call, name)
        if (shard := call.query.get("shard")) is not None:
            where["shard"] = shard.split(",")[:100]
        if (chassis := call.query.get("chassis_uuid")) is not None:
            where["chassis_id"] = chassis.lower()
        if (parent := where.get("parent_node")) is not None:
            try:
                where["parent_node"] = self._nodes.get(tx, parent).id
            except NotFound:
                return None
        where |= self._fault(call)
        if call.query.get("conductor") not in (None, self._host):
            return None
        if not call.allowed(f"{RULE}:list_all", {}):
            project = call.principal.project_id
            if project is None or where.get("project", project) != project:
                return None
            where["project"] = project
        return where

    def _fault(self, call: Call) -> dict[str, Any]:
        fault = call.query.get("fault")
        if fault not in (None, "none", *FAULTS):
            raise BadRequest(f"Unrecognized fault {str(fault)[:100]} is specified")
        if fault == "none":
            return {"faultless": True}
        return {} if fault is None else {"fault": fault}

    def show(self, call: Call, tx: Tx) -> NodeBody:
        row = self.one(call, tx)
        common.refuse_query(call, {"fields"}, {"fields": "1.8"})
        fields = common.asked_fields(call)
        body = self.body(call, row, self._internal(tx, row))
        return body if fields is None else common.only(call, body, fields)

    def _internal(self, tx: Tx, row: NodeRow) -> dict[str, Any]:
        """What the cloud notes for itself: of the agent, while one is expected."""
        agent = self._agents.of(tx, row.id)
        if agent is None:
            return {}
        seen = agent.seen_at
        told = {
            "agent_url": agent.url,
            "agent_version": agent.version,
            "agent_last_heartbeat": None if seen is None else zulu(seen),
            "agent_status": agent.status,
            "agent_status_message": agent.status_message,
        }
        return {name: value for name, value in told.items() if value is not None}

    def update(self, call: Call, tx: Tx) -> NodeBody:
        row = self.one(call, tx)
        common.refuse_query(call, {"reset_interfaces"}, {"reset_interfaces": "1.45"})
        reset = call.query.get("reset_interfaces") is not None and common.flag(
            call, "reset_interfaces"
        )
        changes = common.changes_of(call)
        common.refuse_newer(call, [change.path[0] for change in changes], SINCE)
        target = {"node.owner": row.owner, "node.lessee": row.lessee}
        for top in {change.path[0] for change in changes}:
            if top in ("owner", "lessee"):
                call.allow(target, f"{RULE}:update:{top}")
            elif top in ("driver_info", "driver") or top.endswith("_interface"):
                call.allow(target, f"{RULE}:update:driver_info")
            elif top in OWNERS_FIELDS:
                call.allow(target, f"{RULE}:update:owner_fields")
        new = self._nodes.update(tx, row, changes, call.principal, reset_interfaces=reset)
        return self.body(call, new, self._internal(tx, new))

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
    target = {"node.owner": row.owner, "node.lessee": row.lessee}
    if not call.allowed(f"{RULE}:get", target):
        raise NotFound(f"Node {call.path.get('node', row.id)[:255]} could not be found.")
    if call.operation.policy != f"{RULE}:list":
        call.allow(target)
    return row
