"""The switch that the farm's machines stand at: each machine's tap, and where its wire ends.

    PREFIX-switch        a tap a machine; bridge `prov`; a bridge for each machine that is in a
                         tenant's network; no address, so that nothing in here answers anybody
    FOLDER/wire.json     of a machine: what its outlet was set to, as a switch keeps it

A machine's tap is moved between the provisioning bridge and one of its own, from which a veth
leads to the port of the tenant's network in the cloud's data plane: the network's agent makes a tap
for that port and filters what goes through it; here it is replaced by the veth's other end, which
the agent takes as well. Blocks; every call may be made again.
"""

import fcntl
import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    namespace_exists,
)

BRIDGE = "prov"
UPLINK = "up0"
"""The provisioning bridge's end of the wire to the farm's gateway."""
_TUNSETIFF, _TUNSETPERSIST = 0x400454CA, 0x400454CB
_TAP, _NO_PI, _VNET_HDR = 0x0002, 0x1000, 0x4000


class Outlet(msgspec.Struct, frozen=True):
    """Where a machine's wire ends. `tap`, `mtu`: of the port of a tenant's network."""

    place: Literal["provisioning", "nothing", "network"] = "provisioning"
    tap: str = ""
    mtu: int = 1500


class Switch:
    def __init__(self, prefix: str) -> None:
        """`prefix`: of the cloud's namespaces."""
        self.namespace = f"{prefix}-switch"
        self._data_plane = f"{prefix}-host"

    def exists(self) -> bool:
        return namespace_exists(self.namespace)

    def ensure(self, taps: Sequence[str], before: str) -> None:
        """The bridge and the machines' taps, wherever their wires end. `before`: the namespace that
        had them while there was no switch."""
        if create_namespace(self.namespace):
            in_namespace(self.namespace, _no_addresses)
            old = in_namespace(before, devices)
            moved = [f"link set dev {tap} netns {self.namespace}" for tap in taps if tap in old]
            self._batch(*moved, *([f"link del dev {BRIDGE}"] if moved else []), namespace=before)
        there = in_namespace(self.namespace, devices)
        if BRIDGE not in there:
            self._batch(f"link add name {BRIDGE} type bridge stp_state 0 forward_delay 0")
        in_namespace(self.namespace, _make_taps, [tap for tap in taps if tap not in there])
        self._batch(f"link set dev {BRIDGE} up", *(f"link set dev {tap} up" for tap in taps))

    def tap(self, name: str) -> int:
        """A descriptor of a machine's tap. Raises OSError."""
        return in_namespace(self.namespace, _attach, name)

    def set(self, tap: str, outlet: Outlet) -> bool:
        """The wire ends there. False: the tenant's network has not made its port yet, and the wire
        ends nowhere meanwhile. Raises OSError."""
        own = _bridge_of(tap)
        there = in_namespace(self.namespace, devices)
        if outlet.place != "network":
            master = f"master {BRIDGE}" if outlet.place == "provisioning" else "nomaster"
            self._batch(f"link set dev {tap} mtu 1500 {master}")
            self._delete(self.namespace, self._of_bridge(own, there))
            return True
        end = _end_of(outlet.tap)
        others = [name for name in self._of_bridge(own, there) if name not in (own, end)]
        self._delete(self.namespace, others)
        lines = []
        if own not in there:
            lines.append(f"link add name {own} type bridge stp_state 0 forward_delay 0")
        lines += [f"link set dev {tap} mtu {outlet.mtu} master {own}", f"link set dev {own} up"]
        self._batch(*lines)
        if end not in there and not self._lead_out(outlet, end):
            return False
        self._batch(f"link set dev {end} mtu {outlet.mtu} master {own} up")
        return True

    def _lead_out(self, outlet: Outlet, end: str) -> bool:
        """A veth in place of the tap that the network's agent has made; whether it had."""
        if not namespace_exists(self._data_plane):
            return False
        found = _link(self._data_plane, outlet.tap)
        if found is None or "master" not in found:
            return False
        self._delete(self._data_plane, [outlet.tap])
        lines = (
            f"link add name {outlet.tap} mtu {outlet.mtu} type veth peer name {end}"
            f" mtu {outlet.mtu} netns {self.namespace}",
            f"link set dev {outlet.tap} master {found['master']} up",
        )
        try:
            self._batch(*lines, namespace=self._data_plane)
        except OSError:
            # The agent may have made its tap anew: asked again, with nothing half made.
            self._delete(self.namespace, [end])
            return False
        return True

    def _of_bridge(self, bridge: str, there: Sequence[str]) -> list[str]:
        """A machine's own bridge and the ends of veths at it."""
        if bridge not in there:
            return []
        text = run_blocking(
            ["ip", "-j", "link", "show", "master", bridge], namespace=self.namespace
        )
        names = [str(link["ifname"]) for link in json.loads(text or b"[]")]
        return [*(name for name in names if name.startswith("w")), bridge]

    def _delete(self, namespace: str, names: Sequence[str]) -> None:
        """They are gone afterwards, whoever was quicker: the end of a veth goes with its other,
        which the network's agent takes away when its port is bound no longer. Raises OSError."""
        for name in names:
            try:
                self._batch(f"link del dev {name}", namespace=namespace)
            except OSError:
                if name in in_namespace(namespace, devices):
                    raise

    def _batch(self, *lines: str, namespace: str | None = None) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        try:
            run_blocking(["ip", "-batch", "-"], stdin=text, namespace=namespace or self.namespace)
        except CommandFailed as failed:
            raise OSError(f"the farm's switch: {failed}") from failed

    def remove(self) -> None:
        """Taps, bridges and veths go, and with them what these were in the data plane."""
        if self.exists():
            # At once: the kernel takes devices of a removed namespace away some time later.
            there = in_namespace(self.namespace, devices)
            self._batch(*(f"link del dev {name}" for name in there if name != "lo"))
        delete_namespace(self.namespace)


def kept(folder: Path) -> Outlet:
    """What the outlet of the machine in this folder was set to."""
    try:
        return msgspec.json.decode((folder / "wire.json").read_bytes(), type=Outlet)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Outlet()


def keep(folder: Path, outlet: Outlet) -> None:
    new = folder / "wire.json.new"
    new.write_bytes(msgspec.json.encode(outlet))
    new.replace(folder / "wire.json")


def _bridge_of(tap: str) -> str:
    """The name of a machine's own bridge."""
    return f"b{tap}"


def _end_of(tap: str) -> str:
    """The name of the switch's end of the veth to a port: found again by the port's own name."""
    return f"w{tap[3:]}"


def _link(namespace: str, device: str) -> dict[str, Any] | None:
    try:
        text = run_blocking(["ip", "-j", "-d", "link", "show", "dev", device], namespace=namespace)
    except CommandFailed:
        return None
    found: list[dict[str, Any]] = json.loads(text or b"[]")
    return found[0] if found else None


def _no_addresses() -> None:
    for which in ("all", "default"):
        Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")


def devices() -> list[str]:
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
    return [line.split(":")[0].strip() for line in lines]


def _make_taps(names: Sequence[str]) -> None:
    for name in names:
        descriptor = _attach(name)
        try:
            fcntl.ioctl(descriptor, _TUNSETPERSIST, 1)
        finally:
            os.close(descriptor)


def _attach(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        wish = struct.pack("16sH22x", name.encode(), _TAP | _NO_PI | _VNET_HDR)
        fcntl.ioctl(descriptor, _TUNSETIFF, wish)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
