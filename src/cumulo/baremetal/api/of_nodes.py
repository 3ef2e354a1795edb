"""Ports, port groups, volume connectors and targets on the wire: alone, and of a node."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.baremetal.api import common
from cumulo.baremetal.api.things import R, ThingBody, ThingsApi, ident
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.baremetal.model.volume import ConnectorRow, TargetRow
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.of_nodes import OfNode, Portgroups
from cumulo.baremetal.service.ports import Ports, mac_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Version

Object = dict[str, Any]
Text = str | Unset | None
NODE = "baremetal:node"


class OfNodeApi(ThingsApi[R]):
    inner = ""
    """What of a node it is: `ports`; `volume/connectors`."""
    inner_since: str | None = None

    def __init__(self, things: OfNode[R], nodes: Nodes) -> None:
        super().__init__(things)
        self._nodes = nodes

    def operations(self) -> list[Operation]:
        of = f"/v1/nodes/{{node}}/{self.inner}"
        shared: dict[str, Any] = {
            "policy": f"{self.rule}:{self.list_rule}", "response": self.answer,
            "since": self.inner_since,
        }  # fmt: skip
        found = [*super().operations(), Operation("GET", of, self.of_node, **shared)]
        if self.details:
            found.append(Operation("GET", f"{of}/detail", self.of_node_detail, **shared))
        return found

    def target(self, tx: Tx, row: Any) -> dict[str, Any]:
        node = self._nodes.get(tx, row.node_id)
        return {"node.owner": node.owner, "node.lessee": node.lessee}

    def of_node(self, call: Call, tx: Tx) -> Any:
        return self._of(call, tx, call.query.get("detail") is not None
                        and common.flag(call, "detail"))  # fmt: skip

    def of_node_detail(self, call: Call, tx: Tx) -> Any:
        return self._of(call, tx, True)

    def _of(self, call: Call, tx: Tx, detail: bool) -> Any:
        node = self.seen_node(call, tx, ident(call, "node"))
        return self.listed(call, tx, {"node_id": node}, detail)

    def seen_node(self, call: Call, tx: Tx, name: str) -> str:
        """The id of a node that the caller may see. Raises NotFound."""
        node = self._nodes.get(tx, name)
        target = {"node.owner": node.owner, "node.lessee": node.lessee}
        if not call.allowed(f"{NODE}:get", target):
            raise NotFound(f"Node {name[:255]} could not be found.")
        return node.id

    def where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        found = super().where(call, tx)
        assert found is not None
        asked = call.query.get("node") or call.query.get("node_uuid")
        if asked is not None:
            try:
                found["node_id"] = self.seen_node(call, tx, asked)
            except NotFound:
                return None
        if self.list_rule == "list" and not call.allowed(f"{self.rule}:list_all", {}):
            if call.principal.project_id is None:
                return None
            found["project"] = call.principal.project_id
        return found


class NewPort(StrictBody):
    address: str
    node_uuid: str
    uuid: Uuid | None = None
    extra: Object | None = None
    pxe_enabled: bool | None = None
    local_link_connection: Object | None = None
    portgroup_uuid: str | None = None
    physical_network: str | None = None
    is_smartnic: bool | None = None
    name: str | None = None
    description: str | None = None
    vendor: str | None = None
    category: str | None = None
    available_for_dynamic_portgroup: bool | None = None


class PortBody(ThingBody, kw_only=True):
    address: str | Unset = UNSET
    node_uuid: str | Unset = UNSET
    extra: Object | Unset = UNSET
    internal_info: Annotated[Object | Unset, Since("1.18")] = UNSET
    pxe_enabled: Annotated[bool | Unset, Since("1.19")] = UNSET
    local_link_connection: Annotated[Object | Unset, Since("1.19")] = UNSET
    portgroup_uuid: Annotated[Text, Since("1.24")] = UNSET
    physical_network: Annotated[Text, Since("1.34")] = UNSET
    is_smartnic: Annotated[bool | Unset, Since("1.53")] = UNSET
    name: Annotated[Text, Since("1.88")] = UNSET
    description: Annotated[Text, Since("1.97")] = UNSET
    vendor: Annotated[Text, Since("1.100")] = UNSET
    category: Annotated[Text, Since("1.101")] = UNSET
    available_for_dynamic_portgroup: Annotated[bool | Unset, Since("1.111")] = UNSET


class PortList(Body, kw_only=True):
    ports: list[PortBody]
    next: str | Any = UNSET


def attached(vif: str | None) -> Object:
    return {} if vif is None else {"tenant_vif_port_id": vif}


class PortsApi(OfNodeApi[PortRow]):
    plural, rule, list_rule, inner = "ports", "baremetal:port", "list", "ports"
    new, body, answer = NewPort, PortBody, PortList
    summary = ("uuid", "address", "name")
    same = (
        "address", "extra", "pxe_enabled", "local_link_connection", "physical_network",
        "is_smartnic", "name", "description", "vendor", "category",
        "available_for_dynamic_portgroup",
    )  # fmt: skip
    filters = {
        "address": None, "node": None, "node_uuid": None, "portgroup": "1.24", "shard": "1.82",
        "conductor_groups": "1.99",
    }  # fmt: skip
    fields_since = {
        "pxe_enabled": "1.19", "local_link_connection": "1.19", "portgroup_uuid": "1.24",
        "physical_network": "1.34", "is_smartnic": "1.53", "name": "1.88", "description": "1.97",
        "vendor": "1.100", "category": "1.101", "available_for_dynamic_portgroup": "1.111",
    }  # fmt: skip

    def __init__(self, ports: Ports, groups: Portgroups, nodes: Nodes) -> None:
        super().__init__(ports, nodes)
        self._groups = groups

    def operations(self) -> list[Operation]:
        of = "/v1/portgroups/{group}/ports"
        shared: dict[str, Any] = {
            "policy": "baremetal:port:list", "response": PortList, "since": "1.24",
        }  # fmt: skip
        return [
            *super().operations(),
            Operation("GET", of, self.of_group, **shared),
            Operation("GET", f"{of}/detail", self.of_group_detail, **shared),
        ]

    def more(self, call: Call, tx: Tx, row: PortRow) -> Object:
        return {
            "node_uuid": row.node_id,
            "portgroup_uuid": row.portgroup_id,
            "internal_info": attached(row.vif),
        }

    def given(self, call: Call, tx: Tx) -> Object:
        found = super().given(call, tx)
        if call.version is None or call.version >= Version(1, 94):
            try:
                found["node_uuid"] = self._nodes.get(tx, found["node_uuid"]).id
            except NotFound as fault:
                raise BadRequest(fault.message) from None
        return found

    def where(self, call: Call, tx: Tx) -> Object | None:
        found = super().where(call, tx)
        if found is None:
            return None
        if "address" in found:
            found["address"] = mac_of(found["address"])
        if "shard" in found:
            found["shard"] = found["shard"].split(",")[:100]
        asked = call.query.get("portgroup")
        if asked is not None:
            try:
                found["portgroup_id"] = self._groups.get(tx, asked).id
            except NotFound:
                return None
        if call.query.get("conductor_groups") not in (None, ""):
            # Ports of nodes of a group: there is one conductor, and groups are labels.
            raise BadRequest("conductor_groups is not looked at here: list the nodes of a group")
        return found

    def of_group(self, call: Call, tx: Tx) -> Any:
        return self._of_group(call, tx, False)

    def of_group_detail(self, call: Call, tx: Tx) -> Any:
        return self._of_group(call, tx, True)

    def _of_group(self, call: Call, tx: Tx, detail: bool) -> Any:
        group = self._groups.get(tx, ident(call, "group"))
        self.seen_node(call, tx, group.node_id)
        return self.listed(call, tx, {"portgroup_id": group.id}, detail)


class NewPortgroup(StrictBody):
    node_uuid: str
    uuid: Uuid | None = None
    name: str | None = None
    address: str | None = None
    extra: Object | None = None
    standalone_ports_supported: bool | None = None
    mode: str | None = None
    properties: Object | None = None
    physical_network: str | None = None
    category: str | None = None


class PortgroupBody(ThingBody, kw_only=True):
    node_uuid: str | Unset = UNSET
    name: Text = UNSET
    address: Text = UNSET
    extra: Object | Unset = UNSET
    internal_info: Object | Unset = UNSET
    standalone_ports_supported: bool | Unset = UNSET
    mode: Annotated[str | Unset, Since("1.26")] = UNSET
    properties: Annotated[Object | Unset, Since("1.26")] = UNSET
    physical_network: Annotated[Text, Since("1.102")] = UNSET
    category: Annotated[Text, Since("1.103")] = UNSET
    dynamic_portgroup: Annotated[bool | Unset, Since("1.111")] = UNSET
    ports: Annotated[list[dict[str, str]] | Unset, Since("1.24")] = UNSET


class PortgroupList(Body, kw_only=True):
    portgroups: list[PortgroupBody]
    next: str | Any = UNSET


class PortgroupsApi(OfNodeApi[PortgroupRow]):
    plural, rule, list_rule, inner = "portgroups", "baremetal:portgroup", "list", "portgroups"
    since, inner_since = "1.23", "1.24"
    new, body, answer = NewPortgroup, PortgroupBody, PortgroupList
    summary = ("uuid", "address", "name")
    same = (
        "name", "address", "extra", "standalone_ports_supported", "mode", "properties",
        "physical_network", "category", "dynamic_portgroup",
    )  # fmt: skip
    filters = {"address": None, "node": None}
    fields_since = {
        "mode": "1.26", "properties": "1.26", "physical_network": "1.102", "category": "1.103",
    }  # fmt: skip

    def more(self, call: Call, tx: Tx, row: PortgroupRow) -> Object:
        return {
            "node_uuid": row.node_id,
            "internal_info": attached(row.vif),
            "ports": common.link(call, "portgroups", row.id, "ports"),
        }

    def where(self, call: Call, tx: Tx) -> Object | None:
        found = super().where(call, tx)
        if found is not None and "address" in found:
            found["address"] = mac_of(found["address"])
        return found


class NewConnector(StrictBody):
    node_uuid: str
    type: str
    connector_id: str
    uuid: Uuid | None = None
    extra: Object | None = None


class ConnectorBody(ThingBody, kw_only=True):
    node_uuid: str | Unset = UNSET
    type: str | Unset = UNSET
    connector_id: str | Unset = UNSET
    extra: Object | Unset = UNSET


class ConnectorList(Body, kw_only=True):
    connectors: list[ConnectorBody]
    next: str | Any = UNSET


class ConnectorsApi(OfNodeApi[ConnectorRow]):
    plural, rule, inner = "volume/connectors", "baremetal:volume", "volume/connectors"
    since = inner_since = "1.32"
    new, body, answer = NewConnector, ConnectorBody, ConnectorList
    summary = ("uuid", "node_uuid", "type", "connector_id")
    same = ("type", "connector_id", "extra")
    filters = {"node": None}
    details = False

    def more(self, call: Call, tx: Tx, row: ConnectorRow) -> Object:
        return {"node_uuid": row.node_id}


class NewTarget(StrictBody):
    node_uuid: str
    volume_type: str
    volume_id: str
    boot_index: Any
    uuid: Uuid | None = None
    properties: Object | None = None
    extra: Object | None = None


class TargetBody(ThingBody, kw_only=True):
    node_uuid: str | Unset = UNSET
    volume_type: str | Unset = UNSET
    volume_id: str | Unset = UNSET
    boot_index: int | Unset = UNSET
    properties: Object | Unset = UNSET
    extra: Object | Unset = UNSET


class TargetList(Body, kw_only=True):
    targets: list[TargetBody]
    next: str | Any = UNSET


class TargetsApi(OfNodeApi[TargetRow]):
    plural, rule, inner = "volume/targets", "baremetal:volume", "volume/targets"
    since = inner_since = "1.32"
    new, body, answer = NewTarget, TargetBody, TargetList
    summary = ("uuid", "node_uuid", "volume_type", "boot_index", "volume_id")
    same = ("volume_type", "volume_id", "boot_index", "properties", "extra")
    filters = {"node": None}
    details = False

    def more(self, call: Call, tx: Tx, row: TargetRow) -> Object:
        return {"node_uuid": row.node_id}
