"""Group types on the wire, with their specs: block storage API 3.11."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.api.lists import offset_of, page_links
from cumulo.block_storage.api.volumes import one_item, same_item
from cumulo.block_storage.model.group_type import CONSISTENT_TYPE, GroupTypeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, Name, as_bool
from cumulo.core.wire.shapes import StrictBody, Unset

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[\\w.:\\- ]+$")]
Specs = dict[Key, Text255]


class NewGroupType(StrictBody):
    name: Name
    description: Text255 | None = None
    is_public: BoolLike = True
    group_specs: Specs | None = None


class CreateGroupType(StrictBody):
    group_type: NewGroupType


class GroupTypeChanges(StrictBody):
    name: Name | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    is_public: BoolLike | Unset = UNSET


class UpdateGroupType(StrictBody):
    group_type: GroupTypeChanges


class GroupSpecs(StrictBody):
    group_specs: Specs


class GroupTypesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._types = storage.group_types

    def operations(self) -> list[Operation]:
        one, rule = "/group_types/{group_type_id}", "group:group_types:"
        specs, of_specs = f"{one}/group_specs", "group:group_types_specs:"
        at: dict[str, Any] = {"since": "3.11"}
        made: dict[str, Any] = {"status": 202, **at}
        key = f"{specs}/{{key}}"
        return [
            Operation("GET", "/group_types", self.index, writes=True, **at),
            Operation(
                "POST",
                "/group_types",
                self.create,
                policy=f"{rule}create",
                body=CreateGroupType,
                **made,
            ),
            Operation("GET", one, self.show, writes=True, **at),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateGroupType, **at),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", **made),
            Operation("GET", specs, self.specs, policy=f"{of_specs}get_all", **at),
            Operation("POST", specs, self.add, policy=f"{of_specs}create", body=GroupSpecs, **made),
            Operation("GET", key, self.spec, policy=f"{of_specs}get", **at),
            Operation(
                "PUT", key, self.set_spec, policy=f"{of_specs}update", body=dict[str, str], **at
            ),
            Operation("DELETE", key, self.drop, policy=f"{of_specs}delete", **made),
        ]

    def _body(self, call: Call, row: GroupTypeRow) -> dict[str, Any]:
        """The specs are told to whom the policy lets see them."""
        body: dict[str, Any] = {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "is_public": row.is_public,
        }
        if call.allowed("group:access_group_types_specs"):
            body["group_specs"] = row.group_specs
        return body

    def _found(self, call: Call, tx: Tx) -> GroupTypeRow:
        return self._types.get(tx, call.path["group_type_id"], call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        self._types.ensure_consistent(tx)
        where: dict[str, Any] = {}
        asked = call.query.get("is_public")
        if not call.principal.is_admin or asked is None:
            where["is_public"] = True
        elif asked.lower() != "none":
            where["is_public"] = as_bool(asked, "is_public")
        page = page_of(
            call,
            tx,
            self._types.listing,
            where,
            find_marker=lambda id: self._types.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        found = [self._body(call, row) for row in page.rows]
        return {"group_types": found, **page_links(call, page, "group_type_links")}

    def show(self, call: Call, tx: Tx) -> Any:
        if call.path["group_type_id"] in ("default", CONSISTENT_TYPE):
            return {"group_type": self._body(call, self._types.ensure_consistent(tx))}
        return {"group_type": self._body(call, self._found(call, tx))}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.group_type
        if not wish.name.strip():
            raise BadRequest("Group type name can not be empty.")
        row = self._types.create(
            tx,
            wish.name.strip(),
            wish.description,
            as_bool(wish.is_public, "is_public"),
            wish.group_specs or {},
            call.principal,
        )
        return {"group_type": self._body(call, row)}

    def update(self, call: Call, tx: Tx) -> Any:
        wish = call.body.group_type
        changes: dict[str, Any] = {}
        if wish.name:
            changes["name"] = wish.name
        if wish.description is not UNSET:
            changes["description"] = wish.description
        if wish.is_public is not UNSET:
            changes["is_public"] = as_bool(wish.is_public, "is_public")
        if not changes:
            raise BadRequest("Specify group type name, description, is_public or a combination.")
        row = self._types.update(tx, self._found(call, tx), call.principal, **changes)
        return {"group_type": self._body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._types.delete(tx, self._found(call, tx), call.principal)

    # --- specs ------------------------------------------------------------------------------

    def _write(self, call: Call, tx: Tx, row: GroupTypeRow, specs: dict[str, str]) -> None:
        self._types.update(tx, row, call.principal, group_specs=specs)

    def specs(self, call: Call, tx: Tx) -> Any:
        return {"group_specs": self._found(call, tx).group_specs}

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        self._write(call, tx, row, {**row.group_specs, **call.body.group_specs})
        return {"group_specs": call.body.group_specs}

    def spec(self, call: Call, tx: Tx) -> Any:
        return one_item(self._found(call, tx).group_specs, call.path["key"], "Group Type")

    def set_spec(self, call: Call, tx: Tx) -> Any:
        row, item = self._found(call, tx), same_item(call.body, call.path["key"])
        self._write(call, tx, row, {**row.group_specs, **item})
        return item

    def drop(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        gone = one_item(row.group_specs, call.path["key"], "Group Type")
        self._write(call, tx, row, {k: v for k, v in row.group_specs.items() if k not in gone})
