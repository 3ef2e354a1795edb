"""Addresses: never two the same, never outside the pools, an error when there is none left."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.model.ipam import (
    CHUNK,
    default_gateway,
    default_pools,
    from_mac,
    next_free,
    overlap,
    ranges_of,
)
from cumulo.network.model.orders import AllocationRange
from cumulo.network.service.addresses import FixedIpWish, addresses_of
from cumulo.network.service.network import NetworkService
from cumulo.network.service.networks import NetworkWishes
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.subnets import SubnetWishes
from cumulo.network.service.tools import DEFAULT_QUOTAS

POOLS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), min_size=1, max_size=4).map(
    lambda pairs: [(start, start + length) for start, length in pairs]
)


def search(taken: set[int]) -> object:
    def inside(first: int, last: int) -> Sequence[int]:
        return sorted(number for number in taken if first <= number <= last)[:CHUNK]

    return inside


@settings(deadline=None)
@given(POOLS, st.sets(st.integers(0, 470), max_size=470), st.integers(-1, 480))
def test_next_free_is_free_and_inside(
    pools: list[tuple[int, int]], taken: set[int], after: int
) -> None:
    free = {n for start, end in pools for n in range(start, end + 1)} - taken
    found = next_free(pools, after, search(taken))  # type: ignore[arg-type]
    if found is None:
        assert not free
    else:
        assert found in free
        behind = [number for number in free if number > after]
        assert found == min(behind, default=min(free))


@settings(deadline=None)
@given(st.integers(8, 30), st.integers(0, 2**32 - 1))
def test_default_pools_leave_out_the_gateway_and_the_ends(length: int, number: int) -> None:
    net = ipaddress.ip_network((number, length), strict=False)
    gateway = default_gateway(net)
    ranges = ranges_of(default_pools(net, gateway))
    assert sum(end - start + 1 for start, end in ranges) == net.num_addresses - 3
    forbidden = {int(net[0]), int(net[-1]), int(ipaddress.ip_address(gateway))}
    assert not any(start <= each <= end for start, end in ranges for each in forbidden)


def test_addresses_from_macs_are_those_of_rfc_4291() -> None:
    assert from_mac("2001:db8::/64", "fa:16:3e:01:02:03") == "2001:db8::f816:3eff:fe01:203"


def test_overlap_compares_within_a_version() -> None:
    assert overlap("10.0.0.0/8", "10.1.0.0/16")
    assert not overlap("10.0.0.0/24", "10.0.1.0/24")
    assert not overlap("10.0.0.0/24", "fd00::/64")


PROJECT = "f" * 32


def cloud(folder: Path) -> tuple[SqliteDatabase, NetworkService]:
    from cumulo.core.db import migrations

    database = SqliteDatabase(folder / "cumulo.db")
    migrations.prepare(database)
    return database, NetworkService(HostRegistry(), Quotas("network", DEFAULT_QUOTAS))


def make_network(tx: Tx, network: NetworkService, cidr: str, pool: tuple[str, str]) -> str:
    made = network.networks.create(tx, NetworkWishes(name="n"), None, PROJECT)
    pools = [AllocationRange(*pool)]
    wishes = SubnetWishes(
        network_id=made.id, cidr=cidr, allocation_pools=pools, enable_dhcp=False, gateway_ip=None
    )
    network.subnets.create(tx, wishes, None, PROJECT)
    return made.id


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["take", "drop", "name"]), max_size=40))
def test_no_address_is_given_twice(
    tmp_path_factory: pytest.TempPathFactory, verbs: list[str]
) -> None:
    """Whatever comes and goes: the pool has 12 addresses, all ports together never more."""
    database, network = cloud(tmp_path_factory.mktemp("ipam"))
    first, last = ipaddress.ip_address("10.0.0.4"), ipaddress.ip_address("10.0.0.15")

    def body(tx: Tx) -> None:
        network_id = make_network(tx, network, "10.0.0.0/24", (str(first), str(last)))
        live: list[str] = []
        for verb in verbs:
            if verb == "drop" and live:
                port = network.ports.get(tx, live.pop(0), None)
                network.ports.remove(tx, port, None)
                continue
            wishes = PortWishes(network_id=network_id)
            if verb == "name":
                wishes.fixed_ips = [FixedIpWish(None, "10.0.0.9")]
            try:
                live.append(network.ports.create(tx, wishes, None, PROJECT).id)
            except Conflict as fault:
                # The port's own row is rolled back with its transaction; here by hand.
                failed = [p for p in network.ports.listing.page(tx, where={}) if p.id not in live]
                for port in failed:
                    network.ports.remove(tx, port, None)
                full = len(live) == 12
                assert fault.kind == (
                    "IpAddressGenerationFailure" if verb != "name" else "IpAddressAlreadyAllocated"
                )
                assert full or verb == "name"
            held = [row.ip_address for rows in addresses_of(tx, live).values() for row in rows]
            assert len(held) == len(set(held)) == len(live) <= 12
            assert all(first <= ipaddress.ip_address(address) <= last for address in held)

    database.write_now(body)
    database.close()


def test_exhaustion_wraps_around_before_it_refuses(tmp_path: Path) -> None:
    database, network = cloud(tmp_path)

    def body(tx: Tx) -> None:
        network_id = make_network(tx, network, "10.0.0.0/29", ("10.0.0.2", "10.0.0.4"))

        def port() -> str:
            made = network.ports.create(tx, PortWishes(network_id=network_id), None, PROJECT)
            return str(addresses_of(tx, [made.id])[made.id][0].ip_address)

        assert [port(), port(), port()] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
        with pytest.raises(Conflict) as refused:
            port()
        assert refused.value.kind == "IpAddressGenerationFailure"

    database.write_now(body)
    database.close()
