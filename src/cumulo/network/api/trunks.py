"""Trunks on the wire: networking API v2.0, `trunks`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import STANDARD, Noun, admin_or_self, present, standard_body
from cumulo.network.api.collection import Collection
from cumulo.network.model.trunk import SubPortRow, TrunkRow, trunk_status
from cumulo.network.service.network import NetworkService
from cumulo.network.service.refusals import unfit
from cumulo.network.service.trunks import CREATE_ONLY, SubPortWish, TrunkWishes

SHOWN = STANDARD | {"name", "admin_state_up", "port_id", "status", "sub_ports"}


def trunks(network: NetworkService) -> Noun[TrunkRow]:
    def show(tx: Tx, rows: Sequence[TrunkRow]) -> list[dict[str, Any]]:
        subports = network.trunks.subports_of(tx, [row.id for row in rows])
        ports = network.ports.by_ids(tx, [row.port_id for row in rows])
        return [
            {
                **standard_body(row),
                "name": row.name,
                "admin_state_up": row.admin_state_up,
                "port_id": row.port_id,
                "status": trunk_status(
                    parent=ports[row.port_id].status, subports=len(subports.get(row.id, ()))
                ),
                "sub_ports": [_subport(each) for each in subports.get(row.id, ())],
            }
            for row in rows
        ]

    return Noun(
        name="trunk",
        plural="trunks",
        path="trunks",
        verbs=network.trunks,
        show=show,
        shown=SHOWN,
        wishes=TrunkWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
    )


def _subport(row: SubPortRow) -> dict[str, Any]:
    return {
        "port_id": row.port_id,
        "segmentation_type": row.segmentation_type,
        "segmentation_id": row.segmentation_id,
    }


class SubPortsBody(msgspec.Struct):
    sub_ports: list[dict[str, Any]] | None = None


class SubPortsApi:
    def __init__(self, network: NetworkService, collection: Collection) -> None:
        self._trunks = network.trunks
        self._collection = collection

    def operations(self) -> list[Operation]:
        def named(method: str, name: str, handler: Any, **more: Any) -> Operation:
            path = f"/v2.0/trunks/{{id}}/{name}"
            return Operation(method, path, handler, policy=name, early=False, **more)

        return [
            named("GET", "get_subports", self.index),
            named("PUT", "add_subports", self.add, body=SubPortsBody),
            named("PUT", "remove_subports", self.remove, body=SubPortsBody),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        found = self._trunks.subports_of(tx, [row.id]).get(row.id, [])
        return {"sub_ports": [_subport(each) for each in found]}

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        return self._body(call, tx, self._trunks.add(tx, row, _sent(call), admin_or_self(call)))

    def remove(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        return self._body(call, tx, self._trunks.remove(tx, row, _sent(call), admin_or_self(call)))

    def _body(self, call: Call, tx: Tx, row: TrunkRow) -> Any:
        """The trunk itself, not under its name: as the real service answers."""
        return present(call, self._collection.noun, tx, [row])[0]


def _sent(call: Call) -> list[SubPortWish]:
    if call.body.sub_ports is None:
        raise BadRequest("Unable to find 'sub_ports' in request body", kind="HTTPBadRequest")
    try:
        return msgspec.convert(call.body.sub_ports, list[SubPortWish], strict=False)
    except msgspec.ValidationError as error:
        raise unfit("sub_ports", str(error)) from None
