"""Who may mount a snapshot, to read (2.32): part of what the snapshot's host is told.

A snapshot whose share type says `snapshot_inherit_share_access_support` has no rules of its own:
who may mount the share may mount it (2.99).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.access import SnapshotAccessRow, access_state
from cumulo.shared_file_system.model.network import ServerRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.model.type import INHERITS, MOUNTS, TypeRow
from cumulo.shared_file_system.queries import share as queries
from cumulo.shared_file_system.service.rules import MOST_RULES
from cumulo.shared_file_system.service.snapshots import Snapshots


class SnapshotRules:
    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def of(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[SnapshotAccessRow]]:
        found: dict[str, list[SnapshotAccessRow]] = {}
        for row in tx.all(queries.SNAPSHOT_RULES_OF, ids=list(ids)) if ids else ():
            found.setdefault(row.snapshot_id, []).append(row)
        return found

    def server_of(self, tx: Tx, snapshot: SnapshotRow) -> ServerRow | None:
        """Who serves it; None: it is not mounted."""
        share = tx.get(ShareRow, snapshot.share_id)
        kind = None if share is None else tx.get(TypeRow, share.type_id)
        if share is None or kind is None or not kind.says(MOUNTS) or share.server_id is None:
            return None
        return tx.get(ServerRow, share.server_id)

    def refuse(self, tx: Tx, snapshot: SnapshotRow) -> None:
        """Raises BadRequest for a snapshot that cannot be mounted, or not by rules of its own."""
        share = tx.get(ShareRow, snapshot.share_id)
        kind = None if share is None else tx.get(TypeRow, share.type_id)
        if kind is None or not kind.says(MOUNTS):
            raise BadRequest("Cannot use access rules: the snapshot's share type does not have the "
                             "mount_snapshot_support extra spec.")  # fmt: skip
        if kind.says(INHERITS):
            raise BadRequest(
                "The snapshot inherits the access rules of its share (its share type says "
                f"{INHERITS}): it has none of its own."
            )

    def allow(
        self, tx: Tx, snapshot: SnapshotRow, who: Principal, *, kind: str, to: str
    ) -> SnapshotAccessRow:
        self.refuse(tx, snapshot)
        if snapshot.status != "available":
            raise BadRequest(
                f"Invalid share snapshot: it is in status {snapshot.status}, and must be available."
            )
        rules = self.of(tx, [snapshot.id]).get(snapshot.id, [])
        if any((rule.access_type, rule.access_to) == (kind, to) for rule in rules):
            raise BadRequest(f"Share snapshot access {kind}:{to} exists.")
        if len(rules) >= MOST_RULES:
            raise BadRequest(f"A snapshot has {MOST_RULES} access rules at most.")
        fault = None if kind == "ip" else "NFS is opened to addresses only (type `ip`)"
        row = SnapshotAccessRow(
            id=new_id(),
            snapshot_id=snapshot.id,
            project_id=snapshot.project_id,
            access_type=kind,
            access_to=to,
            state="queued_to_apply",
            wanted="present",
            applied=False,
            told=False,
            fault=fault,
            final=fault is not None,
            created_at=tx.now,
            updated_at=None,
        )
        row = msgspec.structs.replace(row, state=access_state(row))
        tx.insert(row)
        emit(tx, "share.snapshot.allow", snapshot.id, principal=who, to=to)
        if not row.final:
            self._snapshots.demand(tx, snapshot)
        return row

    def deny(self, tx: Tx, snapshot: SnapshotRow, who: Principal, id: str) -> None:
        self.refuse(tx, snapshot)
        row = tx.get(SnapshotAccessRow, id)
        if row is None or row.snapshot_id != snapshot.id:
            raise NotFound(f"Snapshot access rule {id} could not be found.")
        emit(tx, "share.snapshot.deny", snapshot.id, principal=who, to=row.access_to)
        if row.final:
            tx.delete(row)
        elif row.wanted == "present":
            changes: dict[str, Any] = {"applied": False, "told": False, "fault": None}
            self._refresh(tx, row, wanted="absent", **changes)
            self._snapshots.demand(tx, snapshot)

    def _refresh(self, tx: Tx, row: SnapshotAccessRow, **changes: Any) -> None:
        changed = msgspec.structs.replace(row, **changes)
        tx.update(row, **changes, state=access_state(changed), updated_at=tx.now)

    def told(self, tx: Tx, snapshot_id: str) -> None:
        """The host is at work with the snapshot's newest order."""
        for row in self.of(tx, [snapshot_id]).get(snapshot_id, ()):
            if not (row.told or row.applied or row.final):
                self._refresh(tx, row, told=True)

    def settled(self, tx: Tx, snapshot_id: str, fault: str | None) -> None:
        """The host has done what the newest order said of the rules, or could not."""
        for row in self.of(tx, [snapshot_id]).get(snapshot_id, ()):
            if row.final:
                continue
            if fault is not None:
                if not row.applied and row.fault != fault:
                    self._refresh(tx, row, fault=fault)
            elif row.wanted == "absent":
                tx.delete(row)
            elif not row.applied or row.fault:
                self._refresh(tx, row, applied=True, fault=None)
