"""Volumes: the verbs. Each writes what is wanted; hosts make it so, and the status follows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.block_storage.meters import VOLUMES
from cumulo.block_storage.model.attachment import AttachmentRow
from cumulo.block_storage.model.message import NO_BACKEND
from cumulo.block_storage.model.pool import missing_capability
from cumulo.block_storage.model.snapshot import SnapshotRow, snapshot_status
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import Mark, VolumeRow, volume_status
from cumulo.block_storage.queries import attachment as attachments
from cumulo.block_storage.queries import backup as backups
from cumulo.block_storage.queries import snapshot as snapshots
from cumulo.block_storage.queries import transfer as transfers
from cumulo.block_storage.queries import volume as queries
from cumulo.block_storage.service.memberships import Memberships
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.pools import KIND, Pools
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.sources import Source
from cumulo.block_storage.service.types import Types
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id

ZONE = "nova"
MOST_METADATA = 1000
"""Different sets of metadata that a summary looks at"""
_DELETABLE = (
    "available",
    "reserved",
    "error",
    "error_restoring",
    "error_extending",
    "error_managing",
    "error_deleting",
)
RESTORING: Mark = "restoring-backup"
AT_WORK: tuple[Mark, ...] = ("uploading", "backing-up", RESTORING)
"""A job has it: its end takes the mark away."""


class Volumes:
    listing = queries.VOLUMES

    def __init__(
        self,
        registry: HostRegistry,
        pools: Pools,
        quotas: VolumeQuotas,
        types: Types,
        memberships: Memberships,
        messages: Messages,
    ) -> None:
        self._registry = registry
        self._pools = pools
        self._quotas = quotas
        self._types = types
        self._memberships = memberships
        self._messages = messages

    # --- reading ----------------------------------------------------------------------------

    def get(self, tx: Tx, volume_id: str, who: Principal) -> VolumeRow:
        """A volume of the caller's project (an administrator: of any)."""
        row = tx.get(VolumeRow, volume_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Volume {volume_id} could not be found.")
        return row

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def summary(self, tx: Tx, project_id: str | None) -> tuple[int, int]:
        """(how many, GiB) of a project, or of all."""
        if project_id is None:
            found = tx.tuples(queries.SUMMARY_ALL)
        else:
            found = tx.tuples(queries.SUMMARY, project_id=project_id)
        return int(found[0][0]), int(found[0][1])

    def metadata_of(self, tx: Tx, project_id: str | None) -> dict[str, list[str]]:
        """Each key with the values that it has, in a project or in all."""
        if project_id is None:
            found = tx.tuples(queries.METADATA_ALL, most=MOST_METADATA)
        else:
            found = tx.tuples(queries.METADATA, project_id=project_id, most=MOST_METADATA)
        values: dict[str, list[str]] = {}
        for (text,) in found:
            for key, value in msgspec.json.decode(text, type=dict[str, str]).items():
                known = values.setdefault(key, [])
                if value not in known:
                    known.append(value)
        return values

    def are_machines(self, tx: Tx) -> bool:
        """Whether a volume's host matters to who would have it."""
        return self._registry.are_machines(tx)

    def on_host(self, tx: Tx, host_id: str) -> list[tuple[str, int, int]]:
        """(project, how many, GiB) of the volumes on a host."""
        return [(str(p), int(n), int(gb)) for p, n, gb in tx.tuples(queries.ON_HOST, h=host_id)]

    def attachments_of(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[AttachmentRow]]:
        found: dict[str, list[AttachmentRow]] = {}
        for row in tx.all(attachments.OF_VOLUMES, volumes=list(ids)) if ids else ():
            found.setdefault(row.volume_id, []).append(row)
        return found

    # --- writing ----------------------------------------------------------------------------

    def refresh(self, tx: Tx, row: VolumeRow, **changes: Any) -> VolumeRow:
        """Write changes, and the status that follows from them."""
        changed = msgspec.structs.replace(row, **changes)
        saved = tx.update(row, **changes, status=volume_status(changed), updated_at=tx.now)
        VOLUMES.changed(tx, row, saved)
        if saved.status != row.status:
            self._memberships.follow(tx, row.group_id)
        return saved

    def demand(self, tx: Tx, row: VolumeRow, **changes: Any) -> VolumeRow:
        """What is wanted changes: a new generation, without the fault of the old one."""
        changed = self.refresh(tx, row, generation=row.generation + 1, fault=None, **changes)
        self.order(tx, changed)
        return changed

    def order(self, tx: Tx, row: VolumeRow) -> None:
        """Tell its host what is wanted. Snapshots go before their volumes, so a volume that has
        some is not asked to go yet."""
        if row.host_id is None:
            return
        if row.wanted == "present":
            self._registry.touch(tx, row.host_id, KIND, row.id)
        elif not tx.value(queries.SNAPSHOT_COUNT, volume_id=row.id):
            self._registry.remove(tx, row.host_id, KIND, row.id)

    def tell_servers(self, tx: Tx, row: VolumeRow) -> None:
        """Servers that have it, or wait for it, must look at it again."""
        for attachment in self.attachments_of(tx, [row.id]).get(row.id, ()):
            if attachment.by_compute and attachment.host_id and attachment.server_id:
                self._registry.touch(tx, attachment.host_id, "compute", attachment.server_id)

    def create(
        self,
        tx: Tx,
        *,
        size: int,
        kind: TypeRow,
        source: Source,
        project_id: str,
        who: Principal,
        name: str | None = None,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        availability_zone: str | None = None,
        multiattach: bool = False,
        only_host: str | None = None,
        group_id: str | None = None,
    ) -> VolumeRow:
        """Raises BadRequest, QuotaExceeded. No room is no refusal but a volume in `error`."""
        if availability_zone not in (None, ZONE):
            raise BadRequest(f"Availability zone '{availability_zone}' is invalid.")
        if size < source.least_gb:
            raise BadRequest(
                f"Invalid input received: Size of specified {source.noun} {source.least_gb}GB is "
                f"larger than volume size {size}GB."
            )
        self._quotas.take(tx, project_id, kind.name, volumes=1, gigabytes=size)
        self._quotas.check_size(tx, project_id, size)
        lacking = missing_capability(kind.extra_specs)
        if lacking is not None:
            host_id, reasons = None, [f"volume type {kind.name}: {lacking}"]
        else:
            host_id, reasons = self._pools.take(tx, size, only=source.host_id or only_host)
        fault = None
        if host_id is None:
            fault = f"No valid backend was found. {'; '.join(reasons)}"
        row = VolumeRow(
            id=new_id(),
            project_id=project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            size=size,
            status="",
            type_id=kind.id,
            availability_zone=ZONE,
            bootable=source.bootable,
            read_only=None,
            multiattach=multiattach or shares(kind.extra_specs),
            metadata=metadata or {},
            image_metadata=source.image_metadata,
            image_id=source.image_id,
            snapshot_id=source.snapshot_id,
            source_volume_id=source.volume_id,
            source_format=source.format,
            content=0,
            host_id=host_id,
            wanted="present",
            generation=1,
            observed_generation=0,
            observed_size=0,
            connection=None,
            fault=fault,
            mark="",
            declared=None,
            attachments=[],
            created_at=tx.now,
            updated_at=None,
            group_id=group_id,
        )
        row = msgspec.structs.replace(row, status=volume_status(row))
        tx.insert(row)
        VOLUMES.changed(tx, None, row)
        why = {"fault": fault} if fault else {"host": host_id}
        emit(tx, "volume.create.start", row.id, project_id=project_id, principal=who, **why)
        if fault is not None:
            # Hosts are no business of users': Cinder's words, not ours.
            self._messages.failed(tx, "VOLUME", row.id, project_id, NO_BACKEND)
        self.order(tx, row)
        return row

    def adopt(
        self,
        tx: Tx,
        id: str,
        *,
        host_id: str,
        size: int,
        project: str,
        kind: TypeRow | None = None,
        generation: int = 1,
    ) -> VolumeRow:
        """A disk that its host has and nobody knows becomes a volume of a project."""
        if tx.get(VolumeRow, id) is not None or tx.get(SnapshotRow, id) is not None:
            raise BadRequest(f"Invalid volume: there is a volume or snapshot {id} already.")
        kind = kind or self._types.ensure_default(tx)
        self._quotas.take(tx, project, kind.name, volumes=1, gigabytes=size)
        if self._pools.take(tx, size, only=host_id)[0] is None:
            raise BadRequest(f"Invalid volume: host {host_id} has no room for {size} GB more.")
        values: dict[str, Any] = dict.fromkeys(VolumeRow.__struct_fields__)
        values |= {
            "id": id,
            "project_id": project,
            "user_id": "",
            "name": f"adopted-{id[:8]}",
            "size": size,
            "type_id": kind.id,
            "availability_zone": ZONE,
            "bootable": True,
            "multiattach": False,
            "metadata": {},
            "host_id": host_id,
            "wanted": "present",
            "content": 0,
            "generation": generation,
            "observed_generation": 0,
            "observed_size": 0,
            "mark": "",
            "attachments": [],
            "created_at": tx.now,
        }
        row = VolumeRow(**values)
        row = msgspec.structs.replace(row, status=volume_status(row))
        tx.insert(row)
        VOLUMES.changed(tx, None, row)
        emit(tx, "volume.adopt", id, project_id=project, host=host_id, size=size)
        self.order(tx, row)
        return row

    def update(self, tx: Tx, row: VolumeRow, who: Principal, **changes: Any) -> VolumeRow:
        """Name, description, metadata, bootable, read_only, image_metadata."""
        before = row
        row = tx.update(row, updated_at=tx.now, **changes)
        VOLUMES.changed(tx, before, row)
        emit(tx, "volume.update", row.id, principal=who, changed=sorted(changes))
        return row

    def delete(
        self,
        tx: Tx,
        row: VolumeRow,
        who: Principal | None,
        *,
        force: bool,
        cascade: bool,
        with_group: bool = False,
    ) -> None:
        if row.attachments or (row.group_id is not None and not with_group):
            raise BadRequest(
                "Invalid volume: Volume status must be available or error or error_restoring or "
                "error_extending or error_managing and must not be migrating, attached, belong "
                "to a group, have snapshots, awaiting a transfer, or be disassociated from "
                "snapshots after volume transfer."
            )
        if not force and row.status not in _DELETABLE:
            raise BadRequest(
                "Invalid volume: Volume status must be available or error or error_restoring or "
                f"error_extending or error_managing; it is {row.status}."
            )
        self.refuse_change(tx, row)
        for snapshot in tx.all(snapshots.OF_VOLUME, volume_id=row.id):
            # Those that stayed behind at a transfer are somebody else's; those of a group's go
            # with that.
            own = snapshot.project_id == row.project_id and snapshot.group_snapshot_id is None
            if not cascade or not own:
                raise BadRequest("Invalid volume: Volume still has 1 or more dependent snapshots.")
            if snapshot.wanted == "present":
                self.drop_snapshot(tx, snapshot, who)
        emit(tx, "volume.delete.start", row.id, project_id=row.project_id, principal=who)
        if row.host_id is None:
            self.forget(tx, row)
        elif row.wanted == "present" or row.fault:
            self.demand(tx, row, wanted="absent", declared=None, mark="")

    def refuse_change(self, tx: Tx, row: VolumeRow | SnapshotRow) -> None:
        """400 for what must stay as it is on its host: something is being copied from it, or its
        host is frozen."""
        self.refuse_busy(tx, row)
        self._pools.refuse_frozen(tx, row.host_id)

    def refuse_busy(self, tx: Tx, row: VolumeRow | SnapshotRow) -> None:
        """400 while something is being copied from it."""
        busy = int(tx.value(queries.MADE_FROM, source=row.id))
        if isinstance(row, VolumeRow):
            busy += int(tx.value(snapshots.BEING_MADE, volume_id=row.id))
        else:
            busy += int(tx.value(backups.OF_SNAPSHOT, snapshot=row.id))
        if busy:
            raise BadRequest(f"Invalid volume: {row.id} is being copied; try again later.")

    def drop_snapshot(self, tx: Tx, row: SnapshotRow, who: Principal | None) -> None:
        """Alone, or with its volume. Raises BadRequest."""
        self.refuse_change(tx, row)
        changes: dict[str, Any] = {
            "wanted": "absent",
            "generation": row.generation + 1,
            "fault": None,
            "declared": None,
        }
        changed = msgspec.structs.replace(row, **changes)
        tx.update(row, **changes, status=snapshot_status(changed), updated_at=tx.now)
        self._registry.remove(tx, row.host_id, KIND, row.id)
        emit(tx, "snapshot.delete.start", row.id, project_id=row.project_id, principal=who)

    def forget(self, tx: Tx, row: VolumeRow) -> None:
        """It is gone from its host: row, capacity and quota go together."""
        kind = tx.get(TypeRow, row.type_id)
        assert kind is not None
        tx.delete(row)
        VOLUMES.changed(tx, row, None)
        self._pools.give_back(tx, row.host_id, row.size)
        self._quotas.give_back(tx, row.project_id, kind.name, volumes=1, gigabytes=row.size)
        emit(tx, "volume.delete.end", row.id, project_id=row.project_id)
        self._memberships.follow(tx, row.group_id)

    def check_image(self, tx: Tx, row: VolumeRow, source: Source, statuses: Sequence[str]) -> None:
        """Can this image be written over it? Raises BadRequest."""
        if row.status not in statuses or row.host_id is None:
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be {' or '.join(statuses)} to be "
                f"re-imaged, but the current status is {row.status}."
            )
        if source.least_gb > row.size:
            raise BadRequest(
                f"Invalid input received: Size of specified image {source.least_gb}GB is larger "
                f"than volume size {row.size}GB."
            )
        self.refuse_change(tx, row)

    def write_image(self, tx: Tx, row: VolumeRow, source: Source, who: Principal) -> VolumeRow:
        """What was in it goes: its host makes it anew of this image."""
        emit(tx, "volume.reimage.start", row.id, principal=who, image=source.image_id or "")
        changed = self.demand(
            tx,
            row,
            image_id=source.image_id,
            image_metadata=source.image_metadata,
            source_format=source.format,
            reverting_to=None,
            snapshot_id=None,
            source_volume_id=None,
            bootable=True,
            content=row.generation + 1,
            observed_size=0,
            connection=None,
            declared=None,
        )
        self.tell_servers(tx, changed)
        return changed

    def revert(self, tx: Tx, row: VolumeRow, snapshot_id: str, who: Principal) -> VolumeRow:
        """What it had at its newest snapshot is in it again. Raises BadRequest, Conflict."""
        own = [
            each
            for each in tx.all(snapshots.OF_VOLUME, volume_id=row.id)
            if each.project_id == row.project_id
        ]
        newest = max(own, key=lambda each: (each.created_at, each.id), default=None)
        if newest is None or newest.id != snapshot_id:
            raise BadRequest(
                f"Specified snapshot ID {snapshot_id} isn't the latest one of volume {row.id}."
            )
        if newest.size != row.size:
            raise BadRequest(
                f"Can't revert volume {row.id} to its latest snapshot {snapshot_id}. The volume "
                "size must be equal to the snapshot size."
            )
        if (row.status, newest.status) != ("available", "available") or row.mark:
            raise Conflict(
                f"Volume {row.id} and its snapshot must be available to be reverted; they are "
                f"{row.status} and {newest.status}."
            )
        self.refuse_change(tx, row)
        emit(tx, "volume.revert.start", row.id, principal=who, snapshot=snapshot_id)
        return self.demand(
            tx,
            row,
            reverting_to=snapshot_id,
            content=row.generation + 1,
            observed_size=0,
            connection=None,
        )

    def extend(self, tx: Tx, row: VolumeRow, size: int, who: Principal) -> VolumeRow:
        if row.status not in ("available", "in-use"):
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be available or in-use to extend, "
                f"but the current status is {row.status}."
            )
        if size <= row.size:
            raise BadRequest(
                "Invalid input received: New size for extend must be greater than current size. "
                f"(current: {row.size}, extended: {size})."
            )
        self.refuse_change(tx, row)
        kind = tx.get(TypeRow, row.type_id)
        assert kind is not None and row.host_id is not None
        more = size - row.size
        self._quotas.take(tx, row.project_id, kind.name, gigabytes=more)
        self._quotas.check_size(tx, row.project_id, size)
        if not self._pools.grow(tx, row.host_id, more):
            raise BadRequest(f"Invalid volume: its host has no room for {more} GB more.")
        emit(tx, "volume.extend.start", row.id, principal=who, size=size)
        for attachment in self.attachments_of(tx, [row.id]).get(row.id, ()):
            tx.update(attachment, generation=attachment.generation + 1)
        self.tell_servers(tx, row)
        return self.demand(tx, row, size=size)

    def retype(self, tx: Tx, row: VolumeRow, kind: TypeRow, who: Principal) -> VolumeRow:
        """Another type, where it is: what the type asks for its pool must be able to do. Raises
        BadRequest, QuotaExceeded."""
        if row.status not in ("available", "in-use"):
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be available or in-use to retype, "
                f"but the current status is {row.status}."
            )
        if row.group_id is not None:
            raise BadRequest(f"Invalid volume: volume {row.id} must not be part of a group.")
        self._pools.refuse_frozen(tx, row.host_id)
        old = self._types.of(tx, row.type_id)
        if kind.id == old.id:
            raise BadRequest(
                f"Invalid input received: New volume_type same as original: {kind.id}."
            )
        lacking = missing_capability(kind.extra_specs)
        if lacking is not None:
            raise BadRequest(f"Invalid volume type: {kind.name}: {lacking}")
        if row.attachments and (shares(kind.extra_specs), kind.qos_id) != (
            shares(old.extra_specs),
            old.qos_id,
        ):
            raise BadRequest(
                f"Invalid volume: volume {row.id} is attached: its QoS specs, and how many may "
                "have it, can only be changed while it is available."
            )
        self._quotas.retype(tx, row.project_id, old.name, kind.name, **self._counted(tx, row))
        multiattach = row.multiattach
        if shares(kind.extra_specs) or shares(old.extra_specs):
            multiattach = shares(kind.extra_specs)
        emit(tx, "volume.retype", row.id, principal=who, before=old.name, after=kind.name)
        return self.refresh(tx, row, type_id=kind.id, multiattach=multiattach)

    def _counted(self, tx: Tx, row: VolumeRow) -> Counter[str]:
        """What counts for the type: the volume, and its snapshots."""
        found = Counter({"volumes": 1, "gigabytes": row.size})
        for each in tx.all(snapshots.OF_VOLUME, volume_id=row.id):
            if each.project_id != row.project_id:
                raise BadRequest(
                    f"Invalid volume: volume {row.id} has snapshots that stayed with another "
                    "project: its type is theirs, too."
                )
            found.update({"snapshots": 1, "gigabytes": each.size})
        return found

    def look_again(self, tx: Tx, row: VolumeRow) -> VolumeRow:
        """Forget the word that an administrator gave instead of what is seen."""
        return self.refresh(tx, row, declared=None)

    def reset(self, tx: Tx, row: VolumeRow, status: str, who: Principal) -> None:
        """Forget the failure and look again. A word that differs from what is then seen is kept
        as the administrator's own, until the next reset."""
        # What is going on with it goes on, and ends by itself. An offer is over.
        tx.run(transfers.DROP, volume=row.id)
        mark: Mark = row.mark if row.mark in AT_WORK else ""
        row = self.demand(tx, row, declared=None, mark=mark)
        if status != row.status:
            self.refresh(tx, row, declared=status)
        emit(tx, "volume.reset", row.id, principal=who, status=status)


def shares(specs: Mapping[str, str]) -> bool:
    """A type whose volumes several servers may have."""
    return specs.get("multiattach", "").strip().lower() == "<is> true"
