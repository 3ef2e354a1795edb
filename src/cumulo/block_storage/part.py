"""The conductor's side of block storage: which disks a host keeps, and what it sees of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.block_storage.model.message import (
    NO_SNAPSHOT,
    NOT_CREATED,
    NOT_DELETED,
    NOT_EXTENDED,
    NOT_REIMAGED,
    NOT_REVERTED,
    SNAPSHOT_STAYS,
)
from cumulo.block_storage.model.orders import DiskSource, SeenDisk, SeenPool, WantedDisk
from cumulo.block_storage.model.pool import PoolRow
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import snapshot as snapshot_queries
from cumulo.block_storage.queries import volume as volume_queries
from cumulo.block_storage.service.managing import next_of
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.pools import KIND
from cumulo.block_storage.service.snapshots import Snapshots
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.blobs.content import Content
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.messages import Seen
from cumulo.core.hosts.model import UnknownRow
from cumulo.identity.interface import Identity
from cumulo.image.interface import ImageInfo, Images

_FAILURES = {
    "create": NOT_CREATED,
    "extend": NOT_EXTENDED,
    "reimage": NOT_REIMAGED,
    "revert": NOT_REVERTED,
    "delete": NOT_DELETED,
}


class StoragePart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    item_type = WantedDisk
    seen_type = SeenDisk
    host_type = SeenPool

    def __init__(
        self,
        identity: Identity,
        images: Images,
        volumes: Volumes,
        snapshots: Snapshots,
        messages: Messages,
    ) -> None:
        self._identity = identity
        self._images = images
        self._volumes = volumes
        self._snapshots = snapshots
        self._messages = messages

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, WantedDisk]:
        if not ids:
            return {}
        volumes = tx.all(volume_queries.BY_IDS, ids=ids)
        named = {row.image_id for row in volumes if row.image_id and not row.observed_size}
        images = self._images.find(tx, sorted(named)) if named else {}
        found = {row.id: _volume_disk(row, images) for row in volumes if row.host_id == host_id}
        rest = [id for id in ids if id not in found]
        snapshots = tx.all(snapshot_queries.BY_IDS, ids=rest) if rest else []
        return found | {row.id: _snapshot_disk(row) for row in snapshots if row.host_id == host_id}

    def contents(self, state: WantedDisk) -> list[Content]:
        """Implements `core.hosts.conductor.Reads`."""
        found = None if state.source is None else state.source.content
        return [] if found is None else [found]

    def host(self, tx: Tx, host_id: str, state: SeenPool) -> None:
        known = tx.get(PoolRow, host_id)
        if known is None:
            known = PoolRow(host_id, "", None, 0, 0, tx.now)
            tx.insert(known)
        changes = msgspec.structs.asdict(state)
        if any(getattr(known, name) != value for name, value in changes.items()):
            tx.update(known, updated_at=tx.now, **changes)

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        """What is not about today's order is no news: the next report is."""
        if not newest or not (seen.done or seen.failures):
            return
        volume = tx.get(VolumeRow, seen.id)
        if volume is not None and volume.host_id == host_id:
            self._volume(tx, volume, seen)
            return
        snapshot = tx.get(SnapshotRow, seen.id)
        if snapshot is not None and snapshot.host_id == host_id:
            self._snapshot(tx, snapshot, seen)

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        volume = tx.get(VolumeRow, id)
        if volume is not None and volume.host_id == host_id and volume.wanted == "absent":
            self._volumes.forget(tx, volume)
        snapshot = tx.get(SnapshotRow, id)
        if snapshot is not None and snapshot.host_id == host_id and snapshot.wanted == "absent":
            self._snapshots.forget(tx, snapshot)

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        """A disk becomes a volume of the project, with its own id."""
        if not self._identity.project_exists(tx, project_id):
            raise BadRequest(f"There is no project {project_id}.")
        size = row.facts.get("size_gb")
        if not isinstance(size, int) or size < 1:
            raise BadRequest(f"Disk {row.id} cannot be adopted: its size is not known.")
        volume = self._volumes.adopt(
            tx,
            row.id,
            host_id=row.host_id,
            size=size,
            project=project_id,
            generation=next_of(row),
        )
        return {"volume": volume.id, "size": size}

    def _volume(self, tx: Tx, row: VolumeRow, seen: Seen) -> None:
        disk: SeenDisk | None = seen.state
        if disk is not None and disk.held:
            return  # nothing was done to it
        changes: dict[str, Any] = {"observed_generation": row.generation, "fault": seen.fault}
        if disk is not None:
            # Of a disk that is lost it stays known how large it was: it is not made anew.
            size = disk.size_gb if disk.connection is not None else row.observed_size
            changes |= {"observed_size": size, "connection": disk.connection}
            if size and seen.fault is None:
                changes["reverting_to"] = None
        if seen.fault is not None and row.observed_size == 0:
            # It could not be written: what is there is not what is wanted.
            changes |= {"observed_size": 0, "connection": None}
            if row.reverting_to is not None:
                # It is made whole beside what was there, which is what it has: a reset shows it.
                changes |= {"observed_size": row.size, "reverting_to": None, "content": 0}
        if all(getattr(row, name) == value for name, value in changes.items()):
            return
        before = row
        row = self._volumes.refresh(tx, row, **changes)
        if seen.fault is not None and seen.fault != before.fault:
            verb = _verb(before)
            emit(tx, f"volume.{verb}.error", row.id, project_id=row.project_id, reason=seen.fault)
            self._messages.failed(tx, "VOLUME", row.id, row.project_id, _FAILURES[verb], seen.fault)
        elif before.status in ("creating", "downloading", "extending", "reverting") and (
            row.status != before.status
        ):
            emit(tx, f"volume.{_verb(before)}.end", row.id, project_id=row.project_id)
        self._volumes.tell_servers(tx, row)

    def _snapshot(self, tx: Tx, row: SnapshotRow, seen: Seen) -> None:
        disk: SeenDisk | None = seen.state
        if disk is not None and disk.held:
            return
        size = row.observed_size if disk is None or disk.connection is None else disk.size_gb
        if (row.observed_size, row.fault) == (size, seen.fault):
            return
        self._snapshots.refresh(tx, row, observed_size=size, fault=seen.fault)
        verb = "delete" if row.wanted == "absent" else "create"
        if seen.fault is not None:
            emit(tx, f"snapshot.{verb}.error", row.id, project_id=row.project_id, reason=seen.fault)
            why = NO_SNAPSHOT if verb == "create" else SNAPSHOT_STAYS
            self._messages.failed(tx, "VOLUME_SNAPSHOT", row.id, row.project_id, why, seen.fault)
        elif row.observed_size == 0:
            emit(tx, "snapshot.create.end", row.id, project_id=row.project_id)


