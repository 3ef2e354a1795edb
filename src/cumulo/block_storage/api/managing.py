"""Disks that are taken over, and left, on the wire: block storage API 3.8, and older words."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.actions import action_body
from cumulo.block_storage.api.bodies import Metadata, Text255
from cumulo.block_storage.api.lists import offset_of
from cumulo.block_storage.api.snapshots import SnapshotsApi, snapshot_body
from cumulo.block_storage.api.volumes import VolumesApi
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.managing import size_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import MAX_LIMIT, limit_of
from cumulo.core.wire.coercions import BoolLike, Uuid, as_bool
from cumulo.core.wire.shapes import Since, StrictBody

HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class ManagedVolume(StrictBody):
    ref: dict[str, str]
    host: HostName | None = None
    cluster: Annotated[HostName | None, Since("3.16")] = None
    name: Text255 | None = None
    description: Text255 | None = None
    volume_type: Text255 | None = None
    availability_zone: Text255 | None = None
    metadata: Metadata | None = None
    bootable: BoolLike | None = False


class ManageVolume(StrictBody):
    volume: ManagedVolume


class ManagedSnapshot(StrictBody):
    volume_id: Uuid
    ref: dict[str, str]
    name: Text255 | None = None
    description: Text255 | None = None
    metadata: Metadata | None = None


class ManageSnapshot(StrictBody):
    snapshot: ManagedSnapshot


class ManagingApi:
    def __init__(
        self, storage: BlockStorageService, volumes: VolumesApi, snapshots: SnapshotsApi
    ) -> None:
        self._storage = storage
        self._managing = storage.managing
        self._volumes = volumes
        self._snapshots = snapshots

    def operations(self) -> list[Operation]:
        found = []
        for noun, listed, take, body in (
            ("volume", self.volumes, self.take_volume, ManageVolume),
            ("snapshot", self.snapshots, self.take_snapshot, ManageSnapshot),
        ):
            # Cinder's rules of snapshots have a name of their own.
            rule = "volume_extension:" if noun == "volume" else "snapshot_extension:"
            for path, since in ((f"/os-{noun}-manage", None), (f"/manageable_{noun}s", "3.8")):
                read: dict[str, Any] = {"policy": f"{rule}list_manageable", "since": since}
                found += [
                    Operation("GET", path, listed, **read),
                    Operation("GET", f"{path}/detail", listed, **read),
                    Operation(
                        "POST",
                        path,
                        take,
                        policy=f"{rule}{noun}_manage",
                        body=body,
                        status=202,
                        since=since,
                    ),
                ]
            leave = self.leave_volume if noun == "volume" else self.leave_snapshot
            found.append(
                Operation(
                    "POST",
                    f"/{noun}s/{{{noun}_id}}/action",
                    leave,
                    policy=f"{rule}{noun}_unmanage",
                    early=False,
                    action="os-unmanage",
                    body=action_body("os-unmanage", dict[str, Any] | None, noun.title()),
                    status=202,
                    title="os-unmanage",
                )
            )
        return found

    # --- lists ------------------------------------------------------------------------------

    def _disks(self, call: Call, tx: Tx) -> list[dict[str, Any]]:
        host = call.query.get("host") or call.query.get("cluster")
        if host is None:
            raise BadRequest("Invalid input received: the host must be given.")
        rows = sorted(self._managing.disks(tx, host), key=lambda row: row.id)
        marker, limit = call.query.get("marker"), limit_of(call)
        if marker is not None:
            rows = [row for row in rows if row.id > marker]
        start = offset_of(call)
        rows = rows[start : start + (MAX_LIMIT if limit is None else limit)]
        detail = call.operation.path.endswith("/detail")
        more = {"reason_not_safe": None, "cinder_id": None, "extra_info": None} if detail else {}
        return [
            {
                "reference": {"source-name": row.id},
                "size": size_of(row),
                "safe_to_manage": True,
                **more,
            }
            for row in rows
        ]

    def volumes(self, call: Call, tx: Tx) -> Any:
        return {"manageable-volumes": self._disks(call, tx)}

    def snapshots(self, call: Call, tx: Tx) -> Any:
        """Which volume it was made of a file does not say."""
        found = [{**each, "source_reference": {}} for each in self._disks(call, tx)]
        return {"manageable-snapshots": found}

    # --- taken over and left ------------------------------------------------------------------

    def take_volume(self, call: Call, tx: Tx) -> Any:
        wish, who = call.body.volume, call.principal
        if wish.cluster or not wish.host:
            raise BadRequest("Invalid input received: the host must be given, and no cluster.")
        kind = self._storage.types.chosen(tx, wish.volume_type, who)
        row = self._managing.take_volume(tx, wish.host, wish.ref, who, kind)
        row = self._storage.volumes.update(
            tx,
            row,
            who,
            name=wish.name,
            description=wish.description,
            metadata=wish.metadata or {},
            bootable=as_bool(wish.bootable or False, "bootable"),
        )
        return {"volume": self._volumes.bodies(call, tx, [row], brief=True)[0]}

    def take_snapshot(self, call: Call, tx: Tx) -> Any:
        wish, who = call.body.snapshot, call.principal
        volume = self._storage.volumes.get(tx, wish.volume_id, who)
        row = self._managing.take_snapshot(
            tx,
            volume,
            wish.ref,
            who,
            name=wish.name,
            description=wish.description,
            metadata=wish.metadata or {},
        )
        return {"snapshot": snapshot_body(row, detail=False)}

    def leave_volume(self, call: Call, tx: Tx) -> None:
        self._managing.leave_volume(tx, self._volumes.found(call, tx), call.principal)

    def leave_snapshot(self, call: Call, tx: Tx) -> None:
        self._managing.leave_snapshot(tx, self._snapshots.found(call, tx), call.principal)
