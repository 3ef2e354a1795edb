"""Managing and unmanaging shares and snapshots on the wire: for administrators."""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import BoolLike, as_bool
from cumulo.core.wire.shapes import Body, Since
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.actions import action_body
from cumulo.shared_file_system.api.lists import Metadata, Text255
from cumulo.shared_file_system.api.shares import SharesApi
from cumulo.shared_file_system.api.snapshots import SnapshotsApi
from cumulo.shared_file_system.model.type import HANDLES_SERVERS, TypeRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

Path = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_ANY = dict[str, Any] | None


class Found(Body):
    service_host: Text255
    protocol: Text255
    export_path: Path
    share_type: str | None = None
    name: Text255 | None = None
    display_name: Text255 | None = None
    description: Text255 | None = None
    display_description: Text255 | None = None
    is_public: Annotated[BoolLike | None, Since("2.8")] = None
    share_server_id: Annotated[str | None, Since("2.49")] = None
    mount_point_name: Annotated[str | None, Since("2.92")] = None
    driver_options: dict[str, Any] | None = None


class ManageShare(Body):
    share: Found


class FoundSnapshot(Body):
    share_id: str
    provider_location: Path
    name: Text255 | None = None
    display_name: Text255 | None = None
    description: Text255 | None = None
    display_description: Text255 | None = None
    metadata: Annotated[Metadata | None, Since("2.73")] = None
    driver_options: dict[str, Any] | None = None


class ManageSnapshot(Body):
    snapshot: FoundSnapshot


class ManageApi:
    def __init__(
        self, service: SharedFileSystemService, shares: SharesApi, snapshots: SnapshotsApi
    ) -> None:
        self._service = service
        self._managing = service.managing
        self._shares = shares
        self._snapshots = snapshots

    def operations(self) -> list[Operation]:
        share, snapshot = "/shares/{share_id}/action", "/snapshots/{snapshot_id}/action"
        manage: dict[str, Any] = {"policy": "share:manage", "body": ManageShare,
                                  "response": bodies.ShareAnswer}  # fmt: skip
        out: dict[str, Any] = {"policy": "share:unmanage", "status": 202}
        shot = "share_snapshot:"
        shot_out: dict[str, Any] = {"policy": f"{shot}unmanage_snapshot", "status": 202,
                                    "body": action_body("unmanage", _ANY, "Snapshot")}  # fmt: skip
        return [
            # 2.49: of types that handle share servers, too
            Operation("POST", "/os-share-manage", self.manage_older, until="2.6", **manage),
            Operation("POST", "/shares/manage", self.manage_older, since="2.7", until="2.48",
                      **manage),
            Operation("POST", "/shares/manage", self.manage, since="2.49", **manage),
            Operation("POST", "/os-share-unmanage/{share_id}/unmanage", self.unmanage_older,
                      until="2.6", **out),
            Operation("POST", share, self.unmanage_older, action="unmanage", since="2.7",
                      until="2.48", body=action_body("unmanage", _ANY), **out),
            Operation("POST", share, self.unmanage, action="unmanage", since="2.49",
                      body=action_body("unmanage", _ANY), **out),
            Operation("POST", "/snapshots/manage", self.manage_snapshot, since="2.12", status=202,
                      policy=f"{shot}manage_snapshot", body=ManageSnapshot,
                      response=bodies.SnapshotAnswer),
            Operation("POST", snapshot, self.unmanage_snapshot_older, action="unmanage",
                      since="2.12", until="2.48", **shot_out),
            Operation("POST", snapshot, self.unmanage_snapshot, action="unmanage", since="2.49",
                      **shot_out),
        ]  # fmt: skip

    def _type(self, call: Call, tx: Tx) -> TypeRow:
        return self._service.types.chosen(tx, call.body.share.share_type, call.principal)

    def manage_older(self, call: Call, tx: Tx) -> Any:
        if self._type(call, tx).says(HANDLES_SERVERS):
            raise Forbidden("Shares of types that handle share servers are managed since 2.49.")
        return self.manage(call, tx)

    def manage(self, call: Call, tx: Tx) -> Any:
        wish = call.body.share
        if wish.mount_point_name:
            raise BadRequest("Invalid input received: mount point names are not supported.")
        row = self._managing.manage(
            tx,
            call.principal,
            call.project_id,
            kind=self._type(call, tx),
            server_id=wish.share_server_id,
            host=wish.service_host,
            path=wish.export_path,
            protocol=wish.protocol.upper(),
            name=wish.name or wish.display_name,
            description=wish.description or wish.display_description,
            is_public=as_bool(wish.is_public or False, "is_public"),
            metadata={},
        )
        return self._shares.answer(call, tx, row)

    def unmanage_older(self, call: Call, tx: Tx) -> None:
        if self._shares.found(call, tx).share_network_id is not None:
            raise Forbidden("Shares with share servers are unmanaged since version 2.49.")
        self.unmanage(call, tx)

    def unmanage(self, call: Call, tx: Tx) -> None:
        self._managing.unmanage(tx, self._shares.found(call, tx), call.principal)

    def manage_snapshot(self, call: Call, tx: Tx) -> Any:
        wish = call.body.snapshot
        share = self._service.shares.get(tx, wish.share_id, call.principal)
        row = self._managing.manage_snapshot(
            tx,
            share,
            call.principal,
            wish.provider_location,
            wish.name or wish.display_name,
            wish.description or wish.display_description,
            wish.metadata or {},
        )
        return self._snapshots.answer(call, row)

    def unmanage_snapshot_older(self, call: Call, tx: Tx) -> None:
        row = self._snapshots.found(call, tx)
        share = self._service.shares.get(tx, row.share_id, call.principal)
        if share.share_network_id is not None:
            raise Forbidden("Snapshots of shares with share servers are unmanaged since 2.49.")
        self.unmanage_snapshot(call, tx)

    def unmanage_snapshot(self, call: Call, tx: Tx) -> None:
        self._managing.unmanage_snapshot(tx, self._snapshots.found(call, tx), call.principal)
