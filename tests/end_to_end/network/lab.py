"""Namespaces that stand for guests and for the outside, and a raw DHCP client.

Nothing here touches the namespace that the tests run in: the "outer" namespace is made here and
has no way out. A guest is a namespace on a veth whose other end has the port's device name; the
driver adopts it.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    list_namespaces,
)
from cumulo.network.drivers.linux.driver import LinuxNetworkDriver
from cumulo.network.model.orders import (
    AddressPair,
    DhcpSpec,
    FixedIp,
    FloatingIpSpec,
    HostNetworks,
    HostNetworksReport,
    NetworkSpec,
    PortSpec,
    RouterGateway,
    RouterInterface,
    RouterSpec,
    SecurityGroupRule,
    SecurityGroupSpec,
    SubnetSpec,
)

__all__ = ["AddressPair", "Cloud", "Lab", "lab"]

ANY_OUT = (
    SecurityGroupRule("egress", "IPv4"),
    SecurityGroupRule("egress", "IPv6"),
)
PING_IN = SecurityGroupRule("ingress", "IPv4", "icmp")
PING6_IN = SecurityGroupRule("ingress", "IPv6", "icmp")


def new_id() -> str:
    return str(uuid.uuid4())


class Lab:
    """A prefix of its own, a state directory, an outer namespace, guests; all gone after."""

    def __init__(self) -> None:
        mark = uuid.uuid4().hex[:4]
        self.prefix = f"t{mark}"
        self.guests = f"g{mark}-"
        self.outer = f"o{mark}-outer"
        self.host = f"{self.prefix}-host"
        self.state = Path(tempfile.mkdtemp(prefix="cumulo-test-", dir="/run"))
        self.state.chmod(0o755)
        create_namespace(self.outer)
        ip(self.outer, "link set lo up")
        self.drivers: list[LinuxNetworkDriver] = []

    def driver(self, **options: Any) -> LinuxNetworkDriver:
        driver = LinuxNetworkDriver(
            self.prefix, state=self.state, outer=options.pop("outer", self.outer), **options
        )
        self.drivers.append(driver)
        return driver

    def run(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Run the test's body, and remove the data plane in the same loop."""

        async def body() -> None:
            try:
                await work()
            finally:
                for driver in self.drivers:
                    await driver.close()
                await self.drivers[-1].remove_all()

        asyncio.run(body())

    async def apply(self, driver: LinuxNetworkDriver, state: HostNetworks) -> HostNetworksReport:
        """Apply, and wait until the guests' kernels have noticed that their cables are in."""
        report = await driver.apply(state)
        end = time.monotonic() + 5
        places = [self.host, *list_namespaces(self.guests)]
        while not all([await asyncio.to_thread(_settled, place) for place in places]):
            assert time.monotonic() < end, "a link does not come up"
            await asyncio.sleep(0.02)
        return report

    def guest(self, port: PortSpec, *, mtu: int = 1500) -> str:
        """Plug a namespace into the port; its device eth0 has the MAC and no address."""
        name = f"{self.guests}{port.id[:8]}"
        create_namespace(name)
        create_namespace(self.host)
        # Quiet: a guest without an address of its own on IPv6 unless the test gives it one.
        ip(
            self.host,
            f"link add tap{port.id[:11]} type veth peer name eth0 address {port.mac} netns {name}",
        )
        ip(name, "link set lo up", f"link set eth0 mtu {mtu} up")
        return name

    def static_guest(self, port: PortSpec, gateway: str | None = None) -> str:
        name = self.guest(port)
        for fixed in port.fixed_ips:
            size, extra = ("64", " nodad") if ":" in fixed.address else ("24", "")
            ip(name, f"addr add {fixed.address}/{size} dev eth0{extra}")
        if gateway:
            ip(name, f"route add default via {gateway}")
        return name

    def clean(self) -> None:
        for name in list_namespaces(self.guests):
            delete_namespace(name)
        for name in list_namespaces(f"{self.prefix}-"):
            delete_namespace(name)
        delete_namespace(self.outer)
        shutil.rmtree(self.state, ignore_errors=True)


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    made = Lab()
    try:
        yield made
    finally:
        made.clean()