def _verb(row: VolumeRow) -> str:
    if row.wanted == "absent":
        return "delete"
    if row.observed_size:
        return "extend"
    if row.reverting_to is not None:
        return "revert"
    return "reimage" if row.content else "create"


def _volume_disk(row: VolumeRow, images: Mapping[str, ImageInfo]) -> WantedDisk:
    """One that waits for its snapshots to go, or has failed, is left as it is."""
    source = None
    if row.reverting_to is not None and not row.observed_size:
        source = DiskSource(disk_id=row.reverting_to)
    elif row.image_id is not None and not row.observed_size:
        # Of one that was deleted a host may still have the content, or say that nobody has.
        image = images.get(row.image_id)
        source = DiskSource(
            content=Content(
                id=row.image_id,
                sha512=(image and image.sha512) or "",
                size=(image and image.size) or 0,
                format="qcow2" if row.source_format == "qcow2" else "raw",
            )
        )
    elif row.snapshot_id or row.source_volume_id:
        source = DiskSource(disk_id=row.snapshot_id or row.source_volume_id)
    return WantedDisk(
        id=row.id,
        generation=row.generation,
        size_gb=row.size,
        source=source,
        content=row.content,
        in_use=any(state in ("attached", "detaching") for state in row.attachments),
        made=row.observed_size > 0,
        held=row.wanted == "absent" or row.fault is not None,
    )


def _snapshot_disk(row: SnapshotRow) -> WantedDisk:
    return WantedDisk(
        id=row.id,
        generation=row.generation,
        size_gb=row.size,
        source=DiskSource(disk_id=row.volume_id),
        made=row.observed_size > 0,
        held=row.wanted == "absent" or row.fault is not None,
    )
