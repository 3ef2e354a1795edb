"""Address scopes: create, update, delete."""

from typing import Annotated

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.standard import changed
from cumulo.network.model.subnetpool import AddressScopeRow
from cumulo.network.queries import subnetpool as queries
from cumulo.network.service.refusals import not_found, required, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]


class AddressScopeWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    shared: bool | Unset = UNSET
    ip_version: int | Unset = UNSET


CREATE_ONLY = frozenset({"ip_version"})


class AddressScopes:
    listing = queries.SCOPES

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def get(self, tx: Tx, id: str, who: Principal | None) -> AddressScopeRow:
        found = tx.get(AddressScopeRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who) or self._tools.shares.reaches(tx, id, who)):
            raise not_found("address_scope", id)
        return found

    def create(
        self, tx: Tx, wishes: AddressScopeWishes, who: Principal | None, project_id: str
    ) -> AddressScopeRow:
        if wishes.ip_version is UNSET:
            raise required("ip_version")
        if wishes.ip_version not in (4, 6):
            raise unfit("ip_version", f"'{wishes.ip_version}' is not in [4, 6]")
        row = AddressScopeRow(
            **standard(tx, wishes, project_id), **chosen(wishes, "ip_version", "shared")
        )
        tx.insert(row)
        if row.shared:
            self._tools.shares.to_all(tx, "address_scope", row.id, project_id, True)
        tell(tx, "address_scope", "create", row, who, name=row.name)
        return row

    def update(
        self, tx: Tx, row: AddressScopeRow, wishes: AddressScopeWishes, who: Principal | None
    ) -> AddressScopeRow:
        if wishes.shared is False and row.shared:
            raise BadRequest(
                f"Unable to update address scope {row.id} : Shared address scope can't be "
                "unshared.",
                kind="AddressScopeUpdateError",
            )
        after = changed(tx, row, **chosen(wishes, "name", "shared"))
        if after is not row:
            if after.shared and not row.shared:
                self._tools.shares.to_all(tx, "address_scope", row.id, row.project_id, True)
            tell(tx, "address_scope", "update", after, who)
        return after

    def delete(self, tx: Tx, row: AddressScopeRow, who: Principal | None) -> None:
        if tx.all(queries.OF_SCOPE, scope_id=row.id):
            raise Conflict(
                f"Unable to complete operation on address scope {row.id}. There are one or more "
                "subnet pools in use on the address scope.",
                kind="AddressScopeInUse",
            )
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        tell(tx, "address_scope", "delete", row, who)
