"""Long work on machines.

    verify      manage, adopt: the BMC answers
    inspect     what it is
    clean       clean ─▶ wait            (provide, and cleaning by hand)
    deploy      write ─▶ wait ─▶ boot ─▶ start    (deploy, rebuild)
    undeploy    tear down ─▶ clean ─▶ wait
    power       one change
    wire        the cards of a machine that its tenant has, when its VIFs change

Every step is asked with the job's id, so that a machine that has begun does not begin anew when the
control plane died in between. Nothing is undone: a machine is left as it stands, the node says
what failed, and an operator decides.
"""

from typing import Any

import msgspec

from cumulo.baremetal.jobs.ramdisk import Ramdisk
from cumulo.baremetal.jobs.steps import Steps
from cumulo.baremetal.jobs.wires import Wires
from cumulo.baremetal.model.hardware import POWER_OFF, POWER_ON, Driver, Machine, Rejected
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service.allocations import Nothing
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.baremetal.service.cleaning import planned
from cumulo.baremetal.service.deploying import drive_document, told
from cumulo.baremetal.service.inspecting import inspected
from cumulo.baremetal.service.steps import WRITE
from cumulo.baremetal.service.work import Memo
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.work.jobs import Failed, Job, Kind, Outcome, Run, Step

LOOK_EVERY = 0.5
"""Seconds between two questions whether long work has ended."""
WIRE_EVERY = 0.2
"""The same whether a network has made its port."""
AGENT_EVERY = 2.0
"""The same of an agent, which calls by itself when it has ended something."""
SLOTS = 32


