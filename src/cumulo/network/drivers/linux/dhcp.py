"""Addresses for guests: one dnsmasq a network with DHCP, one a router that advertises IPv6.

A dnsmasq is found again by its command line, so nothing has to be noted when one is started. What
it serves is in files that SIGHUP makes it read again; it is started anew only when its command
line changes, or when an address was taken away: it would otherwise keep the old lease in memory
and refuse the address to its next owner.
"""

import ipaddress
import os
import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cumulo.core.run.daemons import Daemon, process_start, start_daemon
from cumulo.core.run.namespaces import namespace_path
from cumulo.core.work import pools
from cumulo.network.drivers.linux import names
from cumulo.network.model.orders import NetworkSpec, PortSpec, RouterSpec, SubnetSpec

DOMAIN = "openstacklocal"
LEASE = "86400s"
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NAME_SERVER = re.compile(r"[0-9a-f.:]{3,45}(#[0-9]{1,5})?")
_DOMAIN_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)+")
_LOG_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Server:
    """A dnsmasq as it shall run: `files` are the names and texts that its arguments refer to."""

    namespace: str
    arguments: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def network_server(
    prefix: str,
    network: NetworkSpec,
    ports: Sequence[PortSpec],
    routed: set[str],
    advertised: set[str],
    forwarders: Sequence[str] = (),
) -> Server | None:
    """DHCP of a network; None when no subnet of it wants any.

    `routed`: ids of subnets whose gateway is a router of ours; the guests of the others reach the
    metadata address through the DHCP port. `advertised`: ids of IPv6 subnets that a router's own
    dnsmasq serves.
    """
    if network.dhcp is None:
        return None
    subnets = [s for s in network.subnets if s.enable_dhcp and s.id not in advertised]
    ranges = [r for r in (_range(subnet, _mode(subnet)) for subnet in subnets) if r]
    if not ranges:
        return None
    device = names.veth("ns", network.dhcp.mac)
    own = [ipaddress.ip_interface(address) for address in network.dhcp.addresses]
    options: list[str] = []
    for subnet in subnets:
        if subnet.ip_version == 4:
            cidr = ipaddress.ip_network(subnet.cidr)
            here = [str(a.ip) for a in own if a.ip in cidr]
            options += _options4(subnet, here, subnet.id in routed)
        else:
            options += _options6(subnet)
    options += _own_options(subnets, ports)
    return Server(
        names.network_namespace(prefix, network.id),
        (
            f"--interface={device}",
            "--bind-dynamic",
            "--addn-hosts=names",
            "--servers-file=servers",
            f"--dhcp-lease-max={sum(map(_size, subnets))}",
            f"--dhcp-option-force=option:mtu,{network.mtu}",
            *(f"--server={address}" for address in forwarders),
            *ranges,
        ),
        {
            "hosts": _hosts(subnets, ports),
            "options": "".join(f"{line}\n" for line in options),
            "names": _names(subnets, ports),
            "servers": _servers(network),
        },
    )


def router_server(
    prefix: str,
    router: RouterSpec,
    networks: Mapping[str, NetworkSpec],
    ports: Sequence[PortSpec],
) -> Server | None:
    """Router advertisements, and DHCPv6 where a subnet's mode asks for it; None without any."""
    devices: list[str] = []
    ranges: list[str] = []
    subnets = []
    for port in router.interfaces:
        network = networks[port.network_id]
        served = _advertised(network, port.addresses)
        subnets += served
        device = names.veth("qr", port.mac)
        if served:
            devices += [
                f"--interface={device}",
                f"--ra-param={device},mtu:{network.mtu},60,1800",
            ]
        ranges += [_range(subnet, _mode(subnet, advertise=True)) for subnet in served]
    if not subnets:
        return None
    options = [line for subnet in subnets for line in _options6(subnet)]
    options += _own_options(subnets, ports)
    return Server(
        names.router_namespace(prefix, router.id),
        (
            *devices,
            "--port=0",
            "--enable-ra",
            "--bind-dynamic",
            "--dhcp-lease-max=65536",
            *ranges,
        ),
        {"hosts": _hosts(subnets, ports), "options": "".join(f"{line}\n" for line in options)},
    )


def advertised(router: RouterSpec, networks: Mapping[str, NetworkSpec]) -> set[str]:
    """Ids of the subnets that the router advertises."""
    if not router.admin_state_up:
        return set()
    return {
        subnet.id
        for port in router.interfaces
        for subnet in _advertised(networks[port.network_id], port.addresses)
    }


