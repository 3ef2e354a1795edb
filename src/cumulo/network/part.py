"""The conductor's side of network work on hosts: what a host's data plane shall be, and what of
it is there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.messages import Seen
from cumulo.core.hosts.model import UnknownRow
from cumulo.network.interface import Forwarding, NamePublisher
from cumulo.network.model import orders as spec
from cumulo.network.model.floatingip import FloatingIpRow, floatingip_status
from cumulo.network.model.ipam import with_prefix
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import (
    COMPUTE,
    DHCP,
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
    PortRow,
    dhcp_options,
    is_guest,
    port_status,
)
from cumulo.network.model.router import RouterRow, router_status
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.model.subnet import AllocationRow, SubnetRow
from cumulo.network.queries import address_group as address_queries
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import network as network_queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import port_forwarding as forwarding_queries
from cumulo.network.queries import router as router_queries
from cumulo.network.queries import security_group as group_queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.service import addresses
from cumulo.network.service.member_lists import of_members, of_neighbours
from cumulo.network.service.placing import KIND, Hosts
from cumulo.network.service.ports import Ports
from cumulo.network.service.qos_orders import qos_of
from cumulo.network.service.questions import Questions
from cumulo.network.service.tools import tell

Allocations = Mapping[str, Sequence[AllocationRow]]


class NetworkPart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    item_type: Any = spec.NetworkItem
    seen_type = spec.SeenThing
    host_type = spec.HostTunnels

    def __init__(
        self,
        ports: Ports,
        hosts: Hosts,
        questions: Questions,
        publisher: Callable[[], NamePublisher | None] = lambda: None,
    ) -> None:
        """`publisher`: who answers for names, where somebody does."""
        self._publisher = publisher
        self._ports = ports
        self._hosts = hosts
        self._questions = questions
        self._members = of_members()
        self._neighbours = of_neighbours()

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, spec.NetworkItem]:
        """A number of queries that does not grow with them."""
        by_noun: dict[str, list[str]] = {}
        for each in ids:
            noun, _, id = each.partition("/")
            by_noun.setdefault(noun, []).append(id)
        found: list[tuple[str, Any]] = []
        for noun, read in (
            ("network", self._networks_on),
            ("port", self._ports_on),
            ("group", self._groups_on),
            ("members", self._members_on),
            ("router", self._routers_on),
            ("neighbours", self._neighbours_on),
        ):
            named = by_noun.get(noun, [])
            found += [(noun, each) for each in (read(tx, host_id, named) if named else ())]
        return {spec.item_id(noun, each.id): each for noun, each in found}

    def host(self, tx: Tx, host_id: str, state: spec.HostTunnels) -> None:
        self._hosts.saw(tx, host_id, state)

    async def query(self, host_id: str, question: str, arguments: Mapping[str, Any]) -> Any:
        """Implements `core.hosts.conductor.Answers`."""
        return await self._questions.answer(host_id, question, arguments)

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        raise BadRequest(
            f"{row.id} cannot be adopted: who owns it, and what it is connected with, is not known "
            "here. It stays as it is until it is removed."
        )

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        """Rows of the network went when it was asked for."""

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        """Take over what the host sees of rows whose newest change it knows."""
        if newest and seen.state is None and seen.fault is not None:
            self._unmade(tx, host_id, seen)
        if not newest or seen.state is None:
            return
        state: spec.SeenThing = seen.state
        noun, _, id = seen.id.partition("/")
        for found in (*((state.own,) if noun == "port" else ()), *state.ports):
            port = tx.get(PortRow, found.id)
            if port is not None and port.host_id == host_id:
                self._see_port(tx, port, found)
        router = tx.get(RouterRow, id) if noun == "router" else None
        if router is not None and router.host_id == host_id:
            _see_router(tx, router, state.own)
            for found in state.floating_ips:
                floating = tx.get(FloatingIpRow, found.id)
                if floating is not None and floating.router_id == router.id:
                    _see_floatingip(tx, floating, found)

    def _unmade(self, tx: Tx, host_id: str, seen: Seen) -> None:
        """The host could make nothing of what is new: it is not there, or not as it is ordered."""
        noun, _, id = seen.id.partition("/")
        found = spec.Observed(id, spec.DOWN, seen.fault)
        port = tx.get(PortRow, id) if noun == "port" else None
        if port is not None and port.host_id == host_id:
            self._see_port(tx, port, found)
        router = tx.get(RouterRow, id) if noun == "router" else None
        if router is not None and router.host_id == host_id:
            _see_router(tx, router, found)

    def _see_port(self, tx: Tx, port: PortRow, found: spec.Observed) -> None:
        if (port.observed, port.fault) == (found.status, found.fault):
            return
        status = port_status(
            host_id=port.host_id,
            admin_state_up=port.admin_state_up,
            role=port.role,
            observed=found.status,
            fault=found.fault,
        )
        after = tx.update(port, observed=found.status, fault=found.fault, status=status)
        if (status, found.fault) != (port.status, port.fault):
            tell(tx, "port", "status", after, None, status=status, reason=found.fault)

    # --- what is read for each noun -------------------------------------------------------------

    def _networks_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.NetworkSpec]:
        rows = tx.all(network_queries.BY_IDS, ids=ids)
        subnets = tx.all(subnet_queries.OF_NETWORKS, ids=ids)
        servers = tx.all(port_queries.DHCP_ON_HOST, host_id=host_id, ids=ids)
        fixed = addresses.addresses_of(tx, [port.id for port in servers])
        publisher = self._publisher()
        named = {} if publisher is None else publisher.forwarding(tx, _owners(rows))
        nothing = Forwarding()
        return [
            _network(row, servers, subnets, fixed, named.get(row.project_id, nothing))
            for row in rows
        ]

    def _ports_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.PortSpec]:
        rows = [row for row in tx.all(port_queries.BY_IDS, ids=ids) if row.host_id == host_id]
        guests = [row for row in rows if is_guest(row)]
        if not guests:
            return []
        named = [row.id for row in guests]
        fixed, groups = addresses.addresses_of(tx, named), self._ports.groups_of(tx, named)
        inherited = self._ports.network_policies(tx, guests)
        policies = {row.id: row.qos_policy_id or inherited.get(row.network_id) for row in guests}
        rules = qos_of(tx, policies.values())
        return [
            _port(row, fixed, groups.get(row.id, []), rules.get(policies[row.id] or ""))
            for row in guests
        ]

    def _groups_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.SecurityGroupSpec]:
        rules: dict[str, list[SecurityGroupRuleRow]] = {}
        for rule in tx.all(group_queries.RULES_OF, ids=ids):
            rules.setdefault(rule.security_group_id, []).append(rule)
        named = {r.remote_address_group_id for found in rules.values() for r in found} - {None}
        known = tx.all(address_queries.BY_IDS, ids=sorted(map(str, named))) if named else []
        addresses = {row.id: tuple(row.addresses) for row in known}
        rows = tx.all(group_queries.BY_IDS, ids=ids)
        return [_group(row, rules.get(row.id, []), addresses) for row in rows]

    def _members_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.GroupMembers]:
        return self._members.today(tx, ids)

    def _neighbours_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.Neighbours]:
        return self._neighbours.today(tx, ids)

    def change(
        self, base: str, state: spec.NetworkItem
    ) -> spec.GroupChange | spec.NeighbourChange | None:
        """Implements `core.hosts.long.TellsChanges`."""
        match state:
            case spec.GroupMembers():
                return self._members.change(base, state)
            case spec.Neighbours():
                return self._neighbours.change(base, state)
        return None

    def _routers_on(self, tx: Tx, host_id: str, ids: Sequence[str]) -> list[spec.RouterSpec]:
        rows = [row for row in tx.all(router_queries.BY_IDS, ids=ids) if row.host_id == host_id]
        if not rows:
            return []
        held = tx.all(port_queries.OF_HOLDERS, ids=[row.id for row in rows])
        ports = [port for port in held if port.host_id == host_id]
        networks = sorted({port.network_id for port in ports})
        subnets = tx.all(subnet_queries.OF_NETWORKS, ids=networks) if networks else []
        fixed = addresses.addresses_of(tx, [port.id for port in ports])
        return list(_routers(tx, rows, ports, subnets, fixed))


def _see_router(tx: Tx, row: RouterRow, found: spec.Observed) -> None:
    if (row.observed, row.fault) == (found.status, found.fault):
        return
    status = router_status(fault=found.fault)
    after = tx.update(row, observed=found.status, fault=found.fault, status=status)
    if found.fault != row.fault:
        tell(tx, "router", "status", after, None, status=status, reason=found.fault)


def _see_floatingip(tx: Tx, row: FloatingIpRow, found: spec.Observed) -> None:
    if (row.observed, row.fault) == (found.status, found.fault):
        return
    status = floatingip_status(leads_to=row.router_id, observed=found.status, fault=found.fault)
    after = tx.update(row, observed=found.status, fault=found.fault, status=status)
    tell(tx, "floatingip", "status", after, None, status=status, reason=found.fault)


def _network(
    row: NetworkRow,
    ports: Iterable[PortRow],
    subnets: Iterable[SubnetRow],
    fixed: Allocations,
    named: Forwarding,
) -> spec.NetworkSpec:
    own = [subnet for subnet in subnets if subnet.network_id == row.id]
    cidrs = {subnet.id: subnet.cidr for subnet in own}
    dhcp = next((p for p in ports if p.network_id == row.id and p.role == DHCP), None)
    return spec.NetworkSpec(
        id=row.id,
        number=row.number,
        mtu=row.mtu,
        external=row.external and row.network_type in ("flat", "vlan"),
        dhcp=None
        if dhcp is None
        else spec.DhcpSpec(dhcp.id, dhcp.mac_address, _with_prefix(dhcp, cidrs, fixed)),
        subnets=tuple(
            spec.SubnetSpec(
                id=subnet.id,
                cidr=subnet.cidr,
                gateway=subnet.gateway_ip,
                dns=tuple(subnet.dns_nameservers),
                host_routes=tuple(subnet.host_routes),
                enable_dhcp=subnet.enable_dhcp,
                ip_version=subnet.ip_version,
                ranges=tuple(subnet.allocation_pools),
                ipv6_ra_mode=subnet.ipv6_ra_mode,
                ipv6_address_mode=subnet.ipv6_address_mode,
            )
            for subnet in own
        ),
        name_server=named.server if dhcp is not None else "",
        domains=named.domains if dhcp is not None else (),
    )


def _owners(rows: Sequence[NetworkRow]) -> list[str]:
    return sorted({row.project_id for row in rows if not row.external})


def _with_prefix(port: PortRow, cidrs: Mapping[str, str], fixed: Allocations) -> tuple[str, ...]:
    return tuple(
        with_prefix(each.ip_address, cidrs[each.subnet_id]) for each in fixed.get(port.id, ())
    )


def _port(
    row: PortRow, fixed: Allocations, groups: Sequence[str], qos: spec.Qos | None
) -> spec.PortSpec:
    return spec.PortSpec(
        id=row.id,
        number=row.number,
        network_id=row.network_id,
        mac=row.mac_address,
        fixed_ips=tuple(
            spec.FixedIp(each.subnet_id, each.ip_address) for each in fixed.get(row.id, ())
        ),
        hostname=row.dns_name,
        device_id=(row.holder or "") if row.role == COMPUTE else "",
        project_id=row.project_id,
        admin_state_up=row.admin_state_up,
        port_security=row.port_security_enabled,
        allowed_address_pairs=tuple(row.allowed_address_pairs),
        security_groups=tuple(groups),
        qos=qos,
        dhcp_options=dhcp_options(row),
    )


def _group(
    row: SecurityGroupRow,
    rules: Sequence[SecurityGroupRuleRow],
    addresses: Mapping[str, tuple[str, ...]],
) -> spec.SecurityGroupSpec:
    return spec.SecurityGroupSpec(
        id=row.id,
        stateful=row.stateful,
        rules=tuple(
            spec.SecurityGroupRule(
                direction=rule.direction,
                ethertype=rule.ethertype,
                protocol=rule.protocol,
                port_min=rule.port_range_min,
                port_max=rule.port_range_max,
                remote_ip_prefix=rule.remote_ip_prefix,
                remote_group_id=rule.remote_group_id,
                remote_addresses=None
                if rule.remote_address_group_id is None
                else addresses.get(rule.remote_address_group_id, ()),
            )
            for rule in rules
        ),
    )


def _routers(
    tx: Tx,
    rows: Sequence[RouterRow],
    ports: Iterable[PortRow],
    subnets: Iterable[SubnetRow],
    fixed: Allocations,
) -> tuple[spec.RouterSpec, ...]:
    by_id = {subnet.id: subnet for subnet in subnets}
    cidrs = {subnet.id: subnet.cidr for subnet in by_id.values()}
    floating = _floating(tx, [row.id for row in rows])
    found = []
    for row in rows:
        own = [port for port in ports if port.holder == row.id]
        gateway = next((port for port in own if port.role == ROUTER_GATEWAY), None)
        found.append(
            spec.RouterSpec(
                id=row.id,
                number=row.number,
                admin_state_up=row.admin_state_up,
                interfaces=tuple(
                    spec.RouterInterface(
                        port.id,
                        port.mac_address,
                        port.network_id,
                        _with_prefix(port, cidrs, fixed),
                    )
                    for port in own
                    if port.role == ROUTER_INTERFACE
                ),
                gateway=None if gateway is None else _gateway(row, gateway, by_id, fixed),
                routes=tuple(row.routes),
                floating_ips=tuple(floating.get(row.id, ())),
            )
        )
    return tuple(found)


def _floating(tx: Tx, router_ids: Sequence[str]) -> dict[str, list[spec.FloatingIpSpec]]:
    forwarded: dict[str, list[spec.Forwarded]] = {}
    for row in tx.all(forwarding_queries.OF_ROUTERS, ids=router_ids):
        forwarded.setdefault(row.floatingip_id, []).append(
            spec.Forwarded(
                row.protocol, row.external_port, row.internal_ip_address, row.internal_port
            )
        )
    found: dict[str, list[spec.FloatingIpSpec]] = {}
    rows = tx.all(floatingip_queries.OF_ROUTERS, ids=router_ids)
    rules = qos_of(tx, [row.qos_policy_id for row in rows])
    for each in rows:
        qos = rules.get(each.qos_policy_id or "")
        assert each.router_id is not None
        translation = spec.FloatingIpSpec(
            each.id,
            each.floating_ip_address,
            each.fixed_ip_address,
            tuple(forwarded.get(each.id, ())),
            () if qos is None else qos.limits,
        )
        found.setdefault(each.router_id, []).append(translation)
    return found


def _gateway(
    row: RouterRow, port: PortRow, subnets: Mapping[str, SubnetRow], fixed: Allocations
) -> spec.RouterGateway:
    own = [subnets[each.subnet_id] for each in fixed.get(port.id, ())]
    nexthops: dict[int, str] = {}
    for subnet in own:
        if subnet.gateway_ip is not None:
            nexthops.setdefault(subnet.ip_version, subnet.gateway_ip)
    cidrs = {subnet.id: subnet.cidr for subnet in own}
    return spec.RouterGateway(
        port_id=port.id,
        mac=port.mac_address,
        network_id=port.network_id,
        addresses=_with_prefix(port, cidrs, fixed),
        nexthops=tuple(nexthops.values()),
        enable_snat=row.enable_snat,
    )
