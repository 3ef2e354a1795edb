"""QoS policies, measured: what comes through, and with which mark."""

import asyncio
import socket
import time
from collections.abc import Iterator

import msgspec
import pytest

from cumulo.core.run.namespaces import in_namespace
from cumulo.network.model.orders import FloatingIpSpec, Limit, Qos, SecurityGroupRule
from tests.end_to_end.network.lab import Cloud, Lab, lab, ping, subnet

SECONDS = 1.5
SILENCE = 0.3
"""After so long nothing more comes."""
SO_RCVBUFFORCE = 33
"""From linux/socket.h: what arrives waits until it is read."""
UDP_IN = SecurityGroupRule("ingress", "IPv4", "udp")
PING = SecurityGroupRule("ingress", "IPv4", "icmp")


@pytest.fixture
def place() -> Iterator[Lab]:
    with lab() as made:
        yield made


def receiver(namespace: str, address: str) -> socket.socket:
    def make() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        sock.bind((address, 5000))
        sock.settimeout(SILENCE)
        return sock

    return in_namespace(namespace, make)


def flood(namespace: str, address: str, into: socket.socket, *, size: int) -> tuple[int, set[int]]:
    """(bytes that arrived in SECONDS, marks that they had)"""

    def make() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((address, 5000))
        sock.setblocking(False)
        return sock

    found, marks = 0, set()
    with in_namespace(namespace, make) as sender:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for _ in range(20):
                try:
                    sender.send(b"x" * size)
                except OSError:
                    break
            time.sleep(0.001)
    while True:
        try:
            data, ancillary, _, _ = into.recvmsg(2000, 100)
        except TimeoutError:
            return found, marks
        found += len(data)
        marks |= {value[0] >> 2 for _, _, value in ancillary}


def test_limits_and_marks_of_a_port(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", None))
    group = cloud.group(UDP_IN, PING)
    one, two = (cloud.port(network, f"10.0.0.{n}", groups=(group.id,)) for n in (2, 3))
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one), place.static_guest(two)
        with receiver(second, "10.0.0.3") as into:

            async def measured(size: int = 1000, **qos: Qos) -> tuple[int, set[int]]:
                for name, port in (("sender", one), ("target", two)):
                    cloud.ports[port.id] = msgspec.structs.replace(port, qos=qos.get(name))
                report = await place.apply(driver, cloud.state())
                assert all(each.fault is None for each in report.ports)
                await asyncio.to_thread(ping, first, "10.0.0.3")
                # What may come at once after a silence comes first, and is not what is measured.
                await asyncio.to_thread(flood, first, "10.0.0.3", into, size=size)
                return await asyncio.to_thread(flood, first, "10.0.0.3", into, size=size)

            free, marks = await measured()
            assert free > 5_000_000 and marks == {0}
            rate = 1_000_000  # bytes a second: 8 Mbit/s
            limit = Limit(rate, 131_072)
            wanted = rate * (SECONDS + SILENCE)
            came, marks = await measured(sender=Qos((limit,), 46))
            assert 0.6 * wanted < came < 1.2 * wanted and marks == {46}
            inward = msgspec.structs.replace(limit, inward=True)
            came, marks = await measured(target=Qos((inward,)))
            assert 0.6 * wanted < came < 1.2 * wanted and marks == {0}
            # A limit of what it is sent is none of what it sends.
            came, _ = await measured(sender=Qos((inward,)))
            assert came > 3 * wanted
            packets = Limit(1000, 200, packets=True)
            came, _ = await measured(100, sender=Qos((packets,)))
            wanted_packets = 1000 * SECONDS + 200
            assert 0.6 * wanted_packets < came / 100 < 1.2 * wanted_packets
            came, _ = await measured()
            assert came > 3 * wanted

    place.run(work)


def test_a_limit_of_a_floating_ip(place: Lab) -> None:
    cloud = Cloud()
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"))
    group = cloud.group(UDP_IN, PING)
    router = cloud.router(
        (inside, ("10.0.0.1/24",)), outside=(outside, "203.0.113.10/24", "203.0.113.1")
    )
    port = cloud.port(inside, "10.0.0.11", groups=(group.id,))
    rate = 1_000_000
    driver = place.driver()

    async def work() -> None:
        guest = place.static_guest(port, "10.0.0.1")

        async def limited(*limits: Limit) -> None:
            floating = FloatingIpSpec(
                "00000001-0000-4000-8000-000000000000", "203.0.113.100", "10.0.0.11",
                limits=limits,
            )  # fmt: skip
            cloud.routers[router.id] = msgspec.structs.replace(router, floating_ips=(floating,))
            await place.apply(driver, cloud.state())
            await asyncio.to_thread(ping, place.outer, "203.0.113.100")

        async def comes(source: str, address: str, into: socket.socket) -> int:
            for _ in range(2):
                came, _ = await asyncio.to_thread(flood, source, address, into, size=1000)
            return came

        wanted = rate * (SECONDS + SILENCE)
        await limited()
        with receiver(guest, "10.0.0.11") as into, receiver(place.outer, "203.0.113.1") as back:
            await limited(Limit(rate, 131_072, inward=True))
            assert 0.6 * wanted < await comes(place.outer, "203.0.113.100", into) < 1.2 * wanted
            assert await comes(guest, "203.0.113.1", back) > 2 * wanted
            await limited(Limit(rate, 131_072))
            assert 0.6 * wanted < await comes(guest, "203.0.113.1", back) < 1.2 * wanted

    place.run(work)
