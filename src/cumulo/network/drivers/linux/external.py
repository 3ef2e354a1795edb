"""The way out: each external network's bridge has a veth to the namespace Cumulo was started in.

The outer end has the external subnets' gateway addresses, so that the machine itself reaches
floating IPs. With `nat` it also lets guests out to where the machine can go: forwarding is
switched on and a table of our own masquerades the external subnets. Nothing else outside is
touched, and `remove` undoes it all.
"""

import contextlib
import hashlib
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cumulo.core.run.commands import CommandFailed, run
from cumulo.network.drivers.linux import names
from cumulo.network.drivers.linux.interfaces import (
    Inside,
    announce,
    configure,
    read_sysctl,
    write_sysctls,
)
from cumulo.network.drivers.linux.links import Veth, batch
from cumulo.network.model.orders import NetworkSpec

_FORWARD = "net/ipv4/ip_forward"


class Outside:
    """`namespace` is the outer one (None: where this process is); `state` a directory of ours;
    `leads`: external networks lead out of this host."""

    def __init__(
        self, prefix: str, namespace: str | None, state: Path, *, nat: bool, leads: bool = True
    ) -> None:
        self.prefix = prefix
        self.namespace = namespace
        self.table = f"{prefix}_nat"
        self._nat = nat and leads
        self._leads = leads
        self._before = state / "outer-ip_forward"

    def veths(self, networks: Sequence[NetworkSpec]) -> list[Veth]:
        place = self.namespace or str(os.getpid())
        return [
            Veth(
                names.external_device(network.number),
                names.bridge(network.number),
                network.mtu,
                names.outer_device(self.prefix, network.number),
                place,
            )
            for network in networks
            if network.external and self._leads
        ]

    async def ensure(self, networks: Sequence[NetworkSpec]) -> None:
        """After the veths were made. Raises CommandFailed or OSError."""
        external = [network for network in networks if network.external and self._leads]
        if external:
            devices = {
                names.outer_device(self.prefix, network.number): tuple(_gateways(network))
                for network in external
            }
            mtus = {names.outer_device(self.prefix, n.number): n.mtu for n in external}
            new = await configure(self.namespace, Inside(devices, mtus), whole=False)
            announce(self.namespace, new)
        if self._nat:
            await self._masquerade(sorted(_cidrs(external)))

    async def _masquerade(self, cidrs: list[str]) -> None:
        if not cidrs:
            await self._drop_table()
            return
        if not self._before.exists():
            self._before.write_text(read_sysctl(self.namespace, _FORWARD))
        write_sysctls(self.namespace, {_FORWARD: "1"})
        # The chain's name tells its content, so that a repeated call has nothing to do.
        chain = "post_" + hashlib.sha256(" ".join(cidrs).encode()).hexdigest()[:12]
        if f"chain {chain} " in await self._listed():
            return
        rules = "".join(
            f"add rule ip {self.table} {chain} ip saddr {cidr} ip daddr != {cidr} masquerade\n"
            for cidr in cidrs
        )
        text = (
            f"add table ip {self.table}\ndelete table ip {self.table}\nadd table ip {self.table}\n"
            f"add chain ip {self.table} {chain} {{ type nat hook postrouting priority srcnat; }}\n"
            f"{rules}"
        )
        await run(["nft", "-f", "-"], stdin=text.encode(), namespace=self.namespace)

    async def _listed(self) -> str:
        with contextlib.suppress(CommandFailed):
            argv = ["nft", "list", "table", "ip", self.table]
            return (await run(argv, namespace=self.namespace)).decode()
        return ""

    async def _drop_table(self) -> None:
        if await self._listed():
            await run(["nft", "delete", "table", "ip", self.table], namespace=self.namespace)

    async def remove(self) -> None:
        await self._drop_table()
        text = await run(["ip", "-j", "link", "show"], namespace=self.namespace)
        ours = [
            link["ifname"]
            for link in msgspec.json.decode(text)
            if link["ifname"].startswith(f"{self.prefix}ex")
        ]
        # Their other ends may have gone with the data plane's namespace in this very moment.
        await batch([f"link del dev {name}" for name in ours], self.namespace, keep_going=True)
        if self._before.exists():
            write_sysctls(self.namespace, {_FORWARD: self._before.read_text().strip()})
            self._before.unlink()


def _gateways(network: NetworkSpec) -> list[str]:
    return [
        f"{subnet.gateway}/{ipaddress.ip_network(subnet.cidr).prefixlen}"
        for subnet in network.subnets
        if subnet.gateway is not None
    ]


def _cidrs(networks: Sequence[NetworkSpec]) -> set[str]:
    return {s.cidr for network in networks for s in network.subnets if s.ip_version == 4}
