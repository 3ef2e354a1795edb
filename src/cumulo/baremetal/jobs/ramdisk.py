"""What an agent in a ramdisk does of a job.

boot      a medium with a new token, in the virtual drive; the machine boots from it
called    the agent has said that it is there, or its deadline is over
command   one command, begun once however often the control plane dies; None: it goes on
leave     the machine is done with the ramdisk
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from cumulo.baremetal.jobs.wires import Wires
from cumulo.baremetal.model.agent import AgentRow
from cumulo.baremetal.model.hardware import POWER_OFF, POWER_ON, Command, Driver, Machine, Rejected
from cumulo.baremetal.service.agents import HEARTBEAT_SECONDS, AgentsService
from cumulo.baremetal.service.work import Memo
from cumulo.core.clock import now, seconds_of
from cumulo.core.work.jobs import Failed, Run

SILENCE = 5 * HEARTBEAT_SECONDS
"""Seconds without a heartbeat after which an agent that does not answer is given up."""


class Ramdisk:
    def __init__(self, agents: AgentsService, wires: Wires, callback: float, work: float) -> None:
        self._agents = agents
        self._wires = wires
        self._callback = callback
        self._work = work

    async def boot(self, run: Run[Memo], driver: Driver, machine: Machine) -> None:
        """May be done twice: the token stays, the machine starts again."""
        await run.hold()
        row = await run.write(lambda tx: self._agents.expect(tx, run.subject, run.id))
        by_network = machine.interfaces.get("boot") == "ipxe"
        if not by_network:
            url = await self._agents.ramdisks.make(machine, self._agents.boot(row))
        await driver.set_power(machine, POWER_OFF, f"{run.id} before the ramdisk")
        # Never with a tenant's system on it: what that is may not see the provisioning network.
        await self._wires.to_ramdisk(run, machine)
        if not by_network:
            await driver.insert(machine, url)
        await driver.set_boot_device(machine, "pxe" if by_network else "cdrom", False)
        await driver.set_power(machine, POWER_ON, f"{run.id} ramdisk")

    async def called(self, run: Run[Memo]) -> AgentRow | None:
        """None: not yet. Raises Failed after the deadline."""
        row = await run.read(lambda tx: self._agents.of(tx, run.subject))
        if row is None or row.job != run.id:
            raise Failed("the machine's boot into the ramdisk is not known any more")
        if row.url is not None:
            return row
        if seconds_of(now()) - seconds_of(row.created_at) > self._callback:
            raise Failed(
                f"no agent has called within {self._callback:g} seconds after the machine was "
                "started into the ramdisk: see its console, and whether it reaches the API"
            )
        return None

    async def ask(
        self, machine: Machine, row: AgentRow, name: str, params: Mapping[str, Any]
    ) -> Command | None:
        """A short command, which may be asked twice. None: it does not answer just now."""
        try:
            done = await self._agents.calls.begin(machine, self._agents.agent(row), name, params)
        except OSError as error:
            self._listen(row, error)
            return None
        if done.status == "FAILED":
            raise Failed(f"the agent cannot do {name}: {done.error}")
        return done

    async def command(
        self,
        run: Run[Memo],
        machine: Machine,
        row: AgentRow,
        name: str,
        params: Mapping[str, Any],
        number: int,
    ) -> Command | None:
        """The `number`th command of this name in this boot, from 0: begun, or looked after. None:
        it goes on. Raises Failed when it failed, takes too long, or the agent is silent."""
        agent, short = self._agents.agent(row), name.partition(".")[2]
        try:
            listed = await self._agents.calls.commands(machine, agent)
            mine = [each for each in listed if each.name == short]
            if len(mine) < number:
                raise Failed("the agent has forgotten what it did: its machine has restarted")
            if len(mine) == number:
                await run.hold()
                done = await self._agents.calls.begin(machine, agent, name, params)
            else:
                done = mine[number]
        except OSError as error:
            self._listen(row, error)
            return None
        if done.status == "RUNNING":
            return None
        if done.status != "SUCCEEDED":
            raise Failed(f"the agent failed at {name}: {done.error or done.status}")
        return done

    def _listen(self, row: AgentRow, error: OSError) -> None:
        """An agent that does not answer is alive as long as its heart beats."""
        heard = row.seen_at or row.created_at
        if seconds_of(now()) - seconds_of(heard) > SILENCE:
            raise Failed(f"the agent is silent since {heard}: {error}")

    def check_time(self, row: AgentRow, since: float = 0.0) -> None:
        """`since`: when the step that it is at began; without, with the boot."""
        since = since or seconds_of(row.created_at) + self._callback
        if seconds_of(now()) - since > self._work:
            raise Failed(f"the agent took more than {self._work:g} seconds")

    async def leave(self, run: Run[Memo], driver: Driver, machine: Machine) -> None:
        """No power, no medium; may be done twice."""
        row = await run.read(lambda tx: self._agents.of(tx, run.subject))
        if row is not None and row.url is not None:
            with contextlib.suppress(OSError, Rejected):
                agent = self._agents.agent(row)
                await self._agents.calls.begin(machine, agent, "standby.sync", {})
        await driver.set_power(machine, POWER_OFF, f"{run.id} after the ramdisk")
        await self._wires.off(run, machine)
        if machine.interfaces.get("boot") != "ipxe":
            await driver.eject(machine)
