"""What is asked of machines: verbs of the state machine, power; and how that ends.

A verb begins a job in the transaction of the request; the job's own transactions come back here.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.baremetal.model.hardware import Inspected
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import ABORTABLE, GOAL, move_of
from cumulo.baremetal.service import fields, refusals, steps
from cumulo.baremetal.service.agents import AgentsService
from cumulo.baremetal.service.allocations import Allocations
from cumulo.baremetal.service.deploying import ImageWish, drive_document, image_of
from cumulo.baremetal.service.history import History
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.patches import Change
from cumulo.baremetal.service.ports import Ports
from cumulo.baremetal.service.rules import Effects, RuleFailed, applied
from cumulo.baremetal.service.simple import Rules, Templates
from cumulo.baremetal.service.vifs import Vifs
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Fault
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import Images

POWER_TARGETS = ("power on", "power off", "rebooting", "soft power off", "soft rebooting")
KIND_OF = {
    "manage": "baremetal.verify",
    "adopt": "baremetal.verify",
    "inspect": "baremetal.inspect",
    "provide": "baremetal.clean",
    "clean": "baremetal.clean",
    "deploy": "baremetal.deploy",
    "rebuild": "baremetal.deploy",
    "undeploy": "baremetal.undeploy",
    "rescue": "baremetal.rescue",
    "unrescue": "baremetal.unrescue",
    "service": "baremetal.service",
}
RULES_SEE = (
    "name", "driver", "properties", "extra", "traits", "resource_class", "owner", "lessee",
    "description", "driver_info", "power_state", "provision_state",
)  # fmt: skip
"""Of the node, as it is shown: passwords masked."""
POWER = "baremetal.power"
POWER_FAILURE = "power failure"
"""The fault of a node whose BMC does not answer."""
NOBODYS: dict[str, Any] = {
    "instance_uuid": None,
    "instance_info": {},
    "instance_info_sealed": None,
    "allocation_id": None,
    "instance_name": None,
}


class Memo(msgspec.Struct, frozen=True):
    """What a job is for."""

    target: str = ""
    """Of a change of power."""
    clean: bool = True
    """Of an undeployment: the machine is cleaned afterwards."""
    image: ImageWish | None = None
    """Of a deployment by an agent."""
    steps: list[dict[str, Any]] | None = None
    """Of cleaning by an agent: what is to be done, in order; None: nobody has asked the agent."""
    done: int = 0
    """How many of the steps are done."""
    held: bool = False
    """The hold or wait that is the next step has begun."""
    until: float = 0.0
    """When the wait ends."""
    since: float = 0.0
    """When the next step became the next one; 0.0: with the machine's boot."""
    looks: int = 0
    """How often the networks were asked whether they have made the ports."""
    ramdisk: bool = True
    """An agent in one does the steps, where the driver has that."""