def _advertised(network: NetworkSpec, addresses: Iterable[str]) -> list[SubnetSpec]:
    own = [ipaddress.ip_interface(address).ip for address in addresses]
    return [
        subnet
        for subnet in network.subnets
        if subnet.ip_version == 6
        and subnet.ipv6_ra_mode
        and any(address in ipaddress.ip_network(subnet.cidr) for address in own)
    ]


def _mode(subnet: SubnetSpec, *, advertise: bool = False) -> str:
    """dnsmasq's mode of a range, "" for none."""
    if subnet.ip_version == 4:
        return "static"
    if advertise:
        modes = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless"}
        return modes.get(subnet.ipv6_ra_mode or "", "static")
    return "static" if subnet.ipv6_address_mode in ("dhcpv6-stateful", "dhcpv6-stateless") else ""


def _range(subnet: SubnetSpec, mode: str) -> str:
    if not mode:
        return ""
    net = ipaddress.ip_network(subnet.cidr)
    size = str(net.netmask) if net.version == 4 else str(net.prefixlen)
    return f"--dhcp-range=set:{_tag(subnet)},{net.network_address},{mode},{size},{LEASE}"


def _size(subnet: SubnetSpec) -> int:
    return min(ipaddress.ip_network(subnet.cidr).num_addresses, 1 << 16)


def _tag(subnet: SubnetSpec) -> str:
    return f"subnet-{subnet.id}"


def _options4(subnet: SubnetSpec, own: Sequence[str], routed: bool) -> list[str]:
    tag = f"tag:{_tag(subnet)}"
    lines = [f"{tag},option:router" + (f",{subnet.gateway}" if subnet.gateway else "")]
    if subnet.dns == ("0.0.0.0",):
        # The API's way to say: no DNS server at all.
        lines.append(f"{tag},option:dns-server")
    elif subnet.dns:
        lines.append(f"{tag},option:dns-server,{','.join(subnet.dns)}")
    routes = [(route.destination, route.nexthop) for route in subnet.host_routes]
    if own and not routed:
        routes.append((f"{names.METADATA_ADDRESS}/32", own[0]))
    if routes and subnet.gateway:
        # A client that understands option 121 ignores the router option (RFC 3442).
        routes.append(("0.0.0.0/0", subnet.gateway))
    if routes:
        text = ",".join(f"{destination},{nexthop}" for destination, nexthop in routes)
        lines += [f"{tag},option:classless-static-route,{text}", f"{tag},249,{text}"]
    return lines


def _options6(subnet: SubnetSpec) -> list[str]:
    tag = f"tag:{_tag(subnet)}"
    lines = [f"{tag},option6:domain-search,{DOMAIN}"]
    if subnet.dns:
        lines.append(f"{tag},option6:dns-server,{','.join(f'[{a}]' for a in subnet.dns)}")
    return lines


def _own_options(subnets: Sequence[SubnetSpec], ports: Sequence[PortSpec]) -> list[str]:
    """Options of single ports; they come before those of their subnets."""
    wanted = {subnet.id for subnet in subnets}
    return [
        f"tag:{_port_tag(port)},{'option6' if option.version == 6 else 'option'}:"
        f"{option.name},{option.value}"
        if not option.name.isdecimal()
        else f"tag:{_port_tag(port)},{'option6:' if option.version == 6 else ''}"
        f"{option.name},{option.value}"
        for port in sorted(ports, key=lambda p: p.number)
        if any(fixed.subnet_id in wanted for fixed in port.fixed_ips)
        for option in port.dhcp_options
    ]


def _port_tag(port: PortSpec) -> str:
    return f"port-{port.id}"


def _entries(
    subnets: Sequence[SubnetSpec], ports: Sequence[PortSpec]
) -> Iterable[tuple[PortSpec, str, str]]:
    """(port, host name, address) of what is served."""
    wanted = {subnet.id for subnet in subnets}
    for port in sorted(ports, key=lambda p: p.number):
        for fixed in port.fixed_ips:
            if fixed.subnet_id in wanted:
                generic = "host-" + re.sub(r"[.:]+", "-", fixed.address).strip("-")
                own = port.hostname if _HOSTNAME.fullmatch(port.hostname) else generic
                yield port, own, fixed.address


def _hosts(subnets: Sequence[SubnetSpec], ports: Sequence[PortSpec]) -> str:
    lines = []
    for port, name, address in _entries(subnets, ports):
        shown = f"[{address}]" if ":" in address else address
        tag = f"set:{_port_tag(port)}," if port.dhcp_options else ""
        lines.append(f"{port.mac},{tag}{name}.{DOMAIN},{shown}\n")
    return "".join(lines)


