"""Subnets: create, update, delete, and the port of the DHCP server that follows from them."""

import ipaddress
import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.ipam import (
    Network,
    default_gateway,
    default_pools,
    overlap,
    parse_address,
    parse_network,
    usable,
)
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.orders import AllocationRange, HostRoute
from cumulo.network.model.port import DHCP, OF_ROUTERS, PortRow
from cumulo.network.model.standard import changed
from cumulo.network.model.subnet import SLAAC, V6_MODES, SubnetRow
from cumulo.network.model.subnetpool import SubnetPoolRow
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import subnet as queries
from cumulo.network.service import addresses
from cumulo.network.service.networks import Networks
from cumulo.network.service.ports import Ports
from cumulo.network.service.refusals import bad, invalid, not_found, unfit
from cumulo.network.service.subnetpools import SubnetPools
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
MOST_DNS, MOST_ROUTES = 5, 20


_POOLS = msgspec.Meta(max_length=64)


class SubnetWishes(msgspec.Struct, kw_only=True):
    network_id: str | Unset = UNSET
    ip_version: int | Unset = UNSET
    cidr: str | Unset | None = UNSET
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    gateway_ip: str | Unset | None = UNSET
    enable_dhcp: bool | Unset = UNSET
    allocation_pools: Annotated[list[AllocationRange], _POOLS] | Unset | None = UNSET
    dns_nameservers: list[str] | Unset | None = UNSET
    dns_publish_fixed_ip: bool | Unset = UNSET
    host_routes: list[HostRoute] | Unset | None = UNSET
    ipv6_ra_mode: str | Unset | None = UNSET
    ipv6_address_mode: str | Unset | None = UNSET
    subnetpool_id: str | Unset | None = UNSET
    use_default_subnetpool: bool | Unset = UNSET
    prefixlen: Annotated[int, msgspec.Meta(ge=0, le=128)] | Unset | None = UNSET
    service_types: Annotated[list[Name], msgspec.Meta(max_length=20)] | Unset = UNSET


CREATE_ONLY = frozenset(
    {
        "network_id",
        "ip_version",
        "cidr",
        "ipv6_ra_mode",
        "ipv6_address_mode",
        "subnetpool_id",
        "use_default_subnetpool",
        "prefixlen",
    }
)


