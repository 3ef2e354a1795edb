"""Volume types on the wire, with their extra specs."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.block_storage.api.bodies import Metadata
from cumulo.block_storage.api.volumes import one_item, same_item
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, Name, as_bool
from cumulo.core.wire.shapes import StrictBody, Unset

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[\\w.:\\- ]+$")]


class NewType(StrictBody):
    name: Name
    description: str | None = None
    is_public: BoolLike = msgspec.field(name="os-volume-type-access:is_public", default=True)
    extra_specs: dict[Key, str] | None = None


class CreateType(StrictBody):
    volume_type: NewType


class TypeChanges(StrictBody):
    name: Name | Unset = UNSET
    description: str | Unset | None = UNSET
    is_public: BoolLike | Unset = UNSET


class UpdateType(StrictBody):
    volume_type: TypeChanges


class Project(StrictBody):
    project: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class AddAccess(StrictBody):
    wish: Project = msgspec.field(name="addProjectAccess")


class RemoveAccess(StrictBody):
    wish: Project = msgspec.field(name="removeProjectAccess")


class Specs(StrictBody):
    extra_specs: dict[Key, str]


def type_body(row: TypeRow, *without: str) -> dict[str, Any]:
    """The answers to create and to update are poorer than that to show."""
    body = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "is_public": row.is_public,
        "os-volume-type-access:is_public": row.is_public,
        "qos_specs_id": row.qos_id,
        "extra_specs": row.extra_specs,
    }
    return {name: value for name, value in body.items() if name not in without}


class TypesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._types = storage.types

    def operations(self) -> list[Operation]:
        one, specs = "/types/{type_id}", "/types/{type_id}/extra_specs"
        rule, spec_rule = "volume_extension:type_", "volume_extension:types_extra_specs:"
        access = "volume_extension:volume_type_access"
        return [
            Operation("GET", "/types", self.index, policy=f"{rule}get_all", writes=True),
            Operation("POST", "/types", self.create, policy=f"{rule}create", body=CreateType),
            Operation("GET", one, self.show, policy=f"{rule}get", writes=True),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateType),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=202),
            Operation(
                "GET",
                f"{one}/os-volume-type-access",
                self.access,
                policy=f"{access}:get_all_for_type",
            ),
            Operation(
                "POST",
                f"{one}/action",
                self.let_in,
                action="addProjectAccess",
                policy=f"{access}:addProjectAccess",
                body=AddAccess,
                status=202,
            ),
            Operation(
                "POST",
                f"{one}/action",
                self.shut_out,
                action="removeProjectAccess",
                policy=f"{access}:removeProjectAccess",
                body=RemoveAccess,
                status=202,
            ),
            Operation("GET", specs, self.specs, policy=f"{spec_rule}index"),
            Operation("POST", specs, self.add, policy=f"{spec_rule}create", body=Specs),
            Operation(
                "GET",
                f"{one}/encryption",
                self.encryption,
                policy="volume_extension:volume_type_encryption:get",
            ),
            Operation("GET", f"{specs}/{{key}}", self.spec, policy=f"{spec_rule}show"),
            Operation(
                "PUT",
                f"{specs}/{{key}}",
                self.set_spec,
                policy=f"{spec_rule}update",
                body=dict[str, str],
            ),
            Operation(
                "DELETE",
                f"{specs}/{{key}}",
                self.drop,
                policy=f"{spec_rule}delete",
                status=202,
            ),
        ]

    def _found(self, call: Call, tx: Tx) -> TypeRow:
        return self._types.get(tx, call.path["type_id"], call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        self._types.ensure_default(tx)
        where: dict[str, Any] = {}
        asked = call.query.get("is_public")
        if asked is None or not call.principal.is_admin:
            where["for_project"] = call.principal.project_id or ""
        elif asked.lower() != "none":
            where["is_public"] = as_bool(asked, "is_public")
        page = page_of(
            call,
            tx,
            self._types.listing,
            where,
            find_marker=lambda id: self._types.get(tx, id, call.principal),
        )
        return {"volume_types": [type_body(row) for row in page.rows]}

    def show(self, call: Call, tx: Tx) -> Any:
        self._types.ensure_default(tx)
        asked = call.path["type_id"] == "default"
        row = self._types.chosen(tx, None, call.principal) if asked else self._found(call, tx)
        return {"volume_type": type_body(row)}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.volume_type
        row = self._types.create(
            tx,
            wish.name,
            wish.description,
            as_bool(wish.is_public, "is_public"),
            wish.extra_specs or {},
            call.principal,
        )
        return {"volume_type": type_body(row, "qos_specs_id")}

    def update(self, call: Call, tx: Tx) -> Any:
        wish = call.body.volume_type
        changes: dict[str, Any] = {
            name: getattr(wish, name)
            for name in ("name", "description")
            if getattr(wish, name) is not UNSET
        }
        if wish.is_public is not UNSET:
            changes["is_public"] = as_bool(wish.is_public, "is_public")
        if not changes:
            raise BadRequest("Specify volume type name, description, is_public or a combination.")
        row = self._types.update(tx, self._found(call, tx), call.principal, **changes)
        access = "os-volume-type-access:is_public"
        return {"volume_type": type_body(row, "qos_specs_id", access)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._types.delete(tx, self._found(call, tx), call.principal)

    def access(self, call: Call, tx: Tx) -> Any:
        rows = self._types.access(tx, self._found(call, tx))
        found = [{"volume_type_id": row.type_id, "project_id": row.project_id} for row in rows]
        return {"volume_type_access": found}

    def let_in(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._types.let_in(tx, row, call.body.wish.project, call.principal)

    def shut_out(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._types.shut_out(tx, row, call.body.wish.project, call.principal)

    def encryption(self, call: Call, tx: Tx) -> Any:
        """Volumes are not encrypted here, of whatever type they are."""
        self._found(call, tx)
        return {}

    def specs(self, call: Call, tx: Tx) -> Any:
        return {"extra_specs": self._found(call, tx).extra_specs}

    def _write(self, call: Call, tx: Tx, row: TypeRow, specs: Metadata) -> None:
        self._types.update(tx, row, call.principal, extra_specs=specs)

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        self._write(call, tx, row, {**row.extra_specs, **call.body.extra_specs})
        return {"extra_specs": call.body.extra_specs}

    def spec(self, call: Call, tx: Tx) -> Any:
        return one_item(self._found(call, tx).extra_specs, call.path["key"], "Volume Type")

    def set_spec(self, call: Call, tx: Tx) -> Any:
        row, item = self._found(call, tx), same_item(call.body, call.path["key"])
        self._write(call, tx, row, {**row.extra_specs, **item})
        return item

    def drop(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        gone = one_item(row.extra_specs, call.path["key"], "Volume Type")
        self._write(call, tx, row, {k: v for k, v in row.extra_specs.items() if k not in gone})
