"""The Linux driver: the order in which a host's data plane is made equal to its desired state.

What goes goes first, rules come before the devices that they guard, devices before what runs on
them. Each step looks at what is there. A namespace's inside is looked at again only when its
specification changed, when it is another namespace than before, or when the same generation is
applied again, which is how an audit is asked for.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from cumulo.core.run.commands import CommandFailed
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    list_namespaces,
    namespace_exists,
    namespace_path,
)
from cumulo.core.work import pools
from cumulo.network.drivers.driver import DriverFault, NetworkCapabilities, tap_name
from cumulo.network.drivers.linux import (
    dhcp,
    flows,
    interfaces,
    links,
    names,
    normal,
    router,
    security,
    tunnels,
)
from cumulo.network.drivers.linux.external import Outside
from cumulo.network.drivers.linux.made import DEVICE, NAMESPACE, MadeHere
from cumulo.network.drivers.linux.metadata import Lookup, MetadataServer
from cumulo.network.drivers.linux.nft import Firewall
from cumulo.network.drivers.linux.plan import Plan
from cumulo.network.drivers.linux.report import make_report
from cumulo.network.model.metadata import MetadataHandler
from cumulo.network.model.orders import (
    HostNetworks,
    HostNetworksReport,
    NetworkSpec,
    PortSpec,
    RouterSpec,
)

log = logging.getLogger("cumulo.network")

_HOST_SYSCTLS = {
    **interfaces.QUIET,
    # Bridges are switches here: the kernel itself is no neighbour on them.
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
    # Asked for per bridge instead.
    "net/bridge/bridge-nf-call-iptables": "0",
    "net/bridge/bridge-nf-call-ip6tables": "0",
    "net/bridge/bridge-nf-call-arptables": "0",
    # A mid-stream packet must not make an entry: it would revive a connection that was cut.
    "net/netfilter/nf_conntrack_tcp_loose": "0",
}
_NETWORK_SYSCTLS = {
    **interfaces.QUIET,
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
}
_AT_ONCE = 4


class LinuxNetworkDriver:
    """The data plane of one cloud on this machine.

    `prefix`: 2 to 7 lower-case letters and digits, unique per cloud on the machine.
    `state`: a directory of ours below directories that everybody may enter (`/run/...`).
    `outer`: the namespace that Cumulo was started in, None for the current one.
    `nat_to_outside`: masquerade external networks there, IPv4.
    `forwarders`: DNS servers that guests' questions are passed on to.
    `outside`: external networks lead out of this host.
    `tunnel`: this host's end of tunnels to others, once it is known; `vxlan_port`: theirs.
    Raises ValueError for an unusable prefix or state directory.
    """

    def __init__(
        self,
        prefix: str,
        *,
        state: Path,
        metadata: MetadataHandler | None = None,
        outer: str | None = None,
        nat_to_outside: bool = False,
        forwarders: Sequence[str] = (),
        outside: bool = True,
        tunnel: Callable[[], str | None] = lambda: None,
        vxlan_port: int = 4789,
    ) -> None:
        self.capabilities = NetworkCapabilities(
            name="linux", carries_packets=True, ports_per_network=1000
        )
        self.prefix = names.check_prefix(prefix)
        self.host_namespace = names.host_namespace(prefix)
        self._state = _prepare(state)
        self._forwarders = tuple(forwarders)
        self._lock = asyncio.Lock()
        self._firewall = Firewall(self.host_namespace)
        self._router_firewalls: dict[str, Firewall] = {}
        self._servers = dhcp.Servers(self._state)
        self._metadata = MetadataServer(metadata)
        self._outer = outer
        self._outside = Outside(prefix, outer, self._state, nat=nat_to_outside, leads=outside)
        self._tunnel = tunnel
        self._wall = tunnels.Wall(prefix, outer, vxlan_port)
        self._vxlan_port = vxlan_port
        self._made = MadeHere(self._state)
        self._done: dict[str, tuple[object, int]] = {}
        self._addresses: set[tuple[int, str]] = set()
        """Of ports that are wired, and of gone ones whose connections are still to be ended."""
        self._uncleaned: set[str] = set()
        self._generation: int | None = None

    def tap_name(self, port_id: str) -> str:
        return tap_name(port_id)

    def open_tap(self, port_id: str) -> int:
        try:
            return links.open_tap(self.host_namespace, tap_name(port_id))
        except OSError as error:
            raise DriverFault(f"port {port_id}: {error}") from error

    async def apply(
        self, desired: HostNetworks, gone: Collection[str] | None = None
    ) -> HostNetworksReport:
        async with self._lock:
            if self._generation == desired.generation:
                self._done.clear()
            try:
                report = await self._apply(desired, gone)
            except (OSError, CommandFailed) as error:
                self._done.clear()
                raise DriverFault(str(error)) from error
            self._generation = desired.generation
            return report

    async def strangers(self) -> list[str]:
        return self._made.strangers()

    async def remove_all(self) -> None:
        async with self._lock:
            try:
                await self._remove_all()
            except (OSError, CommandFailed) as error:
                raise DriverFault(str(error)) from error

    async def close(self) -> None:
        await self._metadata.close()

    async def _apply(
        self, desired: HostNetworks, gone: Collection[str] | None
    ) -> HostNetworksReport:
        # What takes time in proportion to the state is worked out off the loop.
        good, faults = await pools.TOOLS(normal.split, desired)
        plan = Plan(
            self.prefix,
            good,
            self._outside.veths(good.networks),
            self._forwarders,
            self._tunnel(),
            self._vxlan_port,
        )
        rules = await pools.TOOLS(security.ruleset, good)
        host = self.host_namespace
        if create_namespace(host) or host not in self._done:
            interfaces.write_sysctls(host, _HOST_SYSCTLS)
        self._done[host] = (None, 0)
        self._made.begin(plan)
        self._made.begin_pass()
        await self._remove_namespaces(plan.namespaces(), desired, gone)
        await self._remove_links(plan, desired, gone)
        self._made.end_pass(plan)
        await self._firewall.load(rules)
        await self._forget_gone_ports(plan)
        created = {namespace for namespace in plan.namespaces() if self._create(namespace, plan)}
        there = await self._without_corpses(plan, created)
        missing = links.missing_taps(plan.wanted, there)
        tap_faults = await pools.TOOLS(links.make_taps, host, missing)
        lines = links.additions(plan.wanted, there)
        trouble = await links.batch(lines, host, keep_going=True)
        await self._tunnels(plan, there, faults)
        await self._outside.ensure(good.networks)
        await self._insides(plan, faults)
        if missing or lines:
            there = await links.show(host)
        return make_report(desired, plan, there, faults, tap_faults, trouble)

    async def _tunnels(
        self, plan: Plan, there: dict[str, links.Link], faults: dict[str, str]
    ) -> None:
        """Networks that other hosts have, too; looked at again when a list of ports changed, a
        device is not there, or everything is."""
        todo = [
            each
            for each in plan.tunnels
            if each.name not in there or not self._is_done(each.name, each)
        ]
        anew = tunnels.changed(todo, there)
        await links.batch(
            [f"link del dev {name}" for name in anew], self.host_namespace, keep_going=True
        )
        left = {name: link for name, link in there.items() if name not in anew}
        peers = {place for each in plan.tunnels for place in each.peers}
        await self._wall.ensure(self._tunnel(), peers)
        wrong = await tunnels.ensure(todo, left, self.host_namespace, self._outer)
        ids = {names.tunnel(network.number): network.id for network in plan.desired.networks}
        for each in todo:
            if each.name in wrong:
                faults.setdefault(ids[each.name], wrong[each.name])
            else:
                self._done[each.name] = (each, -1)
        with_tunnel = {each.name for each in plan.tunnels}
        over = [
            network
            for network in plan.desired.networks
            if names.tunnel(network.number) not in with_tunnel
            and self._done.pop(names.tunnel(network.number), None) is not None
        ]
        await tunnels.forget(over, self.host_namespace)

    async def _remove_links(
        self, plan: Plan, desired: HostNetworks, gone: Collection[str] | None
    ) -> None:
        there = links.stale(plan.wanted, await links.show_names(self.host_namespace))
        stale = self._made.stale(DEVICE, there, desired, gone)
        lines = [f"link del dev {name}" for name in stale]
        await links.batch(lines, self.host_namespace, keep_going=True)

    def _create(self, namespace: str, plan: Plan) -> bool:
        created = create_namespace(namespace)
        if created or namespace not in self._done:
            routes = namespace in plan.routers
            values = router.SYSCTLS if routes else _NETWORK_SYSCTLS
            interfaces.write_sysctls(namespace, values)
        return created

    async def _without_corpses(self, plan: Plan, created: set[str]) -> dict[str, links.Link]:
        """The devices that are there. The kernel takes a deleted namespace's veths away some time
        later, so an end whose namespace is new now belongs to the old one."""
        there = await links.show(self.host_namespace)
        dying = [v.name for v in plan.wanted.veths if v.peer_place in created and v.name in there]
        lines = [f"link del dev {name}" for name in dying]
        await links.batch(lines, self.host_namespace, keep_going=True)
        return {name: link for name, link in there.items() if name not in dying}

    async def _remove_namespaces(
        self, wanted: set[str], desired: HostNetworks, gone: Collection[str] | None
    ) -> None:
        there = list_namespaces(f"{self.prefix}-n-") + list_namespaces(f"{self.prefix}-r-")
        rest = [namespace for namespace in there if namespace not in wanted]
        stale = self._made.stale(NAMESPACE, rest, desired, gone)
        await self._servers.keep_only(wanted | (set(rest) - set(stale)))
        if not stale:
            return
        self._metadata.keep_only(self._metadata.namespaces() - set(stale))
        for namespace in stale:
            with self._cleaning(namespace):
                await pools.TOOLS(delete_namespace, namespace)
                _remove_files(self._state / namespace)
            self._done.pop(namespace, None)
            self._router_firewalls.pop(namespace, None)

    async def _forget_gone_ports(self, plan: Plan) -> None:
        """What cannot be forgotten now is tried again at the next pass: ports that are gone must
        not hold up those that are there."""
        now = plan.zoned_addresses()
        for each in sorted(self._addresses - now):
            with self._cleaning(f"connections of {each[1]}"):
                await flows.forget_addresses(self.host_namespace, [each])
                self._addresses.discard(each)
        self._addresses |= now

    @contextlib.contextmanager
    def _cleaning(self, what: str) -> Iterator[None]:
        """A clean-up: what goes wrong is told once, and stops nothing else."""
        try:
            yield
            self._uncleaned.discard(what)
        except (OSError, CommandFailed) as error:
            if what not in self._uncleaned:
                self._uncleaned.add(what)
                log.warning("%s: left behind, tried again later: %s", what, error)

    async def _insides(self, plan: Plan, faults: dict[str, str]) -> None:
        """Everything inside the namespaces; a fault of one stops no other."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def guarded(identifier: str, work: Callable[[], Awaitable[None]]) -> None:
            async with limit:
                try:
                    await work()
                except (OSError, CommandFailed, RuntimeError) as error:
                    faults[identifier] = str(error)

        await asyncio.gather(
            *(guarded(n.id, partial(self._network, plan, n)) for n in plan.served()),
            *(guarded(r.id, partial(self._router, plan, r)) for r in plan.routers.values()),
        )
        for namespace, fault in (await self._metadata.serve(self._listeners(plan))).items():
            faults.setdefault(plan.owner(namespace), fault)

    async def _network(self, plan: Plan, network: NetworkSpec) -> None:
        namespace = names.network_namespace(self.prefix, network.id)
        inside = plan.network_inside(network)
        if not self._is_done(namespace, inside):
            self._done.pop(namespace, None)
            interfaces.announce(namespace, await interfaces.configure(namespace, inside))
            self._note(namespace, inside)
        server = plan.network_server(network)
        if server is None:
            await pools.TOOLS(self._servers.stop, namespace)
        else:
            await self._servers.ensure(server)

    async def _router(self, plan: Plan, spec: RouterSpec) -> None:
        namespace = names.router_namespace(self.prefix, spec.id)
        inside = router.inside(spec, plan.networks)
        rules = router.ruleset(spec)
        if not self._is_done(namespace, (inside, rules)):
            self._done.pop(namespace, None)
            firewall = self._router_firewalls.setdefault(namespace, Firewall(namespace))
            changed = await firewall.load(rules)
            new = await interfaces.configure(namespace, inside)
            await pools.TOOLS(interfaces.announce, namespace, new)
            if changed:
                await flows.forget_translations(namespace, spec)
            self._note(namespace, (inside, rules))
        server = plan.router_server(spec)
        if server is None:
            await pools.TOOLS(self._servers.stop, namespace)
        else:
            await self._servers.ensure(server)

    def _listeners(self, plan: Plan) -> dict[str, tuple[str, int, Lookup]]:
        def lookup(network_ids: frozenset[str]) -> Lookup:
            def find(address: str) -> PortSpec | None:
                for network_id in network_ids:
                    port = plan.by_address.get((network_id, address))
                    if port is not None:
                        return port
                return None

            return find

        wanted: dict[str, tuple[str, int, Lookup]] = {}
        for network in plan.served():
            namespace = names.network_namespace(self.prefix, network.id)
            wanted[namespace] = (names.METADATA_ADDRESS, 80, lookup(frozenset([network.id])))
        for namespace, spec in plan.routers.items():
            attached = frozenset(port.network_id for port in spec.interfaces)
            wanted[namespace] = ("0.0.0.0", names.METADATA_PORT, lookup(attached))
        return wanted

    def _is_done(self, namespace: str, specification: object) -> bool:
        return self._done.get(namespace) == (specification, _inode(namespace))

    def _note(self, namespace: str, specification: object) -> None:
        self._done[namespace] = (specification, _inode(namespace))

    async def _remove_all(self) -> None:
        await self._metadata.close()
        await self._servers.keep_only(set())
        await self._wall.remove()
        await self._outside.remove()
        for namespace in list_namespaces(f"{self.prefix}-"):
            await pools.TOOLS(delete_namespace, namespace)
            _remove_files(self._state / namespace)
        self._done.clear()
        self._router_firewalls.clear()
        self._firewall = Firewall(self.host_namespace)
        self._addresses = set()
        self._generation = None
        self._made.clear()


def _inode(namespace: str) -> int:
    if not namespace_exists(namespace):
        return -1
    return os.stat(namespace_path(namespace)).st_ino  # noqa: PTH116


def _prepare(state: Path) -> Path:
    state = state.absolute()
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    for directory in (state, *state.parents):
        if not directory.stat().st_mode & 0o001:
            raise ValueError(f"{state}: dnsmasq, as nobody, cannot enter {directory}")
    return state


def _remove_files(directory: Path) -> None:
    """A server's own directory: flat, so a file that we do not know keeps it."""
    for name in ("hosts", "options", "names", "log"):
        (directory / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        directory.rmdir()
