"""We are killed between two effects of `ensure`; after the restart there is exactly one guest."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from cumulo.compute.drivers.driver import GuestSpec, RebootOrder
from cumulo.compute.drivers.qemu import driver as driver_module
from cumulo.compute.drivers.qemu.folder import GuestFolder
from cumulo.core.run.daemons import Daemon

from .hosts import UP, QemuHost, processes

pytestmark = pytest.mark.guest


class Killed(BaseException):
    """Stands for kill -9: nothing of ours runs after it, and nothing is written."""


class Crash:
    """Kills us around the n-th durable effect: a record saved, a process started or ended."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, *, before: bool) -> None:
        self.effects = 0
        self.dead = False
        self._at, self._before = at, before
        patch.setattr(GuestFolder, "save", self._around(GuestFolder.save))
        patch.setattr(driver_module, "start_daemon", self._around(driver_module.start_daemon))
        patch.setattr(Daemon, "wait", self._around(Daemon.wait))

    def _around(self, effect: Any) -> Any:
        def crashing(*arguments: Any, **named: Any) -> Any:
            if self.dead:
                raise Killed
            self.effects += 1
            self.dead = self.effects == self._at
            if self.dead and self._before:
                raise Killed
            result = effect(*arguments, **named)
            if self.dead:
                raise Killed
            return result

        return crashing


@pytest.fixture
def host() -> Iterator[QemuHost]:
    made = QemuHost()
    yield made
    made.clean_up()


async def ordered_and_killed(host: QemuHost, spec: GuestSpec, at: int, *, before: bool) -> bool:
    """True when we were killed on the way."""
    with pytest.MonkeyPatch.context() as patch:
        crash = Crash(patch, at, before=before)
        with contextlib.suppress(Killed):
            await host.driver.ensure(spec)
    await host.restart()
    return crash.dead


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("order", ["start", "hard reboot", "power off", "suspend", "resume"])
def test_every_crash_converges_to_one_guest(host: QemuHost, order: str, before: bool) -> None:
    async def body() -> None:
        generation = 0
        for at in range(1, 30):
            generation += 2
            target = host.spec(generation + 1)
            if order == "start":
                await host.driver.remove(host.id)
            else:
                await host.driver.ensure(host.spec(generation))
            if order == "resume":
                await host.driver.ensure(host.spec(generation, power="suspended"))
            if order == "suspend":
                target = host.spec(generation + 1, power="suspended")
            elif order == "hard reboot":
                target = host.spec(generation + 1, reboot=RebootOrder(at, "hard"))
            elif order == "power off":
                await host.console_says(UP)
                target = host.spec(generation + 1, power="off")
            killed = await ordered_and_killed(host, target, at, before=before)
            state = await host.driver.ensure(target)
            wanted = {"power off": "off", "suspend": "suspended"}.get(order, "on")
            assert (state.power, state.fault, state.reason) == (wanted, None, None), at
            assert processes(host.id) == ([state.pid] if state.pid else []), at
            assert state.reboot_done == (target.reboot.nonce if target.reboot else 0), at
            if not killed:
                await host.driver.close()
                return
        raise AssertionError("the order never ran to its end")

    asyncio.run(body())
