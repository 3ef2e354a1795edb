"""The compute agent against a simulated host: idempotence, waits, failures, orphans."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.drivers.driver import GuestSpec, RootDisk
from cumulo.compute.drivers.fake import FakeDriver, Fault
from cumulo.compute.drivers.machine import SIMULATED
from cumulo.compute.model.orders import (
    DesiredCompute,
    SeenGuest,
    WantedDisk,
    WantedGuest,
    WantedImage,
    WantedNic,
)

IMAGE = WantedImage("image", "/nowhere", "ab" * 64, "qcow2")
NIC = WantedNic("port", "fa:16:3e:00:00:01", "tap1", 1500)
ONE = WantedGuest(id="one", generation=1, name="one", memory_mb=128, image=IMAGE)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))  # type: ignore[arg-type]


async def once(agent: ComputeAgent, *guests: WantedGuest) -> list[SeenGuest]:
    return (await agent.apply(DesiredCompute(list(guests)))).guests


def test_start_stop_reboot_remove() -> None:
    async def story() -> None:
        driver = FakeDriver()
        agent = ComputeAgent(driver, SIMULATED)
        (seen,) = await once(agent, ONE)
        assert (seen.power, seen.done, seen.generation) == ("on", True, 1)
        pid = (await driver.inspect("one")).pid
        (seen,) = await once(agent, ONE)
        assert (await driver.inspect("one")).pid == pid, "a guest as desired is not touched"
        off = msgspec.structs.replace(ONE, generation=2, power="off")
        (seen,) = await once(agent, off)
        assert (seen.power, seen.done) == ("off", True)
        again = msgspec.structs.replace(ONE, generation=3, reboot_nonce=1, reboot_kind="hard")
        (seen,) = await once(agent, again)
        assert (seen.power, seen.done, seen.reboot_done) == ("on", True, 1)
        absent = WantedGuest(id="one", generation=4, present=False)
        observed = await agent.apply(DesiredCompute([absent]))
        assert observed.removed == ["one"]
        assert await driver.list() == []

    run(story)


def test_a_killed_guest_is_reported_and_not_started_again() -> None:
    async def story() -> None:
        driver = FakeDriver()
        agent = ComputeAgent(driver, SIMULATED)
        await once(agent, ONE)
        driver.kill("one")
        (seen,) = await once(agent, ONE)
        assert (seen.power, seen.done) == ("crashed", True)
        assert "signal 9" in (seen.reason or "")

    run(story)


def test_a_missing_tap_is_waited_for() -> None:
    async def story() -> None:
        driver = FakeDriver(missing_taps=["tap1"])
        agent = ComputeAgent(driver, SIMULATED)
        guest = msgspec.structs.replace(ONE, nics=[NIC])
        (seen,) = await once(agent, guest)
        assert (seen.power, seen.done, seen.step, seen.fault) == ("off", False, "networking", None)
        assert agent.unfinished()
        driver.missing_taps.clear()
        (seen,) = await once(agent, guest)
        assert (seen.power, seen.done) == ("on", True)
        assert not agent.unfinished()

    run(story)


def test_a_volume_that_is_not_connected_is_waited_for() -> None:
    async def story() -> None:
        agent = ComputeAgent(FakeDriver(), SIMULATED)
        disk = WantedDisk("volume", "attachment", "vdb", 1, False, None)
        guest = msgspec.structs.replace(ONE, disks=[disk])
        (seen,) = await once(agent, guest)
        assert (seen.power, seen.step, seen.done) == ("absent", "block_device_mapping", False)
        ready = WantedDisk("volume", "attachment", "vdb", 1, False, {"driver": "null-co"})
        (seen,) = await once(agent, msgspec.structs.replace(ONE, disks=[ready]))
        assert (seen.power, seen.done, seen.disks) == ("on", True, ["attachment"])

    run(story)


def test_failures_are_counted_and_tried_again() -> None:
    async def story() -> None:
        driver = FakeDriver(faults={"spawn": Fault("no memory", count=2)})
        agent = ComputeAgent(driver, SIMULATED)
        (seen,) = await once(agent, ONE)
        assert (seen.fault, seen.failures, seen.done) == ("no memory", 1, False)
        (seen,) = await once(agent, ONE)
        assert seen.failures == 1, "not before its time"
        while not seen.done:
            await asyncio.sleep(0.1)
            (seen,) = await once(agent, ONE)
        assert (seen.power, seen.fault, seen.failures) == ("on", None, 0)

    run(story)


def test_orphans_are_removed() -> None:
    async def story() -> None:
        driver = FakeDriver()
        root = RootDisk("/nowhere", "qcow2")
        spec = GuestSpec(
            id="lost", generation=1, name="lost", vcpus=1, memory_mb=64, power="on", root=root
        )
        await driver.ensure(spec)
        agent = ComputeAgent(driver, SIMULATED)
        await once(agent, ONE)
        assert [state.id for state in await driver.list()] == ["one"]

    run(story)


def test_a_new_agent_finds_what_the_old_one_made(tmp_path: Path) -> None:
    async def story() -> None:
        first = FakeDriver(tmp_path)
        await once(ComputeAgent(first, SIMULATED), ONE)
        pid = (await first.inspect("one")).pid
        second = FakeDriver(tmp_path)
        (seen,) = await once(ComputeAgent(second, SIMULATED), ONE)
        assert (seen.power, seen.done) == ("on", True)
        assert (await second.inspect("one")).pid == pid, "the guest survived its agent"

    run(story)


def test_questions() -> None:
    async def story() -> None:
        agent = ComputeAgent(FakeDriver(), SIMULATED)
        await once(agent, ONE)
        text = await agent.answer("console_log", {"id": "one", "lines": None})
        assert "login" in text
        assert (await agent.answer("diagnostics", {"id": "one"}))["power"] == "on"

    run(story)
