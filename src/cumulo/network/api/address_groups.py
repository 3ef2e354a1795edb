"""Address groups on the wire: networking API v2.0, `address-groups`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import STANDARD, Noun, admin_or_self, present, standard_body
from cumulo.network.api.collection import Collection
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.service.address_groups import CREATE_ONLY, AddressGroupWishes
from cumulo.network.service.network import NetworkService

SHOWN = STANDARD - {"tags"} | {"name", "addresses", "shared"}


def address_groups(network: NetworkService) -> Noun[AddressGroupRow]:
    return Noun(
        name="address_group",
        plural="address_groups",
        path="address-groups",
        verbs=network.address_groups,
        show=show,
        shown=SHOWN,
        wishes=AddressGroupWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
        tags=False,
    )


def show(tx: Tx, rows: Sequence[AddressGroupRow]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        body = {**standard_body(row), "name": row.name, "addresses": row.addresses}
        del body["tags"]
        found.append({**body, "shared": False})
    return found


class AddressesBody(msgspec.Struct):
    addresses: list[str] | None = None
    address_group: dict[str, Any] | None = None
    """The real service takes both forms."""


class AddressesApi:
    def __init__(self, network: NetworkService, collection: Collection) -> None:
        self._verbs = network.address_groups
        self._collection = collection

    def operations(self) -> list[Operation]:
        def named(name: str, handler: Any) -> Operation:
            path = f"/v2.0/address-groups/{{id}}/{name}"
            policy = "update_address_group"
            return Operation("PUT", path, handler, policy=policy, early=False, body=AddressesBody)

        return [named("add_addresses", self.add), named("remove_addresses", self.remove)]

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        return self._body(call, tx, self._verbs.add(tx, row, _sent(call), admin_or_self(call)))

    def remove(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        return self._body(call, tx, self._verbs.remove(tx, row, _sent(call), admin_or_self(call)))

    def _body(self, call: Call, tx: Tx, row: AddressGroupRow) -> Any:
        return {"address_group": present(call, self._collection.noun, tx, [row])[0]}


def _sent(call: Call) -> list[str]:
    found = call.body.addresses
    if found is None:
        found = (call.body.address_group or {}).get("addresses")
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BadRequest("Unable to find 'addresses' in request body", kind="HTTPBadRequest")
    return found
