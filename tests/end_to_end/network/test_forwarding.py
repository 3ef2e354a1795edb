"""Port forwardings and address groups, by packets."""

from collections.abc import Iterator

import msgspec
import pytest

from cumulo.network.model.orders import FloatingIpSpec, Forwarded, SecurityGroupRule
from tests.end_to_end.network.lab import (
    PING_IN,
    Cloud,
    Lab,
    aping,
    connect,
    lab,
    listen,
    new_id,
    reaches,
    subnet,
)

OUTER = "203.0.113.100"


@pytest.fixture
def place() -> Iterator[Lab]:
    with lab() as made:
        yield made


def test_ports_of_a_floating_ip_lead_to_two_guests(place: Lab) -> None:
    cloud = Cloud()
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"))
    group = cloud.group(SecurityGroupRule("ingress", "IPv4", "tcp", 80, 81))
    router = cloud.router(
        (inside, ("10.0.0.1/24",)), outside=(outside, "203.0.113.10/24", "203.0.113.1")
    )
    ports = [cloud.port(inside, f"10.0.0.{n}", groups=(group.id,)) for n in (11, 12)]
    floating = FloatingIpSpec(
        new_id(), OUTER, None,
        (Forwarded("tcp", 8080, "10.0.0.11", 80), Forwarded("tcp", 8081, "10.0.0.12", 81)),
    )  # fmt: skip
    cloud.routers[router.id] = msgspec.structs.replace(router, floating_ips=(floating,))
    driver = place.driver()

    async def work() -> None:
        first, second = (place.static_guest(port, "10.0.0.1") for port in ports)
        report = await place.apply(driver, cloud.state())
        assert [each.status for each in report.floating_ips] == ["ACTIVE"]
        with (
            listen(first, "10.0.0.11", 80) as one,
            listen(second, "10.0.0.12", 81) as two,
            connect(place.outer, OUTER, 8080) as client,
        ):
            taken, peer = one.accept()
            assert peer[0] == "203.0.113.1"
            with connect(place.outer, OUTER, 8081):
                two.accept()
            # A neighbour reaches it by the outer address, too.
            assert reaches(second, OUTER, 8080)
            for closed in (80, 81, 8082):
                assert not reaches(place.outer, OUTER, closed)
            # Without the forwarding the open connection ends with it.
            left = msgspec.structs.replace(floating, forwarded=floating.forwarded[1:])
            cloud.routers[router.id] = msgspec.structs.replace(router, floating_ips=(left,))
            await place.apply(driver, cloud.state())
            client.sendall(b"late")
            taken.settimeout(0.5)
            with pytest.raises(TimeoutError):
                taken.recv(4)
            assert not reaches(place.outer, OUTER, 8080)
            assert reaches(place.outer, OUTER, 8081)

    place.run(work)


def test_a_rule_about_addresses(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", None))
    group = cloud.group()
    target = cloud.port(network, "10.0.0.9", groups=(group.id,))
    sources = [cloud.port(network, f"10.0.0.{n}", groups=(group.id,)) for n in (2, 3, 130)]
    driver = place.driver()

    def let_in(*addresses: str) -> None:
        ping = msgspec.structs.replace(PING_IN, remote_addresses=addresses)
        cloud.groups[group.id] = msgspec.structs.replace(group, rules=(*group.rules, ping))

    async def work() -> None:
        place.static_guest(target)
        guests = [place.static_guest(port) for port in sources]

        async def through(*addresses: str) -> list[bool]:
            let_in(*addresses)
            report = await place.apply(driver, cloud.state())
            assert all(each.fault is None for each in report.ports)
            return [await aping(guest, "10.0.0.9") for guest in guests]

        assert await through("10.0.0.2/32", "2001:db8::/64") == [True, False, False]
        assert await through("10.0.0.128/25", "10.0.0.128/26", "10.0.0.3/32") == [False, True, True]
        assert await through("2001:db8::/64") == [False, False, False]
        assert await through() == [False, False, False]
        assert await through("0.0.0.0/0") == [True, True, True]

    place.run(work)
