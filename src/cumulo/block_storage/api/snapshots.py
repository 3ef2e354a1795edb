"""Snapshots on the wire."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.actions import Reset, action_body
from cumulo.block_storage.api.bodies import (
    CreateSnapshot,
    MetaBody,
    MetadataBody,
    SnapshotBody,
    UpdateSnapshot,
    changed,
)
from cumulo.block_storage.api.lists import counted, offset_of, own_or_all, page_links
from cumulo.block_storage.api.volumes import one_item, refuse_too_much, same_item
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import StrictBody, Version

STATUSES = ("available", "creating", "deleting", "error", "error_deleting")


def snapshot_body(row: SnapshotRow, *, detail: bool) -> SnapshotBody:
    body = SnapshotBody(
        id=row.id,
        name=row.name,
        description=row.description,
        volume_id=row.volume_id,
        status=row.status,
        size=row.size,
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=row.updated_at,
        group_snapshot_id=row.group_snapshot_id,
        user_id=row.user_id,
        consumes_quota=True,
    )
    if detail:
        body.progress = row.progress or ("100%" if row.observed_size else "0%")
        body.project_id = row.project_id
    return body


WITHOUT_FORCE = Version(3, 66)
"""Whether a volume is in use makes no difference from then on."""


class Said(StrictBody):
    status: str
    progress: Annotated[str, msgspec.Meta(pattern=r"^\d{1,3}%?$")] | None = None


MAY_BECOME = {
    "creating": ("creating", "available", "error"),
    "deleting": ("deleting", "error_deleting"),
}
"""What os-update_snapshot_status may say of a snapshot, by its status."""


class SnapshotsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage
        self._snapshots = storage.snapshots

    def operations(self) -> list[Operation]:
        one = "/snapshots/{snapshot_id}"
        late: dict[str, Any] = {"early": False}
        admin = "volume_extension:snapshot_admin_actions"
        get, change = "volume:get_snapshot", "volume:update_snapshot"
        read, write = f"{get}_metadata", f"{change}_metadata"
        return [
            Operation("GET", "/snapshots", self.index, policy="volume:get_all_snapshots"),
            Operation("GET", "/snapshots/detail", self.detail, policy="volume:get_all_snapshots"),
            Operation(
                "POST",
                "/snapshots",
                self.create,
                policy="volume:create_snapshot",
                body=CreateSnapshot,
                status=202,
            ),
            Operation("GET", one, self.show, policy=get, **late),
            Operation("PUT", one, self.update, policy=change, body=UpdateSnapshot, **late),
            Operation(
                "DELETE", one, self.delete, policy="volume:delete_snapshot", status=202, **late
            ),
            Operation("GET", f"{one}/metadata", self.metadata, policy=read, **late),
            Operation(
                "PUT",
                f"{one}/metadata",
                self.set_metadata,
                policy=write,
                body=MetadataBody,
                **late,
            ),
            Operation(
                "POST",
                f"{one}/metadata",
                self.add_metadata,
                policy=write,
                body=MetadataBody,
                **late,
            ),
            Operation("GET", f"{one}/metadata/{{key}}", self.meta, policy=read, **late),
            Operation(
                "PUT",
                f"{one}/metadata/{{key}}",
                self.set_meta,
                policy=write,
                body=MetaBody,
                **late,
            ),
            Operation(
                "DELETE",
                f"{one}/metadata/{{key}}",
                self.drop_meta,
                policy="volume:delete_snapshot_metadata",
                **late,
            ),
            *(
                Operation(
                    "POST",
                    f"{one}/action",
                    handler,
                    policy=rule,
                    action=name,
                    body=action_body(name, kind, "Snapshot"),
                    status=202,
                    **late,
                )
                for name, handler, rule, kind in (
                    ("os-reset_status", self.reset, f"{admin}:reset_status", Reset),
                    ("os-force_delete", self.force_delete, f"{admin}:force_delete", Any),
                    (
                        "os-update_snapshot_status",
                        self.said,
                        "snapshot_extension:snapshot_actions:update_snapshot_status",
                        Said,
                    ),
                )
            ),
        ]

    def found(self, call: Call, tx: Tx) -> SnapshotRow:
        row = self._snapshots.get(tx, call.path["snapshot_id"], call.principal)
        call.allow({"project_id": row.project_id})
        return row

    def _page(self, call: Call, tx: Tx) -> tuple[Page[Any], dict[str, Any]]:
        """And what stands beside it in an answer."""
        where = own_or_all(call)
        for name in ("name", "status", "volume_id", "user_id", "id"):
            value = call.query.get(name)
            if value is not None:
                where[name] = value
        if call.query.get("name~"):
            where["name_part"] = call.query.get("name~")
        page = page_of(
            call,
            tx,
            self._snapshots.listing,
            where,
            find_marker=lambda id: self._snapshots.get(tx, id, call.principal),
            offset=offset_of(call),
            sort_names={"display_name": "name"},
        )
        more = page_links(call, page, "snapshots_links") | counted(
            call, tx, self._snapshots.listing, where
        )
        return page, more

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        items = [snapshot_body(row, detail=False) for row in page.rows]
        return {"snapshots": items, **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        items = [snapshot_body(row, detail=True) for row in page.rows]
        return {"snapshots": items, **more}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.snapshot
        force = wish.force is not None and as_bool(wish.force, "force")
        since = call.version is not None and call.version >= WITHOUT_FORCE
        if since and wish.force is not None and not force:
            raise BadRequest(
                f"Invalid input received: since {WITHOUT_FORCE} volumes in use are snapshot "
                "without a word: force=false means nothing."
            )
        volume = self._storage.volumes.get(tx, wish.volume_id or "", call.principal)
        metadata = wish.metadata or {}
        refuse_too_much(metadata)
        name = wish.name or wish.display_name
        row = self._snapshots.create(
            tx,
            volume,
            call.principal,
            name,
            wish.description,
            metadata,
            attached=force or since,
        )
        return {"snapshot": snapshot_body(row, detail=False)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"snapshot": snapshot_body(self.found(call, tx), detail=True)}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        changes = changed(call.body.snapshot)
        if not changes:
            raise BadRequest("Invalid input received: nothing to change is given.")
        row = self._snapshots.update(tx, row, call.principal, **changes)
        return {"snapshot": snapshot_body(row, detail=False)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self.found(call, tx), call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self.found(call, tx), call.principal, force=True)

    def metadata(self, call: Call, tx: Tx) -> Any:
        return {"metadata": self.found(call, tx).metadata}

    def set_metadata(self, call: Call, tx: Tx) -> Any:
        return self._write(call, tx, self.found(call, tx), call.body.metadata)

    def add_metadata(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        return self._write(call, tx, row, {**row.metadata, **call.body.metadata})

    def meta(self, call: Call, tx: Tx) -> Any:
        return {"meta": one_item(self.found(call, tx).metadata, call.path["key"], "Snapshot")}

    def set_meta(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        item = same_item(call.body.meta, call.path["key"])
        self._write(call, tx, row, {**row.metadata, **item})
        return {"meta": item}

    def drop_meta(self, call: Call, tx: Tx) -> None:
        row = self.found(call, tx)
        gone = one_item(row.metadata, call.path["key"], "Snapshot")
        self._write(call, tx, row, {k: v for k, v in row.metadata.items() if k not in gone})

    def _write(self, call: Call, tx: Tx, row: SnapshotRow, metadata: dict[str, str]) -> Any:
        refuse_too_much(metadata)
        row = self._snapshots.update(tx, row, call.principal, metadata=metadata)
        return {"metadata": row.metadata}

    def said(self, call: Call, tx: Tx) -> None:
        """The word of whoever takes it elsewhere; see `MAY_BECOME`."""
        row, wish = self.found(call, tx), call.body.value
        if wish.status not in MAY_BECOME.get(row.status, ()):
            raise BadRequest(
                f"Invalid snapshot: its status {row.status} cannot become {wish.status:.100}."
            )
        self._snapshots.refresh(tx, row, declared=wish.status, progress=wish.progress)

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self.found(call, tx), call.body.value.status
        if status not in STATUSES:
            raise BadRequest(f"Must specify a valid status: {status}")
        self._snapshots.reset(tx, row, status, call.principal)
