"""Share instances and snapshot instances: here a share is one instance, which has its id."""

import functools
from typing import Annotated, Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Before, Body, Since, Until
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.actions import STATUSES, actions, wished_status
from cumulo.shared_file_system.api.lists import filters, given, offset_of
from cumulo.shared_file_system.api.snapshots import STATUSES as SNAPSHOT_STATUSES
from cumulo.shared_file_system.model.access import rules_status
from cumulo.shared_file_system.model.location import paths_of
from cumulo.shared_file_system.model.share import ShareRow, older_status, progress
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService


class InstanceBody(Body):
    id: str
    share_id: str
    availability_zone: str
    created_at: str
    host: str
    status: Annotated[str, Before("2.54", older_status)]
    share_network_id: str | None
    share_server_id: str | None
    export_location: Annotated[str | None, Until("2.8")]
    export_locations: Annotated[list[str], Until("2.8")]
    access_rules_status: Annotated[str, Since("2.10"), Before("2.28", bodies.older_rules)]
    share_type_id: Annotated[str, Since("2.22")]
    progress: Annotated[str | None, Since("2.54")]
    updated_at: Annotated[str | None, Since("2.71")]
    replica_state: Annotated[str | None, Since("2.11")] = None
    cast_rules_to_readonly: Annotated[bool, Since("2.30")] = False
    mount_point_name: Annotated[str | None, Since("2.84")] = None
    encryption_key_ref: Annotated[str | None, Since("2.90")] = None


class InstanceAnswer(Body):
    share_instance: InstanceBody


class InstanceList(Body):
    share_instances: list[InstanceBody]


class SnapshotInstanceBrief(Body):
    id: str
    snapshot_id: str
    status: str


class SnapshotInstanceBody(SnapshotInstanceBrief):
    created_at: str
    updated_at: str | None
    share_id: str
    share_instance_id: str
    progress: str
    provider_location: str | None = None


class SnapshotInstanceAnswer(Body):
    snapshot_instance: SnapshotInstanceBody


class SnapshotInstanceList(Body):
    snapshot_instances: list[SnapshotInstanceBrief]


class SnapshotInstanceDetails(Body):
    snapshot_instances: list[SnapshotInstanceBody]


class InstancesApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._shares = service.shares
        self._snapshots = service.snapshots

    def operations(self) -> list[Operation]:
        all_, one = "/share_instances", "/share_instances/{share_id}"
        rule, shot = "share_instance:", "share_snapshot_instance:"
        shots, snapshot = "/snapshot-instances", "/snapshot-instances/{snapshot_id}"
        late: dict[str, Any] = {"since": "2.19"}
        act = functools.partial(actions, f"{one}/action", "ShareInstance")
        of_snapshot = functools.partial(actions, f"{snapshot}/action", "SnapshotInstance")
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index", since="2.3",
                      response=InstanceList),
            Operation("GET", f"{all_}/detail", self.index, policy=f"{rule}index", since="2.3",
                      response=InstanceList),
            Operation("GET", one, self.show, policy=f"{rule}show", since="2.3",
                      response=InstanceAnswer),
            Operation("GET", "/shares/{share_id}/instances", self.of_share, policy=f"{rule}index",
                      since="2.3", response=InstanceList),
            *act("reset_status", bodies.Reset, self.reset, f"{rule}reset_status", early=True),
            *act("force_delete", dict[str, Any] | None, self.force_delete, f"{rule}force_delete",
                 early=True),
            Operation("GET", shots, self.snapshot_index, policy=f"{shot}index",
                      response=SnapshotInstanceList, **late),
            Operation("GET", f"{shots}/detail", self.snapshot_detail, policy=f"{shot}detail",
                      response=SnapshotInstanceDetails, **late),
            Operation("GET", snapshot, self.snapshot_show, policy=f"{shot}show",
                      response=SnapshotInstanceAnswer, **late),
            of_snapshot("reset_status", bodies.Reset, self.snapshot_reset,
                        f"{shot}reset_status", early=True)[1],
        ]  # fmt: skip

    def _bodies(self, tx: Tx, rows: list[ShareRow]) -> list[InstanceBody]:
        servers, states = self._shares.servers_of(tx, rows), self._shares.states_of(tx, rows)
        found = []
        for row in rows:
            paths = [path for _, path in paths_of(row, servers.get(row.server_id or ""))]
            found.append(
                InstanceBody(
                    id=row.id,
                    share_id=row.id,
                    availability_zone=row.availability_zone,
                    created_at=row.created_at,
                    updated_at=row.updated_at,
                    host=f"{row.host_id}@local#local" if row.host_id else "",
                    status=row.status,
                    share_network_id=row.share_network_id,
                    share_server_id=row.server_id,
                    share_type_id=row.type_id,
                    export_location=next(iter(paths), None),
                    export_locations=paths,
                    access_rules_status=rules_status(states.get(row.id, ())),
                    progress=progress(row),
                )
            )
        return found

    def _found(self, call: Call, tx: Tx) -> ShareRow:
        return self._shares.get(tx, call.path["share_id"], call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        where: dict[str, Any] = {}
        path, id = (given(call, f"export_location_{name}") for name in ("path", "id"))
        if path is not None or id is not None:
            where["ids"] = bodies.shares_at(path, id)
        page = page_of(call, tx, self._shares.listing, where,
                       find_marker=lambda id: self._shares.get(tx, id, call.principal),
                       offset=offset_of(call))  # fmt: skip
        return InstanceList(share_instances=self._bodies(tx, page.rows))

    def show(self, call: Call, tx: Tx) -> Any:
        return InstanceAnswer(share_instance=self._bodies(tx, [self._found(call, tx)])[0])

    def of_share(self, call: Call, tx: Tx) -> Any:
        return InstanceList(share_instances=self._bodies(tx, [self._found(call, tx)]))

    def reset(self, call: Call, tx: Tx) -> None:
        call.allow()
        status = wished_status(call.body.value, STATUSES)
        self._shares.reset(tx, self._found(call, tx), status, call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        call.allow()
        self._shares.delete(tx, self._found(call, tx), call.principal, force=True)

    # --- of snapshots -----------------------------------------------------------------------

    def _page(self, call: Call, tx: Tx) -> list[SnapshotRow]:
        where = filters(call, ("status",))
        if call.query.get("snapshot_id") is not None:
            where["id"] = call.query.get("snapshot_id")
        who = call.principal
        page = page_of(call, tx, self._snapshots.listing, where,
                       find_marker=lambda id: self._snapshots.get(tx, id, who))  # fmt: skip
        return page.rows

    def snapshot_index(self, call: Call, tx: Tx) -> Any:
        return SnapshotInstanceList(
            snapshot_instances=[
                SnapshotInstanceBrief(id=row.id, snapshot_id=row.id, status=row.status)
                for row in self._page(call, tx)
            ]
        )

    def snapshot_detail(self, call: Call, tx: Tx) -> Any:
        found = [_snapshot(row) for row in self._page(call, tx)]
        return SnapshotInstanceDetails(snapshot_instances=found)

    def _snapshot_found(self, call: Call, tx: Tx) -> SnapshotRow:
        return self._snapshots.get(tx, call.path["snapshot_id"], call.principal)

    def snapshot_show(self, call: Call, tx: Tx) -> Any:
        return SnapshotInstanceAnswer(snapshot_instance=_snapshot(self._snapshot_found(call, tx)))

    def snapshot_reset(self, call: Call, tx: Tx) -> None:
        call.allow()
        status = wished_status(call.body.value, SNAPSHOT_STATUSES)
        self._snapshots.reset(tx, self._snapshot_found(call, tx), status, call.principal)


def _snapshot(row: SnapshotRow) -> SnapshotInstanceBody:
    return SnapshotInstanceBody(
        id=row.id,
        snapshot_id=row.id,
        status=row.status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        share_id=row.share_id,
        share_instance_id=row.share_id,
        progress="100%" if row.made else "0%",
        provider_location=row.id,
    )
