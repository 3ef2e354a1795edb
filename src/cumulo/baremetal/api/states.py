"""What is asked of machines, on the wire: power, provision verbs, maintenance, boot device,
traits."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.baremetal.api.nodes import RULE, node_of
from cumulo.baremetal.api.things import before, ident
from cumulo.baremetal.model.hardware import Rejected
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import ABORTABLE, SAME_AS, SINCE
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, NotAcceptable, NotFound, Unavailable
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Since, StrictBody, Version

Word = Annotated[str, Meta(max_length=64)]
STEPS_OF = {
    "clean_steps": ("clean",), "deploy_steps": ("active", "rebuild"),
    "service_steps": ("service",),
}  # fmt: skip
MOST_DRIVE = 1024 * 1024
"""Bytes of a request with a configuration drive."""


class PowerWish(StrictBody):
    target: Word
    timeout: Annotated[Annotated[int, Meta(ge=1, le=86400)] | None, Since("1.27")] = None


Steps = Annotated[list[dict[str, Any]], Meta(max_length=100)] | None


class ProvisionWish(StrictBody):
    target: Word
    configdrive: str | dict[str, Any] | None = None
    clean_steps: Annotated[Steps, Since("1.15")] = None
    rescue_password: Annotated[Annotated[str, Meta(max_length=255)] | None, Since("1.38")] = None
    deploy_steps: Annotated[Steps, Since("1.69")] = None
    disable_ramdisk: Annotated[bool | None, Since("1.70")] = None
    service_steps: Annotated[Steps, Since("1.87")] = None
    runbook: Annotated[Word | None, Since("1.92")] = None


class Reason(StrictBody):
    reason: Annotated[str, Meta(max_length=4096)] | None = None


class BootWish(StrictBody):
    boot_device: Word
    persistent: bool = False


class Traits(StrictBody):
    traits: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=1000)]


class StatesApi:
    def __init__(self, service: BareMetalService, database: Database) -> None:
        self._service = service
        self._nodes = service.nodes
        self._work = service.work
        self._database = database

    def operations(self) -> list[Operation]:
        one = "/v1/nodes/{node}"
        device, traits = f"{one}/management/boot_device", f"{one}/traits"
        late: dict[str, Any] = {"early": False}
        change: dict[str, Any] = {**late, "status": 202}
        trait: dict[str, Any] = {**late, "since": "1.37"}
        old_traits = [
            before("1.37", "GET", traits, 406),
            before("1.37", "PUT", traits, 405),
            before("1.37", "PUT", f"{traits}/{{trait}}", 405),
        ]
        return [
            *old_traits,
            Operation("GET", f"{one}/states", self.states, policy=f"{RULE}:get_states", **late),
            Operation("PUT", f"{one}/states/power", self.power, body=PowerWish,
                      policy=f"{RULE}:set_power_state", **change),
            Operation("PUT", f"{one}/states/provision", self.provision, body=ProvisionWish,
                      policy=f"{RULE}:set_provision_state", body_limit=MOST_DRIVE, **change),
            Operation("PUT", f"{one}/maintenance", self.maintain, body=Reason | None,
                      policy=f"{RULE}:set_maintenance", **change),
            Operation("DELETE", f"{one}/maintenance", self.unmaintain,
                      policy=f"{RULE}:clear_maintenance", **change),
            Operation("GET", device, self.boot_device, kind="stream",
                      policy=f"{RULE}:get_boot_device", **late),
            Operation("PUT", device, self.set_boot_device, kind="stream", body=BootWish,
                      policy=f"{RULE}:set_boot_device", status=204, **late),
            Operation("GET", f"{device}/supported", self.boot_devices,
                      policy=f"{RULE}:get_boot_device", **late),
            Operation("GET", traits, self.traits, policy=f"{RULE}:traits:list", **trait),
            Operation("PUT", traits, self.set_traits, body=Traits, status=204,
                      policy=f"{RULE}:traits:set", **trait),
            Operation("DELETE", traits, self.drop_traits, status=204,
                      policy=f"{RULE}:traits:delete", **trait),
            Operation("PUT", f"{traits}/{{trait}}", self.add_trait, status=204,
                      policy=f"{RULE}:traits:set", **trait),
            Operation("DELETE", f"{traits}/{{trait}}", self.drop_trait, status=204,
                      policy=f"{RULE}:traits:delete", **trait),
        ]  # fmt: skip

    def _one(self, call: Call, tx: Tx) -> NodeRow:
        return node_of(self._nodes.get(tx, ident(call, "node")), call)

    def _accepted(self, call: Call, row: NodeRow) -> Reply:
        return Reply(202, None, {"Location": f"{call.base_url}/v1/nodes/{row.id}/states"})

    # --- states --------------------------------------------------------------------------------

    def states(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        state = row.provision_state
        old = call.version is not None and call.version < Version(1, 2)
        found: dict[str, Any] = {
            "power_state": row.power_state,
            "target_power_state": row.target_power_state,
            "provision_state": None if old and state == "available" else state,
            "target_provision_state": row.target_provision_state,
            "provision_updated_at": f"{zulu(row.provision_updated_at)[:-1]}+00:00",
            "last_error": row.last_error,
            "console_enabled": row.console_enabled,
        }
        if call.version is None or call.version >= Version(1, 12):
            found |= {
                "raid_config": row.raid_config,
                "target_raid_config": row.target_raid_config,
            }
        if call.version is None or call.version >= Version(1, 75):
            found |= {"boot_mode": row.boot_mode, "secure_boot": row.secure_boot}
        return found

    def power(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        target = call.body.target
        if target.startswith("soft ") and call.version is not None:
            _since(call.version, target, "1.27")
        return self._accepted(call, self._work.power(tx, row, target, call.principal))

    def provision(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        wish: ProvisionWish = call.body
        if wish.target not in SINCE:
            raise BadRequest(
                f'The requested action "{wish.target}" can not be performed on node "{row.id}": '
                "there is no such action here."
            )
        if call.version is not None:
            _since(call.version, wish.target, SINCE[wish.target])
            if wish.target == "abort" and row.provision_state in ABORTABLE:
                what = f"abort in {row.provision_state}"
                _since(call.version, what, ABORTABLE[row.provision_state])
        verb = SAME_AS.get(wish.target, wish.target)
        if wish.configdrive is not None and call.version is not None:
            if verb == "rebuild":
                _since(call.version, "config drive of a rebuild", "1.35")
            if isinstance(wish.configdrive, dict):
                _since(call.version, "config drive as an object", "1.56")
                if wish.configdrive.get("vendor_data") is not None:
                    _since(call.version, "vendor_data of a config drive", "1.59")
        given = self._given(call, tx, row, verb)
        return self._accepted(call, self._work.provision(tx, row, verb, given, call.principal))

    def _given(self, call: Call, tx: Tx, row: NodeRow, verb: str) -> dict[str, Any]:
        """What the verb is given, steps of a runbook among it."""
        wish: ProvisionWish = call.body
        for name, verbs in STEPS_OF.items():
            if getattr(wish, name) is not None and verb not in verbs:
                raise BadRequest(f'"{name}" is only valid when the target is {" or ".join(verbs)}')
        given = {
            "configdrive": wish.configdrive,
            "clean_steps": wish.clean_steps,
            "service_steps": wish.service_steps,
            "deploy_steps": wish.deploy_steps,
            "rescue_password": wish.rescue_password,
            "disable_ramdisk": wish.disable_ramdisk,
        }
        if wish.runbook is None:
            return given
        if verb not in ("clean", "service"):
            raise BadRequest("A runbook is only valid when the target is clean or service")
        if wish.clean_steps is not None or wish.service_steps is not None:
            raise BadRequest("Provide either steps or a runbook, not both")
        book = self._service.runbooks.get(tx, wish.runbook)
        target = {"runbook.owner": book.owner, "runbook.public": str(book.public)}
        if not call.allowed("baremetal:runbook:get", target):
            raise self._service.runbooks.not_found(wish.runbook)
        # A runbook of before 1.112 is allowed by its name alone.
        if not {book.name, *book.traits} & set(row.traits):
            raise BadRequest(f"Runbook {book.name} is for none of the traits of node {row.id}.")
        steps = sorted(book.steps, key=lambda step: int(step["order"]))
        plain = [{key: step[key] for key in ("interface", "step", "args")} for step in steps]
        return given | {f"{verb}_steps": plain}

    def maintain(self, call: Call, tx: Tx) -> Reply:
        reason = None if call.body is None else call.body.reason
        row = self._one(call, tx)
        self._nodes.set_maintenance(tx, row, True, reason, call.principal)
        return Reply(202)

    def unmaintain(self, call: Call, tx: Tx) -> Reply:
        self._nodes.set_maintenance(tx, self._one(call, tx), False, None, call.principal)
        return Reply(202)

    # --- boot device ---------------------------------------------------------------------------

    async def boot_device(self, call: Call) -> Any:
        row = await self._database.read(lambda tx: self._one(call, tx))
        try:
            device, persistent = await self._nodes.driver(row).boot_device(self._nodes.machine(row))
        except Rejected as error:
            raise Conflict(str(error)) from None
        except OSError as error:
            raise Unavailable(str(error)) from None
        return {"boot_device": device, "persistent": persistent}

    async def set_boot_device(self, call: Call) -> None:
        row = await self._database.read(lambda tx: self._one(call, tx))
        self._nodes.refuse_locked(row)
        wish: BootWish = call.body
        driver = self._nodes.driver(row)
        if wish.boot_device not in driver.can.boot_devices:
            raise BadRequest(f"Invalid boot device {wish.boot_device} specified.")
        try:
            await driver.set_boot_device(
                self._nodes.machine(row), wish.boot_device, wish.persistent
            )
        except Rejected as error:
            raise Conflict(str(error)) from None
        except OSError as error:
            raise Unavailable(str(error)) from None

    def boot_devices(self, call: Call, tx: Tx) -> Any:
        driver = self._nodes.driver(self._one(call, tx))
        return {"supported_boot_devices": list(driver.can.boot_devices)}

    # --- traits --------------------------------------------------------------------------------

    def traits(self, call: Call, tx: Tx) -> Any:
        return {"traits": self._one(call, tx).traits}

    def set_traits(self, call: Call, tx: Tx) -> None:
        self._nodes.set_traits(tx, self._one(call, tx), call.body.traits, call.principal)

    def drop_traits(self, call: Call, tx: Tx) -> None:
        self._nodes.set_traits(tx, self._one(call, tx), [], call.principal)

    def add_trait(self, call: Call, tx: Tx) -> None:
        row = self._one(call, tx)
        self._nodes.set_traits(tx, row, [*row.traits, call.path["trait"]], call.principal)

    def drop_trait(self, call: Call, tx: Tx) -> None:
        row, trait = self._one(call, tx), call.path["trait"]
        if trait not in row.traits:
            raise NotFound(f"Node {row.id} doesn't have a trait '{trait[:255]}'")
        rest = [each for each in row.traits if each != trait]
        self._nodes.set_traits(tx, row, rest, call.principal)


def _since(version: Version, what: str, since: str) -> None:
    if version < Version.parse(since):
        raise NotAcceptable(
            f"Request not acceptable. The requested action {what} needs API version {since}."
        )
