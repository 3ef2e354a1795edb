"""Snapshots on the wire."""

import functools
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.shapes import Body
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.actions import actions, wished_status
from cumulo.shared_file_system.api.lists import (
    MetadataBody,
    filters,
    links,
    mine,
    offset_of,
    one_item,
    page_links,
    refuse_too_much,
    whose,
)
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

STATUSES = ("available", "creating", "deleting", "error", "error_deleting")
_TEXTS = ("name", "name~", "description", "description~", "status", "share_id")


class SnapshotLocations(Body):
    share_snapshot_export_locations: list[dict[str, str]]


class SnapshotsApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._shares = service.shares
        self._snapshots = service.snapshots

    def operations(self) -> list[Operation]:
        all_, one = "/snapshots", "/snapshots/{snapshot_id}"
        late: dict[str, Any] = {"early": False}
        answer: dict[str, Any] = {"response": bodies.SnapshotAnswer}
        rule, many = "share_snapshot:get_snapshot", "share_snapshot:get_all_snapshots"
        meta, write = f"{one}/metadata", "share:snapshot_update"
        newer: dict[str, Any] = {**late, "since": "2.73", "response": bodies.MetadataAnswer}
        act = functools.partial(actions, f"{one}/action", "Snapshot")
        return [
            Operation("GET", all_, self.index, policy=many, response=bodies.SnapshotList),
            Operation("GET", f"{all_}/detail", self.detail, policy=many,
                      response=bodies.SnapshotDetails),
            Operation("POST", all_, self.create, policy="share:create_snapshot", status=202,
                      body=bodies.CreateSnapshot, **late, **answer),
            Operation("GET", one, self.show, policy=rule, **late, **answer),
            Operation("PUT", one, self.update, policy="share:snapshot_update",
                      body=bodies.UpdateSnapshot, **late, **answer),
            Operation("DELETE", one, self.delete, policy="share:delete_snapshot", status=202,
                      **late),
            Operation("GET", meta, self.metadata, policy=rule, **newer),
            Operation("POST", meta, self.add_metadata, policy=write, body=MetadataBody, **newer),
            Operation("PUT", meta, self.set_metadata, policy=write, body=MetadataBody, **newer),
            Operation("GET", f"{meta}/{{key}}", self.meta, policy=rule, early=False, since="2.73",
                      response=bodies.MetaAnswer),
            Operation("DELETE", f"{meta}/{{key}}", self.drop_meta, policy=write, early=False,
                      since="2.73"),
            Operation("GET", f"{one}/export-locations", self.locations, policy=rule, early=False,
                      since="2.32", response=SnapshotLocations),
            *act("reset_status", bodies.Reset, self.reset, "share_snapshot:reset_status"),
            *act("force_delete", dict[str, Any] | None, self.force_delete,
                 "share_snapshot:force_delete"),
        ]  # fmt: skip

    def _body(self, call: Call, row: SnapshotRow) -> bodies.SnapshotBody:
        body = bodies.SnapshotBody(
            id=row.id,
            name=row.name,
            description=row.description,
            share_id=row.share_id,
            share_size=row.size,
            share_proto=row.protocol,
            size=row.size,
            status=row.status,
            created_at=row.created_at,
            links=links(call, "snapshots", row.id),
            user_id=row.user_id,
            project_id=row.project_id,
            metadata=row.metadata,
        )
        if call.principal.is_admin:
            body.provider_location = None
        return body

    def _found(self, call: Call, tx: Tx) -> SnapshotRow:
        row = self._snapshots.get(tx, call.path["snapshot_id"], call.principal)
        mine(call, row.project_id, row.user_id)
        return row

    def _page(self, call: Call, tx: Tx) -> Page[SnapshotRow]:
        where = {**whose(call), **filters(call, _TEXTS, ("size",))}
        return page_of(
            call,
            tx,
            self._snapshots.listing,
            where,
            find_marker=lambda id: self._snapshots.get(tx, id, call.principal),
            offset=offset_of(call),
            sort_names={"display_name": "name"},
        )

    def index(self, call: Call, tx: Tx) -> Any:
        page = self._page(call, tx)
        items = [
            bodies.ShareBrief(id=row.id, name=row.name, links=links(call, "snapshots", row.id))
            for row in page.rows
        ]
        return bodies.SnapshotList(snapshots=items, share_snapshots_links=page_links(call, page))

    def detail(self, call: Call, tx: Tx) -> Any:
        page = self._page(call, tx)
        return bodies.SnapshotDetails(
            snapshots=[self._body(call, row) for row in page.rows],
            share_snapshots_links=page_links(call, page),
        )

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.snapshot
        share = self._shares.get(tx, wish.share_id, call.principal)
        mine(call, share.project_id, share.user_id)
        metadata = wish.metadata or {}
        refuse_too_much(metadata)
        row = self._snapshots.create(
            tx,
            share,
            call.principal,
            wish.name or wish.display_name,
            wish.description or wish.display_description,
            metadata,
        )
        return bodies.SnapshotAnswer(snapshot=self._body(call, row))

    def show(self, call: Call, tx: Tx) -> Any:
        return bodies.SnapshotAnswer(snapshot=self._body(call, self._found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row, changes = self._found(call, tx), call.body.snapshot.named()
        if changes:
            row = self._snapshots.update(tx, row, call.principal, **changes)
        return bodies.SnapshotAnswer(snapshot=self._body(call, row))

    def locations(self, call: Call, tx: Tx) -> Any:
        """2.32: where a snapshot itself is mounted. Here none is (`mount_snapshot_support`)."""
        self._found(call, tx)
        return SnapshotLocations(share_snapshot_export_locations=[])

    def delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self._found(call, tx), call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self._found(call, tx), wished_status(call.body.value, STATUSES)
        self._snapshots.reset(tx, row, status, call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self._found(call, tx), call.principal, force=True)

    # --- metadata (2.73) --------------------------------------------------------------------

    def metadata(self, call: Call, tx: Tx) -> Any:
        return bodies.MetadataAnswer(metadata=self._found(call, tx).metadata)

    def _write(self, call: Call, tx: Tx, row: SnapshotRow, metadata: dict[str, str]) -> Any:
        refuse_too_much(metadata)
        row = self._snapshots.update(tx, row, call.principal, metadata=metadata)
        return bodies.MetadataAnswer(metadata=row.metadata)

    def add_metadata(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        return self._write(call, tx, row, {**row.metadata, **call.body.metadata})

    def set_metadata(self, call: Call, tx: Tx) -> Any:
        return self._write(call, tx, self._found(call, tx), call.body.metadata)

    def meta(self, call: Call, tx: Tx) -> Any:
        return bodies.MetaAnswer(meta=one_item(self._found(call, tx).metadata, call.path["key"]))

    def drop_meta(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        gone = one_item(row.metadata, call.path["key"])
        self._write(call, tx, row, {k: v for k, v in row.metadata.items() if k not in gone})