class Subnets:
    listing = queries.SUBNETS

    def __init__(self, tools: Tools, networks: Networks, ports: Ports, pools: SubnetPools) -> None:
        self._pools = pools
        self._tools = tools
        self._networks = networks
        self._ports = ports

    def get(self, tx: Tx, subnet_id: str, who: Principal | None) -> SubnetRow:
        found = tx.get(SubnetRow, subnet_id)
        if found is None or not self._visible(tx, found, who):
            raise not_found("subnet", subnet_id)
        return found

    def _visible(self, tx: Tx, row: SubnetRow, who: Principal | None) -> bool:
        if is_admin(who) or (who is not None and row.project_id == who.project_id):
            return True
        return self._tools.shares.reaches(tx, row.network_id, who)

    def create(
        self, tx: Tx, wishes: SubnetWishes, who: Principal | None, project_id: str
    ) -> SubnetRow:
        if wishes.network_id is UNSET:
            raise _missing("network_id")
        network = self._networks.get(tx, wishes.network_id, who)
        others = tx.all(queries.OF_NETWORKS, ids=[network.id])
        pool = self._pool(tx, wishes, who)
        net = _cidr(wishes) if pool is None else self._from_pool(tx, pool, wishes, project_id)
        self._refuse_other_pools(tx, others, net.version, pool)
        for other in others:
            if overlap(other.cidr, str(net)):
                raise invalid(
                    f"Requested subnet with cidr: {net} for network: {network.id} overlaps with "
                    "another subnet"
                )
        gateway = _gateway(wishes, net)
        row = SubnetRow(
            **standard(tx, wishes, project_id),
            network_id=network.id,
            ip_version=net.version,
            cidr=str(net),
            gateway_ip=gateway,
            enable_dhcp=wishes.enable_dhcp is not False,
            subnetpool_id=None if pool is None else pool.id,
            **_service_types(wishes),
            allocation_pools=_pools(wishes, net, gateway),
            dns_nameservers=_dns(wishes),
            dns_publish_fixed_ip=wishes.dns_publish_fixed_ip is True,
            host_routes=_routes(wishes),
            **_modes(wishes, net),
        )
        self._tools.quotas.take(tx, project_id, subnet=1)
        tx.insert(row)
        if row.auto_address:
            ports = tx.all(port_queries.OF_NETWORK, network_id=network.id)
            addresses.add_automatic(tx, row, ports)
            self._tools.onlookers.network(tx, network.id)
        self._sync_dhcp(tx, network)
        self._tools.hosts.touch_network(tx, network.id)
        _revise(tx, network)
        tell(tx, "subnet", "create", row, who, cidr=row.cidr, network_id=network.id)
        return row

    def _pool(self, tx: Tx, wishes: SubnetWishes, who: Principal | None) -> SubnetPoolRow | None:
        given = wishes.subnetpool_id or None
        if wishes.use_default_subnetpool is True:
            if given is not None:
                raise bad(
                    "subnets", "subnetpool_id and use_default_subnetpool cannot both be specified"
                )
            if wishes.ip_version not in (4, 6):
                raise unfit("ip_version", f"'{wishes.ip_version}' is not in [4, 6]")
            return self._pools.default(tx, wishes.ip_version, who)
        return None if given is None else self._pools.get(tx, given, who)

    def _from_pool(
        self, tx: Tx, pool: SubnetPoolRow, wishes: SubnetWishes, project_id: str
    ) -> Network:
        if wishes.ip_version not in (UNSET, pool.ip_version):
            raise bad(
                "subnets",
                f"Cannot allocate IPv{wishes.ip_version} subnet from IPv{pool.ip_version} subnet "
                "pool",
            )
        net = None if wishes.cidr in (UNSET, None) else _cidr(wishes)
        length = None if wishes.prefixlen is UNSET else wishes.prefixlen
        if net is not None and length is not None:
            raise bad("subnets", "cidr and prefixlen must not be supplied together")
        if net is None and wishes.allocation_pools not in (UNSET, None):
            raise bad("subnets", "allocation_pools allowed only for specific subnet requests.")
        return _fit(self._pools.allocate(tx, pool, project_id, length if net is None else net))

    def _refuse_other_pools(
        self, tx: Tx, others: Sequence[SubnetRow], version: int, pool: SubnetPoolRow | None
    ) -> None:
        """A network's subnets of one IP version come out of one pool, or out of pools of one
        address scope."""
        wanted = None if pool is None else pool.id
        for other in others:
            if other.ip_version != version or other.subnetpool_id == wanted:
                continue
            had = other.subnetpool_id and tx.get(SubnetPoolRow, other.subnetpool_id)
            if not had or pool is None or had.address_scope_id is None:
                raise BadRequest(
                    "Subnets hosted on the same network must be allocated from the same subnet "
                    "pool.",
                    kind="NetworkSubnetPoolAffinityError",
                )
            if had.address_scope_id != pool.address_scope_id:
                raise BadRequest(
                    "Subnets of the same address family hosted on the same network must all "
                    "participate in the same address scope.",
                    kind="NetworkAddressScopeAffinityError",
                )

    def update(
        self, tx: Tx, row: SubnetRow, wishes: SubnetWishes, who: Principal | None
    ) -> SubnetRow:
        net = ipaddress.ip_network(row.cidr)
        changes = chosen(wishes, "name", "description", "enable_dhcp", "dns_publish_fixed_ip")
        changes |= _service_types(wishes)
        if wishes.gateway_ip is not UNSET:
            changes["gateway_ip"] = _gateway(wishes, net)
            self._refuse_gateway(tx, row, changes["gateway_ip"])
        if wishes.dns_nameservers is not UNSET:
            changes["dns_nameservers"] = _dns(wishes)
        if wishes.host_routes is not UNSET:
            changes["host_routes"] = _routes(wishes)
        gateway = changes.get("gateway_ip", row.gateway_ip)
        if wishes.allocation_pools is not UNSET:
            changes["allocation_pools"] = _pools(wishes, net, gateway)
        elif gateway != row.gateway_ip:
            _refuse_in_pools(gateway, row.allocation_pools)
        if changes.get("enable_dhcp") is False and row.ipv6_ra_mode:
            raise invalid(
                "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False"
            )
        after = changed(tx, row, **changes)
        if after is not row:
            network = tx.get(NetworkRow, row.network_id)
            assert network is not None
            self._sync_dhcp(tx, network)
            self._tools.hosts.touch_network(tx, row.network_id)
            _revise(tx, network)
            tell(tx, "subnet", "update", after, who)
        return after

    def _refuse_gateway(self, tx: Tx, row: SubnetRow, gateway: str | None) -> None:
        """409 while a router has the gateway's address."""
        if gateway == row.gateway_ip:
            return
        users = tx.all(queries.USERS, subnet_id=row.id)
        routers = {port.id for port in users if port.role in OF_ROUTERS}
        for allocation in tx.all(queries.OF_SUBNET, subnet_id=row.id):
            if allocation.ip_address == row.gateway_ip and allocation.port_id in routers:
                raise Conflict(
                    f"Current gateway ip {row.gateway_ip} already in use by port "
                    f"{allocation.port_id}. Unable to update.",
                    kind="GatewayIpInUse",
                )

    def delete(self, tx: Tx, row: SubnetRow, who: Principal | None) -> None:
        users = tx.all(queries.USERS, subnet_id=row.id)
        for port in users:
            automatic = row.auto_address and port.role not in OF_ROUTERS
            if port.role != DHCP and not automatic:
                raise Conflict(
                    f"Unable to complete operation on subnet {row.id}: One or more ports have an "
                    "IP allocation from this subnet.",
                    kind="SubnetInUse",
                )
        for allocation in tx.all(queries.OF_SUBNET, subnet_id=row.id):
            tx.delete(allocation)
        if row.auto_address:
            self._tools.onlookers.network(tx, row.network_id)
        self._tools.hosts.touch_network(tx, row.network_id)
        tx.delete(row)
        self._tools.quotas.give_back(tx, row.project_id, subnet=1)
        network = tx.get(NetworkRow, row.network_id)
        assert network is not None
        self._sync_dhcp(tx, network)
        _revise(tx, network)
        tell(tx, "subnet", "delete", row, who)

    def _sync_dhcp(self, tx: Tx, network: NetworkRow) -> None:
        """The DHCP server's port has an address on every subnet that it serves; without such a
        subnet there is no port. A subnet without a free address is not served."""
        subnets = tx.all(queries.OF_NETWORKS, ids=[network.id])
        served = {s.id: s for s in subnets if s.enable_dhcp and s.ipv6_address_mode != SLAAC}
        ports = tx.all(port_queries.OF_NETWORK, network_id=network.id)
        port = next((p for p in ports if p.role == DHCP), None)
        if not served:
            if port is not None:
                self._ports.remove(tx, port, None)
            return
        if port is None:
            port = self._ports.add_dhcp(tx, network, self._tools.hosts.choose(tx))
        self._serve(tx, port, subnets, served)
        self._ports.refresh(tx, port)

    def _serve(
        self,
        tx: Tx,
        port: PortRow,
        subnets: Sequence[SubnetRow],
        served: dict[str, SubnetRow],
    ) -> None:
        have = addresses.addresses_of(tx, [port.id]).get(port.id, [])
        automatic = {s.id for s in subnets if s.auto_address}
        for allocation in have:
            if allocation.subnet_id not in served and allocation.subnet_id not in automatic:
                tx.delete(allocation)
        missing = set(served) - {allocation.subnet_id for allocation in have}
        for subnet in subnets:
            if subnet.id in missing:
                addresses.try_one(tx, port, subnet)


