"""One step after the other: of cleaning by hand, of deployments, of service.

The memo says how many are done, so that a step is begun once, whatever dies in between; a hold is
noted when it begins, and is over when an operator has unheld the node.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from cumulo.baremetal.jobs.ramdisk import Ramdisk
from cumulo.baremetal.model.hardware import Driver, Machine
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.baremetal.service.steps import HOLD, POWER, WAIT, WRITE, is_agents, settings_of
from cumulo.baremetal.service.work import Memo
from cumulo.core.clock import now, seconds_of
from cumulo.core.work.jobs import Failed, Outcome, Run

LOOK_EVERY = 0.5
AGENT_EVERY = 2.0
Write = Callable[[Run[Memo], Driver, Machine], Awaitable[bool]]


class Steps:
    def __init__(self, service: BareMetalService, ramdisk: Ramdisk, write: Write) -> None:
        """`write`: a deployment's own step, whether it has ended."""
        self._service = service
        self._work = service.work
        self._ramdisk = ramdisk
        self._write = write

    async def next(
        self, run: Run[Memo], driver: Driver, machine: Machine, kind: str
    ) -> Outcome[Memo] | None:
        """On with the job's steps; None: all are done. `kind`: clean, deploy, service."""
        steps, at = run.memo.steps or [], run.memo.done
        if at >= len(steps):
            return None
        step = steps[at]
        node = await run.read(lambda tx: self._work.of(tx, run.subject, run.id))
        if node is None:
            raise Failed("the node is gone, or at something else")
        if node.working_on.get("number") != at:
            shown = {**step, "number": at}
            await run.write(lambda tx: self._work.working_on(tx, run.subject, run.id, shown))
        name = step["step"]
        if name == HOLD:
            return self._hold(run, node)
        if name == WAIT and not run.memo.held:
            seconds = step["args"]["seconds"]
            return run.pause(seconds, memo=_held(run.memo, seconds_of(now()) + seconds))
        if name == WAIT and (left := run.memo.until - seconds_of(now())) > 0:
            # It was nudged: agents' hearts beat meanwhile.
            return run.pause(left)
        if name in POWER:
            await run.hold()
            await driver.set_power(machine, POWER[name], f"{run.id} step {at}")
        elif step["interface"] == "bios" and driver.can.settings:
            await self._set_bios(run, driver, machine, step)
        elif name != WAIT and not await self._does(run, driver, machine, node, kind):
            return run.pause(AGENT_EVERY if driver.can.ramdisk else LOOK_EVERY)
        return run.pause(0.0, memo=_on(run.memo))

    def _hold(self, run: Run[Memo], node: NodeRow) -> Outcome[Memo]:
        memo = run.memo
        if not memo.held:

            def hold(tx: Any) -> Memo:
                self._work.at(tx, run.subject, run.id, "hold")
                return _held(memo)

            return run.go(run.step, hold)
        if node.step == "hold":
            return run.pause(LOOK_EVERY)
        return run.pause(0.0, memo=_on(memo))

    async def _set_bios(
        self, run: Run[Memo], driver: Driver, machine: Machine, step: dict[str, Any]
    ) -> None:
        """They take effect when the machine starts next; what they will be is shown."""
        await run.hold()
        wish = settings_of(step)
        await driver.set_bios(machine, wish)
        read = {each["name"]: each["value"] for each in await driver.bios(machine)}
        told = [{"name": name, "value": value} for name, value in {**read, **(wish or {})}.items()]
        await run.write(lambda tx: self._work.knows_bios(tx, run.subject, run.id, told))

    async def _does(
        self, run: Run[Memo], driver: Driver, machine: Machine, node: NodeRow, kind: str
    ) -> bool:
        """Whether the machine has done it."""
        memo, steps = run.memo, run.memo.steps or []
        step = steps[memo.done]
        if kind == "deploy" and step["step"] == WRITE["step"]:
            return await self._write(run, driver, machine)
        if not driver.can.ramdisk:
            token = f"{run.id} {memo.done}"
            await run.hold()
            await driver.begin(machine, kind, token)
            return await driver.finished(machine, kind, token)
        row = await self._ramdisk.called(run)
        if row is None:
            return False
        self._ramdisk.check_time(row, memo.since)
        told = {"node": {"uuid": node.id, "properties": node.properties}, "ports": []}
        before = [each for each in steps[: memo.done] if is_agents(each)]
        number = len([each for each in before if each["step"] != WRITE["step"]])
        params = {**told, "step": step, f"{kind}_version": {}}
        name = f"{kind}.execute_{kind}_step"
        return await self._ramdisk.command(run, machine, row, name, params, number) is not None


def _held(memo: Memo, until: float = 0.0) -> Memo:
    return msgspec.structs.replace(memo, held=True, until=until)


def _on(memo: Memo) -> Memo:
    """To the next step."""
    since = seconds_of(now())
    return msgspec.structs.replace(memo, done=memo.done + 1, held=False, since=since)
