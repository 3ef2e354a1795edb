"""Addresses of ports: chosen and given back inside the transaction that needs them.

The primary key of the allocations (network, address) guards what this code decides.
"""

import ipaddress
from collections.abc import Sequence

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.network.model.ipam import (
    from_mac,
    inside,
    next_free,
    parse_address,
    place_of,
    ranges_of,
    usable,
)
from cumulo.network.model.port import FLOATING_IP, OF_ROUTERS, PortRow
from cumulo.network.model.subnet import AllocationRow, SubnetRow
from cumulo.network.queries import subnet as queries
from cumulo.network.service.refusals import address_taken, invalid, no_address, unfit

MOST_PER_PORT = 64


class FixedIpWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `fixed_ips`: an address, a subnet to take one from, or both."""

    subnet_id: str | None = None
    ip_address: str | None = None


def addresses_of(tx: Tx, port_ids: Sequence[str]) -> dict[str, list[AllocationRow]]:
    """The addresses of ports, in their order."""
    found: dict[str, list[AllocationRow]] = {}
    if port_ids:
        for row in tx.all(queries.OF_PORTS, ids=port_ids):
            found.setdefault(row.port_id, []).append(row)
    return found


def assign(tx: Tx, port: PortRow, wishes: Sequence[FixedIpWish] | None) -> list[AllocationRow]:
    """Give a new port its addresses: the wished ones, or without a wish one of each version.

    Subnets whose hosts make their own addresses are always taken in, but by routers.
    Raises IpAddressGenerationFailure, IpAddressAlreadyAllocated, InvalidInput.
    """
    subnets = tx.all(queries.OF_NETWORKS, ids=[port.network_id])
    chosen = _any(tx, port, subnets, 0) if wishes is None else None
    given = _wished(tx, port, subnets, wishes or (), 0) if chosen is None else chosen
    return given + _automatic(tx, port, subnets, given)


def reassign(tx: Tx, port: PortRow, wishes: Sequence[FixedIpWish]) -> list[AllocationRow]:
    """Change a port's addresses to the wished ones, and keep those that are wished again.
    The addresses that went."""
    subnets = tx.all(queries.OF_NETWORKS, ids=[port.network_id])
    existing = addresses_of(tx, [port.id]).get(port.id, [])
    left, fresh = list(existing), []
    kept: list[AllocationRow] = []
    for wish in wishes:
        fitting = next((row for row in left if _fits(row, wish)), None)
        if fitting is None:
            fresh.append(wish)
        else:
            left.remove(fitting)
            kept.append(fitting)
    automatic = {subnet.id for subnet in subnets if subnet.auto_address}
    if port.role not in OF_ROUTERS:
        # Those addresses belong to the network, not to a wish.
        kept += [row for row in left if row.subnet_id in automatic]
        left = [row for row in left if row.subnet_id not in automatic]
    for row in left:
        tx.delete(row)
    last = max((row.position for row in existing), default=-1)
    kept += _wished(tx, port, subnets, fresh, last + 1, already=len(kept))
    _automatic(tx, port, subnets, kept)
    return left


def readdress(tx: Tx, port: PortRow) -> None:
    """The MAC changed: the addresses that are made of it, too."""
    subnets = {s.id: s for s in tx.all(queries.OF_NETWORKS, ids=[port.network_id])}
    for row in addresses_of(tx, [port.id]).get(port.id, []):
        subnet = subnets[row.subnet_id]
        if subnet.auto_address and port.role not in OF_ROUTERS:
            tx.delete(row)
            _insert(tx, port, subnet, from_mac(subnet.cidr, port.mac_address), row.position)


def add_automatic(tx: Tx, subnet: SubnetRow, ports: Sequence[PortRow]) -> None:
    """A subnet whose hosts make their own addresses is new: the ports have one each."""
    for port in ports:
        if port.role not in OF_ROUTERS:
            _insert(tx, port, subnet, from_mac(subnet.cidr, port.mac_address), 100)


def _fits(row: AllocationRow, wish: FixedIpWish) -> bool:
    if wish.ip_address is not None:
        return _canonical(wish.ip_address) == row.ip_address
    return wish.subnet_id == row.subnet_id


def _any(tx: Tx, port: PortRow, subnets: Sequence[SubnetRow], position: int) -> list[AllocationRow]:
    """One address of each IP version, from the first subnet that has one left."""
    given: list[AllocationRow] = []
    # What is translated to is an IPv4 address.
    for version in (4,) if port.role == FLOATING_IP else (4, 6):
        fitting = [s for s in subnets if s.ip_version == version and not s.auto_address]
        own = [s for s in fitting if port.device_owner in s.service_types]
        fitting = [*own, *(s for s in fitting if not s.service_types)]
        for subnet in fitting:
            address = _free(tx, subnet)
            if address is not None:
                given.append(_insert(tx, port, subnet, address, position + len(given)))
                break
        else:
            if fitting:
                raise no_address(f"network {port.network_id}")
    if not given and any(s.service_types for s in subnets if not s.auto_address):
        raise Conflict(
            f"No valid service subnet for the given device owner, network {port.network_id}, "
            f"service type {port.device_owner}.",
            kind="IpAddressGenerationFailureNoMatchingSubnet",
        )
    return given


def _wished(
    tx: Tx,
    port: PortRow,
    subnets: Sequence[SubnetRow],
    wishes: Sequence[FixedIpWish],
    position: int,
    *,
    already: int = 0,
) -> list[AllocationRow]:
    if already + len(wishes) > MOST_PER_PORT:
        raise invalid("Exceeded maximum amount of fixed ips per port")
    given: list[AllocationRow] = []
    # Named addresses first, so that a free choice does not take one of them.
    for wish in sorted(wishes, key=lambda wish: wish.ip_address is None):
        subnet = _subnet_for(port, subnets, wish)
        automatic = subnet.auto_address and port.role not in OF_ROUTERS
        address = _canonical(wish.ip_address) if wish.ip_address is not None else None
        if automatic and address not in (None, from_mac(subnet.cidr, port.mac_address)):
            raise invalid(
                f"IPv6 address {address} can not be directly assigned to a port on subnet "
                f"{subnet.id} as the subnet is configured for automatic addresses"
            )
        if automatic:
            address = from_mac(subnet.cidr, port.mac_address)
            if any(row.ip_address == address for row in given):
                continue
        elif address is not None and _is_foreign_gateway(port, subnet, address):
            raise BadRequest(
                f"IP address {address} is the gateway of subnet {subnet.id}.",
                kind="InvalidIpForSubnet",
            )
        elif address is None:
            address = _free(tx, subnet)
            if address is None:
                raise no_address(f"network {port.network_id}")
        given.append(_insert(tx, port, subnet, address, position + len(given)))
    return given


def _is_foreign_gateway(port: PortRow, subnet: SubnetRow, address: str) -> bool:
    """Whoever has the gateway's address is sent what all others on the network send out."""
    if port.role in OF_ROUTERS or port.project_id == subnet.project_id:
        return False
    return subnet.gateway_ip is not None and _canonical(subnet.gateway_ip) == address


