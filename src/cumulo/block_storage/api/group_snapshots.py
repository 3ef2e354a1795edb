"""Snapshots of groups on the wire: block storage API 3.14."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.block_storage.api.actions import action_body
from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.api.groups import ResetGroup
from cumulo.block_storage.api.lists import filtered, offset_of, own_or_all, page_links
from cumulo.block_storage.model.group import GroupSnapshotRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

STATUSES = ("available", "creating", "deleting", "error", "error_deleting")
FILTERS = ("id", "name", "status", "group_id", "group_type_id")


class GroupSnapshotBody(Body):
    id: str
    name: str | None
    status: str
    description: str | None
    group_id: str
    group_type_id: str
    created_at: str
    project_id: Annotated[str | Unset, Since("3.58")] = UNSET


class NewGroupSnapshot(StrictBody):
    group_id: Uuid
    name: Text255 | None = None
    description: Text255 | None = None


class CreateGroupSnapshot(StrictBody):
    group_snapshot: NewGroupSnapshot


class GroupSnapshotsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._groups = storage.groups
        self._snapshots = storage.group_snapshots

    def operations(self) -> list[Operation]:
        all_, one = "/group_snapshots", "/group_snapshots/{group_snapshot_id}"
        listed = "group:get_all_group_snapshots"
        at: dict[str, Any] = {"since": "3.14"}
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", all_, self.index, policy=listed, **at),
            Operation("GET", f"{all_}/detail", self.detail, policy=listed, **at),
            Operation(
                "POST",
                all_,
                self.create,
                policy="group:create_group_snapshot",
                body=CreateGroupSnapshot,
                status=202,
                **at,
                **late,
            ),
            Operation("GET", one, self.show, policy="group:get_group_snapshot", **at, **late),
            Operation(
                "DELETE",
                one,
                self.delete,
                policy="group:delete_group_snapshot",
                status=202,
                **at,
                **late,
            ),
            Operation(
                "POST",
                f"{one}/action",
                self.reset,
                policy="group:reset_group_snapshot_status",
                action="reset_status",
                body=action_body("reset_status", ResetGroup, "GroupSnapshot"),
                status=202,
                since="3.19",
                **late,
            ),
        ]

    def _found(self, call: Call, tx: Tx) -> GroupSnapshotRow:
        row = self._snapshots.get(tx, call.path["group_snapshot_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def _body(self, call: Call, row: GroupSnapshotRow) -> GroupSnapshotBody:
        told = call.allowed("group:group_snapshot_project_attribute")
        return GroupSnapshotBody(
            id=row.id,
            name=row.name,
            status=row.status,
            description=row.description,
            group_id=row.group_id,
            group_type_id=row.group_type_id,
            created_at=row.created_at,
            project_id=row.project_id if told else UNSET,
        )

    def _page(self, call: Call, tx: Tx) -> tuple[Page[GroupSnapshotRow], dict[str, Any]]:
        page = page_of(
            call,
            tx,
            self._snapshots.listing,
            {**own_or_all(call), **filtered(call, FILTERS)},
            find_marker=lambda id: self._snapshots.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        return page, page_links(call, page, "group_snapshot_links")

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"group_snapshots": [{"id": r.id, "name": r.name} for r in page.rows], **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"group_snapshots": [self._body(call, row) for row in page.rows], **more}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"group_snapshot": self._body(call, self._found(call, tx))}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.group_snapshot
        group = self._groups.get(tx, wish.group_id, call.principal)
        call.allow({"project_id": group.project_id, "user_id": group.user_id})
        row = self._snapshots.create(tx, group, call.principal, wish.name, wish.description)
        brief = {"id": row.id, "name": row.name, "group_type_id": row.group_type_id}
        return {"group_snapshot": brief}

    def delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self._found(call, tx), call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self._found(call, tx), call.body.value.status
        if status not in STATUSES:
            raise BadRequest(f"Must specify a valid status: {status:.100}")
        self._snapshots.reset(tx, row, status, call.principal)
