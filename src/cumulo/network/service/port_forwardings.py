"""Port forwardings of floating IPs: create, update, delete."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.ipam import parse_address
from cumulo.network.model.port_forwarding import PortForwardingRow
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import port_forwarding as queries
from cumulo.network.service.association import drop_forwarding
from cumulo.network.service.floatingips import FloatingIps
from cumulo.network.service.ports import Ports
from cumulo.network.service.refusals import bad, not_found, required, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
Number = Annotated[int, msgspec.Meta(ge=1, le=65535)]
PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
MOST = 1000
"""Of one floating IP."""


class PortForwardingWishes(msgspec.Struct, kw_only=True):
    protocol: str | Unset = UNSET
    external_port: Number | Unset = UNSET
    internal_port: Number | Unset = UNSET
    internal_ip_address: str | Unset = UNSET
    internal_port_id: str | Unset = UNSET
    description: Name | Unset = UNSET


class PortForwardings:
    listing = queries.FORWARDINGS

    def __init__(self, tools: Tools, floatingips: FloatingIps, ports: Ports) -> None:
        self._tools = tools
        self._floatingips = floatingips
        self._ports = ports

    def get(self, tx: Tx, id: str, who: Principal | None) -> PortForwardingRow:
        found = tx.get(PortForwardingRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who)):
            raise not_found("port_forwarding", id)
        return found

    def of_floatingips(
        self, tx: Tx, floatingip_ids: Sequence[str]
    ) -> Mapping[str, list[PortForwardingRow]]:
        found: dict[str, list[PortForwardingRow]] = {}
        for row in tx.all(queries.OF_FLOATINGIPS, ids=list(floatingip_ids)):
            found.setdefault(row.floatingip_id, []).append(row)
        return found

    def create(
        self,
        tx: Tx,
        wishes: PortForwardingWishes,
        who: Principal | None,
        project_id: str,
        holder: FloatingIpRow,
    ) -> PortForwardingRow:
        """`holder`: the floating IP; what leads there is its project's."""
        for name in (
            "protocol", "external_port", "internal_port", "internal_ip_address", "internal_port_id",
        ):  # fmt: skip
            if getattr(wishes, name) is UNSET:
                raise required(name)
        if holder.port_id is not None:
            raise Conflict(
                f"Floating IP {holder.id} is associated with port {holder.port_id} and cannot "
                "have port forwardings.",
                kind="FloatingIPPortAlreadyAssociated",
            )
        fields, router = self._checked(tx, holder, wishes, None, who)
        row = PortForwardingRow(
            **standard(tx, wishes, holder.project_id),
            floatingip_id=holder.id,
            router_id=router.id,
            **fields,
        )
        if len(tx.all(queries.OF_FLOATINGIPS, ids=[holder.id])) >= MOST:
            raise bad("port_forwarding", f"A floating IP has at most {MOST} port forwardings")
        if not tx.insert(row, ignore_duplicate=True):
            raise self._twice(tx, row)
        self._lead(tx, holder, router)
        tell(tx, "port_forwarding", "create", row, who, floatingip_id=holder.id)
        return row

    def update(
        self,
        tx: Tx,
        row: PortForwardingRow,
        wishes: PortForwardingWishes,
        who: Principal | None,
    ) -> PortForwardingRow:
        holder = tx.get(FloatingIpRow, row.floatingip_id)
        assert holder is not None
        fields, router = self._checked(tx, holder, wishes, row, who)
        after = msgspec.structs.replace(row, **fields)
        if any(each.id != row.id and _clash(each, after) for each in self._near(tx, after)):
            raise self._twice(tx, after)
        after = changed(tx, row, **fields, **chosen(wishes, "description"))
        if after is not row:
            self._lead(tx, holder, router)
            tell(tx, "port_forwarding", "update", after, who, floatingip_id=holder.id)
        return after

    def delete(self, tx: Tx, row: PortForwardingRow, who: Principal | None) -> None:
        drop_forwarding(tx, self._tools, row, who)

    # --- what must hold --------------------------------------------------------------------------

    def _checked(
        self,
        tx: Tx,
        holder: FloatingIpRow,
        wishes: PortForwardingWishes,
        row: PortForwardingRow | None,
        who: Principal | None,
    ) -> tuple[dict[str, Any], RouterRow]:
        fields: dict[str, Any] = chosen(wishes, "external_port", "internal_port")
        if wishes.protocol is not UNSET:
            fields["protocol"] = wishes.protocol.lower()
            if fields["protocol"] not in PROTOCOLS:
                raise unfit("protocol", f"'{wishes.protocol:.80}' is not in {list(PROTOCOLS)}")
        address = row.internal_ip_address if row is not None else ""
        if wishes.internal_ip_address is not UNSET:
            try:
                address = str(parse_address(wishes.internal_ip_address))
            except ValueError:
                raise unfit(
                    "internal_ip_address",
                    f"'{wishes.internal_ip_address:.80}' is not a valid IP address",
                ) from None
        port_id = row.internal_port_id if row is not None else ""
        if wishes.internal_port_id is not UNSET:
            port_id = wishes.internal_port_id
        port = self._ports.get(tx, port_id, who)
        if port.project_id != holder.project_id and not is_admin(who):
            raise not_found("port", port_id)
        router = self._floatingips.router_to(tx, holder, port, address)
        if holder.router_id not in (None, router.id):
            raise bad(
                "port_forwarding",
                f"The Floating IP {holder.id} had been set on router {holder.router_id}, the "
                f"internal Neutron port {port.id} can not be reached by it",
            )
        for other in tx.all(floatingip_queries.OF_PORTS, ids=[port.id]):
            if other.fixed_ip_address == address:
                raise Conflict(
                    "Cannot create port forwarding to floating IP "
                    f"{holder.floating_ip_address} ({holder.id}) with port {port.id} using fixed "
                    f"IP {address}, as that port already has a binding floating IP.",
                    kind="PortHasBindingFloatingIP",
                )
        return {**fields, "internal_port_id": port.id, "internal_ip_address": address}, router

    def _near(self, tx: Tx, row: PortForwardingRow) -> list[PortForwardingRow]:
        return [
            *tx.all(queries.OF_FLOATINGIPS, ids=[row.floatingip_id]),
            *tx.all(queries.OF_PORT, port_id=row.internal_port_id),
        ]

    def _twice(self, tx: Tx, row: PortForwardingRow) -> BadRequest:
        outer = any(
            (each.floatingip_id, each.protocol, each.external_port)
            == (row.floatingip_id, row.protocol, row.external_port)
            for each in self._near(tx, row)
            if each.id != row.id
        )
        name = "external_port" if outer else "internal_port"
        return BadRequest(
            "Bad port_forwarding request: A duplicate port forwarding entry with same attributes "
            f"already exists, conflicting values are {{'{name}': {getattr(row, name)}, "
            f"'protocol': '{row.protocol}'}}.",
            kind="BadRequest",
        )

    def _lead(self, tx: Tx, holder: FloatingIpRow, router: RouterRow) -> None:
        """The router translates for the floating IP."""
        row = holder
        if row.router_id != router.id:
            row = changed(tx, row, router_id=router.id)
        generation = self._tools.hosts.touch_router(tx, router).generation
        tx.update(row, generation=generation)


def _clash(one: PortForwardingRow, other: PortForwardingRow) -> bool:
    outer = (one.floatingip_id, one.external_port) == (other.floatingip_id, other.external_port)
    inner = (one.internal_port_id, one.internal_ip_address, one.internal_port) == (
        other.internal_port_id,
        other.internal_ip_address,
        other.internal_port,
    )
    return one.protocol == other.protocol and (outer or inner)
