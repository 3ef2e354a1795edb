"""Drivers and conductors: what there really is, the drivers of this process, and this process."""

from typing import Any, NoReturn

from cumulo.baremetal.api import common
from cumulo.baremetal.api.things import before
from cumulo.baremetal.model.hardware import INTERFACES, Driver
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotAcceptable, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Version

INTERFACES_SINCE = {
    "storage": Version(1, 33), "rescue": Version(1, 38), "bios": Version(1, 40),
    "firmware": Version(1, 86),
}  # fmt: skip


class CloudApi:
    def __init__(self, service: BareMetalService) -> None:
        self._service = service

    def operations(self) -> list[Operation]:
        drivers, conductors = "/v1/drivers", "/v1/conductors"
        rule = "baremetal:driver:get"
        conductor: dict[str, Any] = {"policy": "baremetal:conductor:get", "since": "1.49"}
        return [
            Operation("GET", drivers, self.drivers, policy=rule),
            Operation("GET", f"{drivers}/{{driver}}", self.driver, policy=rule),
            Operation("GET", f"{drivers}/{{driver}}/properties", self.properties,
                      policy="baremetal:driver:get_properties"),
            Operation("GET", f"{drivers}/{{driver}}/raid/logical_disk_properties", self.raid,
                      policy="baremetal:driver:get_raid_logical_disk_properties", since="1.12"),
            before("1.12", "GET", f"{drivers}/{{driver}}/raid/logical_disk_properties", 406),
            Operation("GET", f"{drivers}/{{driver}}/vendor_passthru/methods", self.vendor_methods,
                      policy="baremetal:driver:vendor_passthru"),
            *(
                Operation(method, f"{drivers}/{{driver}}/vendor_passthru", self.call_vendor,
                          body=None if method in ("GET", "DELETE") else Any,
                          policy="baremetal:driver:vendor_passthru")
                for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
            ),
            Operation("GET", conductors, self.conductors, **conductor),
            Operation("GET", f"{conductors}/{{host}}", self.conductor, **conductor),
        ]  # fmt: skip

    def raid(self, call: Call, tx: Tx) -> Any:
        driver = self._one(call)
        if driver.can.interfaces.get("raid", "no-").startswith("no-"):
            raise BadRequest(f"Driver {driver.name} does not support raid.")
        return {
            "size_gb": "Size in GiB, or MAX. Required.",
            "raid_level": "One of 0, 1, 2, 5, 6, 1+0, 5+0, 6+0, JBOD. Required.",
            "is_root_volume": "Whether the system goes there: true or false. Optional.",
            "volume_name": "A name. Optional.",
        }

    def vendor_methods(self, call: Call, tx: Tx) -> Any:
        self._one(call)
        return {}

    def call_vendor(self, call: Call, tx: Tx) -> NoReturn:
        name = self._one(call).name
        raise BadRequest(f"Driver {name} does not support vendor_passthru.")

    def _one(self, call: Call) -> Driver:
        found = self._service.drivers.get(call.path["driver"])
        if found is None:
            name = call.path["driver"][:255]
            raise NotFound(f"No conductor service registered which supports driver {name}.")
        return found

    def _driver(self, call: Call, driver: Driver, *, whole: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": driver.name,
            "hosts": [self._service.host],
            "links": common.link(call, "drivers", driver.name),
        }
        if call.version is not None and call.version < Version(1, 14):
            return body
        body["properties"] = common.link(call, "drivers", driver.name, "properties")
        if call.version is None or call.version >= Version(1, 30):
            body["type"] = "dynamic"
            if whole:
                for name in INTERFACES:
                    since = INTERFACES_SINCE.get(name)
                    if call.version is not None and since and call.version < since:
                        continue
                    kinds = driver.can.choices_of(name)
                    body[f"default_{name}_interface"] = kinds[0] if kinds else None
                    body[f"enabled_{name}_interfaces"] = list(kinds)
        return body

    def _only(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The fields that were asked for."""
        asked = common.asked_fields(call)
        if asked is None:
            return body
        if call.version is not None and call.version < Version(1, 77):
            raise NotAcceptable(f"fields is not known in API version {call.version}.")
        for name in asked:
            if name not in body:
                raise BadRequest(f'Field(s) "{name[:100]}" are not valid.')
        return {name: value for name, value in body.items() if name in asked or name == "links"}

    def drivers(self, call: Call, tx: Tx) -> Any:
        whole = call.query.get("detail") is not None and common.flag(call, "detail")
        kind = call.query.get("type")
        shown = [] if kind == "classic" else list(self._service.drivers.values())
        whole = whole or call.query.get("fields") is not None
        found = [self._driver(call, driver, whole=whole) for driver in shown]
        return {"drivers": [self._only(call, body) for body in found]}

    def driver(self, call: Call, tx: Tx) -> Any:
        return self._only(call, self._driver(call, self._one(call), whole=True))

    def properties(self, call: Call, tx: Tx) -> Any:
        return dict(self._one(call).can.properties)

    def _conductor(self, call: Call, *, whole: bool) -> dict[str, Any]:
        host = self._service.host
        moment = f"{zulu(self._service.began)[:-1]}+00:00"
        body: dict[str, Any] = {
            "hostname": host,
            "conductor_group": "",
            "alive": True,
            "links": common.link(call, "conductors", host),
        }
        if whole:
            body |= {"drivers": sorted(self._service.drivers), "created_at": moment,
                     "updated_at": moment}  # fmt: skip
        return body

    def conductors(self, call: Call, tx: Tx) -> Any:
        whole = call.query.get("detail") is not None and common.flag(call, "detail")
        return {"conductors": [self._conductor(call, whole=whole)]}

    def conductor(self, call: Call, tx: Tx) -> Any:
        if call.path["host"] != self._service.host:
            raise NotFound(f"Conductor {call.path['host'][:255]} could not be found.")
        return self._conductor(call, whole=True)