def _automatic(
    tx: Tx, port: PortRow, subnets: Sequence[SubnetRow], given: Sequence[AllocationRow]
) -> list[AllocationRow]:
    if port.role in OF_ROUTERS:
        return []
    have = {row.subnet_id for row in given}
    return [
        _insert(tx, port, subnet, from_mac(subnet.cidr, port.mac_address), 100)
        for subnet in subnets
        if subnet.auto_address and subnet.id not in have
    ]


def _subnet_for(port: PortRow, subnets: Sequence[SubnetRow], wish: FixedIpWish) -> SubnetRow:
    if wish.subnet_id is not None:
        subnet = next((s for s in subnets if s.id == wish.subnet_id), None)
        if subnet is None:
            raise invalid(
                f"Failed to create port on network {port.network_id}, because fixed_ips included "
                f"invalid subnet {wish.subnet_id}"
            )
        if wish.ip_address is not None and not _may_have(subnet, wish.ip_address):
            raise BadRequest(
                f"IP address {wish.ip_address} is not a valid IP for the specified subnet.",
                kind="InvalidIpForSubnet",
            )
        return subnet
    if wish.ip_address is None:
        raise invalid("IP allocation requires subnet_id or ip_address")
    address = _canonical(wish.ip_address)
    for subnet in subnets:
        if _may_have(subnet, address):
            return subnet
    raise BadRequest(
        f"IP address {address} is not a valid IP for any of the subnets on the specified network.",
        kind="InvalidIpForNetwork",
    )


def _may_have(subnet: SubnetRow, address: str) -> bool:
    if not inside(_canonical(address), subnet.cidr):
        return False
    first, last = usable(ipaddress.ip_network(subnet.cidr))
    return first <= int(ipaddress.ip_address(address)) <= last


def _canonical(address: str) -> str:
    try:
        return str(parse_address(address))
    except ValueError:
        raise unfit("fixed_ips", f"'{address}' is not a valid IP address") from None


def _free(tx: Tx, subnet: SubnetRow) -> str | None:
    """The next free address of the subnet's pools; the cursor moves there."""

    def taken(first: int, last: int) -> list[int]:
        bounds = {"first": f"{first:032x}", "last": f"{last:032x}"}
        found = tx.tuples(queries.TAKEN, subnet_id=subnet.id, **bounds)
        return [int(place, 16) for (place,) in found]

    current = tx.get(SubnetRow, subnet.id)
    cursor = current.cursor if current is not None else ""
    after = int(ipaddress.ip_address(cursor)) if cursor else -1
    number = next_free(ranges_of(subnet.allocation_pools), after, taken)
    if number is None:
        return None
    kind = ipaddress.IPv4Address if subnet.ip_version == 4 else ipaddress.IPv6Address
    address = str(kind(number))
    tx.update(subnet, cursor=address)
    return address


def _insert(tx: Tx, port: PortRow, subnet: SubnetRow, address: str, position: int) -> AllocationRow:
    row = AllocationRow(
        network_id=port.network_id,
        ip_address=address,
        subnet_id=subnet.id,
        port_id=port.id,
        place=place_of(address),
        position=position,
    )
    if not tx.insert(row, ignore_duplicate=True):
        raise address_taken(address, subnet.id)
    return row


def try_one(tx: Tx, port: PortRow, subnet: SubnetRow) -> AllocationRow | None:
    """An address of this subnet, or None when all are taken."""
    if subnet.auto_address:
        return _insert(tx, port, subnet, from_mac(subnet.cidr, port.mac_address), 100)
    address = _free(tx, subnet)
    return None if address is None else _insert(tx, port, subnet, address, 0)
