"""What is asked of machines, on the wire: power, provision verbs, maintenance, boot device,
traits."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.baremetal.api.nodes import RULE, node_of
from cumulo.baremetal.model.hardware import Rejected
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import SINCE
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, NotAcceptable, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Since, StrictBody, Version

Word = Annotated[str, Meta(max_length=64)]
MOST_DRIVE = 1024 * 1024
"""Bytes of a request with a configuration drive."""


class PowerWish(StrictBody):
    target: Word
    timeout: Annotated[Annotated[int, Meta(ge=1, le=86400)] | None, Since("1.27")] = None


class ProvisionWish(StrictBody):
    target: Word
    configdrive: str | dict[str, Any] | None = None
    clean_steps: Annotated[
        Annotated[list[dict[str, Any]], Meta(max_length=100)] | None, Since("1.15")
    ] = None
    rescue_password: Annotated[Word | None, Since("1.38")] = None


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
        return [
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
        return node_of(self._nodes.get(tx, call.path["node"]), call)

    def _accepted(self, call: Call, row: NodeRow) -> Reply:
        return Reply(202, None, {"Location": f"{call.base_url}/v1/nodes/{row.id}/states"})

    # --- states --------------------------------------------------------------------------------

    def states(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        state = row.provision_state
        old = call.version is not None and call.version < Version(1, 2)
        return {
            "power_state": row.power_state,
            "target_power_state": row.target_power_state,
            "provision_state": None if old and state == "available" else state,
            "target_provision_state": row.target_provision_state,
            "provision_updated_at": f"{zulu(row.provision_updated_at)[:-1]}+00:00",
            "last_error": row.last_error,
            "console_enabled": False,
            "raid_config": {},
            "target_raid_config": {},
        }

    def power(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        target = call.body.target
        if target.startswith("soft ") and call.version is not None:
            _since(call.version, target, "1.27")
        return self._accepted(call, self._work.power(tx, row, target, call.principal))

    def provision(self, call: Call, tx: Tx) -> Reply:
        row = self._one(call, tx)
        wish: ProvisionWish = call.body
        verb = wish.target
        if verb not in SINCE:
            raise BadRequest(
                f'The requested action "{verb}" can not be performed on node "{row.id}": there is '
                "no such action here."
            )
        if call.version is not None:
            _since(call.version, verb, SINCE[verb])
        given = {"configdrive": wish.configdrive, "clean_steps": wish.clean_steps}
        if isinstance(wish.configdrive, dict) and call.version is not None:
            _since(call.version, "config drive as an object", "1.56")
        return self._accepted(call, self._work.provision(tx, row, verb, given, call.principal))

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
