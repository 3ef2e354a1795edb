"""The conductor's side of network work on hosts: what a host's data plane shall be, and what of
it is there."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cumulo.core.db.transaction import Tx
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
    is_guest,
    port_status,
)
from cumulo.network.model.router import RouterRow, router_status
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.model.subnet import AllocationRow, SubnetRow
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import network as network_queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import router as router_queries
from cumulo.network.queries import security_group as group_queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.service import addresses
from cumulo.network.service.ports import Ports
from cumulo.network.service.tools import KIND, Hosts, tell

_PAIRS = msgspec.json.Decoder(list[spec.AddressPair])
Allocations = Mapping[str, Sequence[AllocationRow]]


class NetworkPart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    desired_type: type = spec.HostNetworks
    observed_type: type = spec.HostNetworksReport

    def __init__(self, hosts: Hosts, ports: Ports) -> None:
        self._hosts = hosts
        self._ports = ports

    def desired(self, tx: Tx, host_id: str, generation: int) -> spec.HostNetworks:
        """Networks that have a port here, those ports, their groups, and the routers here: a
        number of queries that does not grow with them."""
        ports = tx.all(port_queries.ON_HOST, host_id=host_id)
        fixed = addresses.addresses_of(tx, [port.id for port in ports])
        network_ids = list(dict.fromkeys(port.network_id for port in ports))
        networks = tx.all(network_queries.BY_IDS, ids=network_ids) if network_ids else []
        subnets = tx.all(subnet_queries.OF_NETWORKS, ids=network_ids) if network_ids else []
        guests = [port for port in ports if is_guest(port)]
        by_port = self._ports.groups_of(tx, [port.id for port in guests]) if guests else {}
        return spec.HostNetworks(
            generation=generation,
            networks=tuple(_network(each, ports, subnets, fixed) for each in networks),
            ports=tuple(_port(each, fixed, by_port.get(each.id, [])) for each in guests),
            security_groups=_groups(tx, {group for each in by_port.values() for group in each}),
            routers=_routers(tx, host_id, ports, subnets, fixed),
        )

    def observed(self, tx: Tx, host_id: str, report: spec.HostNetworksReport) -> None:
        """Take over what the host sees of rows whose newest change it knows."""
        self._adopt(tx, host_id)
        seen = {each.id: each for each in report.ports}
        # Most reports change nothing: whole rows are read only of ports that look otherwise.
        for id, generation, observed, fault in tx.tuples(
            port_queries.SEEN_ON_HOST, host_id=host_id
        ):
            found = seen.get(id)
            if (
                found is not None
                and generation <= report.generation
                and (observed, fault) != (found.status, found.fault)
            ):
                port = tx.get(PortRow, id)
                assert port is not None
                self._see_port(tx, port, found)
        routers = {row.id: row for row in tx.all(router_queries.ON_HOST, host_id=host_id)}
        for found in report.routers:
            router = routers.get(found.id)
            if router is not None and router.generation <= report.generation:
                _see_router(tx, router, found)
        if not routers:
            return
        floating = {row.id: row for row in tx.all(floatingip_queries.OF_ROUTERS, ids=list(routers))}
        for found in report.floating_ips:
            row = floating.get(found.id)
            if row is not None and row.generation <= report.generation:
                _see_floatingip(tx, row, found)

    def _see_port(self, tx: Tx, port: PortRow, found: spec.Observed) -> None:
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

    def _adopt(self, tx: Tx, host_id: str) -> None:
        """Routers and DHCP servers that were made when there was no host for them."""
        host = self._hosts.registry.get(tx, host_id)
        if host is None or not host.enabled:
            return
        for router in tx.all(router_queries.UNPLACED):
            self._hosts.touch_router(tx, tx.update(router, host_id=host_id))
            for port in tx.all(port_queries.OF_HOLDERS, ids=[router.id]):
                self._ports.bind(tx, port, host_id)
        for port in tx.all(port_queries.UNPLACED_DHCP):
            self._ports.bind(tx, port, host_id)


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
    status = floatingip_status(port_id=row.port_id, observed=found.status, fault=found.fault)
    after = tx.update(row, observed=found.status, fault=found.fault, status=status)
    tell(tx, "floatingip", "status", after, None, status=status, reason=found.fault)


def _network(
    row: NetworkRow,
    ports: Iterable[PortRow],
    subnets: Iterable[SubnetRow],
    fixed: Allocations,
) -> spec.NetworkSpec:
    own = [subnet for subnet in subnets if subnet.network_id == row.id]
    cidrs = {subnet.id: subnet.cidr for subnet in own}
    dhcp = next((p for p in ports if p.network_id == row.id and p.role == DHCP), None)
    return spec.NetworkSpec(
        id=row.id,
        number=row.number,
        mtu=row.mtu,
        external=row.external,
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
    )


def _with_prefix(port: PortRow, cidrs: Mapping[str, str], fixed: Allocations) -> tuple[str, ...]:
    return tuple(
        with_prefix(each.ip_address, cidrs[each.subnet_id]) for each in fixed.get(port.id, ())
    )


def _port(row: PortRow, fixed: Allocations, groups: Sequence[str]) -> spec.PortSpec:
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
    )


def _groups(tx: Tx, used: set[str]) -> tuple[spec.SecurityGroupSpec, ...]:
    """The groups of ports here with their rules, and those that these rules name with their
    members."""
    if not used:
        return ()
    rules: dict[str, list[SecurityGroupRuleRow]] = {}
    for rule in tx.all(group_queries.RULES_OF, ids=sorted(used)):
        rules.setdefault(rule.security_group_id, []).append(rule)
    remote = {rule.remote_group_id for each in rules.values() for rule in each}
    named = sorted(group for group in remote if group is not None)
    members = _members(tx, named) if named else {}
    rows = tx.all(group_queries.BY_IDS, ids=sorted(used | set(named)))
    return tuple(_group(row, rules.get(row.id, []), members.get(row.id, ())) for row in rows)


def _group(
    row: SecurityGroupRow, rules: Sequence[SecurityGroupRuleRow], members: Sequence[str]
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
            )
            for rule in rules
        ),
        members=tuple(members),
    )


def _members(tx: Tx, group_ids: Sequence[str]) -> dict[str, list[str]]:
    """Addresses and CIDRs of all ports in these groups, wherever they are."""
    found: dict[str, list[str]] = {}
    for group_id, address in tx.tuples(port_queries.MEMBER_ADDRESSES, ids=group_ids):
        found.setdefault(group_id, []).append(address)
    for group_id, pairs in tx.tuples(port_queries.MEMBER_PAIRS, ids=group_ids):
        found.setdefault(group_id, []).extend(pair.address for pair in _PAIRS.decode(pairs))
    return found


def _routers(
    tx: Tx,
    host_id: str,
    ports: Iterable[PortRow],
    subnets: Iterable[SubnetRow],
    fixed: Allocations,
) -> tuple[spec.RouterSpec, ...]:
    rows = tx.all(router_queries.ON_HOST, host_id=host_id)
    if not rows:
        return ()
    by_id = {subnet.id: subnet for subnet in subnets}
    cidrs = {subnet.id: subnet.cidr for subnet in by_id.values()}
    floating: dict[str, list[spec.FloatingIpSpec]] = {}
    for each in tx.all(floatingip_queries.OF_ROUTERS, ids=[row.id for row in rows]):
        assert each.router_id is not None and each.fixed_ip_address is not None
        translation = spec.FloatingIpSpec(each.id, each.floating_ip_address, each.fixed_ip_address)
        floating.setdefault(each.router_id, []).append(translation)
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
