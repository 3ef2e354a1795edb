"""Ports: the network cards of nodes, each MAC address once in the cloud."""

from collections.abc import Sequence
from typing import Any

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.baremetal.queries import port as queries
from cumulo.baremetal.service import fields
from cumulo.baremetal.service.of_nodes import MOST_OF_NODE, OfNode
from cumulo.baremetal.service.things import FIXED
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.ids import child_id

MOST_BYTES = 16 * 1024


def mac_of(text: Any) -> str:
    """In the one form that is kept. Raises BadRequest."""
    found = fields.mac("address", text)
    if found is None:
        raise BadRequest("Expected a MAC address but received none.")
    return found


class Ports(OfNode[PortRow]):
    noun, title = "port", "Port"
    row, listing = PortRow, queries.PORTS
    named = True
    fields = {
        "node_uuid": fields.text(255, needed=True),
        "address": lambda name, value: mac_of(value),
        "extra": fields.document(MOST_BYTES),
        "local_link_connection": fields.document(MOST_BYTES),
        "pxe_enabled": fields.flag(True),
        "physical_network": fields.text(64),
        "portgroup_uuid": fields.text(36),
        "is_smartnic": fields.flag(False),
        "name": fields.logical_name,
        "description": fields.text(255),
        "vendor": fields.text(32),
        "category": fields.text(80),
        "available_for_dynamic_portgroup": fields.flag(True),
    }
    fixed = FIXED | {"internal_info"}

    def first(self) -> dict[str, Any]:
        return {"vif": None}

    def get(self, tx: Tx, ident: str) -> PortRow:
        """By id or name; MAC addresses are asked for by the list."""
        if not fields.NAME.fullmatch(ident):
            raise BadRequest(f"Expected a UUID or name but received {ident[:255]}.")
        return super().get(tx, ident)

    def document(self, row: PortRow) -> dict[str, Any]:
        names = (name for name in self.fields if name not in ("node_uuid", "portgroup_uuid"))
        own = {"node_uuid": row.node_id, "portgroup_uuid": row.portgroup_id}
        return {name: getattr(row, name) for name in names} | own

    def columns(self, tx: Tx, values: dict[str, Any], before: PortRow | None) -> dict[str, Any]:
        if before is None and not fields.UUID.fullmatch(values["node_uuid"]):
            # Names are looked up by the API, where its version lets them be.
            raise BadRequest("node_uuid: a port needs the UUID of its node")
        made = self.of_node(tx, values, before)
        if before is not None and before.node_id != made["node_id"]:
            raise BadRequest("A port stays with its node")
        self._refuse_taken_address(tx, made["address"], before)
        if before is not None and before.vif is not None and before.address != made["address"]:
            raise Conflict(f"Port {before.id} has the VIF {before.vif} attached, with its address.")
        if made["name"] is not None:
            told = f"A port with name {made['name']} already exists."
            self.refuse_taken(tx, before, told, name=made["name"])
        group = made.pop("portgroup_uuid")
        made["portgroup_id"] = None if group is None else self._group(tx, group, made).id
        return made

    def _refuse_taken_address(self, tx: Tx, address: str, before: PortRow | None) -> None:
        other = tx.one(queries.WITH_ADDRESS, address=address)
        if other is not None and (before is None or other.id != before.id):
            raise Conflict(f"A port with MAC address {address} already exists.")

    def _group(self, tx: Tx, ident: str, made: dict[str, Any]) -> PortgroupRow:
        if not fields.UUID.fullmatch(ident):
            raise BadRequest(f"Expected a UUID but received {ident}.")
        group = tx.get(PortgroupRow, ident.lower())
        if group is None or group.node_id != made["node_id"]:
            raise BadRequest(f"Portgroup {ident} is none of the port's node.")
        if not group.standalone_ports_supported and made["pxe_enabled"]:
            raise Conflict(
                f"Port group {group.id} doesn't support standalone ports. Port can't be created or "
                "updated with pxe_enabled=True."
            )
        for other in self.listing.page(tx, where={"portgroup_id": group.id}, limit=MOST_OF_NODE):
            differs = other.physical_network != made["physical_network"]
            if differs and other.address != made["address"]:
                raise Conflict(
                    f"Port with physical network {made['physical_network']} cannot be in portgroup "
                    f"{group.id}, whose ports are of {other.physical_network}."
                )
        return group

    def refuse_delete(self, tx: Tx, row: PortRow) -> None:
        node = self.node(tx, row)
        self.nodes.refuse_locked(node)
        led = node.interfaces.get("network") != "noop"
        if row.vif is not None and (led or node.instance_uuid is not None):
            raise Conflict(f"Port {row.id} has the VIF {row.vif} attached.")

    def found(self, tx: Tx, node: NodeRow, addresses: Sequence[str]) -> None:
        """What an inspection saw: cards that nobody has named become ports."""
        for text in list(addresses)[:MOST_OF_NODE]:
            if not fields.MAC.fullmatch(text):
                continue
            address = mac_of(text)
            if tx.one(queries.WITH_ADDRESS, address=address) is not None:
                continue
            blank = self.checked({"address": address, "node_uuid": node.id})
            blank.pop("node_uuid")
            blank.pop("portgroup_uuid")
            row = PortRow(
                id=child_id(node.id, "port", address),
                node_id=node.id,
                portgroup_id=None,
                vif=None,
                created_at=tx.now,
                updated_at=None,
                **blank,
            )
            tx.insert(row)
            emit(tx, "baremetal.port.create", row.id, project_id=node.owner)
