"""Backups: the verbs. Jobs move the bytes (`jobs/backups.py`), and say here what came of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.block_storage.model.backup import CONTAINER, BackupRow, backup_status
from cumulo.block_storage.model.message import BACKUP_STAYS, NO_BACKUP, NOT_RESTORED
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import Mark, VolumeRow
from cumulo.block_storage.queries import backup as queries
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.sources import BLANK
from cumulo.block_storage.service.types import Types
from cumulo.block_storage.service.volumes import RESTORING, ZONE, Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs

BACKUP, RESTORE = "block_storage.backup", "block_storage.restore"
REMOVE, IMPORT = "block_storage.backup_removal", "block_storage.backup_import"
BACKING_UP: Mark = "backing-up"
FAILED_RESTORE = "error_restoring"
LONGEST_CHAIN = 100
"""Backups that stand on one another."""


class BackingUp(msgspec.Struct, frozen=True, kw_only=True):
    """The memo of a backup; its subject is the backup."""

    disk_id: str
    """The volume or snapshot that is read."""
    host_id: str
    volume_id: str
    content: str
    parent: str | None
    """The content of the backup that it stands on."""
    size: int = 0
    """Bytes of the copy"""
    part: int = 0
    """The next one to store"""
    stored: int = 0
    """Pieces so far"""
    away_since: Moment | None = None
    """Of its host; None: it is there"""


class Restoring(msgspec.Struct, frozen=True, kw_only=True):
    """The memo of a restore; its subject is the volume."""

    backup_id: str
    content: str
    part: int = 0
    away_since: Moment | None = None


class Removing(msgspec.Struct, frozen=True, kw_only=True):
    content: str


class Backups:
    listing = queries.BACKUPS

    def __init__(
        self,
        volumes: Volumes,
        quotas: VolumeQuotas,
        types: Types,
        jobs: Jobs,
        messages: Messages,
    ) -> None:
        self._volumes = volumes
        self._quotas = quotas
        self._types = types
        self._jobs = jobs
        self._messages = messages

    # --- reading ----------------------------------------------------------------------------

    def get(self, tx: Tx, backup_id: str, who: Principal) -> BackupRow:
        row = tx.get(BackupRow, backup_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Backup {backup_id} could not be found.")
        return row

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def parents(self, tx: Tx, ids: Sequence[str]) -> set[str]:
        """Those of them that incremental backups stand on."""
        found = tx.tuples(queries.PARENTS, ids=list(ids)) if ids else []
        return {str(id) for (id,) in found}

    def refresh(self, tx: Tx, row: BackupRow, **changes: Any) -> BackupRow:
        changed = msgspec.structs.replace(row, **changes)
        return tx.update(row, **changes, status=backup_status(changed), updated_at=tx.now)

    # --- making -----------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        volume: VolumeRow,
        who: Principal,
        *,
        snapshot: SnapshotRow | None = None,
        name: str | None = None,
        description: str | None = None,
        container: str | None = None,
        metadata: dict[str, str] | None = None,
        availability_zone: str | None = None,
        incremental: bool = False,
        force: bool = False,
    ) -> BackupRow:
        """`force`: also of a volume that servers have. Raises BadRequest, QuotaExceeded."""
        disk = self._readable(tx, volume, snapshot, force=force)
        moment = tx.now if snapshot is None else snapshot.created_at
        # Whoever makes it has it, pays for it, and builds on what is theirs.
        project = who.project_id or volume.project_id
        parent = None
        if incremental:
            parent = tx.one(queries.LAST, volume=volume.id, project=project, until=moment)
            if parent is None or self._chain(tx, parent) >= LONGEST_CHAIN:
                raise BadRequest(
                    "Invalid backup: No backups available to do an incremental backup."
                )
        self._quotas.take_backup(tx, project, volume.size)
        id = new_id()
        row = BackupRow(
            id=id,
            project_id=project,
            user_id=who.user_id,
            name=name,
            description=description,
            volume_id=volume.id,
            snapshot_id=None if snapshot is None else snapshot.id,
            parent_id=None if parent is None else parent.id,
            content_id=id,
            size=volume.size,
            container=container or CONTAINER,
            availability_zone=availability_zone or volume.availability_zone,
            metadata=metadata or {},
            bootable=volume.bootable,
            image_metadata=volume.image_metadata,
            object_count=0,
            data_timestamp=moment,
            wanted="present",
            made=False,
            restoring=0,
            fault=None,
            declared=None,
            status="creating",
            created_at=tx.now,
            updated_at=None,
            volume_metadata=volume.metadata,
        )
        tx.insert(row)
        memo = BackingUp(
            disk_id=disk.id,
            host_id=disk.host_id or "",
            volume_id=volume.id,
            content=row.content_id,
            parent=None if parent is None else parent.content_id,
        )
        self._jobs.begin(tx, BACKUP, row.id, memo, project_id=project)
        if snapshot is None:
            self._volumes.refresh(tx, volume, mark=BACKING_UP)
        emit(tx, "backup.create.start", row.id, principal=who, volume=volume.id)
        return row

    def _readable(
        self, tx: Tx, volume: VolumeRow, snapshot: SnapshotRow | None, *, force: bool
    ) -> VolumeRow | SnapshotRow:
        if snapshot is not None:
            if snapshot.volume_id != volume.id:
                raise BadRequest(
                    f"Invalid snapshot: {snapshot.id} is not one of volume {volume.id}."
                )
            if snapshot.status != "available":
                raise BadRequest(
                    f"Invalid snapshot: its status must be available, but is {snapshot.status}."
                )
            return snapshot
        if volume.status == "in-use" and not force:
            raise BadRequest(
                'Invalid volume: Backing up an in-use volume must use the force flag: "in-use".'
            )
        if volume.status not in ("available", "in-use") or volume.mark or not volume.host_id:
            raise BadRequest(
                "Invalid volume: Volume to be backed up must be available or in-use, but the "
                f"current status is {volume.status!r}."
            )
        self._volumes.refuse_busy(tx, volume)
        return volume

    def _chain(self, tx: Tx, row: BackupRow) -> int:
        length, parent = 1, row.parent_id
        while parent is not None and length < LONGEST_CHAIN:
            known = tx.get(BackupRow, parent)
            parent = None if known is None else known.parent_id
            length += 1
        return length

    def stored(self, tx: Tx, backup_id: str, volume_id: str, pieces: int) -> None:
        """Its bytes are in the store, and its volume is free."""
        row = tx.get(BackupRow, backup_id)
        self._free(tx, volume_id, BACKING_UP)
        if row is not None:
            self.refresh(tx, row, made=True, fault=None, object_count=pieces)
            emit(tx, "backup.create.end", row.id, project_id=row.project_id)

    def not_stored(self, tx: Tx, backup_id: str, volume_id: str, reason: str) -> None:
        row = tx.get(BackupRow, backup_id)
        self._free(tx, volume_id, BACKING_UP)
        if row is None:
            return
        row = self.refresh(tx, row, fault=reason)
        emit(tx, "backup.create.error", row.id, project_id=row.project_id, reason=reason)
        self._messages.failed(tx, "VOLUME_BACKUP", row.id, row.project_id, NO_BACKUP, reason)
        if row.wanted == "absent":
            self._remove(tx, row)

    def _free(self, tx: Tx, volume_id: str, mark: Mark) -> None:
        volume = tx.get(VolumeRow, volume_id)
        if volume is not None and volume.mark == mark:
            self._volumes.refresh(tx, volume, mark="")

    # --- restoring --------------------------------------------------------------------------

    def restore(
        self, tx: Tx, row: BackupRow, who: Principal, volume: VolumeRow | None, name: str | None
    ) -> VolumeRow:
        """To a volume, or to a new one. Raises BadRequest, QuotaExceeded."""
        if volume is None:
            title = name or f"restore_backup_{row.id}"
            kind = self._types.chosen(tx, None, who)
            volume = self.restored(tx, row, who, size=row.size, kind=kind, name=title)
        else:
            if volume.status != "available" or volume.mark or volume.attachments:
                raise BadRequest(
                    "Invalid volume: Volume to be restored to must be available, but the current "
                    f"status is {volume.status!r}."
                )
            self._refuse_small(row, volume.size)
            self._volumes.refuse_change(tx, volume)
            volume = self._begin_restore(tx, row, volume, who)
        return volume

    def restored(
        self, tx: Tx, row: BackupRow, who: Principal, *, size: int, kind: TypeRow, **fields: Any
    ) -> VolumeRow:
        """A new volume that is made of a backup."""
        self._refuse_small(row, size)
        if who.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        volume = self._volumes.create(
            tx, size=size, kind=kind, source=BLANK, project_id=who.project_id, who=who, **fields
        )
        return self._begin_restore(tx, row, volume, who)

    def _refuse_small(self, row: BackupRow, size: int) -> None:
        if size < row.size:
            raise BadRequest(
                f"Invalid volume: volume size {size} is too small to restore backup of size "
                f"{row.size}."
            )

    def _begin_restore(
        self, tx: Tx, row: BackupRow, volume: VolumeRow, who: Principal
    ) -> VolumeRow:
        if row.status not in ("available", "restoring") or row.wanted == "absent":
            raise BadRequest(
                f"Invalid backup: Backup status must be available, but is {row.status}."
            )
        memo = Restoring(backup_id=row.id, content=row.content_id)
        self._jobs.begin(tx, RESTORE, volume.id, memo, project_id=volume.project_id)
        self.refresh(tx, row, restoring=row.restoring + 1)
        emit(tx, "backup.restore.start", row.id, principal=who, volume=volume.id)
        return self._volumes.refresh(tx, volume, mark=RESTORING)

    def end_restore(self, tx: Tx, backup_id: str, volume_id: str, reason: str | None) -> None:
        """`reason`: why the volume has not what it should have."""
        row, volume = tx.get(BackupRow, backup_id), tx.get(VolumeRow, volume_id)
        if row is not None:
            row = self.refresh(tx, row, restoring=max(0, row.restoring - 1))
        if volume is not None and volume.mark == RESTORING:
            more: dict[str, Any] = {"mark": ""}
            if reason is not None:
                more["declared"] = FAILED_RESTORE
                self._messages.failed(
                    tx, "VOLUME_BACKUP", backup_id, volume.project_id, NOT_RESTORED, reason
                )
            elif row is not None:
                more |= {"bootable": row.bootable, "image_metadata": row.image_metadata}
                more["metadata"] = {**volume.metadata, **row.volume_metadata}
            self._volumes.refresh(tx, volume, **more)
        project = None if row is None else row.project_id
        if reason is None:
            emit(tx, "backup.restore.end", backup_id, project_id=project)
        else:
            emit(
                tx,
                "backup.restore.error",
                backup_id,
                project_id=project,
                reason=reason,
                volume=volume_id,
            )

    # --- changing and removing --------------------------------------------------------------

    def update(self, tx: Tx, row: BackupRow, who: Principal, **changes: Any) -> BackupRow:
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "backup.update", row.id, principal=who)
        return row

    def reset(self, tx: Tx, row: BackupRow, status: str, who: Principal) -> None:
        row = self.refresh(tx, row, declared=None)
        if status != row.status:
            self.refresh(tx, row, declared=status)
        emit(tx, "backup.reset", row.id, principal=who, status=status)

    def delete(self, tx: Tx, row: BackupRow, who: Principal, *, force: bool = False) -> None:
        """`force`: whatever its status is; one that others stand on stays even then, and so does
        one that is being restored."""
        if not force and row.status not in ("available", "error", "error_deleting"):
            raise BadRequest(
                f"Invalid backup: Backup status must be available or error, but is {row.status}."
            )
        if row.restoring:
            raise BadRequest(f"Invalid backup: {row.id} is being restored.")
        if self.parents(tx, [row.id]):
            raise BadRequest("Invalid backup: Incremental backups exist for this backup.")
        if row.wanted == "absent" and not row.fault:
            return
        making = not row.made and row.fault is None
        row = self.refresh(tx, row, wanted="absent", fault=None, declared=None)
        emit(tx, "backup.delete.start", row.id, project_id=row.project_id, principal=who)
        if making:
            for job in self._jobs.of(tx, row.id):
                if self._jobs.cancel(tx, job.id):
                    return  # when it is undone, the backup goes
        self._remove(tx, row)

    def _remove(self, tx: Tx, row: BackupRow) -> None:
        self.refresh(tx, row, fault=None)
        memo = Removing(content=row.content_id)
        self._jobs.begin(tx, REMOVE, row.id, memo, project_id=row.project_id)

    def is_shared(self, tx: Tx, backup_id: str, content: str) -> bool:
        """Whether another one has the same bytes, and will see to them. Its row goes in the commit
        that ends its removal, not before: what is asked here is the same when it is asked again."""
        return int(tx.value(queries.WITH_CONTENT, content=content, id=backup_id)) > 0

    def removed(self, tx: Tx, backup_id: str) -> None:
        row = tx.get(BackupRow, backup_id)
        if row is None:
            return
        tx.delete(row)
        self._quotas.give_backup_back(tx, row.project_id, row.size)
        emit(tx, "backup.delete.end", row.id, project_id=row.project_id)

    def not_removed(self, tx: Tx, backup_id: str, reason: str) -> None:
        row = tx.get(BackupRow, backup_id)
        if row is not None:
            self.refresh(tx, row, fault=reason)
            emit(tx, "backup.delete.error", row.id, project_id=row.project_id, reason=reason)
            self._messages.failed(tx, "VOLUME_BACKUP", row.id, row.project_id, BACKUP_STAYS, reason)

    # --- records ----------------------------------------------------------------------------

    def bring_in(self, tx: Tx, record: dict[str, Any], who: Principal) -> BackupRow:
        """The row of a backup whose bytes are in the store already: see `api/backup_records.py` for
        what of the record was checked. A job looks for them."""
        if who.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        if tx.get(BackupRow, record["id"]) is not None:
            raise BadRequest(f"Invalid backup: Backup {record['id']} already exists in database.")
        self._quotas.take_backup(tx, who.project_id, record["size"])
        parent = record["parent_id"]
        if parent is not None and tx.get(BackupRow, parent) is None:
            raise BadRequest(f"Invalid backup: import its parent {parent} first.")
        row = BackupRow(
            **record,
            project_id=who.project_id,
            user_id=who.user_id,
            snapshot_id=None,
            container=CONTAINER,
            availability_zone=ZONE,
            object_count=0,
            wanted="present",
            made=False,
            restoring=0,
            fault=None,
            declared=None,
            status="creating",
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        memo = Removing(content=row.content_id)
        self._jobs.begin(tx, IMPORT, row.id, memo, project_id=row.project_id)
        emit(tx, "backup.import", row.id, principal=who)
        return row
