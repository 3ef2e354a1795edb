"""Backups on the wire: full and incremental, and restored to new volumes or to old ones."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.block_storage.api.actions import action_body
from cumulo.block_storage.api.bodies import Metadata, Text255
from cumulo.block_storage.api.lists import (
    counted,
    filtered,
    links,
    offset_of,
    own_or_all,
    page_links,
)
from cumulo.block_storage.model.backup import BackupRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import BoolLike, Uuid, as_bool
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

STATUSES = ("available", "creating", "deleting", "error", "error_deleting", "restoring")
FILTERS = ("id", "name", "status", "volume_id", "snapshot_id", "user_id")


class BackupBody(Body):
    id: str
    name: str | None
    description: str | None
    status: str
    size: int
    object_count: int
    volume_id: str
    snapshot_id: str | None
    availability_zone: str | None
    container: str
    fail_reason: str | None
    is_incremental: bool
    has_dependent_backups: bool
    data_timestamp: str
    created_at: str
    updated_at: str | None
    links: list[dict[str, str]]
    project_id: Annotated[str | Unset, Since("3.18")] = msgspec.field(
        name="os-backup-project-attr:project_id", default=UNSET
    )
    metadata: Annotated[dict[str, str] | Unset, Since("3.43")] = UNSET
    user_id: Annotated[str | Unset, Since("3.56")] = UNSET
    encryption_key_id: Annotated[str | Unset, Since("3.64")] = UNSET


class BackupBrief(Body):
    id: str
    name: str | None
    links: list[dict[str, str]]
    metadata: Annotated[dict[str, str] | Unset, Since("3.43")] = UNSET


class NewBackup(StrictBody):
    volume_id: Uuid
    name: Text255 | None = None
    description: Text255 | None = None
    container: Text255 | None = None
    incremental: BoolLike | None = False
    force: BoolLike | None = False
    snapshot_id: Uuid | None = None
    metadata: Annotated[Metadata | None, Since("3.43")] = None
    availability_zone: Annotated[Text255 | None, Since("3.51")] = None


class CreateBackup(StrictBody):
    backup: NewBackup


class BackupChanges(StrictBody):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    metadata: Annotated[Metadata | Unset | None, Since("3.43")] = UNSET


class UpdateBackup(StrictBody):
    backup: BackupChanges


class Restore(StrictBody):
    volume_id: Uuid | None = None
    name: Text255 | None = None


class RestoreBackup(StrictBody):
    restore: Restore


class ResetBackup(StrictBody):
    status: str


class BackupsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage
        self._backups = storage.backups
        self._volumes = storage.volumes

    def operations(self) -> list[Operation]:
        all_, one = "/backups", "/backups/{backup_id}"
        late: dict[str, Any] = {"early": False}
        listed, admin = "backup:get_all", "volume_extension:backup_admin_actions:"
        return [
            Operation("GET", all_, self.index, policy=listed),
            Operation("GET", f"{all_}/detail", self.detail, policy=listed),
            Operation(
                "POST",
                all_,
                self.create,
                policy="backup:create",
                body=CreateBackup,
                status=202,
                **late,
            ),
            Operation("GET", one, self.show, policy="backup:get", **late),
            Operation(
                "PUT",
                one,
                self.update,
                policy="backup:update",
                body=UpdateBackup,
                since="3.9",
                **late,
            ),
            Operation("DELETE", one, self.delete, policy="backup:delete", status=202, **late),
            Operation(
                "POST",
                f"{one}/restore",
                self.restore,
                policy="backup:restore",
                body=RestoreBackup,
                status=202,
                **late,
            ),
            *(
                Operation(
                    "POST",
                    f"{one}/action",
                    handler,
                    policy=f"{admin}{name[3:]}",
                    action=name,
                    body=action_body(name, kind, "Backup"),
                    status=202,
                    title=name,
                    **late,
                )
                for name, handler, kind in (
                    ("os-reset_status", self.reset, ResetBackup),
                    ("os-force_delete", self.force_delete, dict[str, Any] | None),
                )
            ),
        ]

    # --- bodies -----------------------------------------------------------------------------

    def _brief(self, call: Call, row: BackupRow, *, full: bool = False) -> BackupBrief:
        brief = BackupBrief(id=row.id, name=row.name, links=links(call, "backups", row.id))
        if full:
            brief.metadata = row.metadata
        return brief

    def _bodies(self, call: Call, tx: Tx, rows: list[BackupRow]) -> list[BackupBody]:
        parents = self._backups.parents(tx, [row.id for row in rows])
        told = call.allowed("backup:backup_project_attribute")
        return [
            BackupBody(
                id=row.id,
                name=row.name,
                description=row.description,
                status=row.status,
                size=row.size,
                object_count=row.object_count,
                volume_id=row.volume_id,
                snapshot_id=row.snapshot_id,
                availability_zone=row.availability_zone,
                container=row.container,
                fail_reason=row.fault,
                is_incremental=row.parent_id is not None,
                has_dependent_backups=row.id in parents,
                data_timestamp=row.data_timestamp,
                created_at=row.created_at,
                updated_at=row.updated_at,
                links=links(call, "backups", row.id),
                project_id=row.project_id if told else UNSET,
                metadata=row.metadata,
                user_id=row.user_id,
            )
            for row in rows
        ]

    def found(self, call: Call, tx: Tx) -> BackupRow:
        row = self._backups.get(tx, call.path["backup_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    # --- lists ------------------------------------------------------------------------------

    def _page(self, call: Call, tx: Tx) -> tuple[Page[BackupRow], dict[str, Any]]:
        where = {**own_or_all(call), **filtered(call, FILTERS)}
        page = page_of(
            call,
            tx,
            self._backups.listing,
            where,
            find_marker=lambda id: self._backups.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        more = page_links(call, page, "backups_links")
        return page, more | counted(call, tx, self._backups.listing, where)

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"backups": [self._brief(call, row) for row in page.rows], **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {"backups": self._bodies(call, tx, page.rows), **more}

    # --- one --------------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.backup
        volume = self._volumes.get(tx, wish.volume_id, call.principal)
        call.allow({"project_id": volume.project_id, "user_id": volume.user_id})
        snapshot = None
        if wish.snapshot_id:
            snapshot = self._storage.snapshots.get(tx, wish.snapshot_id, call.principal)
        row = self._backups.create(
            tx,
            volume,
            call.principal,
            snapshot=snapshot,
            name=wish.name,
            description=wish.description,
            container=wish.container,
            metadata=wish.metadata,
            availability_zone=wish.availability_zone,
            incremental=as_bool(wish.incremental or False, "incremental"),
            force=as_bool(wish.force or False, "force"),
        )
        return {"backup": self._brief(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"backup": self._bodies(call, tx, [self.found(call, tx)])[0]}

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self.found(call, tx), call.body.backup
        changes: dict[str, Any] = {
            name: getattr(wish, name)
            for name in ("name", "description", "metadata")
            if getattr(wish, name) is not UNSET
        }
        if not changes:
            raise BadRequest("Invalid input received: nothing to change is given.")
        if "metadata" in changes:
            changes["metadata"] = changes["metadata"] or {}
        row = self._backups.update(tx, row, call.principal, **changes)
        return {"backup": self._brief(call, row, full=True)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._backups.delete(tx, self.found(call, tx), call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._backups.delete(tx, self.found(call, tx), call.principal, force=True)

    def restore(self, call: Call, tx: Tx) -> Any:
        row, wish = self.found(call, tx), call.body.restore
        volume = None
        if wish.volume_id:
            volume = self._volumes.get(tx, wish.volume_id, call.principal)
        volume = self._backups.restore(tx, row, call.principal, volume, wish.name)
        shown = {"backup_id": row.id, "volume_id": volume.id, "volume_name": volume.name}
        return {"restore": shown}

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self.found(call, tx), call.body.value.status
        if status not in STATUSES:
            raise BadRequest(f"Must specify a valid status: {status:.100}")
        self._backups.reset(tx, row, status, call.principal)
