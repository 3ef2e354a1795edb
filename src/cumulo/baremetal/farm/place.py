"""Where the machines stand: a network namespace with one bridge, which nothing else is in.

    PREFIX-farm          bridge `prov` with the gateway's address, a tap a machine, dnsmasq
    /run/PREFIX-farm     dnsmasq's files: it is nobody, and reads them as such

It has no way out: what a machine reaches is the other machines and the gateway's few paths. Blocks;
every call may be made again.
"""

import contextlib
import fcntl
import os
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

from cumulo.baremetal.farm import gateway
from cumulo.baremetal.farm.machine import Made
from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.daemons import Daemon, process_start, start_daemon
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    namespace_exists,
)

NETWORK, GATEWAY, MASK = "172.29.0", "172.29.0.1", 24
BRIDGE = "prov"
FIRST = 10
_TUNSETIFF, _TUNSETPERSIST = 0x400454CA, 0x400454CB
_TAP, _NO_PI, _VNET_HDR = 0x0002, 0x1000, 0x4000


def address_of(made: Made) -> str:
    """What its DHCP gives it."""
    return f"{NETWORK}.{FIRST + made.number}"


class Place:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._folder = Path("/run") / namespace

    def exists(self) -> bool:
        return namespace_exists(self.namespace)

    def ensure(self, machines: Sequence[Made]) -> None:
        create_namespace(self.namespace)
        there = in_namespace(self.namespace, _devices)
        lines = ["link set dev lo up"]
        if BRIDGE not in there:
            lines += [
                f"link add name {BRIDGE} type bridge stp_state 0 forward_delay 0",
                f"addr add {GATEWAY}/{MASK} dev {BRIDGE}",
            ]
        lines.append(f"link set dev {BRIDGE} up")
        missing = [made.tap for made in machines if made.tap not in there]
        in_namespace(self.namespace, _make_taps, missing)
        lines += [f"link set dev {made.tap} master {BRIDGE} up" for made in machines]
        text = "".join(f"{line}\n" for line in lines).encode()
        run_blocking(["ip", "-batch", "-"], stdin=text, namespace=self.namespace)
        self._serve_addresses(machines)

    def tap(self, made: Made) -> int:
        """A descriptor of the machine's tap. Raises OSError."""
        return in_namespace(self.namespace, _attach, made.tap)

    def _serve_addresses(self, machines: Sequence[Made]) -> None:
        hosts = "".join(f"{made.mac},{address_of(made)},{made.name}\n" for made in machines)
        self._folder.mkdir(mode=0o755, exist_ok=True)
        path = self._folder / "dhcp-hosts"
        changed = not path.exists() or path.read_text() != hosts
        path.write_text(hosts)
        found = self._dhcp()
        if found is not None and changed:
            found.stop(grace=2.0)
            found = None
        if found is not None:
            return
        argv = [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
            f"--interface={BRIDGE}", "--bind-interfaces", "--except-interface=lo",
            f"--dhcp-range={NETWORK}.200,{NETWORK}.250,255.255.255.0,1h",
            "--dhcp-option=3", "--dhcp-option=6", "--dhcp-authoritative",
            f"--dhcp-hostsfile={path}", f"--dhcp-leasefile={self._folder / 'leases'}",
            "--no-ping", "--user=nobody", "--group=nogroup",
            f"--pid-file={self._folder / 'dnsmasq.pid'}",
            # iPXE says so by its option 175; what is no iPXE is not booted by the network here.
            "--dhcp-match=set:ipxe,175",
            f"--dhcp-boot=tag:ipxe,http://{GATEWAY}:{gateway.PORT}/v1/agent/boot.ipxe",
        ]  # fmt: skip
        start_daemon(argv, log=self._folder / "dnsmasq.log", namespace=self.namespace)

    def _dhcp(self) -> Daemon | None:
        try:
            pid = int((self._folder / "dnsmasq.pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        started = process_start(pid)
        mine = words.startswith(b"dnsmasq\0") and str(self._folder).encode() in words
        return Daemon(pid, started) if mine and started is not None else None

    def remove(self) -> None:
        if (found := self._dhcp()) is not None:
            found.stop(grace=2.0)
        with contextlib.suppress(CommandFailed, OSError):
            if self.exists():
                run_blocking(["ip", "link", "del", "dev", BRIDGE], namespace=self.namespace)
        delete_namespace(self.namespace)
        shutil.rmtree(self._folder, ignore_errors=True)


def _devices() -> list[str]:
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
