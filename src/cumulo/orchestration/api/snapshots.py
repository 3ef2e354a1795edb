"""Snapshots of stacks, export and abandon on the wire."""

from typing import Any

from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Body
from cumulo.orchestration.api.stacks import ONE, finder, own
from cumulo.orchestration.model.snapshot import SnapshotRow
from cumulo.orchestration.service.stacks import Stacks


class NewSnapshot(Body):
    name: str | None = None


class SnapshotsApi:
    def __init__(self, stacks: Stacks) -> None:
        self._keeping = stacks.keeping
        self._find = finder(stacks)

    def operations(self) -> list[Operation]:
        all_, one = f"{ONE}/snapshots", f"{ONE}/snapshots/{{snapshot_id}}"
        return [
            Operation("GET", f"{ONE}/export", self.export, policy="stacks:export"),
            Operation("DELETE", f"{ONE}/abandon", self.abandon, policy="stacks:abandon"),
            Operation("GET", all_, self.index, policy="stacks:list_snapshots"),
            Operation("POST", all_, self.take, policy="stacks:snapshot", body=NewSnapshot | None),
            Operation("GET", one, self.show, policy="stacks:show_snapshot"),
            Operation("DELETE", one, self.delete, policy="stacks:delete_snapshot", status=204),
            Operation(
                "POST",
                f"{one}/restore",
                self.restore,
                policy="stacks:restore_snapshot",
                body=dict[str, Any] | None,
                status=202,
            ),
        ]

    def export(self, call: Call, tx: Tx) -> Any:
        return self._keeping.document(tx, self._find(call, tx))

    def abandon(self, call: Call, tx: Tx) -> Any:
        return self._keeping.abandon(tx, self._find(call, tx), call.principal)

    def index(self, call: Call, tx: Tx) -> Any:
        found = self._keeping.heads(tx, self._find(call, tx))
        return {"snapshots": [self._body(each) for each in found]}

    def take(self, call: Call, tx: Tx) -> Any:
        own(call)
        name = call.body.name if call.body is not None else None
        row = self._find(call, tx)
        name = name or f"{row.name}-snapshot"
        return self._body(self._keeping.take_snapshot(tx, row, name, call.principal))

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._find(call, tx)
        return {"snapshot": self._body(self._keeping.snapshot(tx, row, call.path["snapshot_id"]))}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self._find(call, tx)
        kept = self._keeping.snapshot(tx, row, call.path["snapshot_id"])
        self._keeping.delete_snapshot(tx, row, kept, call.principal)

    def restore(self, call: Call, tx: Tx) -> None:
        own(call)
        row = self._find(call, tx)
        kept = self._keeping.snapshot(tx, row, call.path["snapshot_id"])
        self._keeping.restore(tx, row, kept, call.principal)

    def _body(self, row: SnapshotRow) -> dict[str, Any]:
        whole = row.status == "COMPLETE" and row.data
        return {
            "id": row.id,
            "name": row.name,
            "status": row.status,
            "status_reason": row.status_reason,
            "data": self._keeping.shown(row.data) if whole else None,
            "creation_time": zulu(row.created_at),
        }
