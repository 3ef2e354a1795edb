"""Where the machines stand: a provisioning network, which nothing else is in.

    PREFIX-switch        the switch that their wires come to (`switch`)
    PREFIX-farm          the gateway: its address on the provisioning bridge, dnsmasq
    /run/PREFIX-farm     dnsmasq's files: it is nobody, and reads them as such

It has no way out: what a machine reaches from the provisioning network is the other machines there
and the gateway's few paths. Blocks; every call may be made again.
"""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from cumulo.baremetal.farm import gateway
from cumulo.baremetal.farm.machine import Made
from cumulo.baremetal.farm.switch import BRIDGE, UPLINK, Switch, devices
from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.daemons import Daemon, process_start, start_daemon
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    namespace_exists,
)

NETWORK, GATEWAY, MASK = "172.29.0", "172.29.0.1", 24
DEVICE = BRIDGE
"""The gateway's end of the wire to the provisioning bridge."""
FIRST = 10


def address_of(made: Made) -> str:
    """What its DHCP gives it."""
    return f"{NETWORK}.{FIRST + made.number}"


class Place:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.switch = Switch(namespace.removesuffix("-farm"))
        self._folder = Path("/run") / namespace

    def exists(self) -> bool:
        return namespace_exists(self.namespace)

    def ensure(self, machines: Sequence[Made]) -> None:
        """Their taps are there; where their wires end is the switch's to know."""
        create_namespace(self.namespace)
        self.switch.ensure([made.tap for made in machines], self.namespace)
        if DEVICE not in in_namespace(self.namespace, devices):
            lines = (
                f"link add name {UPLINK} type veth peer name {DEVICE} netns {self.namespace}",
                f"link set dev {UPLINK} master {BRIDGE} up",
            )
            run_blocking(["ip", "-batch", "-"], stdin=_text(lines), namespace=self.switch.namespace)
        inside = (
            "link set dev lo up",
            f"addr replace {GATEWAY}/{MASK} dev {DEVICE}",
            f"link set dev {DEVICE} up",
        )
        run_blocking(["ip", "-batch", "-"], stdin=_text(inside), namespace=self.namespace)
        self._serve_addresses(machines)

    def tap(self, made: Made) -> int:
        """A descriptor of the machine's tap. Raises OSError."""
        return self.switch.tap(made.tap)

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
            f"--interface={DEVICE}", "--bind-interfaces", "--except-interface=lo",
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
            self.switch.remove()
        delete_namespace(self.namespace)
        shutil.rmtree(self._folder, ignore_errors=True)


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
