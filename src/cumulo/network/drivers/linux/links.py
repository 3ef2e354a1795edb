"""The devices of the data-plane namespace: a bridge a network, a tap a compute port, veths.

What shall be is compared with what `ip link` shows; the difference is one batch. A device that is
already there under a port's name is adopted, of whatever kind it is: this is how a container's
veth, or a test's guest, is plugged in.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.run.commands import CommandFailed, run
from cumulo.core.run.namespaces import in_namespace
from cumulo.core.work import pools

_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
# Prefixes of the names that we give; anything else in the namespace is not ours to remove.
_OURS = ("br", "tap", "nh", "qh", "xh", "vx")


class Bridge(msgspec.Struct, frozen=True):
    """`filtered`: frames pass the security groups' hooks (br_netfilter)."""

    name: str
    mtu: int
    filtered: bool


class Tap(msgspec.Struct, frozen=True):
    name: str
    bridge: str
    mtu: int
    up: bool


class Veth(msgspec.Struct, frozen=True):
    """A pair; `peer_place` is a namespace's name or a process id, as `ip link … netns` takes."""

    name: str
    bridge: str
    mtu: int
    peer: str
    peer_place: str
    peer_mac: str | None = None


class Link(msgspec.Struct, frozen=True):
    """A device as the kernel shows it."""

    name: str
    kind: str
    mtu: int
    master: str | None
    up: bool
    filtered: bool = False
    tunnel: tuple[int, str, int] | None = None
    """Of a VXLAN device: number, own address, UDP port."""


class Wanted(msgspec.Struct, frozen=True):
    bridges: tuple[Bridge, ...] = ()
    taps: tuple[Tap, ...] = ()
    veths: tuple[Veth, ...] = ()
    tunnels: tuple[str, ...] = ()

    def names(self) -> set[str]:
        bridges = {bridge.name for bridge in self.bridges} | set(self.tunnels)
        return bridges | {tap.name for tap in self.taps} | {veth.name for veth in self.veths}


async def show(namespace: str) -> dict[str, Link]:
    """Every device of the namespace by name."""
    text = await run(["ip", "-j", "-d", "link", "show"], namespace=namespace)
    return {link.name: link for link in map(_link, msgspec.json.decode(text)) if link.name != "lo"}


async def show_names(namespace: str) -> list[str]:
    """Names only, which is much cheaper."""
    return await pools.TOOLS(in_namespace, namespace, _devices)


def _link(raw: dict[str, Any]) -> Link:
    info = raw.get("linkinfo", {})
    data = info.get("info_data", {})
    return Link(
        name=raw["ifname"],
        kind=info.get("info_kind", ""),
        mtu=raw["mtu"],
        master=raw.get("master"),
        up="UP" in raw["flags"],
        filtered=bool(data.get("nf_call_iptables")) and bool(data.get("nf_call_ip6tables")),
        tunnel=_tunnel(data) if info.get("info_kind") == "vxlan" else None,
    )


def _tunnel(data: dict[str, Any]) -> tuple[int, str, int]:
    local = data.get("local") or data.get("local6") or ""
    return (int(data.get("id", 0)), str(local), int(data.get("port", 0)))


def stale(wanted: Wanted, there: Iterable[str]) -> list[str]:
    """Devices of ours that are not wanted any more, ports before bridges."""
    names = wanted.names()
    gone = [name for name in there if name.startswith(_OURS) and name not in names]
    return sorted(gone, key=lambda name: (name.startswith("br"), name))


def missing_taps(wanted: Wanted, there: Mapping[str, Link]) -> list[str]:
    return [tap.name for tap in wanted.taps if tap.name not in there]


def additions(wanted: Wanted, there: Mapping[str, Link]) -> list[str]:
    """Lines of an `ip -batch` that make bridges and veths and set what differs. Taps of the same
    call must have been made before."""
    lines: list[str] = []
    for bridge in wanted.bridges:
        lines += _bridge_lines(bridge, there.get(bridge.name))
    for veth in wanted.veths:
        link = there.get(veth.name)
        if link is None:
            mac = f" address {veth.peer_mac}" if veth.peer_mac else ""
            lines.append(
                f"link add name {veth.name} mtu {veth.mtu} type veth peer name {veth.peer}"
                f" mtu {veth.mtu}{mac} netns {veth.peer_place}"
            )
        lines += _member_lines(Tap(veth.name, veth.bridge, veth.mtu, True), link)
    for tap in wanted.taps:
        lines += _member_lines(tap, there.get(tap.name))
    return lines


def _bridge_lines(bridge: Bridge, link: Link | None) -> list[str]:
    call = f"nf_call_iptables {int(bridge.filtered)} nf_call_ip6tables {int(bridge.filtered)}"
    if link is None:
        return [
            f"link add name {bridge.name} mtu {bridge.mtu} type bridge stp_state 0"
            f" forward_delay 0 mcast_snooping 0 {call}",
            f"link set dev {bridge.name} up",
        ]
    lines = []
    if link.filtered != bridge.filtered:
        lines.append(f"link set dev {bridge.name} type bridge {call}")
    if link.mtu != bridge.mtu or not link.up:
        lines.append(f"link set dev {bridge.name} mtu {bridge.mtu} up")
    return lines


def _member_lines(tap: Tap, link: Link | None) -> list[str]:
    if link is not None and agrees(tap, link):
        return []
    state = "up" if tap.up else "down"
    return [f"link set dev {tap.name} mtu {tap.mtu} master {tap.bridge} {state}"]


def agrees(tap: Tap, link: Link | None) -> bool:
    return link is not None and (link.mtu, link.master, link.up) == (tap.mtu, tap.bridge, tap.up)


async def batch(
    lines: Sequence[str], namespace: str | None, *, keep_going: bool = False
) -> str | None:
    """Run `ip -batch`. With keep_going every line is tried and the errors are returned as text;
    without, the first failure raises CommandFailed."""
    if not lines:
        return None
    argv = ["ip", *(["-force"] if keep_going else []), "-batch", "-"]
    text = "".join(f"{line}\n" for line in lines).encode()
    try:
        await run(argv, stdin=text, namespace=namespace, timeout=30 + 0.1 * len(lines))
    except CommandFailed as failed:
        if not keep_going or failed.status < 0:
            raise
        return failed.stderr.strip()
    return None


def make_taps(namespace: str, taps: Iterable[str]) -> dict[str, str]:
    """Make persistent taps; the faults of those that could not be made, by name. Blocks."""
    return in_namespace(namespace, _make_taps, list(taps))


def _make_taps(taps: list[str]) -> dict[str, str]:
    faults = {}
    for name in taps:
        try:
            descriptor = _attach(name)
            try:
                fcntl.ioctl(descriptor, _TUNSETPERSIST, 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            faults[name] = str(error)
    return faults


def open_tap(namespace: str, name: str) -> int:
    """A descriptor of an existing tap, with vnet headers. Raises OSError (EBUSY: a guest has it;
    ENODEV: there is none). The descriptor is close-on-exec."""

    def attach() -> int:
        # Asking for a tap that is not there would make one.
        if name not in _devices():
            raise OSError(errno.ENODEV, f"no device {name}")
        return _attach(name)

    return in_namespace(namespace, attach)


def _devices() -> list[str]:
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
    return [line.split(":")[0].strip() for line in lines]


def _attach(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
