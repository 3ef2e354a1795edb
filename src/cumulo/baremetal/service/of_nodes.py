"""What belongs to a node and is written by itself: port groups, volume connectors and targets."""

from typing import Any

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.baremetal.model.volume import ConnectorRow, TargetRow
from cumulo.baremetal.queries import port as port_queries
from cumulo.baremetal.queries import things as queries
from cumulo.baremetal.service import fields
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.secrets import Seal, kept, opened, sealed
from cumulo.baremetal.service.things import FIXED, R, Things
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound

MOST_OF_NODE = 256
MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
         "balance-alb")  # fmt: skip


class OfNode(Things[R]):
    """With a `node_uuid`, which is the row's `node_id`."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def node(self, tx: Tx, row: Any) -> NodeRow:
        return self.nodes.get(tx, row.node_id)

    def document(self, row: R) -> dict[str, Any]:
        names = (name for name in self.fields if name != "node_uuid")
        node: str = row.node_id  # type: ignore[attr-defined]
        return {name: getattr(row, name) for name in names} | {"node_uuid": node}

    def of_node(self, tx: Tx, values: dict[str, Any], before: R | None) -> dict[str, Any]:
        """`node_uuid` as `node_id`; the node must be free for changes."""
        values = dict(values)
        ident = values.pop("node_uuid")
        try:
            node = self.nodes.get(tx, ident)
        except NotFound as fault:
            raise BadRequest(fault.message) from None
        self.nodes.refuse_locked(node)
        if before is None:
            many = self.listing.count(tx, {"node_id": node.id})
            if many >= MOST_OF_NODE:
                raise BadRequest(f"A node cannot have more than {MOST_OF_NODE} of them")
        return values | {"node_id": node.id}


class Portgroups(OfNode[PortgroupRow]):
    noun, title = "portgroup", "Portgroup"
    row, listing = PortgroupRow, queries.PORTGROUPS
    named = True
    fields = {
        "node_uuid": fields.text(255, needed=True),
        "name": fields.logical_name,
        "address": fields.mac,
        "extra": fields.document(),
        "standalone_ports_supported": fields.flag(True),
        "mode": fields.text(255),
        "properties": fields.document(),
        "physical_network": fields.text(64),
        "category": fields.text(80),
    }
    fixed = FIXED | {"internal_info", "ports", "dynamic_portgroup"}

    def first(self) -> dict[str, Any]:
        return {"vif": None, "dynamic_portgroup": False}

    def get(self, tx: Tx, ident: str) -> PortgroupRow:
        if fields.MAC.fullmatch(ident):
            address = fields.mac("address", ident)
            for row in self.listing.page(tx, where={"address": address}, limit=1):
                return row
            raise self.not_found(ident)
        return super().get(tx, ident)

    def columns(
        self, tx: Tx, values: dict[str, Any], before: PortgroupRow | None
    ) -> dict[str, Any]:
        made = self.of_node(tx, values, before)
        made["mode"] = made["mode"] or "active-backup"
        if made["mode"] not in MODES:
            raise BadRequest(f"mode has to be one of {', '.join(MODES)}")
        if made["name"] is not None:
            told = f"A portgroup with name {made['name']} already exists."
            self.refuse_taken(tx, before, told, name=made["name"])
        if made["address"] is not None:
            told = f"A portgroup with MAC address {made['address']} already exists."
            self.refuse_taken(tx, before, told, address=made["address"])
        if before is not None and before.node_id != made["node_id"]:
            raise BadRequest("A portgroup stays with its node")
        if before is not None and before.vif is not None and before.address != made["address"]:
            raise Conflict(
                f"Portgroup {before.id} has the VIF {before.vif} attached, with its address."
            )
        return made

    def refuse_delete(self, tx: Tx, row: PortgroupRow) -> None:
        node = self.node(tx, row)
        self.nodes.refuse_locked(node)
        if row.vif is not None and node.interfaces.get("network") != "noop":
            raise Conflict(f"Portgroup {row.id} has the VIF {row.vif} attached.")
        if port_queries.PORTS.count(tx, {"portgroup_id": row.id}):
            raise BadRequest(f"Portgroup {row.id} contains ports and can not be deleted.")


class _OfVolume(OfNode[R]):
    """Changed only while the machine has no power."""

    def refuse_change(self, tx: Tx, row: R, verb: str) -> None:
        node = self.node(tx, row)
        self.nodes.refuse_locked(node)
        if node.power_state != "power off" and not (
            verb == "deletion" and node.provision_state in ("enroll", "manageable")
        ):
            raise BadRequest(
                f'The requested action "{self.title.lower()} {verb}" can not be performed on node '
                f'"{node.id}" while it is in state "{node.power_state}".'
            )


class Connectors(_OfVolume[ConnectorRow]):
    noun, title = "volume_connector", "Volume connector"
    row, listing = ConnectorRow, queries.CONNECTORS
    fields = {
        "node_uuid": fields.text(255, needed=True),
        "type": fields.text(
            32, needed=True, choices=("iqn", "ip", "mac", "wwnn", "wwpn", "port", "portgroup")
        ),
        "connector_id": fields.text(255, needed=True),
        "extra": fields.document(),
    }

    def columns(
        self, tx: Tx, values: dict[str, Any], before: ConnectorRow | None
    ) -> dict[str, Any]:
        made = self.of_node(tx, values, before)
        kind, ident = made["type"], made["connector_id"]
        told = f"A volume connector with type {kind} and connector ID {ident} already exists."
        self.refuse_taken(tx, before, told, type=kind, connector_id=ident)
        return made


class Targets(_OfVolume[TargetRow]):
    noun, title = "volume_target", "Volume target"
    row, listing = TargetRow, queries.TARGETS
    fields = {
        "node_uuid": fields.text(255, needed=True),
        "volume_type": fields.text(64, needed=True),
        "volume_id": fields.text(36 * 2, needed=True),
        "boot_index": fields.number(0, 1_000_000),
        "properties": fields.document(),
        "extra": fields.document(),
    }

    def __init__(self, nodes: Nodes, seal: Seal) -> None:
        super().__init__(nodes)
        self._seal = seal

    def document(self, row: TargetRow) -> dict[str, Any]:
        whole = opened(self._seal, row.properties, row.properties_sealed)
        return super().document(row) | {"properties": whole}

    def columns(self, tx: Tx, values: dict[str, Any], before: TargetRow | None) -> dict[str, Any]:
        made = self.of_node(tx, values, before)
        index = made["boot_index"]
        told = f"A volume target with boot index '{index}' for the same node already exists."
        self.refuse_taken(tx, before, told, node_id=made["node_id"], boot_index=index)
        whole = made["properties"]
        if before is not None:
            whole = kept(whole, opened(self._seal, before.properties, before.properties_sealed))
        made["properties"], made["properties_sealed"] = sealed(self._seal, whole)
        return made
