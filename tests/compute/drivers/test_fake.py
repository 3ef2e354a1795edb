"""What only the simulated host can do: fail on demand, boot slowly, be many."""

import asyncio
from pathlib import Path

import pytest

from cumulo.compute.drivers.driver import GuestSpec, RootDisk
from cumulo.compute.drivers.fake import FakeDriver, Fault


def spec(guest_id: str = "a", generation: int = 1) -> GuestSpec:
    return GuestSpec(
        id=guest_id,
        generation=generation,
        name=guest_id,
        vcpus=1,
        memory_mb=64,
        power="on",
        root=RootDisk("/a", "raw"),
    )


def test_a_fault_happens_as_often_as_wanted() -> None:
    async def body() -> None:
        driver = FakeDriver(faults={"spawn": Fault("no memory", 2, guest="a")})
        assert (await driver.ensure(spec("b"))).power == "on"
        for _ in range(2):
            state = await driver.ensure(spec())
            assert (state.power, state.fault, state.converged) == ("off", "no memory", False)
        state = await driver.ensure(spec())
        assert (state.power, state.fault, state.converged) == ("on", None, True)
        driver.faults["remove"] = Fault("stuck")
        with pytest.raises(OSError, match="stuck"):
            await driver.remove("a")
        del driver.faults["remove"]
        await driver.remove("a")

    asyncio.run(body())


def test_while_a_guest_starts_its_step_is_seen() -> None:
    async def body() -> None:
        driver = FakeDriver(spawn_seconds=0.05)
        work = asyncio.create_task(driver.ensure(spec()))
        await asyncio.sleep(0.01)
        assert (await driver.inspect("a")).step == "spawning"
        assert (await work).step is None

    asyncio.run(body())


def test_the_login_prompt_comes_after_the_boot() -> None:
    async def body() -> None:
        driver = FakeDriver(boot_seconds=0.05)
        await driver.ensure(spec())
        assert "login:" not in await driver.console_log("a")
        await asyncio.sleep(0.06)
        assert "a login:" in await driver.console_log("a")

    asyncio.run(body())


def test_a_thousand_guests_survive_a_restart(tmp_path: Path) -> None:
    async def body() -> None:
        driver = FakeDriver(tmp_path)
        for number in range(1000):
            await driver.ensure(spec(f"guest-{number:04}"))
        again = FakeDriver(tmp_path)
        states = await again.list()
        assert len(states) == 1000
        assert {state.power for state in states} == {"on"}

    asyncio.run(body())
