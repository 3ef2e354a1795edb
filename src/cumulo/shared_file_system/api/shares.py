"""Shares on the wire, with their metadata and export locations."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.lists import (
    ZONES_OF_TYPES,
    counted,
    filters,
    given,
    knows,
    links,
    metadata_filters,
    mine,
    offset_of,
    page_links,
    refuse_too_much,
    whose,
)
from cumulo.shared_file_system.api.metadata import Owner, guarded, metadata_operations
from cumulo.shared_file_system.model.access import rules_status
from cumulo.shared_file_system.model.location import paths_of
from cumulo.shared_file_system.model.qos import DEFAULT_OF_TYPE
from cumulo.shared_file_system.model.share import AFFINITY, APART, ShareRow, progress
from cumulo.shared_file_system.model.type import (
    FROM_SNAPSHOTS,
    INHERITS,
    MOUNTS,
    REVERTS,
    SNAPSHOTS,
    TypeRow,
)
from cumulo.shared_file_system.service.pools import ZONE
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService
from cumulo.shared_file_system.service.shares import KNOWN_PROTOCOLS, MOST_GB, PROTOCOLS

_TEXTS = (
    "name", "name~", "description", "description~", "status", "share_type_id", "snapshot_id",
    "share_network_id", "share_server_id", "share_proto", "availability_zone", "user_id",
)  # fmt: skip
_SORT_NAMES = {"display_name": "name", "share_type": "share_type_id", "share_network":
               "share_network_id", "snapshot": "snapshot_id"}  # fmt: skip
_OF_ADMINS = "share:update_admin_only_metadata"


class SharesApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._service = service
        self._shares = service.shares

    def operations(self) -> list[Operation]:
        one, meta = "/shares/{share_id}", "/shares/{share_id}/metadata"
        late: dict[str, Any] = {"early": False}
        list_, answer = bodies.ShareList, bodies.ShareAnswer
        return [
            Operation("GET", "/shares", self.index, policy="share:get_all", response=list_),
            *self._twice("GET", "/shares/detail", self.old_detail, self.detail, "share:get_all",
                         response=bodies.ShareDetails),
            *self._twice("POST", "/shares", self.old_create, self.create, "share:create",
                         body=bodies.CreateShare, response=answer),
            *self._twice("GET", one, self.old_show, self.show, "share:get", response=answer,
                         **late),
            *self._twice("PUT", one, self.old_update, self.update, "share:update",
                         body=bodies.UpdateShare, response=answer, **late),
            Operation("DELETE", one, self.delete, policy="share:delete", status=202, **late),
            *metadata_operations(meta, Owner(self.read_metadata, self.write_metadata),
                                 read="share:get_share_metadata",
                                 update="share:update_share_metadata",
                                 remove="share:delete_share_metadata"),
        ]  # fmt: skip

    def _twice(
        self, method: str, path: str, old: Any, new: Any, policy: str, **more: Any
    ) -> list[Operation]:
        """Up to 2.5 a share's type is its name, since 2.6 its id."""
        return [
            Operation(method, path, old, policy=policy, until="2.5", **more),
            Operation(method, path, new, policy=policy, since="2.6", **more),
        ]

    # --- bodies -----------------------------------------------------------------------------

    def _bodies(self, call: Call, tx: Tx, rows: Sequence[ShareRow]) -> list[bodies.ShareBody]:
        types = self._service.types.names(tx, {row.type_id for row in rows})
        servers = self._shares.servers_of(tx, rows)
        states = self._shares.states_of(tx, rows)
        admin, found = call.principal.is_admin, []
        for row in rows:
            kind = types[row.type_id]
            body = bodies.ShareBody(
                id=row.id,
                name=row.name,
                description=row.description,
                size=row.size,
                status=row.status,
                project_id=row.project_id,
                availability_zone=row.availability_zone,
                created_at=row.created_at,
                share_proto=row.protocol,
                share_network_id=row.share_network_id,
                snapshot_id=row.snapshot_id,
                metadata=row.metadata,
                is_public=row.is_public,
                share_type=kind.id,
                volume_type=kind.name,
                share_type_name=kind.name,
                links=links(call, "shares", row.id),
                access_rules_status=rules_status(states.get(row.id, ())),
                user_id=row.user_id,
                progress=progress(row),
                task_state=row.task_state,
                is_soft_deleted=row.delete_at is not None,
                scheduled_to_be_deleted_at=row.delete_at,
                export_location=None,
                export_locations=[],
                **_supports(kind),
            )
            paths = [path for _, path in paths_of(row, servers.get(row.server_id or ""))]
            body.export_location, body.export_locations = next(iter(paths), None), paths
            if admin:
                body.host = f"{row.host_id}@local#local" if row.host_id else ""
                body.share_server_id = row.server_id
            found.append(body)
        return found

    def answer(self, call: Call, tx: Tx, row: ShareRow) -> bodies.ShareAnswer:
        return bodies.ShareAnswer(share=self._bodies(call, tx, [row])[0])

    def live(self, call: Call, tx: Tx) -> ShareRow:
        """The same, and it is not in the recycle bin."""
        row = self.found(call, tx)
        if row.delete_at is not None:
            raise Forbidden(f"Share {row.id} has been soft deleted: restore it first.")
        return row

    def found(self, call: Call, tx: Tx) -> ShareRow:
        """The share of the path, with the operation's own rule checked on it. What only reads is
        allowed to all for public ones."""
        row = self._shares.get(tx, call.path["share_id"], call.principal)
        if not (row.is_public and call.operation.method == "GET"):
            mine(call, row.project_id, row.user_id)
        return row

    # --- lists ------------------------------------------------------------------------------

    def _where(self, call: Call, tx: Tx) -> dict[str, Any]:
        where = {**whose(call), **filters(call, _TEXTS, ("size",))}
        query = call.query
        if as_bool(query.get("is_public") or "false", "is_public") and "project_id" in where:
            where["seen_by"] = where.pop("project_id")
        for name in ("display_name", "display_name~"):
            if given(call, name) is not None:
                where[name.removeprefix("display_").replace("~", "_like")] = given(call, name)
        host = query.get("host")
        if host is not None:
            call.allow(action="share:list_by_host")
            where["host_id"] = host.partition("@")[0]
        if query.get("share_server_id") is not None:
            call.allow(action="share:list_by_share_server_id")
        kind = query.get("share_type")
        if kind is not None:
            where["share_type_id"] = self._service.types.chosen(tx, kind, call.principal).id
        path, id = given(call, "export_location_path"), given(call, "export_location_id")
        if path or id:
            where["ids"] = bodies.shares_at(path, id)
        recycled = as_bool(given(call, "is_soft_deleted") or "false", "is_soft_deleted")
        where["recycled" if recycled else "not_recycled"] = True
        metadata = query.get("metadata")
        if metadata:
            where.update(metadata_filters(metadata))
        specs = query.get("extra_specs")
        if specs:
            where["of_types"] = self._service.types.with_specs(tx, specs_of(specs), call.principal)
        return where

    def _page(self, call: Call, tx: Tx) -> tuple[Page[ShareRow], int | msgspec.UnsetType]:
        where = self._where(call, tx)
        page = page_of(
            call,
            tx,
            self._shares.listing,
            where,
            find_marker=lambda id: self._shares.get(tx, id, call.principal),
            offset=offset_of(call),
            sort_names=_SORT_NAMES,
        )
        return page, counted(call, tx, self._shares.listing, where)

    def index(self, call: Call, tx: Tx) -> Any:
        page, count = self._page(call, tx)
        items = [
            bodies.ShareBrief(id=row.id, name=row.name, links=links(call, "shares", row.id))
            for row in page.rows
        ]
        return bodies.ShareList(shares=items, count=count, shares_links=page_links(call, page))

    def detail(self, call: Call, tx: Tx) -> Any:
        page, count = self._page(call, tx)
        return bodies.ShareDetails(
            shares=self._bodies(call, tx, page.rows),
            count=count,
            shares_links=page_links(call, page),
        )

    def old_detail(self, call: Call, tx: Tx) -> Any:
        answer = self.detail(call, tx)
        for body in answer.shares:
            body.share_type = body.volume_type
        return answer

    # --- one --------------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        wish, who, service = call.body.share, call.principal, self._service
        project_id = call.project_id
        if wish.share_group_id:
            raise BadRequest("Invalid input received: share groups are not supported here.")
        if wish.availability_zone not in (None, "", ZONE):
            raise NotFound(f"Availability zone {wish.availability_zone:.255} could not be found.")
        snapshot = network = None
        if wish.snapshot_id:
            snapshot = service.snapshots.get(tx, wish.snapshot_id, who)
            if snapshot.status != "available":
                raise BadRequest("Invalid share snapshot: its status must be 'available'.")
        if wish.share_network_id:
            network = service.networks.get(tx, wish.share_network_id, who)
        kind = service.types.chosen(tx, wish.share_type or wish.volume_type, who)
        if snapshot is not None:
            source = self._shares.get(tx, snapshot.share_id, who)
            if not (wish.share_type or wish.volume_type):
                kind = service.types.get(tx, source.type_id, who)
            if network is None and source.share_network_id:
                network = service.networks.get(tx, source.share_network_id, who)
            if network is not None and network.id != source.share_network_id:
                raise BadRequest(
                    "Invalid input received: Share network ID should be the same as snapshot's "
                    "parent share's."
                )
            if not kind.says(FROM_SNAPSHOTS):
                raise BadRequest("Share cannot be created from snapshot (its type says so).")
        _refuse_what_is_not(wish, kind)
        if knows(call, ZONES_OF_TYPES):
            _refuse_zone(kind)
        is_public = as_bool(wish.is_public or False, "is_public")
        if is_public:
            call.allow(action="share:create_public_share")
        metadata = guarded(call, {}, wish.metadata or {}, (AFFINITY, APART), _OF_ADMINS)
        refuse_too_much(metadata)
        row = self._shares.create(
            tx,
            who,
            project_id,
            kind=kind,
            protocol=protocol_of(wish.share_proto),
            size=_size(wish.size, None if snapshot is None else snapshot.size),
            network=network,
            snapshot=snapshot,
            name=wish.name or wish.display_name,
            description=wish.description or wish.display_description,
            metadata=metadata,
            is_public=is_public,
            **self._hints(call, tx, wish.scheduler_hints),
        )
        answer = self.answer(call, tx, row)
        if answer.share.status == "creating_from_snapshot":
            answer.share.status = "creating"  # a moment before its host begins
        return answer

    def _hints(self, call: Call, tx: Tx, hints: bodies.Hints | None) -> dict[str, Any]:
        """2.65: with some shares, or without others; 2.67: on a host."""
        if hints is None:
            return {}
        only = None
        if hints.only_host:
            call.allow(action="share:create_on_host")
            only = hints.only_host.partition("@")[0]
        beside = self._named(call, tx, hints.same_host or "")
        apart = self._named(call, tx, hints.different_host or "")
        return {"only_host": only, "beside": beside, "apart": apart}

    def _named(self, call: Call, tx: Tx, ids: str) -> list[ShareRow]:
        """Shares of the project itself: what is public is not its own to stand beside."""
        wanted = dict.fromkeys(id.strip() for id in ids.split(",") if id.strip())
        rows = [self._shares.get(tx, id, call.principal) for id in wanted]
        for row in rows:
            if row.project_id != call.principal.project_id and not call.principal.is_admin:
                raise NotFound(f"Share {row.id} could not be found.")
        return rows

    def old_create(self, call: Call, tx: Tx) -> Any:
        return _by_name(self.create(call, tx))

    def show(self, call: Call, tx: Tx) -> Any:
        return self.answer(call, tx, self.found(call, tx))

    def old_show(self, call: Call, tx: Tx) -> Any:
        return _by_name(self.show(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self.live(call, tx), call.body.share
        changes = wish.named()
        if wish.is_public is not msgspec.UNSET:
            changes["is_public"] = as_bool(wish.is_public, "is_public")
            if changes["is_public"]:
                call.allow(action="share:set_public_share")
        if changes:
            row = self._shares.update(tx, row, call.principal, **changes)
        return self.answer(call, tx, row)

    def old_update(self, call: Call, tx: Tx) -> Any:
        return _by_name(self.update(call, tx))

    def delete(self, call: Call, tx: Tx) -> None:
        self._shares.delete(tx, self.found(call, tx), call.principal)

    # --- metadata ---------------------------------------------------------------------------

    def read_metadata(self, call: Call, tx: Tx) -> dict[str, str]:
        return self.found(call, tx).metadata

    def write_metadata(self, call: Call, tx: Tx, metadata: dict[str, str]) -> dict[str, str]:
        row = self.live(call, tx)
        metadata = guarded(call, row.metadata, metadata, (AFFINITY, APART), _OF_ADMINS)
        return self._shares.update(tx, row, call.principal, metadata=metadata).metadata


def _refuse_what_is_not(wish: bodies.NewShare, kind: TypeRow) -> None:
    """What no pool here can do, and what the type is not for."""
    if wish.encryption_key_ref:
        raise BadRequest("Invalid input received: no pool keeps encrypted shares "
                         "(encryption_support).")  # fmt: skip
    if kind.extra_specs.get(DEFAULT_OF_TYPE):
        raise BadRequest(
            f"Invalid share type: no pool holds shares to QoS types, and {kind.name} asks for "
            f"one ({DEFAULT_OF_TYPE})."
        )
    if wish.mount_point_name:
        raise BadRequest(
            "Invalid input received: Setting a mount point name is not supported by the share "
            f"type used: {kind.id}."
        )


def _refuse_zone(kind: TypeRow) -> None:
    zones = kind.extra_specs.get("availability_zones")
    if zones and ZONE not in [each.strip() for each in zones.split(",")]:
        raise BadRequest(
            f"Share type {kind.name} is not supported within the availability zone {ZONE}."
        )


def _supports(kind: TypeRow) -> dict[str, Any]:
    """What the share's type says that it can do, by the names of the API."""
    names = (SNAPSHOTS, FROM_SNAPSHOTS, REVERTS, MOUNTS, INHERITS)
    return {name: kind.says(name) for name in names}


def specs_of(text: str) -> dict[str, str]:
    """A filter by extra specs: `{'name': 'value'}`."""
    try:
        return msgspec.json.decode(text.replace("'", '"'), type=dict[str, str])
    except msgspec.MsgspecError:
        raise BadRequest(f"Invalid filter extra_specs: {text:.100}") from None


def _by_name(answer: bodies.ShareAnswer) -> bodies.ShareAnswer:
    answer.share.share_type = answer.share.volume_type
    return answer


def protocol_of(wish: Any) -> str:
    text = "" if wish is msgspec.UNSET else str(wish).upper()
    if text in PROTOCOLS:
        return text
    if text in KNOWN_PROTOCOLS:
        raise BadRequest(
            f"Invalid share protocol provided: {text.lower()}. It is either disabled or "
            f"unsupported. Available protocols: {', '.join(PROTOCOLS)}"
        )
    raise BadRequest(f"Invalid share protocol provided: {text[:40]}.")


def _size(wish: Any, of_snapshot: int | None) -> int:
    if wish is msgspec.UNSET or wish is None:
        if of_snapshot is None:
            raise BadRequest("Required parameter size not in parameter values")
        return of_snapshot
    size = as_int(wish, "size", minimum=1, maximum=MOST_GB)
    if of_snapshot is not None and size < of_snapshot:
        raise BadRequest(
            f"Invalid input received: Share size '{size}' must be equal or greater than snapshot "
            f"size '{of_snapshot}'."
        )
    return size