def _revise(tx: Tx, network: NetworkRow) -> None:
    """A network's subnets are a part of it: their changes are its own."""
    tx.update(network, revision_number=network.revision_number + 1, updated_at=tx.now)


def _service_types(wishes: SubnetWishes) -> dict[str, Any]:
    if wishes.service_types is UNSET:
        return {}
    for each in wishes.service_types:
        if not each:
            raise unfit("service_types", "a device owner is not empty")
    if len(set(wishes.service_types)) < len(wishes.service_types):
        raise unfit("service_types", "Duplicate service type")
    return {"service_types": wishes.service_types}


def _missing(name: str) -> BadRequest:
    return BadRequest(
        f"Failed to parse request. Required attribute '{name}' not specified",
        kind="HTTPBadRequest",
    )


def _cidr(wishes: SubnetWishes) -> Network:
    if wishes.cidr is UNSET or wishes.cidr is None:
        raise BadRequest(
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
            kind="BadRequest",
        )
    if wishes.ip_version is not UNSET and wishes.ip_version not in (4, 6):
        raise unfit("ip_version", f"'{wishes.ip_version}' is not in [4, 6]")
    try:
        net = parse_network(wishes.cidr)
    except ValueError:
        raise unfit("cidr", f"'{wishes.cidr}' is not a valid IP subnet") from None
    if "/" not in wishes.cidr:
        raise unfit("cidr", f"'{wishes.cidr}' is not a recognized CIDR, use '{net}'")
    if wishes.ip_version is not UNSET and wishes.ip_version != net.version:
        raise invalid(f"cidr {wishes.cidr} does not match the ip_version '{wishes.ip_version}'")
    return _fit(net)


