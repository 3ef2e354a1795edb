"""What every network driver does, real or fake."""

import asyncio
import os
from collections.abc import Iterable, Iterator

import msgspec
import pytest

from cumulo.network.drivers.driver import DriverFault, NetworkDriver
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.drivers.linux import flows
from cumulo.network.model.orders import HostNetworks, HostNetworksReport
from tests.end_to_end.network.lab import PING_IN, Cloud, Lab, lab, new_id, subnet


class Subject:
    """A driver with the means to make another of the same cloud, as a restart does."""

    def __init__(self, where: Lab | None) -> None:
        self.lab = where
        self.driver: NetworkDriver = self.another()

    def another(self) -> NetworkDriver:
        return FakeNetworkDriver() if self.lab is None else self.lab.driver()

    def apply(self, *states: HostNetworks) -> HostNetworksReport:
        async def work() -> HostNetworksReport:
            try:
                for state in states:
                    report = await self.driver.apply(state)
                return report
            finally:
                await self.driver.close()

        return asyncio.run(work())

    def remove(self) -> None:
        asyncio.run(self.driver.remove_all())


@pytest.fixture(params=["fake", "linux"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        yield Subject(None)
        return
    with lab() as made:
        driver = Subject(made)
        try:
            yield driver
        finally:
            driver.remove()


def statuses(report: HostNetworksReport) -> dict[str, str]:
    everything = (*report.networks, *report.ports, *report.routers, *report.floating_ips)
    assert len({seen.id for seen in everything}) == len(everything)
    return {seen.id: seen.status for seen in everything}


def small_cloud() -> Cloud:
    cloud = Cloud()
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"), dhcp=("10.0.0.2/24",))
    group = cloud.group(PING_IN, members=("10.0.0.11", "10.0.0.12"))
    cloud.port(inside, "10.0.0.11", groups=(group.id,))
    cloud.port(inside, "10.0.0.12", groups=(group.id,))
    cloud.router(
        (inside, ("10.0.0.1/24",)),
        outside=(outside, "203.0.113.10/24", "203.0.113.1"),
        floating={"203.0.113.100": "10.0.0.11"},
    )
    return cloud


class TestNetworkDriver:
    def test_nothing_is_a_state(self, subject: Subject) -> None:
        assert subject.apply(HostNetworks(7)) == HostNetworksReport(7)

    def test_everything_becomes_active(self, subject: Subject) -> None:
        cloud = small_cloud()
        report = subject.apply(cloud.state())
        router = next(iter(cloud.routers.values()))
        inside = next(n for n in cloud.networks.values() if n.dhcp)
        assert report.generation == 1
        seen = statuses(report)
        assert set(seen.values()) == {"ACTIVE"}, report
        assert seen.keys() >= cloud.ports.keys() | cloud.networks.keys() | cloud.routers.keys()
        assert inside.dhcp is not None and inside.dhcp.port_id in seen
        assert router.gateway is not None and router.gateway.port_id in seen
        assert router.interfaces[0].port_id in seen
        assert router.floating_ips[0].id in seen

    def test_again_is_the_same(self, subject: Subject) -> None:
        state = small_cloud().state()
        assert subject.apply(state) == subject.apply(state, state)

    def test_a_restart_goes_on(self, subject: Subject) -> None:
        cloud = small_cloud()
        before = subject.apply(cloud.state())
        subject.driver = subject.another()
        after = subject.apply(cloud.state())
        assert statuses(after) == statuses(before)
        assert after.generation == 2

    def test_what_is_not_desired_goes(self, subject: Subject) -> None:
        cloud = small_cloud()
        state = cloud.state()
        cloud.ports.popitem()
        cloud.routers.clear()
        report = subject.apply(state, cloud.state())
        assert [port.id for port in report.ports if port.id in cloud.ports] == [*cloud.ports]
        assert report.routers == () and report.floating_ips == ()
        assert subject.apply(HostNetworks(9)) == HostNetworksReport(9)

    def test_what_nobody_speaks_of_stays(self, subject: Subject) -> None:
        """A restart of everything, and a state that lacks a port and a router, without an order to
        remove them; then the order."""
        cloud = small_cloud()
        subject.apply(cloud.state())
        port_id, _ = cloud.ports.popitem()
        router_id, _ = cloud.routers.popitem()
        subject.driver = subject.another()
        lost = {f"port/{port_id}", f"router/{router_id}"}

        async def apply(*gone: str) -> list[str]:
            try:
                await subject.driver.apply(cloud.state(), gone)
                return await subject.driver.strangers()
            finally:
                await subject.driver.close()

        if subject.lab is None:
            assert asyncio.run(apply()) == [], "a simulated host starts empty"
            return
        assert set(asyncio.run(apply())) == lost
        assert set(asyncio.run(apply("port/of-another", "network/too"))) == lost
        assert set(asyncio.run(apply(f"port/{port_id}"))) == {f"router/{router_id}"}
        assert asyncio.run(apply(f"router/{router_id}")) == []

    def test_administratively_down(self, subject: Subject) -> None:
        cloud = small_cloud()
        state = cloud.state()
        port = next(iter(cloud.ports.values()))
        router = next(iter(cloud.routers.values()))
        cloud.ports[port.id] = msgspec.structs.replace(port, admin_state_up=False)
        cloud.routers[router.id] = msgspec.structs.replace(router, admin_state_up=False)
        seen = statuses(subject.apply(state, cloud.state()))
        assert seen[port.id] == "DOWN"
        assert seen[router.id] == "DOWN"
        assert seen[router.floating_ips[0].id] == "DOWN"
        assert seen[router.interfaces[0].port_id] == "DOWN"
        others = cloud.ports.keys() - {port.id}
        assert {seen[other] for other in others} == {"ACTIVE"}

    def test_a_fault_stops_nothing_else(self, subject: Subject) -> None:
        cloud = small_cloud()
        lost = msgspec.structs.replace(
            next(iter(cloud.ports.values())), id=new_id(), number=999, network_id=new_id()
        )
        cloud.ports[lost.id] = lost
        report = subject.apply(cloud.state())
        fault = next(port.fault for port in report.ports if port.id == lost.id)
        assert fault is not None and lost.network_id in fault
        seen = statuses(report)
        assert seen.pop(lost.id) == "DOWN"
        assert set(seen.values()) == {"ACTIVE"}

    def test_a_clean_up_that_fails_stops_nothing_else(
        self, subject: Subject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A port has gone whose connections cannot be ended (the program is not there, say): what
        is ordered later is made, and it is tried again."""
        cloud = small_cloud()
        before = cloud.state()
        gone, _ = cloud.ports.popitem()
        inside = next(n for n in cloud.networks.values() if n.dhcp)
        new = cloud.port(inside, "10.0.0.13")
        tried = []

        async def fail(namespace: str, addresses: Iterable[tuple[int, str]]) -> None:
            tried.extend(addresses)
            raise FileNotFoundError("conntrack")

        monkeypatch.setattr(flows, "forget_addresses", fail)
        report = subject.apply(before, cloud.state(), cloud.state())
        seen = statuses(report)
        assert seen[new.id] == "ACTIVE" and gone not in seen
        if subject.lab is not None:
            assert len(tried) == 2 and len(set(tried)) == 1
            monkeypatch.undo()
            forgotten: list[tuple[int, str]] = []

            async def note(namespace: str, addresses: Iterable[tuple[int, str]]) -> None:
                forgotten.extend(addresses)

            monkeypatch.setattr(flows, "forget_addresses", note)
            subject.apply(cloud.state(), cloud.state())
            assert forgotten == tried[:1]

    def test_remove_all_and_begin_again(self, subject: Subject) -> None:
        cloud = small_cloud()
        before = subject.apply(cloud.state())
        subject.remove()
        subject.remove()
        assert statuses(subject.apply(cloud.state())) == statuses(before)

    def test_tap_names_are_the_agents_own(self, subject: Subject) -> None:
        port_id = "1c2f8a3e-4b5d-4c6e-9f70-112233445566"
        assert subject.driver.tap_name(port_id) == "tap1c2f8a3e-4b"

    def test_a_tap_is_opened_only_where_carried(self, subject: Subject) -> None:
        cloud = small_cloud()
        subject.apply(cloud.state())
        with pytest.raises(DriverFault):
            subject.driver.open_tap(new_id())
        if subject.driver.capabilities.carries_packets:
            descriptor = subject.driver.open_tap(next(iter(cloud.ports)))
            os.close(descriptor)
