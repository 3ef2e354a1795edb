"""Share group types on the wire (2.31)."""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, Name, as_bool
from cumulo.core.wire.shapes import Body, Since
from cumulo.shared_file_system.api.actions import action_body
from cumulo.shared_file_system.api.lists import offset_of, one_item
from cumulo.shared_file_system.api.types import Project, Specs
from cumulo.shared_file_system.model.group import GroupTypeRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService


class GroupTypeBody(Body):
    id: str
    name: str
    is_public: bool
    group_specs: dict[str, str]
    share_types: list[str]
    is_default: Annotated[bool, Since("2.46")] = False


class GroupTypeAnswer(Body):
    share_group_type: GroupTypeBody


class GroupTypeList(Body):
    share_group_types: list[GroupTypeBody]


class NewGroupType(Body):
    name: Name
    share_types: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]
    group_specs: Specs | None = None
    is_public: BoolLike = True


class CreateGroupType(Body):
    share_group_type: NewGroupType


class GroupSpecs(Body):
    group_specs: Specs


class GroupSpecsAnswer(Body):
    group_specs: dict[str, str]


class Access(Body):
    share_group_type_id: str
    project_id: str


class AccessList(Body):
    share_group_type_access: list[Access]


class GroupTypesApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._groups = service.groups

    def operations(self) -> list[Operation]:
        all_, one, rule = "/share-group-types", "/share-group-types/{type_id}", "share_group_type:"
        specs, spec = f"{one}/group-specs", f"{one}/group-specs/{{key}}"
        of = "share_group_types_spec:"
        since: dict[str, Any] = {"since": "2.31"}
        answer: dict[str, Any] = {"response": GroupTypeAnswer, **since}
        item: dict[str, Any] = {"response": dict[str, str], **since}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index", response=GroupTypeList,
                      **since),
            Operation("GET", f"{all_}/default", self.default, policy=f"{rule}default", **answer),
            Operation("POST", all_, self.create, policy=f"{rule}create", body=CreateGroupType,
                      **answer),
            Operation("GET", one, self.show, policy=f"{rule}show", **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=204, **since),
            Operation("GET", f"{one}/access", self.projects, response=AccessList,
                      policy=f"{rule}list_project_access", **since),
            *(Operation("POST", f"{one}/action", handler, status=202, action=name,
                        policy=f"{rule}{verb}_project_access",
                        body=action_body(name, Project, "GroupType"), **since)
              for name, verb, handler in (
                  ("addProjectAccess", "add", self.admit),
                  ("removeProjectAccess", "remove", self.shut))),
            Operation("GET", specs, self.specs, policy=f"{of}index", response=GroupSpecsAnswer,
                      **since),
            Operation("POST", specs, self.add, policy=f"{of}create", body=GroupSpecs,
                      response=GroupSpecsAnswer, **since),
            Operation("GET", spec, self.spec, policy=f"{of}show", **item),
            Operation("PUT", spec, self.set_spec, policy=f"{of}update", body=Specs, **item),
            Operation("DELETE", spec, self.drop, policy=f"{of}delete", status=204, **since),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> GroupTypeRow:
        return self._groups.get(tx, call.path["type_id"], call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {}
        asked = call.query.get("is_public")
        if not call.principal.is_admin or asked is None:
            where["seen_by"] = call.principal.project_id or ""
        elif asked.lower() not in ("none", "all"):
            where["is_public"] = as_bool(asked, "is_public")
        who = call.principal
        page = page_of(call, tx, self._groups.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._groups.get(tx, id, who))  # fmt: skip
        return GroupTypeList(share_group_types=[_body(row) for row in page.rows])

    def default(self, call: Call, tx: Tx) -> Any:
        raise NotFound("Default share group type not found: there are no groups.")

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.share_group_type
        row = self._groups.create(
            tx,
            call.principal,
            name=wish.name,
            is_public=as_bool(wish.is_public, "is_public"),
            group_specs=_texts(wish.group_specs or {}),
            share_types=wish.share_types,
        )
        return GroupTypeAnswer(share_group_type=_body(row))

    def show(self, call: Call, tx: Tx) -> Any:
        return GroupTypeAnswer(share_group_type=_body(self._found(call, tx)))

    def delete(self, call: Call, tx: Tx) -> None:
        self._groups.delete(tx, self._found(call, tx), call.principal)

    # --- who sees a private one -------------------------------------------------------------

    def projects(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        found = self._groups.projects(tx, row)
        entries = [Access(share_group_type_id=row.id, project_id=each.project_id) for each in found]
        return AccessList(share_group_type_access=entries)

    def admit(self, call: Call, tx: Tx) -> None:
        self._groups.admit(tx, self._found(call, tx), call.body.value.project, True)

    def shut(self, call: Call, tx: Tx) -> None:
        self._groups.admit(tx, self._found(call, tx), call.body.value.project, False)

    # --- specs ------------------------------------------------------------------------------

    def specs(self, call: Call, tx: Tx) -> Any:
        return GroupSpecsAnswer(group_specs=self._found(call, tx).group_specs)

    def _write(self, call: Call, tx: Tx, row: GroupTypeRow, specs: dict[str, str]) -> None:
        self._groups.update(tx, row, call.principal, group_specs=specs)

    def add(self, call: Call, tx: Tx) -> Any:
        row, more = self._found(call, tx), _texts(call.body.group_specs)
        self._write(call, tx, row, {**row.group_specs, **more})
        return GroupSpecsAnswer(group_specs=more)

    def spec(self, call: Call, tx: Tx) -> Any:
        return one_item(self._found(call, tx).group_specs, call.path["key"])

    def set_spec(self, call: Call, tx: Tx) -> Any:
        row, item = self._found(call, tx), _texts(call.body)
        if set(item) != {call.path["key"]}:
            raise BadRequest("Request body and URI mismatch, or more than one item.")
        self._write(call, tx, row, {**row.group_specs, **item})
        return item

    def drop(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        gone = one_item(row.group_specs, call.path["key"])
        left = {k: v for k, v in row.group_specs.items() if k not in gone}
        self._write(call, tx, row, left)


def _texts(specs: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in specs.items()}


def _body(row: GroupTypeRow) -> GroupTypeBody:
    return GroupTypeBody(
        id=row.id,
        name=row.name,
        is_public=row.is_public,
        group_specs=row.group_specs,
        share_types=row.share_types,
    )