def _fit(net: Network) -> Network:
    """Wherever it comes from, a pool too. Raises BadRequest."""
    if net.prefixlen == 0 or net.is_multicast or net.is_loopback:
        raise invalid(f"'{net}' is not a subnet that hosts can be on")
    return net


def _gateway(wishes: SubnetWishes, net: Network) -> str | None:
    given = wishes.gateway_ip
    if given is UNSET:
        return default_gateway(net)
    if given is None or given == "":
        return None
    try:
        address = parse_address(given)
    except ValueError:
        raise unfit("gateway_ip", f"'{given}' is not a valid IP address") from None
    first, last = usable(net)
    link_local = address.version == 6 and address.is_link_local
    if address.version != net.version or not (first <= int(address) <= last or link_local):
        raise invalid("Gateway is not valid on subnet")
    return str(address)


def _pools(wishes: SubnetWishes, net: Network, gateway: str | None) -> list[AllocationRange]:
    if wishes.allocation_pools is UNSET or wishes.allocation_pools is None:
        return default_pools(net, gateway)
    first, last = usable(net)
    ranges = []
    for pool in wishes.allocation_pools:
        try:
            start, end = parse_address(pool.start), parse_address(pool.end)
        except ValueError:
            raise unfit("allocation_pools", f"'{pool}' is not a valid pool") from None
        if start.version != net.version or end.version != net.version or int(end) < int(start):
            raise BadRequest(
                f"The allocation pool {start}-{end} is not valid.", kind="InvalidAllocationPool"
            )
        if int(start) < first or int(end) > last:
            raise BadRequest(
                f"The allocation pool {start}-{end} spans beyond the subnet cidr {net}.",
                kind="OutOfBoundsAllocationPool",
            )
        ranges.append((int(start), int(end), AllocationRange(str(start), str(end))))
    ranges.sort(key=lambda each: each[:2])
    for one, other in itertools.pairwise(ranges):
        if other[0] <= one[1]:
            raise Conflict(
                f"Found overlapping allocation pools: {one[2].start}-{one[2].end} "
                f"{other[2].start}-{other[2].end} for subnet {net}.",
                kind="OverlappingAllocationPools",
            )
    pools = [pool for _, _, pool in ranges]
    _refuse_in_pools(gateway, pools)
    return pools