class Cloud:
    """Builds desired states; numbers and MACs count up."""

    def __init__(self) -> None:
        self.generation = 0
        self._number = 0
        self.networks: dict[str, NetworkSpec] = {}
        self.ports: dict[str, PortSpec] = {}
        self.groups: dict[str, SecurityGroupSpec] = {}
        self.routers: dict[str, RouterSpec] = {}

    def number(self) -> int:
        self._number += 1
        return self._number

    def mac(self) -> str:
        number = self.number()
        return f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"

    def state(self) -> HostNetworks:
        self.generation += 1
        return HostNetworks(
            self.generation,
            tuple(self.networks.values()),
            tuple(self.ports.values()),
            tuple(self.groups.values()),
            tuple(self.routers.values()),
        )

    def network(self, *subnets: SubnetSpec, dhcp: tuple[str, ...] = (), **more: Any) -> NetworkSpec:
        spec = DhcpSpec(new_id(), self.mac(), dhcp) if dhcp else None
        network = NetworkSpec(new_id(), self.number(), dhcp=spec, subnets=subnets, **more)
        self.networks[network.id] = network
        return network

    def group(self, *rules: SecurityGroupRule, **more: Any) -> SecurityGroupSpec:
        group = SecurityGroupSpec(new_id(), rules=(*ANY_OUT, *rules), **more)
        self.groups[group.id] = group
        return group

    def port(
        self, network: NetworkSpec, *addresses: str, groups: tuple[str, ...] = (), **more: Any
    ) -> PortSpec:
        fixed = []
        for address in addresses:
            version = 6 if ":" in address else 4
            subnet = next(s for s in network.subnets if s.ip_version == version)
            fixed.append(FixedIp(subnet.id, address))
        port = PortSpec(
            new_id(), self.number(), network.id, self.mac(), tuple(fixed),
            device_id=new_id(), project_id=new_id(), security_groups=groups, **more,
        )  # fmt: skip
        self.ports[port.id] = port
        return port

    def router(
        self,
        *sides: tuple[NetworkSpec, tuple[str, ...]],
        outside: tuple[NetworkSpec, str, str] | None = None,
        floating: dict[str, str] | None = None,
        **more: Any,
    ) -> RouterSpec:
        """sides: (network, addresses with prefix); outside: (network, address with prefix, next
        hop); floating: floating → fixed address."""
        gateway = None
        if outside is not None:
            network, address, nexthop = outside
            gateway = RouterGateway(new_id(), self.mac(), network.id, (address,), (nexthop,))
        router = RouterSpec(
            new_id(),
            self.number(),
            interfaces=tuple(
                RouterInterface(new_id(), self.mac(), n.id, addresses) for n, addresses in sides
            ),
            gateway=gateway,
            floating_ips=tuple(
                FloatingIpSpec(new_id(), outer, inner) for outer, inner in (floating or {}).items()
            ),
            **more,
        )
        self.routers[router.id] = router
        return router


def subnet(cidr: str, gateway: str | None, **more: Any) -> SubnetSpec:
    return SubnetSpec(new_id(), cidr, gateway, ip_version=6 if ":" in cidr else 4, **more)


def ip(namespace: str, *lines: str) -> None:
    run_blocking(["ip", "-batch", "-"], stdin="\n".join(lines).encode(), namespace=namespace)


def _settled(namespace: str) -> bool:
    """Every device that is up has its cable in, and bridges forward on it. Taps that no guest
    has open never have one."""
    text = run_blocking(["ip", "-j", "-d", "link", "show"], namespace=namespace)
    for link in json.loads(text):
        info = link.get("linkinfo", {})
        if link["ifname"] == "lo" or "UP" not in link["flags"] or info.get("info_kind") != "veth":
            continue
        forwarding = info.get("info_slave_data", {}).get("state", "forwarding") == "forwarding"
        waiting = link["operstate"] != "UP" and "link_netnsid" in link
        if waiting or not forwarding:
            return False
    return True


def ping(namespace: str, address: str, *, count: int = 1, wait: int = 1) -> bool:
    """True when at least one answer came."""
    try:
        run_blocking(
            ["ping", "-n", "-c", str(count), "-i", "0.2", "-W", str(wait), address],
            namespace=namespace,
        )
    except CommandFailed:
        return False
    return True


async def aping(namespace: str, address: str, *, count: int = 1) -> bool:
    return await asyncio.to_thread(ping, namespace, address, count=count)


class LongPing:
    """Pings all the time; `stop` tells how many went and how many answers came."""

    def __init__(self, namespace: str, address: str) -> None:
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{namespace}", "--",
             "ping", "-n", "-i", "0.02", "-W", "1", address],
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def stop(self) -> tuple[int, int]:
        self.process.send_signal(2)
        text = self.process.communicate(timeout=10)[0].decode()
        words = next(line for line in text.splitlines() if "packets transmitted" in line).split()
        return int(words[0]), int(words[3])


def listen(namespace: str, address: str, port: int) -> socket.socket:
    def make() -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(16)
        sock.settimeout(3)
        return sock

    return in_namespace(namespace, make)


def connect(namespace: str, address: str, port: int, *, timeout: float = 1.0) -> socket.socket:
    """Raises TimeoutError when nothing answers."""

    def make() -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    return in_namespace(namespace, make)