class Machines:
    def __init__(
        self, service: BareMetalService, ramdisk: Ramdisk, wires: Wires, erase: str
    ) -> None:
        self._service = service
        self._wires = wires
        self._work = service.work
        self._ramdisk = ramdisk
        self._erase = erase
        self._steps = Steps(service, ramdisk, self._written)

    def kinds(self) -> list[Kind[Any]]:
        return [
            self._kind("verify", [Step("verify", self.verify)]),
            self._kind("inspect", [Step("inspect", self.inspect), Step("wait", self.looked)]),
            self._kind("clean", [Step("clean", self.clean), Step("wait", self.cleaned)]),
            self._kind(
                "deploy",
                [
                    Step("write", self.write),
                    Step("wait", self.written),
                    Step("boot", self.boot),
                    Step("start", self.start),
                ],
            ),
            self._kind(
                "undeploy",
                [
                    Step("tear_down", self.tear_down),
                    Step("clean", self.clean),
                    Step("wait", self.cleaned),
                ],
            ),
            self._kind("rescue", [Step("boot", self.rescue), Step("wait", self.rescued)]),
            self._kind("unrescue", [Step("boot", self.boot), Step("start", self.start_again)]),
            self._kind(
                "service",
                [
                    Step("work", self.service),
                    Step("wait", self.serviced),
                    Step("boot", self.service_over),
                    Step("start", self.start_again),
                ],
            ),
            self._kind("power", [Step("change", self.change_power)]),
            self._kind("wire", [Step("wire", self.wire)]),
            Kind(
                "baremetal.allocate",
                Nothing,
                [Step("decide", self.allocate)],
                slots=8,
                slots_per_project=8,
                attempts=1000,
            ),
        ]

    def _kind(self, name: str, steps: list[Step[Memo]]) -> Kind[Memo]:
        return Kind(
            f"baremetal.{name}",
            Memo,
            steps,
            undone=self.undone,
            slots=SLOTS,
            slots_per_project=SLOTS,
            attempts=3,
            final=(Fault, Rejected),
        )

    def undone(self, tx: Tx, job: Job[Memo]) -> None:
        self._work.failed(tx, job.subject, job.id, job.reason)

    async def _subject(self, run: Run[Memo]) -> tuple[Driver, Machine]:
        def read(tx: Tx) -> NodeRow | None:
            return self._work.of(tx, run.subject, run.id)

        row = await run.read(read)
        if row is None:
            raise Failed("the node is gone, or at something else")
        return self._service.nodes.driver(row), self._service.nodes.machine(row)

    # --- the steps -----------------------------------------------------------------------------

    async def verify(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        power = await driver.power(machine)
        try:
            bios = [dict(each) for each in await driver.bios(machine)]
        except Rejected:
            # Not every machine lets its settings be read.
            bios = []
        return run.next(lambda tx: self._work.verified(tx, run.subject, run.id, power, bios))

    async def inspect(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if machine.interfaces.get("inspect") == "agent":
            await self._ramdisk.boot(run, driver, machine)
            return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "wait"))
        found = await driver.inspect(machine)
        return run.end(lambda tx: self._work.inspected(tx, run.subject, run.id, found))

    async def looked(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        row = await self._ramdisk.called(run)
        if row is None:
            return run.pause(AGENT_EVERY)
        self._ramdisk.check_time(row)
        done = await self._ramdisk.ask(machine, row, "poll.get_hardware_info", {})
        if done is None:
            return run.pause(AGENT_EVERY)
        found = inspected(done.result)
        await self._ramdisk.leave(run, driver, machine)
        return run.next(lambda tx: self._work.inspected(tx, run.subject, run.id, found))

    async def clean(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk and run.memo.ramdisk:
            await self._ramdisk.boot(run, driver, machine)
        elif not driver.can.ramdisk:
            await run.hold()
            await self._wires.to_ramdisk(run, machine)
            await driver.set_power(machine, POWER_ON, f"{run.id} clean")
            if run.memo.steps is None:
                await driver.begin(machine, "clean", run.id)
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "wait"))

    async def cleaned(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        outcome: Outcome[Memo] | None = None
        if driver.can.ramdisk and run.memo.ramdisk and run.memo.done == 0 and not run.memo.held:
            outcome = await self._planned(run, machine)
        elif run.memo.steps is None and not await driver.finished(machine, "clean", run.id):
            return run.pause(LOOK_EVERY)
        outcome = outcome or await self._steps.next(run, driver, machine, "clean")
        if outcome is not None:
            return outcome
        if driver.can.ramdisk:
            await self._ramdisk.leave(run, driver, machine)
        else:
            await run.hold()
            await driver.set_power(machine, POWER_OFF, f"{run.id} cleaned")
            await self._wires.off(run, machine)
        return run.next(lambda tx: self._work.done(tx, run.subject, run.id, POWER_OFF))

    async def _planned(self, run: Run[Memo], machine: Machine) -> Outcome[Memo] | None:
        """What the agent can is asked before the first step; None: that is known."""
        row = await self._ramdisk.called(run)
        if row is None:
            return run.pause(AGENT_EVERY)
        self._ramdisk.check_time(row)
        node = await run.read(lambda tx: self._work.of(tx, run.subject, run.id))
        if node is None:
            raise Failed("the node is gone, or at something else")
        told = {"node": {"uuid": node.id, "properties": node.properties}, "ports": []}
        listed = await self._ramdisk.ask(machine, row, "clean.get_clean_steps", told)
        if listed is None:
            return run.pause(AGENT_EVERY)
        plan = planned(listed.result, run.memo.steps, self._erase)
        if run.memo.steps is None:
            return run.pause(0.0, memo=msgspec.structs.replace(run.memo, steps=plan))
        return None

    async def write(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk:
            await self._ramdisk.boot(run, driver, machine)
        else:
            await run.hold()
            await self._wires.to_ramdisk(run, machine)
            await driver.set_power(machine, POWER_ON, f"{run.id} write")
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "wait"))

    async def written(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if run.memo.steps is None:
            return run.pause(0.0, memo=msgspec.structs.replace(run.memo, steps=[WRITE]))
        outcome = await self._steps.next(run, driver, machine, "deploy")
        if outcome is not None:
            return outcome
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "work"))

    async def _written(self, run: Run[Memo], driver: Driver, machine: Machine) -> bool:
        """Whether the image is on the machine."""
        if driver.can.ramdisk:
            return await self._write_image(run, machine)
        await run.hold()
        await driver.begin(machine, "deploy", run.id)
        return await driver.finished(machine, "deploy", run.id)

    async def _write_image(self, run: Run[Memo], machine: Machine) -> bool:
        """Whether the agent has written it."""
        row = await self._ramdisk.called(run)
        node = await run.read(lambda tx: self._work.of(tx, run.subject, run.id))
        if row is None or node is None or run.memo.image is None:
            return False
        self._ramdisk.check_time(row)
        agents = self._service.agents
        url = agents.ramdisks.content_url(machine, agents.boot(row), "image")
        params: dict[str, Any] = {"image_info": told(run.memo.image, url)}
        drive = self._service.nodes.instance_info(node).get("configdrive")
        if isinstance(drive, dict):
            drive = await agents.ramdisks.config_drive(drive_document(node, drive))
        if drive:
            params["configdrive"] = drive
        name = "standby.prepare_image"
        return await self._ramdisk.command(run, machine, row, name, params, 0) is not None

    async def boot(self, run: Run[Memo]) -> Outcome[Memo]:
        """The ramdisk is over; what is on the disk is next."""
        driver, machine = await self._subject(run)
        await run.hold()
        if driver.can.ramdisk:
            await self._ramdisk.leave(run, driver, machine)
        return run.next()

    async def start(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if not await self._wires.to_tenant(run, machine):
            return run.pause(WIRE_EVERY)
        await run.hold()
        await driver.set_boot_device(machine, "disk", True)
        target = POWER_ON if driver.can.ramdisk else "rebooting"
        await driver.set_power(machine, target, f"{run.id} boot")
        return run.next(lambda tx: self._work.done(tx, run.subject, run.id, POWER_ON))

    async def tear_down(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        await run.hold()
        if driver.can.ramdisk:
            await self._ramdisk.leave(run, driver, machine)
        else:
            await driver.begin(machine, "undeploy", run.id)
            if not await driver.finished(machine, "undeploy", run.id):
                return run.pause(LOOK_EVERY)
            await driver.set_power(machine, POWER_OFF, f"{run.id} down")
            await self._wires.off(run, machine)
        if not run.memo.clean:
            return run.end(lambda tx: self._work.done(tx, run.subject, run.id, POWER_OFF))
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "clean"))

    # --- rescue, service -----------------------------------------------------------------------

    async def rescue(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk:
            await self._ramdisk.boot(run, driver, machine)
        else:
            await run.hold()
            await self._wires.to_ramdisk(run, machine)
            await driver.begin(machine, "rescue", run.id)
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "wait"))

    async def rescued(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk:
            if not await self._let_in(run, machine):
                return run.pause(AGENT_EVERY)
        elif not await driver.finished(machine, "rescue", run.id):
            return run.pause(LOOK_EVERY)
        return run.next(lambda tx: self._work.done(tx, run.subject, run.id, POWER_ON))

    async def _let_in(self, run: Run[Memo], machine: Machine) -> bool:
        """Whether the agent knows the password."""
        row = await self._ramdisk.called(run)
        node = await run.read(lambda tx: self._work.of(tx, run.subject, run.id))
        if row is None or node is None:
            return False
        agents = self._service.agents
        password = str(self._service.nodes.instance_info(node).get("rescue_password") or "")
        hashed = await agents.ramdisks.crypt(password)
        params = {"rescue_password": hashed, "hashed": True}
        name = "rescue.finalize_rescue"
        return await self._ramdisk.command(run, machine, row, name, params, 0) is not None

    async def start_again(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if not await self._wires.to_tenant(run, machine):
            return run.pause(WIRE_EVERY)
        await run.hold()
        if driver.can.ramdisk:
            await driver.set_boot_device(machine, "disk", True)
        await driver.set_power(machine, POWER_ON, f"{run.id} unrescue")
        return run.next(lambda tx: self._work.done(tx, run.subject, run.id, POWER_ON))

    async def service(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk and run.memo.ramdisk:
            await self._ramdisk.boot(run, driver, machine)
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "wait"))

    async def serviced(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        if driver.can.ramdisk and run.memo.ramdisk and await self._ramdisk.called(run) is None:
            return run.pause(AGENT_EVERY)
        outcome = await self._steps.next(run, driver, machine, "service")
        if outcome is not None:
            return outcome
        return run.next(lambda tx: self._work.at(tx, run.subject, run.id, "work"))

    async def service_over(self, run: Run[Memo]) -> Outcome[Memo]:
        """A machine that was in a ramdisk is started anew, from its disk."""
        driver, machine = await self._subject(run)
        if not (driver.can.ramdisk and run.memo.ramdisk):
            return run.end(lambda tx: self._work.done(tx, run.subject, run.id, None))
        await self._ramdisk.leave(run, driver, machine)
        return run.next()

    async def allocate(self, run: Run[Nothing]) -> Outcome[Nothing]:
        decide = self._service.allocations.decide
        if not await run.write(lambda tx: decide(tx, run.subject)):
            return run.pause(LOOK_EVERY)
        return run.end()

    async def change_power(self, run: Run[Memo]) -> Outcome[Memo]:
        driver, machine = await self._subject(run)
        starts = not run.memo.target.endswith("off")
        # Where a restart of the world has undone it, or a ramdisk was left where it was.
        if starts and not await self._wires.to_tenant(run, machine, again=True):
            return run.pause(WIRE_EVERY)
        await run.hold()
        await driver.set_power(machine, run.memo.target, run.id)
        state = await driver.power(machine)
        return run.next(lambda tx: self._work.powered(tx, run.subject, run.id, state))

    async def wire(self, run: Run[Memo]) -> Outcome[Memo]:
        _, machine = await self._subject(run)
        if not await self._wires.to_tenant(run, machine):
            return run.pause(WIRE_EVERY)
        return run.end(lambda tx: self._work.wired(tx, run.subject, run.id))
