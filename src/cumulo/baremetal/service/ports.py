"""Ports: the network cards of nodes, each MAC address once in the cloud."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.queries import port as queries
from cumulo.baremetal.service import refusals
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.patches import Change, patched
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import child_id, new_id

_MAC = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.I)
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
MOST_BYTES = 16 * 1024
MOST_OF_NODE = 256
WRITABLE = (
    "node_uuid", "address", "extra", "local_link_connection", "pxe_enabled", "physical_network",
)  # fmt: skip
FIXED = frozenset(("uuid", "created_at", "updated_at", "internal_info", "links"))


def mac_of(text: Any) -> str:
    """In the one form that is kept. Raises BadRequest."""
    if not isinstance(text, str) or not _MAC.fullmatch(text):
        raise BadRequest(f"Expected a MAC address but received {str(text)[:100]}.")
    return text.lower().replace("-", ":")


class Ports:
    listing = queries.PORTS

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def get(self, tx: Tx, ident: str) -> PortRow:
        """By id or MAC address."""
        if _MAC.fullmatch(ident):
            row = tx.one(queries.WITH_ADDRESS, address=mac_of(ident))
        else:
            row = tx.get(PortRow, ident.lower()) if len(ident) <= 36 else None
        if row is None:
            raise refusals.port_not_found(ident)
        return row

    def create(
        self, tx: Tx, given: dict[str, Any], uuid: str | None, who: Principal
    ) -> tuple[PortRow, NodeRow]:
        node, values = self._checked(tx, {**dict.fromkeys(WRITABLE), **given})
        self._nodes.refuse_locked(node)
        if int(tx.value(queries.COUNT_OF, node_id=node.id)) >= MOST_OF_NODE:
            raise BadRequest(f"A node cannot have more than {MOST_OF_NODE} ports")
        row = PortRow(
            id=uuid.lower() if uuid else new_id(), created_at=tx.now, updated_at=None, **values
        )
        if tx.get(PortRow, row.id) is not None:
            raise Conflict(f"A port with UUID {row.id} already exists.")
        self._refuse_taken(tx, row)
        tx.insert(row)
        emit(tx, "baremetal.port.create", row.id, principal=who, node=node.id)
        return row, node

    def update(self, tx: Tx, row: PortRow, changes: Sequence[Change], who: Principal) -> PortRow:
        old = {name: getattr(row, name) for name in WRITABLE if name != "node_uuid"}
        new = patched({**old, "node_uuid": row.node_id}, changes, FIXED)
        node, values = self._checked(tx, new)
        self._nodes.refuse_locked(node)
        self._refuse_taken(tx, msgspec.structs.replace(row, **values))
        row = tx.update(row, updated_at=tx.now, **values)
        emit(tx, "baremetal.port.update", row.id, principal=who, node=node.id)
        return row

    def delete(self, tx: Tx, row: PortRow, who: Principal) -> None:
        self._nodes.refuse_locked(self._nodes.get(tx, row.node_id))
        tx.delete(row)
        emit(tx, "baremetal.port.delete", row.id, principal=who, node=row.node_id)

    def found(self, tx: Tx, node: NodeRow, addresses: Sequence[str]) -> None:
        """What an inspection saw: cards that nobody has named become ports."""
        for text in list(addresses)[:MOST_OF_NODE]:
            address = mac_of(text)
            if tx.one(queries.WITH_ADDRESS, address=address) is not None:
                continue
            row = PortRow(
                id=child_id(node.id, "port", address),
                node_id=node.id,
                address=address,
                extra={},
                local_link_connection={},
                pxe_enabled=True,
                physical_network=None,
                created_at=tx.now,
                updated_at=None,
            )
            tx.insert(row)
            emit(tx, "baremetal.port.create", row.id, project_id=node.owner, node=node.id)

    def _checked(self, tx: Tx, values: dict[str, Any]) -> tuple[NodeRow, dict[str, Any]]:
        address = mac_of(values["address"])
        if not isinstance(values["node_uuid"], str) or not _UUID.fullmatch(values["node_uuid"]):
            raise BadRequest("node_uuid: a port needs the UUID of its node")
        try:
            node = self._nodes.get(tx, values["node_uuid"])
        except NotFound as fault:
            raise BadRequest(fault.message) from None
        made: dict[str, Any] = {"address": address, "node_id": node.id}
        for name in ("extra", "local_link_connection"):
            value = made[name] = {} if values[name] is None else values[name]
            if not isinstance(value, dict) or len(msgspec.json.encode(value)) > MOST_BYTES:
                raise BadRequest(f"{name} has to be an object of at most {MOST_BYTES} bytes")
        pxe = made["pxe_enabled"] = True if values["pxe_enabled"] is None else values["pxe_enabled"]
        if not isinstance(pxe, bool):
            raise BadRequest("Value for pxe_enabled is not a boolean")
        network = made["physical_network"] = values["physical_network"]
        if network is not None and not (isinstance(network, str) and len(network) <= 64):
            raise BadRequest("physical_network has to be a text of at most 64 characters")
        return node, made

    def _refuse_taken(self, tx: Tx, row: PortRow) -> None:
        other = tx.one(queries.WITH_ADDRESS, address=row.address)
        if other is not None and other.id != row.id:
            raise Conflict(f"A port with MAC address {row.address} already exists.")
