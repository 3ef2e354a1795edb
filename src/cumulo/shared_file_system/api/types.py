"""Share types on the wire: a type stands in the answer under both of its names."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, Name, Text255, as_bool
from cumulo.core.wire.shapes import Body, Since, Unset, Until
from cumulo.shared_file_system.api.actions import action_body
from cumulo.shared_file_system.api.lists import one_item
from cumulo.shared_file_system.api.shares import specs_of
from cumulo.shared_file_system.model.type import (
    BOOLEANS,
    HANDLES_SERVERS,
    SNAPSHOTS,
    TENANTS_SEE,
    ZONES,
    TypeRow,
)
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService
from cumulo.shared_file_system.service.types import has_specs

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[\\w.:\\- ]+$")]
Specs = dict[Key, Annotated[str, msgspec.Meta(max_length=255)] | bool | int]


class TypeBody(Body):
    id: str
    name: str
    extra_specs: dict[str, str]
    required_extra_specs: dict[str, str]
    old_public: Annotated[bool | Unset, Until("2.6")] = msgspec.field(
        name="os-share-type-access:is_public", default=UNSET
    )
    is_public: Annotated[bool | Unset, Since("2.7")] = msgspec.field(
        name="share_type_access:is_public", default=UNSET
    )
    description: Annotated[str | None, Since("2.41")] = None
    is_default: Annotated[bool, Since("2.46")] = False


class TypeAnswer(Body):
    volume_type: TypeBody
    share_type: TypeBody


class TypeList(Body):
    volume_types: list[TypeBody]
    share_types: list[TypeBody]


class NewType(Body):
    name: Name
    description: Text255 | None = None
    extra_specs: Specs | None = None
    old_public: Annotated[BoolLike | Unset, Until("2.6")] = msgspec.field(
        name="os-share-type-access:is_public", default=UNSET
    )
    is_public: Annotated[BoolLike | Unset, Since("2.7")] = msgspec.field(
        name="share_type_access:is_public", default=UNSET
    )


class CreateType(Body):
    share_type: NewType | Unset = UNSET
    volume_type: NewType | Unset = UNSET


class TypeChanges(Body):
    name: Name | Unset = UNSET
    description: Text255 | Unset | None = UNSET
    is_public: BoolLike | Unset = msgspec.field(name="share_type_access:is_public", default=UNSET)


class UpdateType(Body):
    share_type: TypeChanges


class SpecsBody(Body):
    extra_specs: Specs


class SpecsAnswer(Body):
    extra_specs: dict[str, str]


class Project(Body):
    project: Name


class Access(Body):
    share_type_id: str
    project_id: str


class AccessList(Body):
    share_type_access: list[Access]


class TypesApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._types = service.types

    def operations(self) -> list[Operation]:
        one, specs = "/types/{type_id}", "/types/{type_id}/extra_specs"
        rule, spec = "share_type:", "share_types_extra_spec:"
        answer: dict[str, Any] = {"response": TypeAnswer}
        both: dict[str, Any] = {"response": SpecsAnswer}
        found = [
            Operation("GET", "/types", self.index, policy=f"{rule}index", writes=True,
                      response=TypeList),
            Operation("GET", "/types/default", self.default, policy=f"{rule}default", writes=True,
                      **answer),
            # 2.24: what shares can have of snapshots need not be said; 2.41: descriptions
            Operation("POST", "/types", self.create_oldest, policy=f"{rule}create",
                      body=CreateType, until="2.23", **answer),
            Operation("POST", "/types", self.create_older, policy=f"{rule}create",
                      body=CreateType, since="2.24", until="2.40", **answer),
            Operation("POST", "/types", self.create, policy=f"{rule}create", body=CreateType,
                      since="2.41", **answer),
            Operation("GET", one, self.show, policy=f"{rule}show", **answer),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateType,
                      since="2.50", **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=202),
            Operation("GET", specs, self.specs, policy=f"{spec}index", **both),
            Operation("POST", specs, self.add, policy=f"{spec}create", body=SpecsBody, **both),
            Operation("GET", f"{specs}/{{key}}", self.spec, policy=f"{spec}show",
                      response=dict[str, str]),
            Operation("PUT", f"{specs}/{{key}}", self.set_spec, policy=f"{spec}update", body=Specs,
                      response=dict[str, str]),
            Operation("DELETE", f"{specs}/{{key}}", self.drop_older, policy=f"{spec}delete",
                      status=202, until="2.23"),
            Operation("DELETE", f"{specs}/{{key}}", self.drop, policy=f"{spec}delete", status=202,
                      since="2.24"),
        ]  # fmt: skip
        words: dict[str, dict[str, Any]] = {
            "os-share-type-access": {"until": "2.6"},
            "share_type_access": {"since": "2.7"},
        }
        for word, bounds in words.items():
            found.append(
                Operation("GET", f"{one}/{word}", self.projects, response=AccessList,
                          policy=f"{rule}list_project_access", **bounds)
            )  # fmt: skip
        for action, handler in (
            ("addProjectAccess", self.admit),
            ("removeProjectAccess", self.shut),
        ):
            policy = {"addProjectAccess": "add", "removeProjectAccess": "remove"}[action]
            found.append(
                Operation("POST", f"{one}/action", handler, policy=f"{rule}{policy}_project_access",
                          action=action, body=action_body(action, Project, "Type"), status=202)
            )  # fmt: skip
        return found

    def _body(self, call: Call, row: TypeRow, usual: TypeRow | None) -> TypeBody:
        specs = row.extra_specs
        if not call.principal.is_admin:
            said = {name: text for name, text in specs.items() if name in TENANTS_SEE}
            specs = dict.fromkeys(BOOLEANS, "False") | said
        return TypeBody(
            id=row.id,
            name=row.name,
            description=row.description,
            extra_specs=specs,
            required_extra_specs={k: v for k, v in row.extra_specs.items() if k == HANDLES_SERVERS},
            old_public=row.is_public,
            is_public=row.is_public,
            is_default=usual is not None and row.id == usual.id,
        )

    def _answer(self, call: Call, tx: Tx, row: TypeRow) -> TypeAnswer:
        usual = self._types.usual(tx)
        old, new = (self._body(call, row, usual) for _ in range(2))
        return TypeAnswer(volume_type=old, share_type=new)

    def _found(self, call: Call, tx: Tx) -> TypeRow:
        return self._types.get(tx, call.path["type_id"], call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        self._types.ensure_default(tx)
        where: dict[str, Any] = {}
        asked = call.query.get("is_public")
        if not call.principal.is_admin or asked is None:
            where["seen_by"] = call.principal.project_id or ""
        elif asked is not None and asked.lower() not in ("none", "all"):
            where["is_public"] = as_bool(asked, "is_public")
        page = page_of(
            call,
            tx,
            self._types.listing,
            where,
            find_marker=lambda id: self._types.get(tx, id, call.principal),
        )
        specs = specs_of(call.query.get("extra_specs") or "{}")
        rows = [row for row in page.rows if has_specs(row, specs, call.principal)]
        usual = self._types.usual(tx)
        found, again = ([self._body(call, row, usual) for row in rows] for _ in range(2))
        return TypeList(volume_types=found, share_types=again)

    def default(self, call: Call, tx: Tx) -> Any:
        return self._answer(call, tx, self._types.default(tx))

    def show(self, call: Call, tx: Tx) -> Any:
        return self._answer(call, tx, self._found(call, tx))

    def create_oldest(self, call: Call, tx: Tx) -> Any:
        wish = self._wish(call)
        wish.extra_specs = {SNAPSHOTS: "True", **(wish.extra_specs or {})}
        return self.create_older(call, tx)

    def create_older(self, call: Call, tx: Tx) -> Any:
        if self._wish(call).description is not None:
            raise BadRequest("A share type's description is known since version 2.41.")
        return self.create(call, tx)

    def _wish(self, call: Call) -> NewType:
        body: CreateType = call.body
        wish = body.volume_type if isinstance(body.share_type, Unset) else body.share_type
        if isinstance(wish, Unset):
            raise BadRequest("The body must have a 'share_type'.")
        return wish

    def create(self, call: Call, tx: Tx) -> Any:
        wish = self._wish(call)
        specs = _texts(wish.extra_specs or {})
        if HANDLES_SERVERS not in specs:
            raise BadRequest(
                f"Invalid share_type: Required extra spec {HANDLES_SERVERS} is not given."
            )
        public = wish.is_public if wish.is_public is not UNSET else wish.old_public
        is_public = True if public is UNSET else as_bool(public, "is_public")
        row = self._types.create(tx, wish.name, wish.description, is_public, specs, call.principal)
        return self._answer(call, tx, row)

    def update(self, call: Call, tx: Tx) -> Any:
        wish = call.body.share_type
        changes: dict[str, Any] = {
            name: getattr(wish, name)
            for name in ("name", "description")
            if getattr(wish, name) is not UNSET
        }
        if changes.get("description") == "":
            changes["description"] = None
        if wish.is_public is not UNSET:
            changes["is_public"] = as_bool(wish.is_public, "is_public")
        if not changes:
            raise BadRequest("Specify share type name, description, share_type_access:is_public.")
        row = self._types.update(tx, self._found(call, tx), call.principal, **changes)
        return self._answer(call, tx, row)

    def delete(self, call: Call, tx: Tx) -> None:
        self._types.delete(tx, self._found(call, tx), call.principal)

    # --- extra specs ------------------------------------------------------------------------

    def specs(self, call: Call, tx: Tx) -> Any:
        return SpecsAnswer(extra_specs=self._found(call, tx).extra_specs)

    def _write(self, call: Call, tx: Tx, row: TypeRow, specs: dict[str, str]) -> None:
        if len(specs) > 128:
            raise BadRequest("A share type has 128 extra specs at most.")
        self._types.update(tx, row, call.principal, extra_specs=specs)

    def add(self, call: Call, tx: Tx) -> Any:
        row, more = self._found(call, tx), _texts(call.body.extra_specs)
        self._write(call, tx, row, {**row.extra_specs, **more})
        return SpecsAnswer(extra_specs=more)

    def spec(self, call: Call, tx: Tx) -> Any:
        return one_item(self._found(call, tx).extra_specs, call.path["key"])

    def set_spec(self, call: Call, tx: Tx) -> Any:
        row, item = self._found(call, tx), _texts(call.body)
        if set(item) != {call.path["key"]}:
            raise BadRequest("Request body and URI mismatch, or more than one item.")
        self._write(call, tx, row, {**row.extra_specs, **item})
        return item

    def drop_older(self, call: Call, tx: Tx) -> None:
        if call.path["key"] == SNAPSHOTS:
            raise Forbidden(f"Extra spec {SNAPSHOTS} is required before version 2.24.")
        self.drop(call, tx)

    def drop(self, call: Call, tx: Tx) -> None:
        row, key = self._found(call, tx), call.path["key"]
        if key not in row.extra_specs:
            raise NotFound(f"Share Type {row.id} has no extra specs with key {key}.")
        if key == HANDLES_SERVERS:
            raise Forbidden(f"Extra spec {key} is required and cannot be removed.")
        self._write(call, tx, row, {k: v for k, v in row.extra_specs.items() if k != key})

    # --- who may use a private one ----------------------------------------------------------

    def projects(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        if row.is_public:
            raise NotFound("Access list not available for public share types.")
        found = self._types.projects(tx, row)
        entries = [Access(share_type_id=row.id, project_id=each.project_id) for each in found]
        return AccessList(share_type_access=entries)

    def admit(self, call: Call, tx: Tx) -> None:
        self._types.admit(tx, self._found(call, tx), call.body.value.project, True)

    def shut(self, call: Call, tx: Tx) -> None:
        self._types.admit(tx, self._found(call, tx), call.body.value.project, False)


def _texts(specs: dict[str, Any]) -> dict[str, str]:
    """Extra specs are texts, whatever the client sent; booleans are checked."""
    found = {}
    for name, value in specs.items():
        if name in BOOLEANS:
            word = str(value).removeprefix("<is> ")
            value = str(as_bool(word, name))
        if name == ZONES:
            zones = [each.strip() for each in str(value).split(",")]
            if not all(zones):
                raise BadRequest(f"Invalid extra spec {ZONES}: its names are {value!r:.255}.")
            value = ",".join(zones)
        found[name] = str(value)
    return found
