"""Drivers and conductors: what there really is, the drivers of this process, and this process."""

from typing import Any

from cumulo.baremetal.api import common
from cumulo.baremetal.model.hardware import INTERFACES, Driver
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Version


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
            Operation("GET", conductors, self.conductors, **conductor),
            Operation("GET", f"{conductors}/{{host}}", self.conductor, **conductor),
        ]  # fmt: skip

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
                    kind = driver.can.interfaces.get(name)
                    body[f"default_{name}_interface"] = kind
                    body[f"enabled_{name}_interfaces"] = [] if kind is None else [kind]
        return body

    def drivers(self, call: Call, tx: Tx) -> Any:
        whole = call.query.get("detail") is not None and common.flag(call, "detail")
        kind = call.query.get("type")
        shown = [] if kind == "classic" else list(self._service.drivers.values())
        return {"drivers": [self._driver(call, driver, whole=whole) for driver in shown]}

    def driver(self, call: Call, tx: Tx) -> Any:
        return self._driver(call, self._one(call), whole=True)

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
