"""Tunnels: from lists of ports to devices and tables."""

import asyncio
import os
import secrets
import socket

import msgspec
import pytest

from cumulo.core.run.commands import run
from cumulo.core.run.namespaces import create_namespace, delete_namespace, in_namespace
from cumulo.network.drivers.linux import tunnels
from cumulo.network.drivers.linux.links import Link
from cumulo.network.drivers.linux.plan import Plan
from cumulo.network.model.orders import (
    FixedIp,
    HostNetworks,
    Neighbour,
    NeighbourChange,
    Neighbours,
    NetworkSpec,
    PortSpec,
)

NET = "aaaaaaaa-0000-4000-8000-000000000001"


def mac(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


def neighbour(number: int, tunnel: str, device: str = "") -> Neighbour:
    fixed = (FixedIp("s", f"10.0.0.{number}"), FixedIp("s6", f"fd00::{number}"))
    return Neighbour(f"0000000{number}-p", mac(number), tunnel, fixed, device_id=device)


def wanted(*ports: Neighbour, own: tuple[PortSpec, ...] = ()) -> HostNetworks:
    return HostNetworks(
        1,
        networks=(NetworkSpec(NET, 7, 1450),),
        ports=own,
        neighbours=(Neighbours(NET, "x", ports),),
    )


def test_only_what_is_elsewhere_is_behind_a_tunnel() -> None:
    mine = PortSpec("00000001-p", 1, NET, mac(1))
    ports = (neighbour(1, "10.9.0.1"), neighbour(2, "10.9.0.2"), neighbour(3, ""))
    (found,) = tunnels.tunnels(wanted(*ports, own=(mine,)), "10.9.0.1", 4789)
    assert (found.name, found.bridge, found.number, found.mtu) == ("vx7", "br7", 7, 1450)
    assert found.macs == ((mac(2), "10.9.0.2"),) and found.peers == {"10.9.0.2"}
    assert found.addresses == (("10.0.0.2", mac(2)),)
    assert tunnels.tunnels(wanted(ports[0], own=(mine,)), "10.9.0.1", 4789) == []
    assert tunnels.tunnels(wanted(*ports), None, 4789) == []


def test_a_port_that_moved_here_is_not_behind_a_tunnel() -> None:
    """Its host in the list may be the old one still."""
    mine = PortSpec("00000002-p", 1, NET, mac(2))
    assert tunnels.tunnels(wanted(neighbour(2, "10.9.0.2"), own=(mine,)), "10.9.0.1", 1) == []


def test_from_the_tables_that_are_there_to_those_that_shall_be() -> None:
    ports = (neighbour(2, "10.9.0.2"), neighbour(3, "10.9.0.3"))
    (tunnel,) = tunnels.tunnels(wanted(*ports), "10.9.0.1", 4789)
    first = tunnels.fdb_lines(tunnel, [])
    assert [line for line in first if "00:00:00:00:00:00" in line] == [
        "fdb append 00:00:00:00:00:00 dev vx7 dst 10.9.0.2 self",
        "fdb append 00:00:00:00:00:00 dev vx7 dst 10.9.0.3 self",
    ]
    assert f"fdb replace {mac(2)} dev vx7 dst 10.9.0.2 self static" in first
    there = [
        {"mac": "00:00:00:00:00:00", "dst": "10.9.0.2"},
        {"mac": "00:00:00:00:00:00", "dst": "10.9.0.9"},
        {"mac": mac(2), "dst": "10.9.0.2"},
        {"mac": mac(3), "dst": "10.9.0.9"},
        {"mac": mac(9), "dst": "10.9.0.9"},
        {"mac": mac(2), "master": "br7", "state": "static"},
        {"mac": mac(9), "master": "br7", "state": "static"},
        {"mac": "aa:aa:aa:aa:aa:aa", "master": "br7", "state": "permanent"},
    ]
    assert tunnels.fdb_lines(tunnel, there) == [
        "fdb del 00:00:00:00:00:00 dev vx7 dst 10.9.0.9 self",
        "fdb append 00:00:00:00:00:00 dev vx7 dst 10.9.0.3 self",
        f"fdb del {mac(9)} dev vx7 dst 10.9.0.9 self",
        f"fdb del {mac(9)} dev vx7 master",
        f"fdb replace {mac(3)} dev vx7 dst 10.9.0.3 self static",
        f"fdb replace {mac(3)} dev vx7 master static",
    ]
    known = [{"dst": "10.0.0.2", "lladdr": mac(2)}, {"dst": "10.0.0.9", "lladdr": mac(9)}]
    assert tunnels.neighbour_lines(tunnel, known) == [
        "neigh del 10.0.0.9 dev br7",
        f"neigh replace 10.0.0.3 lladdr {mac(3)} dev br7 nud permanent",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_only_other_hosts_reach_the_tunnels() -> None:
    """Packets: from a peer, from a stranger, from where guests come, and through us."""
    name = f"ctw{secrets.token_hex(2)}"
    create_namespace(name)
    try:
        asyncio.run(_through_the_wall(name))
    finally:
        delete_namespace(name)


async def _through_the_wall(name: str) -> None:
    for line in (
        "link set lo up",
        "address add 10.9.0.1/32 dev lo",
        "address add 10.9.0.2/32 dev lo",
        "address add 10.9.0.3/32 dev lo",
    ):
        await run(["ip", *line.split()], namespace=name)
    wall = tunnels.Wall("cm12345", name, 4789)
    await wall.ensure("10.9.0.1", ["10.9.0.2"])

    def heard(source: str) -> bool:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        ):
            here.bind(("10.9.0.1", 4789))
            here.settimeout(0.3)
            there.bind((source, 0))
            there.sendto(b"x", ("10.9.0.1", 4789))
            try:
                return here.recv(10) == b"x"
            except TimeoutError:
                return False

    assert in_namespace(name, heard, "10.9.0.2")
    assert not in_namespace(name, heard, "10.9.0.3")
    await wall.ensure("10.9.0.1", ["10.9.0.3"])
    assert in_namespace(name, heard, "10.9.0.3") and not in_namespace(name, heard, "10.9.0.2")
    shown = (await run(["nft", "list", "table", "ip", wall.table], namespace=name)).decode()
    assert shown.count('iifname "cm12345ex*" udp dport 4789 drop') == 2
    await wall.remove()
    assert in_namespace(name, heard, "10.9.0.2")


def test_a_device_of_another_address_or_port_is_made_anew() -> None:
    (tunnel,) = tunnels.tunnels(wanted(neighbour(2, "10.9.0.2")), "10.9.0.1", 4789)
    link = Link("vx7", "vxlan", 1450, "br7", True, tunnel=(7, "10.9.0.1", 4789))
    assert tunnels.changed([tunnel], {"vx7": link}) == []
    for other in ((7, "10.9.0.7", 4789), (7, "10.9.0.1", 8472), None):
        moved = msgspec.structs.replace(link, tunnel=other)
        assert tunnels.changed([tunnel], {"vx7": moved}) == ["vx7"]


def test_guests_elsewhere_get_addresses_and_metadata_here() -> None:
    plan = Plan("cm12345", wanted(neighbour(2, "10.9.0.2", "server")), (), (), "10.9.0.1")
    assert plan.wanted.tunnels == ("vx7",) and not plan.wanted.taps
    assert plan.by_address[NET, "10.0.0.2"].device_id == "server"
    assert [port.mac for port in plan.ports_of[NET]] == [mac(2)]


def test_changes_of_lists() -> None:
    before = Neighbours(NET, "1", (neighbour(1, "a"), neighbour(2, "a")))
    change = NeighbourChange(NET, "1", "2", (neighbour(3, "b"), neighbour(1, "b")), ("00000002-p",))
    after = before.changed_by(change)
    assert after == Neighbours(NET, "2", (neighbour(1, "b"), neighbour(3, "b")))
