"""Consistency groups and their snapshots: what older clients call groups of one type.

`/consistencygroups` and `/cgsnapshots` show the groups of the type `default_cgsnapshot_type` and
nothing else; their rows are `model.group`'s, and so are their rules.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.api.groups import Ids, ids_of, update_group
from cumulo.block_storage.api.lists import filtered, offset_of, own_or_all, page_links
from cumulo.block_storage.model.group import GroupRow, GroupSnapshotRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import BoolLike, Uuid, as_bool
from cumulo.core.wire.shapes import StrictBody, Unset


class NewConsistencyGroup(StrictBody):
    volume_types: Ids
    name: Text255 | None = None
    description: Text255 | None = None
    availability_zone: Text255 | None = None


class CreateConsistencyGroup(StrictBody):
    consistencygroup: NewConsistencyGroup


class FromSource(StrictBody):
    name: Text255 | None = None
    description: Text255 | None = None
    cgsnapshot_id: Uuid | None = None
    source_cgid: Uuid | None = None


class CreateFromSource(StrictBody):
    wish: FromSource = msgspec.field(name="consistencygroup-from-src")


class Changes(StrictBody):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    add_volumes: Ids | None = None
    remove_volumes: Ids | None = None


class UpdateConsistencyGroup(StrictBody):
    consistencygroup: Changes


class Force(StrictBody):
    force: BoolLike = False


class DeleteConsistencyGroup(StrictBody):
    consistencygroup: Force


class NewCgsnapshot(StrictBody):
    consistencygroup_id: Uuid
    name: Text255 | None = None
    description: Text255 | None = None


class CreateCgsnapshot(StrictBody):
    cgsnapshot: NewCgsnapshot


class ConsistencyGroupsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._types = storage.group_types
        self._groups = storage.groups
        self._snapshots = storage.group_snapshots

    def operations(self) -> list[Operation]:
        groups, snapshots = "/consistencygroups", "/cgsnapshots"
        one, snapshot = f"{groups}/{{group_id}}", f"{snapshots}/{{group_snapshot_id}}"
        late: dict[str, Any] = {"early": False}
        made: dict[str, Any] = {"status": 202}
        all_groups, all_snapshots = "group:get_all", "group:get_all_group_snapshots"
        read: dict[str, Any] = {"policy": all_groups, "writes": True}
        listed: dict[str, Any] = {"policy": all_snapshots, "writes": True}
        create = {"policy": "group:create", **made}
        return [
            Operation("GET", groups, self.index, **read),
            Operation("GET", f"{groups}/detail", self.detail, **read),
            Operation("POST", groups, self.create, body=CreateConsistencyGroup, **create),
            Operation(
                "POST",
                f"{groups}/create_from_src",
                self.create_from,
                body=CreateFromSource,
                **create,
            ),
            Operation("GET", one, self.show, policy="group:get", writes=True, **late),
            Operation(
                "POST",
                f"{one}/delete",
                self.delete,
                policy="group:delete",
                body=DeleteConsistencyGroup,
                **made,
                **late,
            ),
            Operation(
                "PUT",
                f"{one}/update",
                self.update,
                policy="group:update",
                body=UpdateConsistencyGroup,
                **made,
                **late,
            ),
            Operation("GET", snapshots, self.snapshots, **listed),
            Operation("GET", f"{snapshots}/detail", self.snapshots_detail, **listed),
            Operation(
                "POST",
                snapshots,
                self.create_snapshot,
                policy="group:create_group_snapshot",
                body=CreateCgsnapshot,
                **made,
                **late,
            ),
            Operation(
                "GET",
                snapshot,
                self.show_snapshot,
                policy="group:get_group_snapshot",
                writes=True,
                **late,
            ),
            Operation(
                "DELETE",
                snapshot,
                self.delete_snapshot,
                policy="group:delete_group_snapshot",
                **made,
                **late,
            ),
        ]

    # --- groups -----------------------------------------------------------------------------

    def _group(self, call: Call, tx: Tx, id: str) -> GroupRow:
        row = self._groups.get(tx, id, call.principal)
        if row.group_type_id != self._types.ensure_consistent(tx).id:
            raise NotFound(f"ConsistencyGroup {id} could not be found.")
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def _page(self, call: Call, tx: Tx) -> tuple[Page[GroupRow], dict[str, Any]]:
        where = {**own_or_all(call), **filtered(call, ("id", "name", "status"))}
        where["group_type_id"] = self._types.ensure_consistent(tx).id
        page = page_of(
            call,
            tx,
            self._groups.listing,
            where,
            find_marker=lambda id: self._groups.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        return page, page_links(call, page, "consistencygroup_links")

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"consistencygroups": [{"id": r.id, "name": r.name} for r in page.rows], **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"consistencygroups": [_body(row) for row in page.rows], **more}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"consistencygroup": _body(self._group(call, tx, call.path["group_id"]))}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.consistencygroup
        row = self._groups.create(
            tx,
            self._types.ensure_consistent(tx),
            call.principal,
            volume_types=ids_of(wish.volume_types),
            name=wish.name,
            description=wish.description,
            availability_zone=wish.availability_zone or None,
        )
        return {"consistencygroup": {"id": row.id, "name": row.name}}

    def create_from(self, call: Call, tx: Tx) -> Any:
        wish = call.body.wish
        if bool(wish.cgsnapshot_id) == bool(wish.source_cgid):
            raise BadRequest(
                "Invalid input received: either cgsnapshot_id or source_cgid must be given, and "
                "not both."
            )
        source: Any
        if wish.cgsnapshot_id:
            source = self._snapshot(call, tx, wish.cgsnapshot_id)
        else:
            source = self._group(call, tx, wish.source_cgid)
        row = self._groups.create_from(
            tx, source, call.principal, name=wish.name, description=wish.description
        )
        return {"consistencygroup": {"id": row.id, "name": row.name}}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._group(call, tx, call.path["group_id"])
        with_volumes = as_bool(call.body.consistencygroup.force, "force")
        self._groups.delete(tx, row, call.principal, with_volumes=with_volumes)

    def update(self, call: Call, tx: Tx) -> None:
        row, wish = self._group(call, tx, call.path["group_id"]), call.body.consistencygroup
        changes = {
            name: getattr(wish, name)
            for name in ("name", "description")
            if getattr(wish, name) not in (UNSET, None, "")
        }
        update_group(self._groups, tx, row, call, changes, wish.add_volumes, wish.remove_volumes)

    # --- their snapshots --------------------------------------------------------------------

    def _snapshot(self, call: Call, tx: Tx, id: str) -> GroupSnapshotRow:
        row = self._snapshots.get(tx, id, call.principal)
        if row.group_type_id != self._types.ensure_consistent(tx).id:
            raise NotFound(f"CgSnapshot {id} could not be found.")
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def _snapshots_page(self, call: Call, tx: Tx) -> tuple[list[GroupSnapshotRow], dict[str, Any]]:
        where = {**own_or_all(call), **filtered(call, ("id", "name", "status"))}
        where["group_type_id"] = self._types.ensure_consistent(tx).id
        page = page_of(
            call,
            tx,
            self._snapshots.listing,
            where,
            find_marker=lambda id: self._snapshots.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        return page.rows, page_links(call, page, "cgsnapshot_links")

    def snapshots(self, call: Call, tx: Tx) -> Any:
        rows, more = self._snapshots_page(call, tx)
        return {"cgsnapshots": [{"id": row.id, "name": row.name} for row in rows], **more}

    def snapshots_detail(self, call: Call, tx: Tx) -> Any:
        rows, more = self._snapshots_page(call, tx)
        return {"cgsnapshots": [_snapshot_body(row) for row in rows], **more}

    def show_snapshot(self, call: Call, tx: Tx) -> Any:
        row = self._snapshot(call, tx, call.path["group_snapshot_id"])
        return {"cgsnapshot": _snapshot_body(row)}

    def create_snapshot(self, call: Call, tx: Tx) -> Any:
        wish = call.body.cgsnapshot
        group = self._group(call, tx, wish.consistencygroup_id)
        row = self._snapshots.create(tx, group, call.principal, wish.name, wish.description)
        return {"cgsnapshot": {"id": row.id, "name": row.name}}

    def delete_snapshot(self, call: Call, tx: Tx) -> None:
        row = self._snapshot(call, tx, call.path["group_snapshot_id"])
        self._snapshots.delete(tx, row, call.principal)


def _body(row: GroupRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "availability_zone": row.availability_zone,
        "created_at": row.created_at,
        "name": row.name,
        "description": row.description,
        "volume_types": row.volume_types,
    }


def _snapshot_body(row: GroupSnapshotRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "consistencygroup_id": row.group_id,
        "status": row.status,
        "created_at": row.created_at,
        "name": row.name,
        "description": row.description,
    }