def reaches(namespace: str, address: str, port: int, *, timeout: float = 0.7) -> bool:
    try:
        connect(namespace, address, port, timeout=timeout).close()
    except (TimeoutError, OSError):
        return False
    return True


def http(namespace: str, address: str, path: str, *, headers: str = "", port: int = 80) -> str:
    with connect(namespace, address, port, timeout=3) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    return answer.decode()


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def dhcp_frame(mac: str, kind: int, xid: int, options: bytes = b"") -> bytes:
    """A whole Ethernet frame of a DHCP client; kind 1 asks for offers, 3 requests one."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    body = struct.pack("!BBBBIHH", 1, 1, 6, 0, xid, 0, 0x8000) + bytes(16)
    body += hardware + bytes(10 + 192) + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options
    body += bytes([55, 9, 1, 3, 6, 26, 121, 12, 66, 67, 150]) + b"\xff"
    body = body.ljust(300, b"\0")
    udp = struct.pack("!HHHH", 68, 67, 8 + len(body), 0) + body
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\xff" * 6 + hardware + b"\x08\x00" + head + udp


def dhcp_answer(frame: bytes, xid: int) -> tuple[str, dict[int, bytes]] | None:
    """(address, options) of an answer to that transaction."""
    if len(frame) < 282 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    data = frame[42:]
    if data[0] != 2 or data[4:8] != struct.pack("!I", xid):
        return None
    options: dict[int, bytes] = {}
    position = 240
    while position < len(data) and data[position] != 255:
        if data[position] == 0:
            position += 1
            continue
        length = data[position + 1]
        code = data[position]
        options[code] = options.get(code, b"") + data[position + 2 : position + 2 + length]
        position += 2 + length
    return socket.inet_ntoa(data[16:20]), options


def dhcp(namespace: str, mac: str, *, seconds: float = 3.0) -> tuple[str, dict[int, bytes]]:
    """A full exchange on the guest's eth0. Raises TimeoutError."""

    def exchange() -> tuple[str, dict[int, bytes]]:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sock:
            sock.bind(("eth0", 0x0003))
            sock.settimeout(0.3)
            address, offer = _ask(sock, mac, 1, b"", seconds)
            wish = bytes([50, 4]) + socket.inet_aton(address) + bytes([54, 4]) + offer[54]
            return _ask(sock, mac, 3, wish, seconds)

    return in_namespace(namespace, exchange)


def dhcp6(namespace: str, mac: str, *, seconds: float = 8.0) -> bytes:
    """The advertisement that answers a DHCPv6 solicitation. Raises TimeoutError."""
    client = struct.pack("!HHHH", 1, 10, 3, 1) + bytes.fromhex(mac.replace(":", ""))
    wanted = struct.pack("!HHIII", 3, 12, 1, 0, 0) + struct.pack("!HHH", 6, 2, 23)
    elapsed = struct.pack("!HHH", 8, 2, 0)
    message = bytes([1, 1, 2, 3]) + client + wanted + elapsed

    def exchange() -> bytes:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            scope = socket.if_nametoindex("eth0")
            sock.settimeout(0.5)
            sock.bind(("::", 546))
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                # No link-local address before duplicate detection is over.
                with contextlib.suppress(OSError):
                    sock.sendto(message, ("ff02::1:2", 547, 0, scope))
                    answer = sock.recv(2048)
                    if answer[:4] == bytes([2, 1, 2, 3]):
                        return answer
        raise TimeoutError("no DHCPv6 answer")

    return in_namespace(namespace, exchange)


def _ask(
    sock: socket.socket, mac: str, kind: int, options: bytes, seconds: float
) -> tuple[str, dict[int, bytes]]:
    xid = int.from_bytes(os.urandom(4), "big")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sock.send(dhcp_frame(mac, kind, xid, options))
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < end:
                answer = dhcp_answer(sock.recv(2048), xid)
                if answer is not None:
                    return answer
    raise TimeoutError("no DHCP answer")


def send_raw(namespace: str, frame: bytes) -> None:
    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            sock.send(frame)

    in_namespace(namespace, send)


class Watch:
    """Collects frames that arrive at a guest's eth0."""

    def __init__(self, namespace: str) -> None:
        def make() -> socket.socket:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.bind(("eth0", 3))
            sock.settimeout(0.5)
            return sock

        self._sock = in_namespace(namespace, make)

    def saw(self, part: bytes) -> bool:
        """Whether a frame with this in it arrived until none came for half a second."""
        end = time.monotonic() + 2
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < end:
                frame, origin = self._sock.recvfrom(2048)
                if part in frame and origin[2] != socket.PACKET_OUTGOING:
                    return True
        return False

    def close(self) -> None:
        self._sock.close()
