"""Snapshots on the wire."""

import functools
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.actions import action_body, actions, wished_status
from cumulo.shared_file_system.api.lists import (
    counted,
    filters,
    given,
    links,
    metadata_filters,
    mine,
    offset_of,
    page_links,
    refuse_too_much,
    whose,
)
from cumulo.shared_file_system.api.metadata import Owner, metadata_operations
from cumulo.shared_file_system.model.access import SnapshotAccessRow
from cumulo.shared_file_system.model.location import paths_of
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.service.rules import clean
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

STATUSES = ("available", "creating", "deleting", "error", "error_deleting")
_TEXTS = ("name", "name~", "description", "description~", "status", "share_id")


class SnapshotsApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._shares = service.shares
        self._snapshots = service.snapshots
        self._rules = service.snapshot_rules

    def operations(self) -> list[Operation]:
        all_, one = "/snapshots", "/snapshots/{snapshot_id}"
        late: dict[str, Any] = {"early": False}
        answer: dict[str, Any] = {"response": bodies.SnapshotAnswer}
        rule, many = "share_snapshot:get_snapshot", "share_snapshot:get_all_snapshots"
        meta = f"{one}/metadata"
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
            *metadata_operations(meta, Owner(self.read_metadata, self.write_metadata),
                                 read="share_snapshot:get_metadata",
                                 update="share_snapshot:update_metadata",
                                 remove="share_snapshot:delete_metadata", since="2.73"),
            *self._mounting(one),
            *act("reset_status", bodies.Reset, self.reset, "share_snapshot:reset_status",
                 early=True),
            *act("force_delete", dict[str, Any] | None, self.force_delete,
                 "share_snapshot:force_delete", early=True),
        ]  # fmt: skip

    def _mounting(self, one: str) -> list[Operation]:
        """2.32: a snapshot may be mounted where its share type says so; its instance has its id."""
        late: dict[str, Any] = {"early": False}
        allow: dict[str, Any] = {**late, "policy": "share_snapshot:allow_access", "status": 202,
                                 "body": action_body("allow_access", bodies.AllowSnapshot,
                                                     "Snapshot"),
                                 "response": bodies.SnapshotAccessAnswer,
                                 "action": "allow_access"}  # fmt: skip
        path, key = f"{one}/action", "{location_id}"
        found = [
            Operation("POST", path, self.allow_older, since="2.32", until="2.37", **allow),
            Operation("POST", path, self.allow, since="2.38", **allow),
            Operation("POST", path, self.deny, policy="share_snapshot:deny_access", status=202,
                      action="deny_access", since="2.32",
                      body=action_body("deny_access", bodies.DenySnapshot, "Snapshot"), **late),
            Operation("GET", f"{one}/access-list", self.accesses, since="2.32",
                      policy="share_snapshot:access_list", response=bodies.SnapshotAccessList,
                      **late),
        ]  # fmt: skip
        for base, rule in (
            (one, "share_snapshot_export_location:"),
            (one.replace("/snapshots", "/snapshot-instances"),
             "share_snapshot_instance_export_location:"),
        ):  # fmt: skip
            places = f"{base}/export-locations"
            late = {"early": "instances" in base}
            found += [
                Operation("GET", places, self.locations, policy=f"{rule}index", since="2.32",
                          response=bodies.SnapshotLocations, **late),
                Operation("GET", f"{places}/{key}", self.location, policy=f"{rule}show",
                          since="2.32", response=bodies.SnapshotLocationAnswer, **late),
            ]  # fmt: skip
        return found

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
            body.provider_location = row.id
        return body

    def answer(self, call: Call, row: SnapshotRow) -> bodies.SnapshotAnswer:
        return bodies.SnapshotAnswer(snapshot=self._body(call, row))

    def found(self, call: Call, tx: Tx) -> SnapshotRow:
        row = self._snapshots.get(tx, call.path["snapshot_id"], call.principal)
        mine(call, row.project_id, row.user_id)
        return row

    def _where(self, call: Call) -> dict[str, Any]:
        where = {**whose(call), **filters(call, _TEXTS, ("size",))}
        if call.query.get("metadata"):
            where |= metadata_filters(call.query.get("metadata") or "")
        for name in ("display_name", "display_name~"):
            if given(call, name) is not None:
                where[name.removeprefix("display_").replace("~", "_like")] = given(call, name)
        if call.query.get("usage") == "used":
            where["used"] = True
        elif call.query.get("usage") == "unused":
            where["unused"] = True
        return where

    def _page(self, call: Call, tx: Tx, where: dict[str, Any]) -> Page[SnapshotRow]:
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
        where = self._where(call)
        page = self._page(call, tx, where)
        items = [
            bodies.ShareBrief(id=row.id, name=row.name, links=links(call, "snapshots", row.id))
            for row in page.rows
        ]
        return bodies.SnapshotList(
            snapshots=items,
            count=counted(call, tx, self._snapshots.listing, where),
            share_snapshots_links=page_links(call, page),
        )

    def detail(self, call: Call, tx: Tx) -> Any:
        where = self._where(call)
        page = self._page(call, tx, where)
        return bodies.SnapshotDetails(
            count=counted(call, tx, self._snapshots.listing, where),
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
        return bodies.SnapshotAnswer(snapshot=self._body(call, self.found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row, changes = self.found(call, tx), call.body.snapshot.named()
        if changes:
            row = self._snapshots.update(tx, row, call.principal, **changes)
        return bodies.SnapshotAnswer(snapshot=self._body(call, row))

    def delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self.found(call, tx), call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row, status = self.found(call, tx), wished_status(call.body.value, STATUSES)
        self._snapshots.reset(tx, row, status, call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._snapshots.delete(tx, self.found(call, tx), call.principal, force=True)

    # --- metadata (2.73) --------------------------------------------------------------------

    def read_metadata(self, call: Call, tx: Tx) -> dict[str, str]:
        return self.found(call, tx).metadata

    def write_metadata(self, call: Call, tx: Tx, metadata: dict[str, str]) -> dict[str, str]:
        row = self.found(call, tx)
        return self._snapshots.update(tx, row, call.principal, metadata=metadata).metadata

    # --- who may mount it (2.32) ------------------------------------------------------------

    def allow(self, call: Call, tx: Tx) -> Any:
        return self._allow(call, tx, six=True)

    def allow_older(self, call: Call, tx: Tx) -> Any:
        """Before 2.38"""
        return self._allow(call, tx, six=False)

    def _allow(self, call: Call, tx: Tx, *, six: bool) -> Any:
        row, wish = self.found(call, tx), call.body.value
        to = clean(wish.access_type, wish.access_to, six=six, cephx=True)
        rule = self._rules.allow(tx, row, call.principal, kind=wish.access_type, to=to)
        return bodies.SnapshotAccessAnswer(snapshot_access=_access(rule))

    def deny(self, call: Call, tx: Tx) -> None:
        row = self.found(call, tx)
        self._rules.deny(tx, row, call.principal, call.body.value.access_id)

    def accesses(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        rules = self._rules.of(tx, [row.id]).get(row.id, ())
        return bodies.SnapshotAccessList(snapshot_access_list=[_access(rule) for rule in rules])

    def _locations(
        self, call: Call, tx: Tx, *, dates: bool = False
    ) -> list[bodies.SnapshotLocation]:
        row = self.found(call, tx)
        found = []
        for id, path in paths_of(row, self._rules.server_of(tx, row)):
            body = bodies.SnapshotLocation(id=id, path=path, links=_places(call, row.id, id))
            if call.principal.is_admin:
                body.share_snapshot_instance_id, body.is_admin_only = row.id, False
            if dates:
                body.created_at, body.updated_at = row.created_at, row.updated_at or row.created_at
            found.append(body)
        return found

    def locations(self, call: Call, tx: Tx) -> Any:
        return bodies.SnapshotLocations(share_snapshot_export_locations=self._locations(call, tx))

    def location(self, call: Call, tx: Tx) -> Any:
        id = call.path["location_id"]
        for body in self._locations(call, tx, dates=True):
            if body.id == id:
                return bodies.SnapshotLocationAnswer(share_snapshot_export_location=body)
        raise NotFound(f"Export location {id} could not be found.")


def _access(row: SnapshotAccessRow) -> bodies.SnapshotAccess:
    return bodies.SnapshotAccess(
        id=row.id, access_type=row.access_type, access_to=row.access_to, state=row.state
    )


def _places(call: Call, snapshot_id: str, id: str) -> bodies.Links:
    return links(call, f"snapshots/{snapshot_id}/export-locations", id)
