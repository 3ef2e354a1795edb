"""Groups of volumes on the wire: block storage API 3.13, made from others since 3.14."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.block_storage.api.actions import action_body
from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.api.lists import filtered, offset_of, own_or_all, page_links
from cumulo.block_storage.model.group import GroupRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.groups import Groups
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import BoolLike, Name, Uuid, as_bool
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

STATUSES = ("available", "creating", "deleting", "error", "error_deleting", "updating", "in-use")
FILTERS = ("id", "name", "status", "availability_zone", "group_snapshot_id", "source_group_id")
Ids = Annotated[str, msgspec.Meta(max_length=20_000)]
"""Separated by commas."""


class GroupBody(Body):
    id: str
    name: str | None
    status: str
    description: str | None
    availability_zone: str
    created_at: str
    group_type: str
    volume_types: list[str]
    group_snapshot_id: Annotated[str | None, Since("3.14")] = None
    source_group_id: Annotated[str | None, Since("3.14")] = None
    volumes: Annotated[list[str] | Unset, Since("3.25")] = UNSET
    replication_status: Annotated[str | None, Since("3.38")] = None
    project_id: Annotated[str | Unset, Since("3.58")] = UNSET


class NewGroup(StrictBody):
    group_type: Name
    volume_types: Annotated[list[Name], msgspec.Meta(min_length=1)]
    name: Text255 | None = None
    description: Text255 | None = None
    availability_zone: Text255 | None = None


class CreateGroup(StrictBody):
    group: NewGroup


class GroupChanges(StrictBody):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    add_volumes: Ids | None = None
    remove_volumes: Ids | None = None


class UpdateGroup(StrictBody):
    group: GroupChanges


class Delete(StrictBody):
    delete_volumes: BoolLike = msgspec.field(name="delete-volumes", default=False)


class FromSource(StrictBody):
    name: Text255 | None = None
    description: Text255 | None = None
    group_snapshot_id: Uuid | None = None
    source_group_id: Uuid | None = None


class ResetGroup(StrictBody):
    status: str


class Failover(StrictBody):
    allow_attached_volume: BoolLike = False
    secondary_backend_id: str | None = None


class GroupsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._types = storage.group_types
        self._groups = storage.groups
        self._snapshots = storage.group_snapshots

    def operations(self) -> list[Operation]:
        one = "/groups/{group_id}"
        at: dict[str, Any] = {"since": "3.13"}
        late: dict[str, Any] = {"early": False}
        source = action_body("create-from-src", FromSource, "Group")
        return [
            Operation("GET", "/groups", self.index, policy="group:get_all", **at),
            Operation("GET", "/groups/detail", self.detail, policy="group:get_all", **at),
            Operation(
                "POST",
                "/groups",
                self.create,
                policy="group:create",
                body=CreateGroup,
                status=202,
                writes=True,
                **at,
            ),
            Operation("GET", one, self.show, policy="group:get", **at, **late),
            Operation(
                "PUT",
                one,
                self.update,
                policy="group:update",
                body=UpdateGroup,
                status=202,
                **at,
                **late,
            ),
            Operation(
                "POST",
                "/groups/action",
                self.create_from,
                policy="group:create",
                action="create-from-src",
                body=source,
                status=202,
                since="3.14",
                title="create-from-src",
            ),
            *(self._action(*row) for row in self._actions()),
        ]

    def _actions(self) -> list[tuple[str, Any, str, Any, int, str]]:
        any_ = dict[str, Any] | None
        return [
            ("delete", self.delete, "group:delete", Delete, 202, "3.13"),
            ("reset_status", self.reset, "group:reset_status", ResetGroup, 202, "3.20"),
            ("enable_replication", self.replicate, "group:enable_replication", any_, 202, "3.38"),
            ("disable_replication", self.replicate, "group:disable_replication", any_, 202, "3.38"),
            (
                "failover_replication",
                self.replicate,
                "group:failover_replication",
                Failover,
                202,
                "3.38",
            ),
            (
                "list_replication_targets",
                self.targets,
                "group:list_replication_targets",
                any_,
                200,
                "3.38",
            ),
        ]

    def _action(
        self, name: str, handler: Any, policy: str, kind: Any, status: int, since: str
    ) -> Operation:
        return Operation(
            "POST",
            "/groups/{group_id}/action",
            handler,
            policy=policy,
            early=False,
            action=name,
            body=action_body(name, kind, "Group"),
            status=status,
            since=since,
            title=name,
        )

    def _found(self, call: Call, tx: Tx) -> GroupRow:
        row = self._groups.get(tx, call.path["group_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def _bodies(self, call: Call, tx: Tx, rows: Sequence[GroupRow]) -> list[GroupBody]:
        """With their volumes where `list_volume` asks for them."""
        listed = as_bool(call.query.get("list_volume") or "false", "list_volume")
        volumes = self._groups.volume_ids(tx, [row.id for row in rows]) if listed else {}
        projects = call.allowed("group:group_project_attribute")
        return [
            GroupBody(
                id=row.id,
                name=row.name,
                status=row.status,
                description=row.description,
                availability_zone=row.availability_zone,
                created_at=row.created_at,
                group_type=row.group_type_id,
                volume_types=row.volume_types,
                group_snapshot_id=row.group_snapshot_id,
                source_group_id=row.source_group_id,
                volumes=volumes.get(row.id, []) if listed else UNSET,
                replication_status="disabled",
                project_id=row.project_id if projects else UNSET,
            )
            for row in rows
        ]

    def _page(self, call: Call, tx: Tx) -> tuple[Page[GroupRow], dict[str, Any]]:
        where = {**own_or_all(call), **filtered(call, FILTERS)}
        kind = call.query.get("group_type") or call.query.get("group_type_id")
        if kind is not None:
            where["group_type_id"] = kind
        page = page_of(
            call,
            tx,
            self._groups.listing,
            where,
            find_marker=lambda id: self._groups.get(tx, id, call.principal),
            offset=offset_of(call),
            sort_names={"group_type": "group_type_id"},
        )
        return page, page_links(call, page, "group_links")

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"groups": [_brief(row) for row in page.rows], **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"groups": self._bodies(call, tx, page.rows), **more}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"group": self._bodies(call, tx, [self._found(call, tx)])[0]}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.group
        row = self._groups.create(
            tx,
            self._types.get(tx, wish.group_type, call.principal),
            call.principal,
            volume_types=wish.volume_types,
            name=wish.name,
            description=wish.description,
            availability_zone=wish.availability_zone or None,
        )
        return {"group": _brief(row)}

    def create_from(self, call: Call, tx: Tx) -> Any:
        wish = call.body.value
        if bool(wish.group_snapshot_id) == bool(wish.source_group_id):
            raise BadRequest(
                "Invalid input received: either group_snapshot_id or source_group_id must be "
                "given, and not both."
            )
        source: Any
        if wish.group_snapshot_id:
            source = self._snapshots.get(tx, wish.group_snapshot_id, call.principal)
        else:
            source = self._groups.get(tx, wish.source_group_id, call.principal)
        who = call.principal
        row = self._groups.create_from(
            tx, source, who, name=wish.name, description=wish.description
        )
        return {"group": _brief(row)}

    def update(self, call: Call, tx: Tx) -> None:
        row, wish = self._found(call, tx), call.body.group
        changes = {
            name: getattr(wish, name)
            for name in ("name", "description")
            if getattr(wish, name) is not UNSET
        }
        update_group(self._groups, tx, row, call, changes, wish.add_volumes, wish.remove_volumes)

    def delete(self, call: Call, tx: Tx) -> None:
        with_volumes = as_bool(call.body.value.delete_volumes, "delete-volumes")
        self._groups.delete(tx, self._found(call, tx), call.principal, with_volumes=with_volumes)

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self._found(call, tx), call.body.value.status
        if status not in STATUSES:
            raise BadRequest(f"Must specify a valid status: {status:.100}")
        self._groups.reset(tx, row, status, call.principal)

    def replicate(self, call: Call, tx: Tx) -> None:
        """No pool here replicates, and so does no group."""
        row = self._found(call, tx)
        raise BadRequest(
            f"Invalid group type: group {row.id} is of a type without replication enabled."
        )

    def targets(self, call: Call, tx: Tx) -> Any:
        self._found(call, tx)
        return {"replication_targets": []}


def _brief(row: GroupRow) -> dict[str, Any]:
    return {"id": row.id, "name": row.name}


def ids_of(text: str | None) -> list[str]:
    """`a,b`, each once."""
    return list(dict.fromkeys(each.strip() for each in (text or "").split(",") if each.strip()))


def update_group(
    groups: Groups,
    tx: Tx,
    row: GroupRow,
    call: Call,
    changes: dict[str, Any],
    add: str | None,
    remove: str | None,
) -> None:
    """Raises BadRequest where nothing would be changed."""
    if not (changes or ids_of(add) or ids_of(remove)):
        raise BadRequest(
            f"Invalid group: Cannot update group {row.id} because no valid name, description, "
            "add_volumes, or remove_volumes were provided."
        )
    who = call.principal
    groups.update(tx, row, who, add=ids_of(add), remove=ids_of(remove), **changes)
