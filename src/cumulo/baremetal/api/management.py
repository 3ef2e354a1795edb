"""What is asked of a node besides its state: console, RAID, boot mode, indicators, VIFs, BIOS
settings, history, inventory, virtual media, vendor's methods."""

from collections.abc import Awaitable
from typing import Annotated, Any, NoReturn, TypeVar

from msgspec import UNSET, Meta

from cumulo.baremetal.api import common
from cumulo.baremetal.api.nodes import RULE, node_of
from cumulo.baremetal.api.things import before, ident, time_of, too_old
from cumulo.baremetal.model.hardware import Rejected
from cumulo.baremetal.model.history import HistoryRow
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service import fields
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound, Unavailable
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Version

T = TypeVar("T")
Word = Annotated[str, Meta(max_length=255)]
MOST_EVENTS = 100
REGISTRY = (
    "attribute_type", "allowable_values", "lower_bound", "upper_bound", "min_length",
    "max_length", "read_only", "reset_required", "unique",
)  # fmt: skip
"""What a BMC's registry would say of a setting."""


class ConsoleWish(StrictBody):
    enabled: bool | str


class TargetWish(StrictBody):
    target: bool | Word


class IndicatorWish(StrictBody):
    state: Word


class VifWish(Body):
    id: Word
    port_uuid: Annotated[str | None, Since("1.67")] = None
    portgroup_uuid: Annotated[str | None, Since("1.67")] = None


class MediumWish(StrictBody):
    device_type: Word
    image_url: Annotated[str, Meta(max_length=2048)]
    image_download_source: Word | None = None


class EventsWish(StrictBody):
    events: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_EVENTS)]


class HistoryBody(Body, kw_only=True):
    uuid: str
    created_at: str | None
    severity: str
    event: str
    conductor: str | Unset = UNSET
    event_type: str | Unset = UNSET
    user: str | Unset | None = UNSET
    links: list[dict[str, str]] | Unset = UNSET


