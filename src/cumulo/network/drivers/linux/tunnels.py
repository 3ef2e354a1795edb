"""Networks that several hosts have: a VXLAN device on the network's bridge, and what it must know.

Nothing is learned from what arrives: the lists of ports say behind which host each MAC is. What is
for nobody known goes to each of the network's hosts (head-end replication); questions for the MAC
of a known address are answered by the bridge itself (ARP suppression), so hardly anything does.

The device's socket stays in the namespace where Cumulo was started, which reaches the other hosts;
the device itself is moved to the data plane's.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.run.commands import CommandFailed, run
from cumulo.network.drivers.linux import names
from cumulo.network.drivers.linux.links import Link, batch
from cumulo.network.model.orders import HostNetworks, NetworkSpec

_ALL = "00:00:00:00:00:00"


class Tunnel(msgspec.Struct, frozen=True):
    """One network's. `macs`: behind which address each MAC is; `addresses`: whose MAC each IPv4
    address has."""

    name: str
    bridge: str
    number: int
    mtu: int
    local: str
    port: int
    macs: tuple[tuple[str, str], ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()

    @property
    def peers(self) -> set[str]:
        return {place for _, place in self.macs}


def tunnels(desired: HostNetworks, local: str | None, port: int) -> list[Tunnel]:
    """What this host needs, whose own end is `local`; none where that is not known. Pure."""
    if local is None:
        return []
    networks = {network.id: network for network in desired.networks}
    own = {port.id for port in desired.ports}
    found = []
    for each in desired.neighbours:
        network = networks.get(each.id)
        beyond = [p for p in each.ports if p.tunnel and p.tunnel != local and p.port_id not in own]
        if network is None or not beyond:
            continue
        addresses = {
            fixed.address: p.mac
            for p in beyond
            for fixed in p.fixed_ips
            if ipaddress.ip_address(fixed.address).version == 4
        }
        found.append(
            Tunnel(
                names.tunnel(network.number),
                names.bridge(network.number),
                network.number,
                network.mtu,
                local,
                port,
                tuple(sorted((p.mac, p.tunnel) for p in beyond)),
                tuple(sorted(addresses.items())),
            )
        )
    return found


def changed(wanted: Iterable[Tunnel], there: Mapping[str, Link]) -> list[str]:
    """Devices that are not as they must be made: they are made anew."""
    return [
        each.name
        for each in wanted
        if (link := there.get(each.name)) is not None and link.tunnel != _made(each)
    ]


def _made(tunnel: Tunnel) -> tuple[int, str, int]:
    return (tunnel.number, tunnel.local, tunnel.port)


class Wall:
    """Who may say something to the tunnels' port: the network's other hosts, and no guest. The
    kernel asks a frame for its network's number alone, and a guest reaches this machine, and
    others with this one's address, by its own way out."""

    def __init__(self, prefix: str, outer: str | None, port: int) -> None:
        self.table = f"{prefix}_vx"
        self._prefix = prefix
        self._outer = outer
        self._port = port
        self._loaded = ""

    async def ensure(self, local: str | None, peers: Iterable[str]) -> None:
        """Before the first tunnel is made. Raises CommandFailed."""
        text = "" if local is None else self.ruleset(local, sorted(peers))
        if text == self._loaded:
            return
        gone = f"add table ip {self.table}\ndelete table ip {self.table}\n"
        await run(["nft", "-f", "-"], stdin=(gone + text).encode(), namespace=self._outer)
        self._loaded = text

    def ruleset(self, local: str, peers: Sequence[str]) -> str:
        known = f"ip saddr {{ {', '.join(peers)} }} accept\n" if peers else ""
        port, guests = f"udp dport {self._port}", f'iifname "{self._prefix}ex*"'
        return (
            f"table ip {self.table} {{\n"
            "chain input { type filter hook input priority filter; policy accept;\n"
            f"{guests} {port} drop\n"
            f"ip daddr {local} {port} jump tunnels\n}}\n"
            f"chain tunnels {{\n{known}drop\n}}\n"
            "chain forward { type filter hook forward priority filter; policy accept;\n"
            f"{guests} {port} drop\n}}\n}}\n"
        )

    async def remove(self) -> None:
        self._loaded = ""
        text = f"add table ip {self.table}\ndelete table ip {self.table}\n"
        await run(["nft", "-f", "-"], stdin=text.encode(), namespace=self._outer)


