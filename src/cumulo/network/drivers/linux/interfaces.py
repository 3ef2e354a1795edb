"""The inside of a namespace: addresses, routes, sysctls, compared with what is there and set."""

import ipaddress
import socket
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.run.commands import run
from cumulo.core.run.namespaces import in_namespace
from cumulo.network.drivers.linux.links import batch
from cumulo.network.model.orders import HostRoute

# Where no guest's frame may make the kernel itself answer or learn a route.
QUIET = {
    "net/ipv6/conf/all/accept_ra": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/default/accept_redirects": "0",
}


class Inside(msgspec.Struct, frozen=True):
    """Devices with their addresses (with prefix), and the static routes; all of a namespace."""

    devices: dict[str, tuple[str, ...]]
    mtus: dict[str, int]
    routes: tuple[HostRoute, ...] = ()


def write_sysctls(namespace: str | None, values: Mapping[str, str]) -> None:
    """Set sysctls (paths under /proc/sys) that differ, in a namespace. Blocks shortly."""

    def write() -> None:
        # /proc/sys/net shows the namespace of the thread that looks.
        for name, value in values.items():
            path = Path("/proc/sys") / name
            if path.read_text().strip() != value:
                path.write_text(value)

    in_namespace(namespace, write)


def read_sysctl(namespace: str | None, name: str) -> str:
    return in_namespace(namespace, lambda: (Path("/proc/sys") / name).read_text().strip())


async def configure(
    namespace: str | None, wanted: Inside, *, whole: bool = True
) -> list[tuple[str, str]]:
    """Make it so; the (device, address) that are new. Raises CommandFailed.

    With whole=False the namespace is not ours: only the named devices are touched.
    """
    text = await run(["ip", "-j", "addr", "show"], namespace=namespace)
    there = {raw["ifname"]: raw for raw in msgspec.json.decode(text)}
    lines, new = _address_lines(wanted, there)
    if whole and "UP" not in there["lo"]["flags"]:
        lines.insert(0, "link set dev lo up")
    await batch(lines, namespace)
    if whole:
        await _routes(namespace, wanted.routes)
    return new


def _address_lines(
    wanted: Inside, there: Mapping[str, dict[str, Any]]
) -> tuple[list[str], list[tuple[str, str]]]:
    lines: list[str] = []
    new: list[tuple[str, str]] = []
    for device, addresses in wanted.devices.items():
        raw = there.get(device, {"flags": [], "addr_info": []})
        has = {
            f"{info['local']}/{info['prefixlen']}"
            for info in raw["addr_info"]
            if info["scope"] != "link"
        }
        want = {str(ipaddress.ip_interface(address)) for address in addresses}
        lines += [f"addr del {address} dev {device}" for address in sorted(has - want)]
        mtu = wanted.mtus[device]
        if "UP" not in raw["flags"] or raw.get("mtu") != mtu:
            lines.append(f"link set dev {device} mtu {mtu} up")
        # Primary addresses (with the subnet's prefix) first: /32 ones must not become primary.
        for address in sorted(want - has, key=_prefix_length):
            extra = " nodad" if ":" in address else ""
            lines.append(f"addr add {address} dev {device}{extra}")
            new.append((device, address.partition("/")[0]))
    return lines, new


def _prefix_length(address: str) -> tuple[int, str]:
    return int(address.rpartition("/")[2]), address


async def _routes(namespace: str | None, routes: Iterable[HostRoute]) -> None:
    want = {(str(ipaddress.ip_network(r.destination)), r.nexthop) for r in routes}
    has: set[tuple[str, str]] = set()
    for version in (4, 6):
        text = await run(
            ["ip", f"-{version}", "-j", "route", "show", "proto", "static"], namespace=namespace
        )
        has |= {
            (_destination(raw["dst"], version), raw["gateway"])
            for raw in msgspec.json.decode(text or b"[]")
            if "gateway" in raw
        }
    lines = [f"route del {dst} via {via} proto static" for dst, via in sorted(has - want)]
    lines += [f"route add {dst} via {via} proto static" for dst, via in sorted(want - has)]
    await batch(lines, namespace)


def _destination(text: str, version: int) -> str:
    if text == "default":
        return "0.0.0.0/0" if version == 4 else "::/0"
    return str(ipaddress.ip_network(text))


def announce(namespace: str | None, new: Iterable[tuple[str, str]]) -> None:
    """Gratuitous ARP, request and reply form, for IPv4 addresses that have come to a device.

    IPv6 needs none: the kernel announces by itself (sysctl ndisc_notify).
    """
    for device, address in new:
        if ":" not in address:
            in_namespace(namespace, _gratuitous, device, socket.inet_aton(address))


def _gratuitous(device: str, address: bytes) -> None:
    everybody = b"\xff" * 6
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as raw:
        raw.bind((device, 0x0806))
        mac = raw.getsockname()[4]
        for operation, target in ((1, bytes(6)), (2, everybody)):
            arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
            raw.send(everybody + mac + b"\x08\x06" + arp + mac + address + target + address)