class Work:
    def __init__(
        self,
        nodes: Nodes,
        ports: Ports,
        vifs: Vifs,
        jobs: Jobs,
        agents: AgentsService,
        images: Images,
        allocations: Allocations,
        history: History,
        rules: Rules,
        templates: Templates,
    ) -> None:
        self._nodes = nodes
        self._ports = ports
        self._vifs = vifs
        vifs.memo = Memo()
        self._jobs = jobs
        self._agents = agents
        self._images = images
        self._allocations = allocations
        self._history = history
        self._rules = rules
        self._templates = templates

    # --- asked by users ------------------------------------------------------------------------

    def provision(
        self, tx: Tx, row: NodeRow, verb: str, body: Mapping[str, Any], who: Principal
    ) -> NodeRow:
        self._nodes.refuse_locked(row)
        if verb == "abort":
            return self._abort(tx, row)
        if verb == "unhold" and move_of(verb, row.provision_state) and row.job is not None:
            self._jobs.nudge(tx, row.job)
            return self._nodes.move(tx, row, step="wait")
        move = move_of(verb, row.provision_state)
        if move is None:
            raise refusals.wrong_state(verb, row)
        self._refuse_verb(row, verb)
        if verb in ("clean", "service") and not body.get(f"{verb}_steps"):
            raise BadRequest(
                f'"{verb}_steps" is required when setting target provision state to {verb}'
            )
        if verb == "rescue" and not str(body.get("rescue_password") or "").strip():
            raise BadRequest('"rescue_password" is required when setting target state to rescue')
        if row.job is not None:
            self._jobs.drop(tx, row.job)
            self._agents.forget(tx, row.id)
        if body.get("configdrive") is not None:
            if verb not in ("active", "rebuild"):
                raise BadRequest(
                    "Adding a config drive is only supported when setting provision state to "
                    "active or rebuild"
                )
            row = self._nodes.set_secret(tx, row, configdrive=body["configdrive"])
        if verb == "rescue":
            row = self._nodes.set_secret(tx, row, rescue_password=body["rescue_password"])
        action = move.action
        if action is None or (action == "provide" and row.automated_clean is False):
            stage = move.stage or "available"
            return self._nodes.move(
                tx, row, stage=stage, action=None, step=None, failed=False, job=None,
                last_error=None,
            )  # fmt: skip
        self._refuse_lacking(row)
        job = new_id()
        memo = self._memo(tx, row, verb, body, who)
        self._jobs.begin(tx, KIND_OF[action], row.id, memo, id=job, project_id=row.owner)
        more = {"inspection_started_at": tx.now} if action == "inspect" else {}
        return self._nodes.move(
            tx, row, action=action, step="work", failed=False, job=job, last_error=None, **more
        )

    def _refuse_verb(self, row: NodeRow, verb: str) -> None:
        if row.maintenance and verb in ("active", "rebuild", "clean", "rescue", "service"):
            raise refusals.in_maintenance("provisioning", row)
        if row.protected and verb in ("deleted", "rebuild"):
            raise refusals.protected(verb, row)
        if row.retired and verb == "provide":
            raise BadRequest(f"Node {row.id} is retired and can not be made available.")
        driver = self._nodes.driver(row)
        kind = {"rescue": "rescue", "unrescue": "rescue", "inspect": "inspect"}.get(verb)
        if kind is not None and row.interfaces.get(kind, "no-").startswith("no-"):
            raise BadRequest(
                f"Driver {row.driver} does not support {kind} (disabled or not implemented)."
            )
        if verb == "service" and "service" not in driver.can.works:
            raise BadRequest(f"Driver {row.driver} has no steps of service.")

    def _memo(
        self, tx: Tx, row: NodeRow, verb: str, body: Mapping[str, Any], who: Principal
    ) -> Memo:
        memo = Memo(clean=row.automated_clean is not False)
        can = self._nodes.driver(row).can
        ramdisk = can.ramdisk and not body.get("disable_ramdisk")
        if verb in ("clean", "service"):
            asked = steps.checked(verb, body[f"{verb}_steps"], row, can, ramdisk=ramdisk)
            return msgspec.structs.replace(memo, steps=asked, ramdisk=ramdisk)
        if verb not in ("active", "rebuild"):
            return memo
        info = self._nodes.instance_info(row)
        planned = self._deployment(tx, row, info, body.get("deploy_steps") or [])
        memo = msgspec.structs.replace(memo, steps=planned)
        if not can.ramdisk:
            return memo
        drive = info.get("configdrive")
        if isinstance(drive, dict):
            drive_document(row, drive)
        return msgspec.structs.replace(memo, image=image_of(tx, self._images, info, who))

    def _deployment(
        self, tx: Tx, row: NodeRow, info: Mapping[str, Any], asked: Any
    ) -> list[dict[str, Any]]:
        """Of the deploy templates that the instance's traits name, and of those asked for by
        themselves, which count more."""
        named = info.get("traits") or []
        if not isinstance(named, list) or not set(map(str, named)) <= set(row.traits):
            raise BadRequest(
                f"Cannot deploy node {row.id}: traits in its instance_info are none of the node's"
            )
        can, found = self._nodes.driver(row).can, {}
        templates = self._templates.named_by(tx, named)
        for each in (*(step for template in templates for step in template.steps), *asked):
            [step] = steps.checked("deploy", [each], row, can, ramdisk=can.ramdisk)
            found[step["interface"], step["step"]] = step
        return steps.deployment(list(found.values()))

    def _refuse_lacking(self, row: NodeRow) -> None:
        lacking = self._nodes.lacks(row)
        if lacking:
            name, reason = next(iter(sorted(lacking.items())))
            raise BadRequest(f"Failed to validate {name} info for node {row.id}. Error: {reason}")

    def _abort(self, tx: Tx, row: NodeRow) -> NodeRow:
        if row.provision_state not in ABORTABLE:
            raise refusals.wrong_state("abort", row)
        if row.job is not None:
            self._jobs.drop(tx, row.job)
        self._agents.forget(tx, row.id)
        what = {"wait call-back": "deploy", "deploy hold": "deploy"}.get(row.provision_state)
        told = f"By request, the {what or row.provision_state.split(' ')[0]} operation was aborted"
        return self._nodes.move(tx, row, failed=True, job=None, last_error=told)

    def power(self, tx: Tx, row: NodeRow, target: str, who: Principal) -> NodeRow:
        if target not in POWER_TARGETS:
            raise BadRequest(f"Invalid state requested: {target[:100]} is no power state")
        self._nodes.refuse_locked(row)
        if row.job is not None:
            # It waits for the machine, which must be left alone meanwhile.
            raise refusals.wrong_state(target, row)
        self._refuse_lacking(row)
        job = new_id()
        self._jobs.begin(tx, POWER, row.id, Memo(target), id=job, project_id=row.owner)
        wanted = {"rebooting": "power on", "soft rebooting": "power on"}.get(
            target, target.removeprefix("soft ")
        )
        row = tx.update(row, job=job, target_power_state=wanted, last_error=None, updated_at=tx.now)
        emit(
            tx, "baremetal.node.power", row.id, principal=who, state=row.power_state, target=wanted
        )
        return row

    def image(self, tx: Tx, node: str, job: str) -> ImageWish | None:
        """What this job writes."""
        for row in self._jobs.of(tx, node):
            if row.id == job:
                return msgspec.convert(row.memo, Memo).image
        return None

    # --- told by jobs --------------------------------------------------------------------------

    def of(self, tx: Tx, node_id: str, job: str) -> NodeRow | None:
        """The node, if this job is still what is at it."""
        row = tx.get(NodeRow, node_id)
        return row if row is not None and row.job == job else None

    def at(self, tx: Tx, node_id: str, job: str, step: str) -> None:
        """On with another step; a machine that was torn down is nobody's from then on."""
        row = self.of(tx, node_id, job)
        if row is not None:
            more: dict[str, Any] = {}
            if row.action == "undeploy":
                more = self._nobodys(tx, row)
            self._nodes.move(tx, row, step=step, **more)

    def _nobodys(self, tx: Tx, row: NodeRow) -> dict[str, Any]:
        """What it loses with its instance; the changes of its own row."""
        self._allocations.forget(tx, row)
        self._vifs.forget(tx, row)
        return NOBODYS

    def done(self, tx: Tx, node_id: str, job: str, power: str | None) -> None:
        """The action has led to its stage."""
        row = self.of(tx, node_id, job)
        if row is None or row.action is None:
            return
        goal = GOAL[row.action]
        more: dict[str, Any] = {} if power is None else {"power_state": power}
        more["working_on"] = {}
        if row.action == "undeploy":
            more |= self._nobodys(tx, row)
        if row.action == "unrescue":
            row = self._nodes.set_secret(tx, row, rescue_password=None)
        self._agents.forget(tx, row.id)
        self._nodes.move(
            tx, row, stage=goal, action=None, step=None, failed=False, job=None, **more
        )

    def working_on(self, tx: Tx, node_id: str, job: str, step: dict[str, Any]) -> None:
        """The step that is in work."""
        row = self.of(tx, node_id, job)
        if row is not None:
            tx.update(row, working_on=step)

    def knows_bios(self, tx: Tx, node_id: str, job: str, bios: list[dict[str, Any]]) -> None:
        row = self.of(tx, node_id, job)
        if row is not None:
            tx.update(row, bios=bios)

    def verified(
        self, tx: Tx, node_id: str, job: str, power: str, bios: list[dict[str, Any]]
    ) -> None:
        row = self.of(tx, node_id, job)
        if row is not None:
            tx.update(row, bios=bios)
        self.done(tx, node_id, job, power)

    def inspected(self, tx: Tx, node_id: str, job: str, found: Inspected) -> None:
        row = self.of(tx, node_id, job)
        if row is None:
            return
        self._ports.found(tx, row, found.addresses)
        properties = {**row.properties, **found.properties}
        row = tx.update(row, properties=properties)
        inventory = found.inventory or {}
        shown = {name: getattr(row, name) for name in RULES_SEE} | {"uuid": row.id}
        try:
            effects = applied(self._rules.all(tx), shown, inventory, {})
            row = self._follow(tx, row, effects)
        except (RuleFailed, Fault) as error:
            self.failed(tx, node_id, job, f"an inspection rule failed: {error}")
            return
        kept = {"inventory": inventory, "plugin_data": effects.plugin_data}
        tx.update(row, inspection_finished_at=tx.now, inventory=kept)
        self.done(tx, node_id, job, found.power)

    def _follow(self, tx: Tx, row: NodeRow, effects: Effects) -> NodeRow:
        """What inspection rules want of the node. Raises Fault."""
        changes = list(effects.changes)
        if effects.capabilities:
            text = str(row.properties.get("capabilities") or "")
            parts = (part.partition(":") for part in text.split(",") if part)
            have: dict[str, str | None] = {name: value for name, _, value in parts}
            have |= effects.capabilities
            told = ",".join(f"{k}:{v}" for k, v in have.items() if v is not None)
            changes.append(Change("add", ("properties", "capabilities"), told))
        traits = {*row.traits, *effects.add_traits} - {*effects.remove_traits}
        if traits != set(row.traits):
            row = tx.update(row, traits=fields.traits("traits", sorted(traits)))
        if changes:
            row = self._nodes.update(tx, row, changes, None, found=True)
        return row

    def powered(self, tx: Tx, node_id: str, job: str, state: str) -> None:
        row = self.of(tx, node_id, job)
        if row is None:
            return
        row = tx.update(
            row, power_state=state, target_power_state=None, job=None, updated_at=tx.now
        )
        emit(tx, "baremetal.node.power", row.id, project_id=row.owner, state=state)
        self._nodes.told(tx, row)

    def wired(self, tx: Tx, node_id: str, job: str) -> None:
        row = self.of(tx, node_id, job)
        if row is not None:
            self._nodes.told(tx, tx.update(row, job=None, updated_at=tx.now))

    def seen_power(self, tx: Tx, node_id: str, power: str) -> None:
        """What its BMC says, though nobody has asked the machine for it."""
        row = tx.get(NodeRow, node_id)
        if row is None or row.job is not None:
            return
        more: dict[str, Any] = {}
        if row.fault == POWER_FAILURE:
            more = {"fault": None, "maintenance": False, "maintenance_reason": None}
        changed = row.power_state != power
        row = tx.update(row, power_state=power, updated_at=tx.now, **more)
        if changed:
            emit(tx, "baremetal.node.power", row.id, project_id=row.owner, state=power)
        if changed or more:
            self._nodes.told(tx, row)

    def silent(self, tx: Tx, node_id: str, reason: str) -> None:
        """Its BMC has not answered for a while."""
        row = tx.get(NodeRow, node_id)
        if row is None or row.job is not None or row.maintenance:
            return
        told = f"During sync_power_state, the BMC did not answer: {reason}"[:4096]
        self._history.write(tx, row, told, "power")
        row = tx.update(
            row, maintenance=True, maintenance_reason=told, fault=POWER_FAILURE, last_error=told,
            updated_at=tx.now,
        )  # fmt: skip
        self._nodes.told(tx, row)
        emit(tx, "baremetal.node.maintenance", row.id, project_id=row.owner, on=True, reason=told)

    def failed(self, tx: Tx, node_id: str, job: str, reason: str) -> None:
        """It cannot be."""
        row = self.of(tx, node_id, job)
        if row is None:
            return
        if row.target_power_state is not None:
            told = f"Failed to change power state to '{row.target_power_state}': {reason}"
            told = told[:4096]
            self._history.write(tx, row, told, "power")
            row = tx.update(
                row, target_power_state=None, job=None, last_error=told, updated_at=tx.now
            )
            self._nodes.told(tx, row)
            state = row.power_state
            emit(tx, "baremetal.node.power", row.id, project_id=row.owner, state=state, reason=told)
            return
        if row.action is None:
            told = f"Failed to wire the machine to the networks of its VIFs: {reason}"[:4096]
            self._history.write(tx, row, told, "network")
            self._nodes.told(tx, tx.update(row, job=None, last_error=told, updated_at=tx.now))
            return
        self._agents.forget(tx, row.id)
        self._history.write(tx, row, reason[:4096], "provisioning")
        # A verification that failed leaves a node at rest in `enroll`.
        ended = {"action": None, "step": None} if row.action == "manage" else {"failed": True}
        self._nodes.move(tx, row, job=None, last_error=reason[:4096], **ended)
