"""Routers: create, update, delete, interfaces, gateway, routes."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.wire.shapes import Unset
from cumulo.network.meters import ROUTERS
from cumulo.network.model.ipam import inside, overlap
from cumulo.network.model.orders import HostRoute
from cumulo.network.model.port import ROUTER_GATEWAY, ROUTER_INTERFACE, PortRow
from cumulo.network.model.router import RouterRow, router_status
from cumulo.network.model.standard import changed
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import port_forwarding as forwarding_queries
from cumulo.network.queries import router as queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.queries.number import next_number
from cumulo.network.service import addresses
from cumulo.network.service.addresses import FixedIpWish
from cumulo.network.service.networks import Networks
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.refusals import bad, not_found, unfit
from cumulo.network.service.subnets import Subnets, clean_route
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
MOST_ROUTES = 30


class GatewayWish(msgspec.Struct, forbid_unknown_fields=True):
    network_id: str | None = None
    enable_snat: bool | Unset = UNSET
    external_fixed_ips: list[FixedIpWish] | Unset | None = UNSET
    qos_policy_id: None = None


class RouterWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    admin_state_up: bool | Unset = UNSET
    external_gateway_info: GatewayWish | Unset | None = UNSET
    routes: list[HostRoute] | Unset | None = UNSET
    availability_zone_hints: Annotated[list[str], msgspec.Meta(max_length=20)] | Unset = UNSET


CREATE_ONLY = frozenset({"availability_zone_hints"})


class InterfaceWish(msgspec.Struct, forbid_unknown_fields=True):
    subnet_id: str | None = None
    port_id: str | None = None


class Routers:
    listing = queries.ROUTERS

    def __init__(self, tools: Tools, networks: Networks, subnets: Subnets, ports: Ports) -> None:
        self._tools = tools
        self._networks = networks
        self._subnets = subnets
        self._ports = ports

    def get(self, tx: Tx, router_id: str, who: Principal | None) -> RouterRow:
        found = tx.get(RouterRow, router_id)
        if found is None or not self.visible(found, who):
            raise not_found("router", router_id)
        return found

    def visible(self, row: RouterRow, who: Principal | None) -> bool:
        return is_admin(who) or (who is not None and row.project_id == who.project_id)

    def gateways_of(self, tx: Tx, router_ids: Sequence[str]) -> dict[str, PortRow]:
        """The gateway ports of routers that have one."""
        found = tx.all(port_queries.OF_HOLDERS, ids=router_ids)
        return {port.holder: port for port in found if port.role == ROUTER_GATEWAY and port.holder}

    def interfaces_of(self, tx: Tx, router_id: str) -> list[PortRow]:
        found = tx.all(port_queries.OF_HOLDERS, ids=[router_id])
        return [port for port in found if port.role == ROUTER_INTERFACE]

    def create(
        self, tx: Tx, wishes: RouterWishes, who: Principal | None, project_id: str
    ) -> RouterRow:
        self._tools.quotas.take(tx, project_id, router=1)
        row = RouterRow(
            **standard(tx, wishes, project_id),
            number=next_number(tx, "router"),
            host_id=self._tools.hosts.choose(tx),
            status=router_status(fault=None),
            **chosen(wishes, "admin_state_up", "availability_zone_hints"),
        )
        tx.insert(row)
        ROUTERS.changed(tx, None, row)
        if wishes.external_gateway_info is not UNSET:
            row = self._set_gateway(tx, row, wishes.external_gateway_info, who)
        if wishes.routes is not UNSET and wishes.routes:
            row = self._set_routes(tx, row, wishes.routes)
        row = self._tools.hosts.touch_router(tx, row)
        tell(tx, "router", "create", row, who, name=row.name)
        return row

    def update(
        self, tx: Tx, row: RouterRow, wishes: RouterWishes, who: Principal | None
    ) -> RouterRow:
        before = row
        if wishes.external_gateway_info is not UNSET:
            row = self._set_gateway(tx, row, wishes.external_gateway_info, who)
        if wishes.routes is not UNSET:
            row = self._set_routes(tx, row, wishes.routes or [])
        row = changed(tx, row, **chosen(wishes, "name", "description", "admin_state_up"))
        if row is not before:
            row = self._tools.hosts.touch_router(tx, row)
            tell(tx, "router", "update", row, who)
        return row

    def delete(self, tx: Tx, row: RouterRow, who: Principal | None) -> None:
        floating = tx.all(floatingip_queries.OF_ROUTERS, ids=[row.id])
        if self.interfaces_of(tx, row.id) or floating:
            raise Conflict(f"Router {row.id} still has ports.", kind="RouterInUse")
        gateway = self.gateways_of(tx, [row.id]).get(row.id)
        if gateway is not None:
            self._ports.remove(tx, gateway, who)
        self._tools.hosts.router_left(tx, row)
        tx.delete(row)
        ROUTERS.changed(tx, row, None)
        self._tools.quotas.give_back(tx, row.project_id, router=1)
        tell(tx, "router", "delete", row, who)

    def _set_gateway(
        self, tx: Tx, row: RouterRow, wish: GatewayWish | None, who: Principal | None
    ) -> RouterRow:
        current = self.gateways_of(tx, [row.id]).get(row.id)
        if wish is None or wish.network_id is None:
            if wish is not None and (wish.enable_snat is not UNSET or wish.external_fixed_ips):
                raise unfit("external_gateway_info", "'network_id' is a required property")
            if current is None:
                return changed(tx, row, enable_snat=True)
            self._drop_gateway(tx, row, current, who)
            return self._revised(tx, row, enable_snat=True)
        network = self._networks.get(tx, wish.network_id, who)
        if not network.external:
            raise bad("router", f"Network {network.id} is not an external network")
        wanted = None if wish.external_fixed_ips in (UNSET, None) else wish.external_fixed_ips
        snat = True if wish.enable_snat is UNSET else wish.enable_snat
        if current is not None and current.network_id == network.id:
            if wanted is not None:
                self._ports.update(tx, current, PortWishes(fixed_ips=wanted), None)
                return self._revised(tx, row, enable_snat=snat)
            return changed(tx, row, enable_snat=snat)
        self._refuse_overlap(tx, row, tx.all(subnet_queries.OF_NETWORKS, ids=[network.id]))
        if current is not None:
            self._drop_gateway(tx, row, current, who)
        # Without subnets the way out has no address yet, and that is fine: as in Neutron.
        self._plug(tx, row, network.id, wanted, ROUTER_GATEWAY, "")
        return self._revised(tx, row, enable_snat=snat)

    def _drop_gateway(
        self, tx: Tx, row: RouterRow, current: PortRow, who: Principal | None
    ) -> None:
        for floating in tx.all(floatingip_queries.OF_ROUTERS, ids=[row.id]):
            if floating.floating_network_id == current.network_id:
                raise Conflict(
                    f"Gateway cannot be updated for router {row.id}, since a gateway to external "
                    f"network {current.network_id} is required by one or more floating IPs.",
                    kind="RouterExternalGatewayInUseByFloatingIp",
                )
        self._ports.remove(tx, current, who)

    def _revised(self, tx: Tx, row: RouterRow, **changes: Any) -> RouterRow:
        """A change that is not (only) in the row's own columns."""
        return tx.update(row, **changes, revision_number=row.revision_number + 1, updated_at=tx.now)

    def _set_routes(self, tx: Tx, row: RouterRow, wishes: Sequence[HostRoute]) -> RouterRow:
        if len(wishes) > MOST_ROUTES:
            raise BadRequest(
                f"Unable to complete operation for {row.id}. The number of routes exceeds the "
                f"maximum {MOST_ROUTES}.",
                kind="RoutesExhausted",
            )
        routes = [clean_route(route, "routes") for route in wishes]
        if len(set(routes)) < len(routes):
            raise unfit("routes", "Duplicate route")
        reachable, own = self._reach(tx, row)
        for route in routes:
            if not any(inside(route.nexthop, cidr) for cidr in reachable):
                raise _bad_route(route, "the nexthop is not connected with router")
            if route.nexthop in own:
                raise _bad_route(route, "the nexthop is used by router")
        return changed(tx, row, routes=routes)

    def add_routes(
        self, tx: Tx, row: RouterRow, wishes: Sequence[HostRoute], who: Principal | None
    ) -> RouterRow:
        """Those that it has are as well."""
        wanted = dict.fromkeys(clean_route(route, "routes") for route in wishes)
        new = [route for route in wanted if route not in row.routes]
        return self.update(tx, row, RouterWishes(routes=[*row.routes, *new]), who)

    def remove_routes(
        self, tx: Tx, row: RouterRow, wishes: Sequence[HostRoute], who: Principal | None
    ) -> RouterRow:
        gone = {clean_route(route, "routes") for route in wishes}
        left = [route for route in row.routes if route not in gone]
        return self.update(tx, row, RouterWishes(routes=left), who)

    def _reach(self, tx: Tx, row: RouterRow) -> tuple[list[str], set[str]]:
        """CIDRs that the router is on, and its own addresses."""
        ports = tx.all(port_queries.OF_HOLDERS, ids=[row.id])
        found = addresses.addresses_of(tx, [port.id for port in ports])
        allocations = [each for rows in found.values() for each in rows]
        ids = list({allocation.subnet_id for allocation in allocations})
        cidrs = [subnet.cidr for subnet in tx.all(subnet_queries.BY_IDS, ids=ids)] if ids else []
        return cidrs, {allocation.ip_address for allocation in allocations}

    def add_interface(
        self, tx: Tx, row: RouterRow, wish: InterfaceWish, who: Principal | None
    ) -> tuple[PortRow, list[str]]:
        """The interface's port, and the subnets that were added to the router."""
        if (wish.subnet_id is None) == (wish.port_id is None):
            both = wish.subnet_id is not None
            raise bad(
                "router",
                "Cannot specify both subnet-id and port-id"
                if both
                else "Either subnet_id or port_id must be specified",
            )
        if wish.port_id is not None:
            port, subnets = self._take_port(tx, row, wish.port_id, who)
        else:
            assert wish.subnet_id is not None
            subnet = self._subnets.get(tx, wish.subnet_id, who)
            if subnet.project_id != row.project_id and not is_admin(who):
                # A router with the gateway's address of a shared network would take its traffic.
                raise bad(
                    "router",
                    f"Cannot add interface to router because subnet {subnet.id} is not owned by "
                    "project making the request",
                )
            port, subnets = self._on_subnet(tx, row, subnet, who), [subnet]
        row = self._tools.hosts.touch_router(tx, self._revised(tx, row))
        ids = [subnet.id for subnet in subnets]
        tell(tx, "router", "update", row, who, interface=port.id, subnet_ids=ids)
        return port, ids

    def _on_subnet(
        self, tx: Tx, row: RouterRow, subnet: SubnetRow, who: Principal | None
    ) -> PortRow:
        if subnet.gateway_ip is None:
            raise bad("router", f"Subnet {subnet.id} must have a gateway IP")
        self._refuse_overlap(tx, row, [subnet])
        wish = FixedIpWish(subnet.id, subnet.gateway_ip)
        if subnet.ip_version == 6:
            port = self._v6_interface(tx, row, subnet.network_id)
            if port is not None:
                have = addresses.addresses_of(tx, [port.id])[port.id]
                kept = [FixedIpWish(each.subnet_id, each.ip_address) for each in have]
                return self._ports.update(tx, port, PortWishes(fixed_ips=[*kept, wish]), None)
        return self._plug(tx, row, subnet.network_id, [wish], ROUTER_INTERFACE, row.project_id)

    def _v6_interface(self, tx: Tx, row: RouterRow, network_id: str) -> PortRow | None:
        """The router's interface on this network that has IPv6 addresses only."""
        for port in self.interfaces_of(tx, row.id):
            if port.network_id == network_id:
                have = addresses.addresses_of(tx, [port.id]).get(port.id, [])
                if have and all(":" in each.ip_address for each in have):
                    return port
        return None

    def _take_port(
        self, tx: Tx, row: RouterRow, port_id: str, who: Principal | None
    ) -> tuple[PortRow, list[SubnetRow]]:
        port = self._ports.get(tx, port_id, who)
        if port.project_id != row.project_id and not is_admin(who):
            # An owner of a network sees the ports of others on it.
            raise not_found("port", port_id)
        if port.device_id or port.device_owner or port.holder:
            raise Conflict(
                f"Unable to complete operation on port {port.id} for network {port.network_id}. "
                f"Port already has an attached device {port.device_id}.",
                kind="PortInUse",
            )
        have = addresses.addresses_of(tx, [port.id]).get(port.id, [])
        if not have:
            raise bad("router", "Router port must have at least one fixed IP")
        if sum(":" not in each.ip_address for each in have) > 1:
            raise bad("router", "Cannot have multiple IPv4 subnets on router port")
        subnets = tx.all(subnet_queries.BY_IDS, ids=[each.subnet_id for each in have])
        self._refuse_overlap(tx, row, subnets)
        self._ports.update(tx, port, PortWishes(security_groups=[]), None)
        port = self._ports.get(tx, port_id, who)
        wishes = PortWishes(
            device_id=row.id,
            device_owner=ROUTER_INTERFACE,
            port_security_enabled=False,
            host_id=row.host_id,
        )
        found = self._ports.update(tx, port, wishes, None, holder=row.id, role=ROUTER_INTERFACE)
        return found, subnets

    def _plug(
        self,
        tx: Tx,
        row: RouterRow,
        network_id: str,
        fixed_ips: list[FixedIpWish] | None,
        owner: str,
        project_id: str,
    ) -> PortRow:
        wishes = PortWishes(
            network_id=network_id,
            device_id=row.id,
            device_owner=owner,
            fixed_ips=UNSET if fixed_ips is None else fixed_ips,
            host_id=row.host_id,
        )
        return self._ports.create(tx, wishes, None, project_id, holder=row.id, role=owner)

    def _refuse_overlap(self, tx: Tx, row: RouterRow, wanted: Sequence[SubnetRow]) -> None:
        """400 for a subnet that the router has, or whose addresses overlap with one."""
        ports = tx.all(port_queries.OF_HOLDERS, ids=[row.id])
        found = addresses.addresses_of(tx, [port.id for port in ports])
        ids = list({each.subnet_id for rows in found.values() for each in rows})
        own = tx.all(subnet_queries.BY_IDS, ids=ids) if ids else []
        for subnet in wanted:
            for other in own:
                if other.id == subnet.id:
                    raise bad("router", f"Router already has a port on subnet {subnet.id}")
                if overlap(other.cidr, subnet.cidr):
                    raise bad(
                        "router",
                        f"Cidr {subnet.cidr} of subnet {subnet.id} overlaps with cidr "
                        f"{other.cidr} of subnet {other.id}",
                    )

    def remove_interface(
        self, tx: Tx, row: RouterRow, wish: InterfaceWish, who: Principal | None
    ) -> tuple[PortRow, list[str]]:
        """The port that was removed (or lost a subnet), and the subnets that went."""
        if wish.port_id is None and wish.subnet_id is None:
            raise bad("router", "Either subnet_id or port_id must be specified")
        port, gone, kept = self._interface(tx, row, wish)
        self._refuse_floating(tx, row, port, gone)
        if kept:
            wishes = [FixedIpWish(each.subnet_id, each.ip_address) for each in kept]
            self._ports.update(tx, port, PortWishes(fixed_ips=wishes), None)
        else:
            self._ports.remove(tx, port, who)
        row = self._tools.hosts.touch_router(tx, self._revised(tx, row))
        tell(tx, "router", "update", row, who, removed=port.id, subnet_ids=gone)
        return port, gone

    def _interface(
        self, tx: Tx, row: RouterRow, wish: InterfaceWish
    ) -> tuple[PortRow, list[str], list[Any]]:
        """(port, subnets that go, addresses that stay)"""
        ports = {port.id: port for port in self.interfaces_of(tx, row.id)}
        found = addresses.addresses_of(tx, list(ports))
        if wish.port_id is not None:
            if wish.port_id not in ports:
                raise NotFound(
                    f"Router {row.id} does not have an interface with id {wish.port_id}",
                    kind="RouterInterfaceNotFound",
                )
            gone = [each.subnet_id for each in found.get(wish.port_id, [])]
            if wish.subnet_id is not None and wish.subnet_id not in gone:
                raise Conflict(
                    f"Subnet {wish.subnet_id} is not on port {wish.port_id}.",
                    kind="SubnetMismatchForPort",
                )
            return ports[wish.port_id], gone, []
        for port_id, allocations in found.items():
            if any(each.subnet_id == wish.subnet_id for each in allocations):
                kept = [each for each in allocations if each.subnet_id != wish.subnet_id]
                assert wish.subnet_id is not None
                return ports[port_id], [wish.subnet_id], kept
        raise NotFound(
            f"Router {row.id} has no interface on subnet {wish.subnet_id}",
            kind="RouterInterfaceNotFoundForSubnet",
        )

    def _refuse_floating(
        self, tx: Tx, row: RouterRow, port: PortRow, subnet_ids: Sequence[str]
    ) -> None:
        """409 while a floating IP leads through this interface, or a route does."""
        subnets = tx.all(subnet_queries.BY_IDS, ids=list(subnet_ids))
        for floating in tx.all(floatingip_queries.OF_ROUTERS, ids=[row.id]):
            address = floating.fixed_ip_address
            if address is not None and any(inside(address, s.cidr) for s in subnets):
                raise Conflict(
                    f"Router interface for subnet {subnets[0].id} on router {row.id} cannot be "
                    "deleted, as it is required by one or more floating IPs.",
                    kind="RouterInterfaceInUseByFloatingIP",
                )
        for forwarding in tx.all(forwarding_queries.OF_ROUTERS, ids=[row.id]):
            if any(inside(forwarding.internal_ip_address, s.cidr) for s in subnets):
                raise Conflict(
                    f"Router interface for subnet {subnets[0].id} on router {row.id} cannot be "
                    "deleted, as it is required by one or more port forwardings.",
                    kind="RouterInterfaceInUseByFloatingIP",
                )
        for route in row.routes:
            if any(inside(route.nexthop, subnet.cidr) for subnet in subnets):
                raise Conflict(
                    f"Router interface for subnet {subnets[0].id} on router {row.id} cannot be "
                    "deleted, as it is required by one or more routes.",
                    kind="RouterInterfaceInUseByRoute",
                )


def _bad_route(route: HostRoute, reason: str) -> BadRequest:
    text = f"{{'destination': '{route.destination}', 'nexthop': '{route.nexthop}'}}"
    return BadRequest(f"Invalid format for routes: {text}, {reason}", kind="InvalidRoutes")