def _refuse_in_pools(gateway: str | None, pools: Sequence[AllocationRange]) -> None:
    if gateway is None:
        return
    number = int(ipaddress.ip_address(gateway))
    for pool in pools:
        start, end = ipaddress.ip_address(pool.start), ipaddress.ip_address(pool.end)
        if int(start) <= number <= int(end):
            raise Conflict(
                f"Gateway ip {gateway} conflicts with allocation pool {start}-{end}.",
                kind="GatewayConflictWithAllocationPools",
            )


def _dns(wishes: SubnetWishes) -> list[str]:
    if wishes.dns_nameservers is UNSET or wishes.dns_nameservers is None:
        return []
    if len(wishes.dns_nameservers) > MOST_DNS:
        raise BadRequest(
            f"Unable to complete operation for the subnet. The number of DNS nameservers exceeds "
            f"the limit {MOST_DNS}.",
            kind="DNSNameServersExhausted",
        )
    found = []
    for given in wishes.dns_nameservers:
        try:
            found.append(str(parse_address(given)))
        except ValueError:
            raise unfit("dns_nameservers", f"'{given}' is not a valid nameserver") from None
    if len(set(found)) < len(found):
        raise unfit("dns_nameservers", "Duplicate nameserver")
    return found


def _routes(wishes: SubnetWishes) -> list[HostRoute]:
    if wishes.host_routes is UNSET or wishes.host_routes is None:
        return []
    if len(wishes.host_routes) > MOST_ROUTES:
        raise BadRequest(
            "Unable to complete operation for the subnet. The number of host routes exceeds the "
            f"limit {MOST_ROUTES}.",
            kind="HostRoutesExhausted",
        )
    return [clean_route(route, "host_routes") for route in wishes.host_routes]


def clean_route(route: HostRoute, attribute: str) -> HostRoute:
    try:
        destination = parse_network(route.destination)
        nexthop = parse_address(route.nexthop)
    except ValueError:
        raise unfit(
            attribute, f"'{route.destination} via {route.nexthop}' is not a valid route"
        ) from None
    if destination.version != nexthop.version:
        raise unfit(attribute, f"'{nexthop}' is no next hop for {destination}")
    return HostRoute(str(destination), str(nexthop))


def _modes(wishes: SubnetWishes, net: Network) -> dict[str, Any]:
    """`ipv6_ra_mode` and `ipv6_address_mode`, which must fit together."""
    ra = wishes.ipv6_ra_mode or None
    address = wishes.ipv6_address_mode or None
    for name, value in (("ipv6_ra_mode", ra), ("ipv6_address_mode", address)):
        if value is not None and value not in V6_MODES:
            raise unfit(name, f"'{value}' is not in {list(V6_MODES)}")
        if value is not None and net.version == 4:
            raise invalid(f"{name} is not valid when ip_version is 4")
        if value is not None and wishes.enable_dhcp is False:
            raise invalid(f"{name} cannot be set when enable_dhcp is set to False")
    if ra and address and ra != address:
        raise invalid(
            f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. "
            "If both attributes are set, they must be the same value"
        )
    if (address or ra) in ("slaac", "dhcpv6-stateless") and net.prefixlen != 64:
        raise invalid(
            f"Invalid CIDR {net} for IPv6 address mode. OpenStack uses the EUI-64 address format, "
            "which requires the prefix to be /64"
        )
    return {"ipv6_ra_mode": ra, "ipv6_address_mode": address}
