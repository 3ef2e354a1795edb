"""Faults of the fake driver, and that it is cheap."""

import asyncio

import pytest

from cumulo.network.drivers.driver import DriverFault
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.model.orders import HostNetworks, NetworkSpec, PortSpec


def test_a_fault_is_reported_until_it_is_lifted() -> None:
    driver = FakeNetworkDriver()
    state = HostNetworks(1, networks=(NetworkSpec("n", 1),), ports=(PortSpec("p", 1, "n", "m"),))
    driver.faults["p"] = "no tap left"
    port = asyncio.run(driver.apply(state)).ports[0]
    assert (port.status, port.fault) == ("DOWN", "no tap left")
    driver.faults.clear()
    assert asyncio.run(driver.apply(state)).ports[0].status == "ACTIVE"


def test_a_failed_apply_changes_nothing() -> None:
    driver = FakeNetworkDriver()
    asyncio.run(driver.apply(HostNetworks(1)))
    driver.fail_next_apply("disk full")
    with pytest.raises(DriverFault, match="disk full"):
        asyncio.run(driver.apply(HostNetworks(2)))
    assert driver.desired == HostNetworks(1)
    assert asyncio.run(driver.apply(HostNetworks(2))).generation == 2


def test_thousands_of_ports() -> None:
    driver = FakeNetworkDriver()
    ports = tuple(PortSpec(f"p{n}", n, "n", "m") for n in range(5000))
    state = HostNetworks(1, networks=(NetworkSpec("n", 1),), ports=ports)
    assert len(asyncio.run(driver.apply(state)).ports) == 5000