class ManagementApi:
    def __init__(self, service: BareMetalService, database: Database) -> None:
        self._service = service
        self._nodes = service.nodes
        self._vifs = service.vifs
        self._history = service.history
        self._database = database

    def operations(self) -> list[Operation]:
        return [*self._states(), *self._views(), *self._of_vifs(), *self._media()]

    def _states(self) -> list[Operation]:
        one = "/v1/nodes/{node}"
        late: dict[str, Any] = {"early": False}
        asked: dict[str, Any] = {**late, "kind": "stream"}
        states, lights = f"{one}/states", f"{one}/management/indicators"
        return [
            Operation("GET", f"{states}/console", self.console, policy=f"{RULE}:get_console",
                      **late),
            Operation("GET", "/v1/nodes/states/console/{node}", self.console,
                      policy=f"{RULE}:get_console", **late),
            Operation("PUT", f"{states}/console", self.set_console, body=ConsoleWish,
                      policy=f"{RULE}:set_console_state", status=202, **late),
            Operation("PUT", f"{states}/raid", self.set_raid, body=dict[str, Any], since="1.12",
                      policy=f"{RULE}:set_raid_state", status=204, **late),
            before("1.12", "PUT", f"{states}/raid", 406),
            Operation("PUT", f"{states}/{{other}}", too_old(405), public=True, kind="fixed"),
            Operation("PUT", f"{states}/boot_mode", self.set_boot_mode, body=TargetWish,
                      policy=f"{RULE}:set_boot_mode", since="1.76", status=202, **asked),
            Operation("PUT", f"{states}/secure_boot", self.set_secure_boot, body=TargetWish,
                      policy=f"{RULE}:set_secure_boot", since="1.76", status=202, **asked),
            *(
                Operation("PUT", f"{states}/{name}", self.too_old, body=TargetWish, until="1.75",
                          policy=f"{RULE}:set_{name}", status=202, **late)
                for name in ("boot_mode", "secure_boot")
            ),
            Operation("PUT", f"{one}/management/inject_nmi", self.nmi, since="1.29",
                      policy=f"{RULE}:inject_nmi", status=204, **asked),
            Operation("GET", lights, self.indicators, since="1.63",
                      policy=f"{RULE}:get_indicator_state", **late),
            Operation("GET", f"{lights}/{{component}}", self.indicators_of, since="1.63",
                      policy=f"{RULE}:get_indicator_state", **asked),
            Operation("PUT", f"{lights}/{{component}}", self.set_indicator,
                      body=IndicatorWish, since="1.63", status=204,
                      policy=f"{RULE}:set_indicator_state", **asked),
            Operation("GET", f"{lights}/{{component}}/{{light}}", self.indicator, since="1.63",
                      policy=f"{RULE}:get_indicator_state", **asked),
            Operation("PUT", f"{lights}/{{component}}/{{light}}", self.set_indicator,
                      body=IndicatorWish, since="1.63", status=204,
                      policy=f"{RULE}:set_indicator_state", **asked),
        ]  # fmt: skip

    def _views(self) -> list[Operation]:
        one = "/v1/nodes/{node}"
        late: dict[str, Any] = {"early": False}
        vendor = f"{one}/vendor_passthru"
        calls = [
            Operation(method, vendor, self.call_vendor, policy=f"{RULE}:vendor_passthru",
                      body=None if method in ("GET", "DELETE") else Any, **late)
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        ]  # fmt: skip
        return [
            Operation("GET", f"{one}/bios", self.bios, policy=f"{RULE}:bios:get", since="1.40",
                      **late),
            Operation("GET", f"{one}/bios/{{setting}}", self.bios_setting, since="1.40",
                      policy=f"{RULE}:bios:get", **late),
            Operation("GET", f"{one}/firmware", self.firmware, policy=f"{RULE}:firmware:get",
                      since="1.86", **late),
            Operation("GET", f"{one}/history", self.history, policy=f"{RULE}:history:get",
                      since="1.78", **late),
            Operation("GET", f"{one}/history/{{event}}", self.one_of_history, since="1.78",
                      policy=f"{RULE}:history:get", response=HistoryBody, **late),
            Operation("GET", f"{one}/inventory", self.inventory, since="1.81",
                      policy=f"{RULE}:inventory:get", **late),
            Operation("GET", f"{one}/volume", self.volume, policy=f"{RULE}:get", since="1.32",
                      **late),
            Operation("GET", "/v1/volume", self.volumes, policy="baremetal:volume:get",
                      since="1.32"),
            Operation("GET", f"{vendor}/methods", self.vendor_methods,
                      policy=f"{RULE}:vendor_passthru", **late),
            *calls,
            Operation("POST", "/v1/events", self.events, policy="baremetal:events:post",
                      body=EventsWish, since="1.54", status=204),
        ]  # fmt: skip

    def _of_vifs(self) -> list[Operation]:
        vifs = "/v1/nodes/{node}/vifs"
        late: dict[str, Any] = {"early": False, "since": "1.28"}
        return [
            Operation("GET", vifs, self.vifs, policy=f"{RULE}:vif:list", **late),
            Operation("POST", vifs, self.attach_vif, body=VifWish, status=204,
                      policy=f"{RULE}:vif:attach", **late),
            Operation("DELETE", vifs, self.no_vif, status=204, policy=f"{RULE}:vif:detach", **late),
            Operation("DELETE", f"{vifs}/{{vif}}", self.detach_vif, status=204,
                      policy=f"{RULE}:vif:detach", **late),
        ]  # fmt: skip

    def _media(self) -> list[Operation]:
        media = "/v1/nodes/{node}/vmedia"
        asked: dict[str, Any] = {"early": False, "kind": "stream"}
        return [
            Operation("POST", media, self.attach_medium, body=MediumWish, since="1.89",
                      policy=f"{RULE}:vmedia:attach", status=204, **asked),
            before("1.89", "PUT", media, 404),
            Operation("PUT", media, too_old(405), public=True, kind="fixed", since="1.89"),
            Operation("DELETE", media, self.detach_medium, since="1.89", status=204,
                      policy=f"{RULE}:vmedia:detach", **asked),
        ]  # fmt: skip

    def one(self, call: Call, tx: Tx) -> NodeRow:
        return node_of(self._nodes.get(tx, ident(call, "node")), call)

    async def _read(self, call: Call, *, free: bool = False) -> NodeRow:
        row = await self._database.read(lambda tx: self.one(call, tx))
        if free:
            self._nodes.refuse_locked(row)
        return row

    async def _ask(self, asked: Awaitable[T]) -> T:
        """What a driver says; its refusals in the caller's words."""
        try:
            return await asked
        except Rejected as error:
            raise Conflict(str(error)) from None
        except OSError as error:
            raise Unavailable(str(error)) from None

    def _supports(self, row: NodeRow, kind: str) -> None:
        if row.interfaces.get(kind, "no-").startswith("no-"):
            raise BadRequest(
                f"Driver {row.driver} does not support {kind} (disabled or not implemented)."
            )

    def too_old(self, call: Call, tx: Tx) -> None:
        """Who may not do it learns no more; for others there is no such thing yet."""
        self.one(call, tx)
        raise NotFound(f"There is no such operation in API version {call.version}.")

    # --- states --------------------------------------------------------------------------------

    def console(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        self._supports(row, "console")
        info = {"type": "fake", "url": None} if row.console_enabled else None
        return {"console_enabled": row.console_enabled, "console_info": info}

    def set_console(self, call: Call, tx: Tx) -> Reply:
        row = self.one(call, tx)
        self._supports(row, "console")
        self._nodes.refuse_locked(row)
        enabled = fields.flag_of("enabled", call.body.enabled)
        tx.update(row, console_enabled=enabled, updated_at=tx.now)
        return Reply(202, None, {"Location": f"{call.base_url}/v1/nodes/{row.id}/states/console"})

    def set_raid(self, call: Call, tx: Tx) -> None:
        row = self.one(call, tx)
        self._supports(row, "raid")
        self._nodes.set_raid(tx, row, call.body)

    async def set_boot_mode(self, call: Call) -> Reply:
        row = await self._read(call, free=True)
        mode = call.body.target
        if mode not in ("uefi", "bios"):
            raise BadRequest(f"Invalid boot mode requested: {str(mode)[:50]}")
        machine = self._nodes.machine(row)
        await self._ask(self._nodes.driver(row).set_boot_mode(machine, mode))
        await self._keep(row, boot_mode=mode)
        return Reply(202, None, {"Location": f"{call.base_url}/v1/nodes/{row.id}/states"})

    async def set_secure_boot(self, call: Call) -> Reply:
        row = await self._read(call, free=True)
        on = fields.flag_of("target", call.body.target)
        await self._ask(self._nodes.driver(row).set_secure_boot(self._nodes.machine(row), on))
        await self._keep(row, secure_boot=on)
        return Reply(202, None, {"Location": f"{call.base_url}/v1/nodes/{row.id}/states"})

    async def _keep(self, row: NodeRow, **changes: Any) -> None:
        def write(tx: Tx) -> None:
            there = tx.get(NodeRow, row.id)
            if there is not None:
                tx.update(there, updated_at=tx.now, **changes)

        await self._database.write(write, name="baremetal node changed")

    async def nmi(self, call: Call) -> None:
        row = await self._read(call, free=True)
        await self._ask(self._nodes.driver(row).nmi(self._nodes.machine(row)))

    # --- indicators ----------------------------------------------------------------------------

    def _lights(self, row: NodeRow, component: str) -> dict[str, Any]:
        found = self._nodes.driver(row).can.indicators.get(component)
        if found is None:
            raise NotFound(f"Node {row.id} has no component {component[:100]} with indicators.")
        return dict(found)

    def indicators(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        place = ("nodes", row.id, "management", "indicators")
        return {
            "components": [
                {"name": name, "links": common.link(call, *place, name)}
                for name in self._nodes.driver(row).can.indicators
            ]
        }

    async def indicators_of(self, call: Call) -> Any:
        component = call.path["component"]
        if "@" in component:
            return await self.indicator(call)
        row = await self._read(call)
        place = ("nodes", row.id, "management", "indicators", component)
        return {
            "indicators": [
                {"name": name, "readonly": False, "states": list(states),
                 "links": common.link(call, *place, name)}
                for name, states in self._lights(row, component).items()
            ]
        }  # fmt: skip

    def _light(self, call: Call, row: NodeRow) -> tuple[str, str, Any]:
        component, light = call.path["component"], call.path.get("light", "")
        if not light:
            light, _, component = component.partition("@")
        states = self._lights(row, component).get(light)
        if states is None:
            raise NotFound(f"Component {component} has no indicator {light[:100]}.")
        return component, light, states

    async def indicator(self, call: Call) -> Any:
        row = await self._read(call)
        component, light, _ = self._light(call, row)
        driver, machine = self._nodes.driver(row), self._nodes.machine(row)
        return {"state": await self._ask(driver.indicator(machine, component, light))}

    async def set_indicator(self, call: Call) -> None:
        row = await self._read(call, free=True)
        component, light, states = self._light(call, row)
        if call.body.state not in states:
            raise BadRequest(f"An indicator is one of {', '.join(states)}")
        driver, machine = self._nodes.driver(row), self._nodes.machine(row)
        await self._ask(driver.set_indicator(machine, component, light, call.body.state))

    # --- views ---------------------------------------------------------------------------------

    def bios(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        self._supports(row, "bios")
        common.refuse_query(call, {"detail", "fields"}, {"detail": "1.74", "fields": "1.74"})
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        return {"bios": [self._setting(call, row, each, detail) for each in row.bios]}

    def _setting(
        self, call: Call, row: NodeRow, setting: dict[str, Any], whole: bool
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": setting["name"],
            "value": setting["value"],
            "created_at": time_of(row.created_at),
            "updated_at": time_of(row.updated_at),
            "links": common.link(call, "nodes", row.id, "bios", setting["name"]),
        }
        if whole:
            found |= dict.fromkeys(REGISTRY)
        return found

    def bios_setting(self, call: Call, tx: Tx) -> Any:
        row, name = self.one(call, tx), call.path["setting"]
        whole = call.version is None or call.version >= Version(1, 74)
        for each in row.bios:
            if each["name"] == name:
                return {name: self._setting(call, row, each, whole)}
        raise NotFound(f"Node {row.id} doesn't have a BIOS setting '{name[:255]}'")

    def firmware(self, call: Call, tx: Tx) -> Any:
        self.one(call, tx)
        return {"firmware": []}

    def history(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        common.refuse_query(call, {"detail", "limit", "marker"}, {})
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        page = page_of(
            call, tx, self._history.listing, {"node_id": row.id},
            find_marker=lambda id: self._history.get(tx, row, id),
        )  # fmt: skip
        bodies = [self._event(call, row, each, detail) for each in page.rows]
        return common.with_next(call, "history", bodies, page)

    def one_of_history(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        return self._event(call, row, self._history.get(tx, row, call.path["event"]), True)

    def _event(self, call: Call, node: NodeRow, row: HistoryRow, whole: bool) -> HistoryBody:
        return HistoryBody(
            uuid=row.id,
            created_at=time_of(row.created_at),
            severity=row.severity,
            event=row.event,
            conductor=row.conductor if whole else UNSET,
            event_type=row.event_type if whole else UNSET,
            user=row.user if whole else UNSET,
            links=common.link(call, "nodes", node.id, "history", row.id),
        )

    def inventory(self, call: Call, tx: Tx) -> Any:
        row = self.one(call, tx)
        if row.inventory is None:
            raise NotFound(f"Node {row.id} has no inventory: it was not inspected.")
        return row.inventory

    def volumes(self, call: Call, tx: Tx) -> Any:
        return _volume(call, "volume")

    def volume(self, call: Call, tx: Tx) -> Any:
        return _volume(call, "nodes", self.one(call, tx).id, "volume")

    def vendor_methods(self, call: Call, tx: Tx) -> Any:
        self.one(call, tx)
        return {}

    def call_vendor(self, call: Call, tx: Tx) -> NoReturn:
        row = self.one(call, tx)
        method = call.query.get("method")
        if not method:
            raise BadRequest("Method not specified")
        raise BadRequest(
            f"Driver {row.driver} does not support {method[:100]} (disabled or not implemented)."
        )

    def events(self, call: Call, tx: Tx) -> None:
        """Nothing here waits for what the network has done with a port: they are looked at."""
        for event in call.body.events:
            name = event.get("event")
            if name not in ("network.bind_port", "network.unbind_port", "network.delete_port"):
                raise BadRequest(f"{str(name)[:100]} is not one of valid events.")
            if not fields.UUID.fullmatch(str(event.get("port_id"))):
                raise BadRequest("An event of the network has a port_id")
            fields.mac("mac_address", event.get("mac_address") or "none")
            if not isinstance(event.get("status"), str):
                raise BadRequest("An event of the network has a status")

    # --- VIFs ----------------------------------------------------------------------------------

    def vifs(self, call: Call, tx: Tx) -> Any:
        return {"vifs": [{"id": vif} for vif in self._vifs.of(tx, self.one(call, tx))]}

    def attach_vif(self, call: Call, tx: Tx) -> None:
        wish: VifWish = call.body
        node = self.one(call, tx)
        self._vifs.attach(tx, node, wish.id, call.principal, wish.port_uuid, wish.portgroup_uuid)

    def no_vif(self, call: Call, tx: Tx) -> None:
        self.one(call, tx)
        raise BadRequest("The id of the VIF is missing.")

    def detach_vif(self, call: Call, tx: Tx) -> None:
        self._vifs.detach(tx, self.one(call, tx), call.path["vif"])

    # --- virtual media -------------------------------------------------------------------------

    async def attach_medium(self, call: Call) -> None:
        row = await self._read(call, free=True)
        wish: MediumWish = call.body
        if wish.device_type.lower() not in ("cdrom", "dvd"):
            raise BadRequest(f"There is no virtual drive {wish.device_type[:50]}.")
        if not wish.image_url.startswith(("http://", "https://")):
            raise BadRequest("image_url has to be an http or https URL")
        if row.job is not None:
            raise Conflict("The virtual drive of the node is in use.")
        machine = self._nodes.machine(row)
        await self._ask(self._nodes.driver(row).insert(machine, wish.image_url))

    async def detach_medium(self, call: Call) -> None:
        row = await self._read(call, free=True)
        if row.job is not None:
            raise Conflict("The virtual drive of the node is in use.")
        await self._ask(self._nodes.driver(row).eject(self._nodes.machine(row)))


def _volume(call: Call, *place: str) -> Any:
    return {
        "links": common.link(call, *place),
        "connectors": common.link(call, *place, "connectors"),
        "targets": common.link(call, *place, "targets"),
    }
