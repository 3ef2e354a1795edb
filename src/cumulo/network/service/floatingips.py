"""Floating IPs: allocate, associate, disassociate, release."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.core.wire.shapes import Unset
from cumulo.network.meters import FLOATING_IPS
from cumulo.network.model.floatingip import FloatingIpRow, floatingip_status
from cumulo.network.model.port import (
    FLOATING_IP,
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
    PortRow,
)
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import changed
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.queries import floatingip as queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import port_forwarding as forwarding_queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.service import addresses
from cumulo.network.service.addresses import FixedIpWish
from cumulo.network.service.association import disassociate
from cumulo.network.service.names import checked_domain, checked_name
from cumulo.network.service.networks import Networks
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.qos import QosPolicies
from cumulo.network.service.refusals import bad, not_found
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]


class FloatingIpWishes(msgspec.Struct, kw_only=True):
    floating_network_id: str | Unset = UNSET
    floating_ip_address: str | Unset | None = UNSET
    subnet_id: str | Unset | None = UNSET
    port_id: str | Unset | None = UNSET
    fixed_ip_address: str | Unset | None = UNSET
    description: Name | Unset = UNSET
    dns_name: Name | Unset = UNSET
    dns_domain: Name | Unset = UNSET
    qos_policy_id: str | Unset | None = UNSET


CREATE_ONLY = frozenset(
    {"floating_network_id", "floating_ip_address", "subnet_id", "dns_name", "dns_domain"}
)


class FloatingIps:
    listing = queries.FLOATINGIPS

    def __init__(self, tools: Tools, networks: Networks, ports: Ports, qos: QosPolicies) -> None:
        self._qos = qos
        self._tools = tools
        self._networks = networks
        self._ports = ports

    def get(self, tx: Tx, id: str, who: Principal | None) -> FloatingIpRow:
        found = tx.get(FloatingIpRow, id)
        if found is None or not self.visible(found, who):
            raise not_found("floatingip", id)
        return found

    def visible(self, row: FloatingIpRow, who: Principal | None) -> bool:
        return is_admin(who) or (who is not None and row.project_id == who.project_id)

    def create(
        self, tx: Tx, wishes: FloatingIpWishes, who: Principal | None, project_id: str
    ) -> FloatingIpRow:
        if wishes.floating_network_id is UNSET:
            raise BadRequest(
                "Failed to parse request. Required attribute 'floating_network_id' not specified",
                kind="HTTPBadRequest",
            )
        network = self._networks.get(tx, wishes.floating_network_id, who)
        if not network.external:
            raise bad("floatingip", f"Network {network.id} is not a valid external network")
        self._tools.quotas.take(tx, project_id, floatingip=1)
        id = new_id()
        port = self._holder(tx, wishes, network.id, id)
        allocations = addresses.addresses_of(tx, [port.id]).get(port.id, [])
        outer = next((each for each in allocations if ":" not in each.ip_address), None)
        if outer is None:
            raise BadRequest(
                f"Network {network.id} does not contain any IPv4 subnet",
                kind="ExternalNetworkHasNoSubnet",
            )
        values = {**standard(tx, wishes, project_id), "id": id, **_named(wishes)}
        row = FloatingIpRow(
            **values,
            floating_network_id=network.id,
            floating_ip_address=outer.ip_address,
            floating_port_id=port.id,
            **self._qos.chosen(tx, wishes.qos_policy_id, None, who, "the floating IP"),
        )
        tx.insert(row)
        FLOATING_IPS.changed(tx, None, row)
        if wishes.port_id is not UNSET and wishes.port_id is not None:
            row = self._associate(tx, row, wishes.port_id, wishes.fixed_ip_address or None, who)
        elif wishes.fixed_ip_address:
            raise _needs_port()
        if row.dns_name and row.port_id is None:
            row = self._tools.names.of_floatingip(tx, row)
        tell(tx, "floatingip", "create", row, who, address=row.floating_ip_address)
        return row

    def _holder(
        self, tx: Tx, wishes: FloatingIpWishes, network_id: str, floatingip_id: str
    ) -> PortRow:
        """The port on the external network that holds the address."""
        subnet = wishes.subnet_id or None
        address = wishes.floating_ip_address or None
        made = PortWishes(
            network_id=network_id,
            device_id=floatingip_id,
            device_owner=FLOATING_IP,
            fixed_ips=[FixedIpWish(subnet, address)] if subnet or address else UNSET,
        )
        return self._ports.create(tx, made, None, "", holder=floatingip_id, role=FLOATING_IP)

    def update(
        self, tx: Tx, row: FloatingIpRow, wishes: FloatingIpWishes, who: Principal | None
    ) -> FloatingIpRow:
        before = row
        if all(value is UNSET for value in msgspec.structs.astuple(wishes)):
            # From the time when there was nothing else to change.
            wishes = FloatingIpWishes(port_id=None)
        policy = self._qos.chosen(
            tx, wishes.qos_policy_id, row.qos_policy_id, who, f"floating IP {row.id}"
        )
        row = changed(tx, row, **chosen(wishes, "description"), **policy)
        router = tx.get(RouterRow, row.router_id) if policy and row.router_id else None
        if router is not None:
            self._tools.hosts.touch_router(tx, router)
        if wishes.port_id is not UNSET:
            if wishes.port_id is None:
                if wishes.fixed_ip_address:
                    raise _needs_port()
                row = disassociate(tx, self._tools, row, who)
            else:
                fixed = wishes.fixed_ip_address or None
                row = self._associate(tx, row, wishes.port_id, fixed, who)
        elif wishes.fixed_ip_address:
            if row.port_id is None:
                raise _needs_port()
            row = self._associate(tx, row, row.port_id, wishes.fixed_ip_address, who)
        if row is not before:
            tell(tx, "floatingip", "update", row, who, port_id=row.port_id)
        return row

    def delete(self, tx: Tx, row: FloatingIpRow, who: Principal | None) -> None:
        if tx.all(forwarding_queries.OF_FLOATINGIPS, ids=[row.id]):
            raise _forwards(row)
        row = disassociate(tx, self._tools, row, who)
        self._tools.names.forget(tx, row)
        tx.delete(row)
        FLOATING_IPS.changed(tx, row, None)
        port = tx.get(PortRow, row.floating_port_id)
        if port is not None:
            self._ports.remove(tx, port, who)
        self._tools.quotas.give_back(tx, row.project_id, floatingip=1)
        tell(tx, "floatingip", "delete", row, who)

    def _associate(
        self,
        tx: Tx,
        row: FloatingIpRow,
        port_id: str,
        fixed: str | None,
        who: Principal | None,
    ) -> FloatingIpRow:
        if tx.all(forwarding_queries.OF_FLOATINGIPS, ids=[row.id]):
            raise _forwards(row)
        port = self._ports.get(tx, port_id, who)
        if port.project_id != row.project_id and not is_admin(who):
            raise not_found("port", port_id)
        address, subnet_id = self._inner(tx, row, port, fixed)
        for forwarding in tx.all(forwarding_queries.OF_PORT, port_id=port.id):
            if forwarding.internal_ip_address == address:
                raise BadRequest(
                    f"Cannot associate floating IP to port {port.id} because it already has a "
                    "Port Forwarding binding.",
                    kind="PortHasPortForwarding",
                )
        for other in tx.all(queries.OF_PORTS, ids=[port.id]):
            same = other.fixed_ip_address == address and other.id != row.id
            if same and other.floating_network_id == row.floating_network_id:
                raise Conflict(
                    f"Cannot associate floating IP {row.floating_ip_address} ({row.id}) with port "
                    f"{port.id} using fixed IP {address}, as that fixed IP already has a floating "
                    f"IP on external network {row.floating_network_id}.",
                    kind="FloatingIPPortAlreadyAssociated",
                )
        router = self._router(tx, row, port, subnet_id)
        if (row.port_id, row.fixed_ip_address, row.router_id) == (port.id, address, router.id):
            return row
        row = disassociate(tx, self._tools, row, who)
        row = changed(tx, row, port_id=port.id, fixed_ip_address=address, router_id=router.id)
        self._tools.onlookers.port(tx, port)
        generation = self._tools.hosts.touch_router(tx, router).generation
        status = floatingip_status(leads_to=port.id, observed=None, fault=None)
        row = tx.update(row, generation=generation, observed=None, status=status)
        return self._tools.names.of_floatingip(tx, row)

    def _inner(
        self, tx: Tx, row: FloatingIpRow, port: PortRow, fixed: str | None
    ) -> tuple[str, str]:
        """(address, subnet) behind the floating IP."""
        allocations = [
            each
            for each in addresses.addresses_of(tx, [port.id]).get(port.id, [])
            if ":" not in each.ip_address
        ]
        if fixed is not None:
            for each in allocations:
                if each.ip_address == fixed:
                    return fixed, each.subnet_id
            raise bad("floatingip", f"Port {port.id} does not have fixed ip {fixed}")
        if not allocations:
            raise bad(
                "floatingip",
                f"Cannot add floating IP to port {port.id} that has no fixed IPv4 addresses",
            )
        if len(allocations) > 1:
            raise bad(
                "floatingip",
                f"Port {port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 "
                "address when assigning a floating IP",
            )
        return allocations[0].ip_address, allocations[0].subnet_id

    def router_to(self, tx: Tx, row: FloatingIpRow, port: PortRow, address: str) -> RouterRow:
        """The router between a port's address and the floating IP's network."""
        _, subnet_id = self._inner(tx, row, port, address)
        return self._router(tx, row, port, subnet_id)

    def _router(self, tx: Tx, row: FloatingIpRow, port: PortRow, subnet_id: str) -> RouterRow:
        """The router between the port's subnet and the external network."""
        users = tx.all(subnet_queries.USERS, subnet_id=subnet_id)
        candidates = [p.holder for p in users if p.role == ROUTER_INTERFACE]
        if candidates:
            for other in tx.all(port_queries.OF_HOLDERS, ids=candidates):
                if other.role == ROUTER_GATEWAY and other.network_id == row.floating_network_id:
                    router = tx.get(RouterRow, other.holder)
                    assert router is not None
                    return router
        raise NotFound(
            f"External network {row.floating_network_id} is not reachable from subnet "
            f"{subnet_id}.  Therefore, cannot associate Port {port.id} with a Floating IP.",
            kind="ExternalGatewayForFloatingIPNotFound",
        )

    def pools(self, tx: Tx, who: Principal | None) -> list[SubnetRow]:
        """The subnets of the external networks that the caller sees."""
        where: dict[str, Any] = {"external": [True]}
        if who is not None:
            where["visible_to"] = who.project_id or "-"
        found = self._networks.listing.page(tx, where=where, sort=[("id", "asc")], limit=1000)
        ids = [row.id for row in found]
        return tx.all(subnet_queries.OF_NETWORKS, ids=ids) if ids else []

    def of_ports(self, tx: Tx, port_ids: Sequence[str]) -> dict[str, list[FloatingIpRow]]:
        found: dict[str, list[FloatingIpRow]] = {}
        for row in tx.all(queries.OF_PORTS, ids=port_ids):
            assert row.port_id is not None
            found.setdefault(row.port_id, []).append(row)
        return found


def _named(wishes: FloatingIpWishes) -> dict[str, str]:
    name, domain = wishes.dns_name or "", wishes.dns_domain or ""
    if bool(name) != bool(domain):
        given, other = ("dns_name", "dns_domain") if name else ("dns_domain", "dns_name")
        raise bad("floatingip", f"{given} cannot be specified without a {other}")
    return {"dns_name": checked_name(name), "dns_domain": checked_domain(domain)}


def _forwards(row: FloatingIpRow) -> Conflict:
    return Conflict(
        f"Floating IP {row.id} in use by Port Forwarding resources.",
        kind="FipInUseByPortForwarding",
    )


def _needs_port() -> BadRequest:
    return bad("floatingip", "fixed_ip_address cannot be specified without a port_id")