def _names(subnets: Sequence[SubnetSpec], ports: Sequence[PortSpec]) -> str:
    return "".join(
        f"{address} {name}.{DOMAIN} {name}\n" for _, name, address in _entries(subnets, ports)
    )


def _servers(network: NetworkSpec) -> str:
    """The cloud's own names are asked for at its name server; it is read again when it changes."""
    if not _NAME_SERVER.fullmatch(network.name_server):
        return ""
    return "".join(
        f"server=/{domain.rstrip('.')}/{network.name_server}\n"
        for domain in network.domains
        if _DOMAIN_NAME.fullmatch(domain)
    )


class Servers:
    """The dnsmasq processes of one cloud on this host; their files are under `root`.

    `root` must be reachable for everybody (`/run/...`): dnsmasq reads its files again as nobody.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._running: dict[str, Daemon] | None = None

    def running(self) -> dict[str, Daemon]:
        """By namespace; looked for among all processes once, then remembered."""
        if self._running is None:
            self._running = _find(self.root)
        return self._running

    async def ensure(self, server: Server) -> None:
        """Raises OSError or RuntimeError when it cannot be started."""
        await pools.TOOLS(self._ensure, server)

    async def keep_only(self, namespaces: set[str]) -> None:
        for namespace in sorted(self.running().keys() - namespaces):
            await pools.TOOLS(self.stop, namespace)

    def stop(self, namespace: str) -> None:
        daemon = self.running().pop(namespace, None)
        if daemon is not None:
            daemon.stop(grace=2.0)

    def _ensure(self, server: Server) -> None:
        directory = self.root / server.namespace
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        before = {name: _read(directory / name) for name in server.files}
        changed = [name for name, text in server.files.items() if before[name] != text]
        for name in changed:
            _write(directory / name, server.files[name])
        argv = _argv(directory, server)
        daemon = self.running().get(server.namespace)
        if daemon is not None and _is(daemon, argv, server.namespace):
            gone = set(before["hosts"].splitlines()) - set(server.files["hosts"].splitlines())
            if not gone:
                if changed:
                    daemon.send(signal.SIGHUP)
                return
        self.stop(server.namespace)
        self._start(server.namespace, argv, directory)

    def _start(self, namespace: str, argv: list[str], directory: Path) -> None:
        log = directory / "log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.unlink()
        daemon = start_daemon(argv, log=log, namespace=namespace, cwd=directory)
        if daemon.wait(0.05):
            last = log.read_text(errors="replace").splitlines()[-1:]
            raise RuntimeError(f"dnsmasq did not start: {' '.join(last)[:500]}")
        self.running()[namespace] = daemon


def _argv(directory: Path, server: Server) -> list[str]:
    inner = [_placed(argument, directory) for argument in server.arguments]
    return [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=nobody",
        "--group=nogroup",
        "--no-hosts",
        "--no-resolv",
        "--except-interface=lo",
        "--leasefile-ro",
        "--dhcp-authoritative",
        f"--domain={DOMAIN}",
        "--quiet-dhcp",
        "--quiet-dhcp6",
        "--quiet-ra",
        "--log-facility=-",
        f"--dhcp-hostsfile={directory}/hosts",
        f"--dhcp-optsfile={directory}/options",
        *inner,
    ]


def _placed(argument: str, directory: Path) -> str:
    option, is_one, name = argument.partition("=")
    in_file = option in ("--addn-hosts", "--servers-file")
    return f"{option}{is_one}{directory}/{name}" if in_file else argument


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.chmod(0o644)
    temporary.replace(path)


def _cmdline(pid: int) -> list[str]:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return raw.decode(errors="replace").rstrip("\0").split("\0")


def _is(daemon: Daemon, argv: list[str], namespace: str) -> bool:
    """It lives, was started with these arguments, in the namespace that has that name now."""
    if not daemon.alive() or _cmdline(daemon.pid) != argv:
        return False
    try:
        inside = os.stat(f"/proc/{daemon.pid}/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return False
    return inside == os.stat(namespace_path(namespace)).st_ino  # noqa: PTH116


def _find(root: Path) -> dict[str, Daemon]:
    found = {}
    mark = re.compile(re.escape(f"--dhcp-hostsfile={root}/") + r"([^/]+)/hosts")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        argv = _cmdline(int(entry.name))
        if not argv or argv[0] != "dnsmasq":
            continue
        for argument in argv:
            match = mark.fullmatch(argument)
            started = process_start(int(entry.name)) if match else None
            if match and started is not None:
                found[match[1]] = Daemon(int(entry.name), started)
    return found