async def ensure(
    wanted: Sequence[Tunnel],
    there: Mapping[str, Link],
    namespace: str,
    outer: str | None,
) -> dict[str, str]:
    """Make and fill them; the faults of those that are not as desired, by device. The bridges must
    be there, and what `changed` named must not."""
    new = [each for each in wanted if each.name not in there]
    lines = [
        f"link add name {each.name} mtu {each.mtu} netns {namespace} type vxlan id {each.number}"
        f" local {each.local} dstport {each.port} nolearning"
        for each in new
    ]
    trouble = await batch(lines, outer, keep_going=True)
    lines = [
        f"link set dev {each.name} mtu {each.mtu} master {each.bridge} up"
        for each in wanted
        if (link := there.get(each.name)) is None
        or (link.master, link.mtu, link.up) != (each.bridge, each.mtu, True)
    ]
    trouble = await batch(lines, namespace, keep_going=True) or trouble
    faults = {}
    for each in wanted:
        try:
            await _fill(each, namespace)
        except CommandFailed as failed:
            faults[each.name] = f"tunnel {each.name}: {trouble or failed}"
    return faults


async def _fill(tunnel: Tunnel, namespace: str) -> None:
    """What is there is compared with what shall be: nothing is taken away that stays."""
    lines = [f"link set dev {tunnel.name} learning off neigh_suppress on"]
    lines += fdb_lines(tunnel, await _json(namespace, "bridge", "fdb", "show", "dev", tunnel.name))
    text = "".join(f"{line}\n" for line in lines).encode()
    await run(["bridge", "-batch", "-"], stdin=text, namespace=namespace, timeout=30)
    there = await _json(namespace, "ip", "neigh", "show", "dev", tunnel.bridge, "nud", "permanent")
    await batch(neighbour_lines(tunnel, there), namespace)


def fdb_lines(tunnel: Tunnel, there: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a `bridge -batch`: from the table that is there to the one that shall be."""
    places = dict(tunnel.macs)
    behind = {e["mac"]: e["dst"] for e in there if "dst" in e and e["mac"] != _ALL}
    flooded = {e["dst"] for e in there if "dst" in e and e["mac"] == _ALL}
    # Entries of the bridge itself: this MAC is behind the tunnel.
    bridged = {e["mac"] for e in there if e.get("master") and e.get("state") == "static"}
    dev = f"dev {tunnel.name}"
    lines = [f"fdb del {_ALL} {dev} dst {p} self" for p in sorted(flooded - tunnel.peers)]
    lines += [f"fdb append {_ALL} {dev} dst {p} self" for p in sorted(tunnel.peers - flooded)]
    gone = sorted(behind.keys() - places.keys())
    lines += [f"fdb del {mac} {dev} dst {behind[mac]} self" for mac in gone]
    lines += [f"fdb del {mac} {dev} master" for mac in sorted(bridged - places.keys())]
    for mac, place in tunnel.macs:
        if behind.get(mac) != place:
            lines.append(f"fdb replace {mac} {dev} dst {place} self static")
        if mac not in bridged:
            lines.append(f"fdb replace {mac} {dev} master static")
    return lines


def neighbour_lines(tunnel: Tunnel, there: Sequence[Mapping[str, Any]]) -> list[str]:
    """The same of an `ip -batch`, of whose MAC an address has."""
    wanted = dict(tunnel.addresses)
    known = {each["dst"]: each.get("lladdr") for each in there}
    dev = f"dev {tunnel.bridge}"
    lines = [f"neigh del {address} {dev}" for address in sorted(known.keys() - wanted.keys())]
    return lines + [
        f"neigh replace {address} lladdr {mac} {dev} nud permanent"
        for address, mac in tunnel.addresses
        if known.get(address) != mac
    ]


async def forget(networks: Iterable[NetworkSpec], namespace: str) -> None:
    """Bridges without a tunnel (any more) answer for nobody."""
    for network in networks:
        dev = names.bridge(network.number)
        there = await _json(namespace, "ip", "neigh", "show", "dev", dev, "nud", "permanent")
        await batch([f"neigh del {each['dst']} dev {dev}" for each in there], namespace)


async def _json(namespace: str, program: str, *arguments: str) -> list[Mapping[str, Any]]:
    text = await run([program, "-j", *arguments], namespace=namespace)
    found: list[Mapping[str, Any]] = msgspec.json.decode(text or b"[]")
    return found
