"""Routers on the wire: networking API v2.0, `routers` and their interfaces."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import (
    STANDARD,
    Noun,
    Wrapped,
    admin_or_self,
    present,
    read,
    standard_body,
)
from cumulo.network.api.collection import Collection
from cumulo.network.model.orders import HostRoute
from cumulo.network.model.port import PortRow
from cumulo.network.model.router import RouterRow
from cumulo.network.service.addresses import addresses_of
from cumulo.network.service.network import NetworkService
from cumulo.network.service.routers import CREATE_ONLY, InterfaceWish, RouterWishes

SHOWN = STANDARD | {
    "name",
    "admin_state_up",
    "status",
    "external_gateway_info",
    "routes",
    "distributed",
    "ha",
    "availability_zone_hints",
    "availability_zones",
}


class InterfaceBody(msgspec.Struct):
    """Checked as an InterfaceWish, with the network API's words."""

    subnet_id: Any = None
    port_id: Any = None


def routers(network: NetworkService) -> Noun[RouterRow]:
    def show(tx: Tx, rows: Sequence[RouterRow]) -> list[dict[str, Any]]:
        gateways = network.routers.gateways_of(tx, [row.id for row in rows])
        fixed = addresses_of(tx, [port.id for port in gateways.values()])
        found = []
        for row in rows:
            gateway = gateways.get(row.id)
            info = None
            if gateway is not None:
                info = {
                    "network_id": gateway.network_id,
                    "enable_snat": row.enable_snat,
                    "external_fixed_ips": [
                        {"subnet_id": each.subnet_id, "ip_address": each.ip_address}
                        for each in fixed.get(gateway.id, ())
                    ],
                }
            found.append(_body(row, info))
        return found

    return Noun(
        name="router",
        plural="routers",
        path="routers",
        verbs=network.routers,
        show=show,
        shown=SHOWN,
        wishes=RouterWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        bulk=False,
    )


def _body(row: RouterRow, gateway: dict[str, Any] | None) -> dict[str, Any]:
    return {
        **standard_body(row),
        "name": row.name,
        "admin_state_up": row.admin_state_up,
        "status": row.status,
        "external_gateway_info": gateway,
        "routes": msgspec.to_builtins(row.routes),
        "distributed": False,
        "ha": False,
        "availability_zone_hints": row.availability_zone_hints,
        "availability_zones": ["nova"],
    }


class RoutesApi:
    """Routes added and removed without sending all of them: `extraroute-atomic`."""

    def __init__(self, network: NetworkService, collection: Collection) -> None:
        self._routers = network.routers
        self._collection = collection

    def operations(self) -> list[Operation]:
        def named(name: str, handler: Any) -> Operation:
            path = f"/v2.0/routers/{{id}}/{name}"
            return Operation("PUT", path, handler, policy=name, early=False, body=Wrapped)

        return [named("add_extraroutes", self.add), named("remove_extraroutes", self.remove)]

    def add(self, call: Call, tx: Tx) -> Any:
        row, routes = self._collection.find(call, tx), self._sent(call)
        return self._body(call, tx, self._routers.add_routes(tx, row, routes, admin_or_self(call)))

    def remove(self, call: Call, tx: Tx) -> Any:
        row, routes = self._collection.find(call, tx), self._sent(call)
        after = self._routers.remove_routes(tx, row, routes, admin_or_self(call))
        return self._body(call, tx, after)

    def _sent(self, call: Call) -> list[HostRoute]:
        sent = call.body.router
        if sent is None or set(sent) - {"routes"}:
            raise BadRequest("Unable to find 'routes' in request body", kind="HTTPBadRequest")
        wishes = read(self._collection.noun, sent, "update")
        return [] if wishes.routes is UNSET or wishes.routes is None else wishes.routes

    def _body(self, call: Call, tx: Tx, row: RouterRow) -> Any:
        return {"router": present(call, self._collection.noun, tx, [row])[0]}


class InterfacesApi:
    def __init__(self, network: NetworkService, collection: Collection) -> None:
        self._routers = network.routers
        self._collection = collection

    def operations(self) -> list[Operation]:
        one = "/v2.0/routers/{id}"
        return [
            Operation(
                "PUT",
                f"{one}/add_router_interface",
                self.add,
                policy="add_router_interface",
                early=False,
                body=InterfaceBody,
            ),
            Operation(
                "PUT",
                f"{one}/remove_router_interface",
                self.remove,
                policy="remove_router_interface",
                early=False,
                body=InterfaceBody,
            ),
        ]

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        port, subnets = self._routers.add_interface(tx, row, _wish(call), admin_or_self(call))
        return _interface(row, port, subnets)

    def remove(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        port, subnets = self._routers.remove_interface(tx, row, _wish(call), admin_or_self(call))
        return _interface(row, port, subnets)


def _wish(call: Call) -> InterfaceWish:
    for name in ("subnet_id", "port_id"):
        value = getattr(call.body, name)
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= 36):
            raise BadRequest(
                f"Invalid input for {name}. Reason: '{str(value)[:100]}' is not a valid UUID.",
                kind="HTTPBadRequest",
            )
    return InterfaceWish(call.body.subnet_id, call.body.port_id)


def _interface(row: RouterRow, port: PortRow, subnets: list[str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "network_id": port.network_id,
        "port_id": port.id,
        "subnet_id": subnets[0] if subnets else None,
        "subnet_ids": subnets,
        "tags": row.tags,
    }
