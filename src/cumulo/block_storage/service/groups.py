"""Groups of volumes: the verbs.

Whatever is done to a group is done to all of its volumes in one transaction, and status and end
of the group follow from theirs (`service.memberships`).
"""

from collections.abc import Sequence
from typing import Any

from cumulo.block_storage.model.group import GroupRow, GroupSnapshotRow
from cumulo.block_storage.model.group_type import GroupTypeRow, replicates
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import group as queries
from cumulo.block_storage.service.group_types import consistent_type_id
from cumulo.block_storage.service.memberships import Memberships
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.sources import Source, from_snapshot, from_volume
from cumulo.block_storage.service.types import Types
from cumulo.block_storage.service.volumes import ZONE, Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id

MOST_VOLUMES = 200
"""In a group: whatever is done to it is one transaction."""
MOST_VOLUME_TYPES = 100
_LEAVABLE = ("available", "in-use", "error", "error_deleting")


class Groups:
    listing = queries.GROUPS

    def __init__(
        self, volumes: Volumes, quotas: VolumeQuotas, types: Types, memberships: Memberships
    ) -> None:
        self._volumes = volumes
        self._quotas = quotas
        self._types = types
        self._memberships = memberships

    # --- reading ----------------------------------------------------------------------------

    def get(self, tx: Tx, group_id: str, who: Principal) -> GroupRow:
        row = tx.get(GroupRow, group_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Group {group_id} could not be found.")
        return row

    def volume_ids(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
        """Of each group, the ids of its volumes."""
        found: dict[str, list[str]] = {}
        for group, volume in tx.tuples(queries.VOLUME_IDS, groups=list(ids)) if ids else ():
            found.setdefault(str(group), []).append(str(volume))
        return found

    def consistent(self, tx: Tx, ids: set[str]) -> set[str]:
        """Those of them that are of the type of the older API's consistency groups."""
        type_id = consistent_type_id()
        where = {"ids": sorted(ids), "group_type_id": type_id}
        return {row.id for row in self.listing.page(tx, where=where)}

    def joined(self, tx: Tx, group_id: str, kind: TypeRow, who: Principal) -> str:
        """A new volume of this type may be in it. Raises NotFound, BadRequest."""
        row = self.get(tx, group_id, who)
        if row.project_id != who.project_id or row.wanted == "absent":
            raise BadRequest(f"Invalid group: group {row.id} is {row.status}, or another project's")
        self._check_type(row, kind.id)
        self._check_size(len(self.volume_ids(tx, [row.id]).get(row.id, [])) + 1)
        return row.id

    # --- writing ----------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        kind: GroupTypeRow,
        who: Principal,
        *,
        volume_types: Sequence[str],
        name: str | None,
        description: str | None,
        availability_zone: str | None,
    ) -> GroupRow:
        """Raises BadRequest, NotFound, QuotaExceeded."""
        if not volume_types:
            raise BadRequest("Invalid input received: volume_types must be provided to create it.")
        if len(volume_types) > MOST_VOLUME_TYPES:
            raise BadRequest(f"A group has {MOST_VOLUME_TYPES} volume types at most.")
        if availability_zone not in (None, ZONE):
            raise BadRequest(f"Availability zone '{availability_zone}' is invalid.")
        if replicates(kind.group_specs):
            raise BadRequest(
                f"Invalid group type: {kind.name} asks for replication, which no pool can do."
            )
        known = {self._types.chosen(tx, each, who).id for each in volume_types}
        return self._insert(
            tx, kind.id, who, volume_types=sorted(known), name=name, description=description
        )

    def _insert(self, tx: Tx, kind_id: str, who: Principal, **fields: Any) -> GroupRow:
        if who.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        self._quotas.take_group(tx, who.project_id)
        values: dict[str, Any] = {
            "group_snapshot_id": None,
            "source_group_id": None,
            "making": False,
            "status": "available",
            **fields,
        }
        row = GroupRow(
            id=new_id(),
            project_id=who.project_id,
            user_id=who.user_id,
            group_type_id=kind_id,
            availability_zone=ZONE,
            wanted="present",
            declared=None,
            created_at=tx.now,
            updated_at=None,
            **values,
        )
        tx.insert(row)
        emit(tx, "group.create", row.id, principal=who, type=kind_id)
        return row

    def create_from(
        self,
        tx: Tx,
        source: GroupRow | GroupSnapshotRow,
        who: Principal,
        *,
        name: str | None,
        description: str | None,
    ) -> GroupRow:
        """A group with a copy of each volume of another, or of each snapshot of a group's."""
        if source.project_id != who.project_id:
            raise NotFound(f"Group {source.id} could not be found.")
        if source.status != "available":
            raise BadRequest(
                f"Invalid group: the source's status must be available, but is {source.status}."
            )
        if isinstance(source, GroupRow):
            volumes = tx.all(queries.VOLUMES, groups=[source.id])
            parts = [(volume, from_volume(volume)) for volume in volumes]
            types, origin = source.volume_types, {"source_group_id": source.id}
        else:
            parts = self._of_snapshots(tx, source)
            group = tx.get(GroupRow, source.group_id)
            assert group is not None
            types, origin = group.volume_types, {"group_snapshot_id": source.id}
        if not parts:
            raise BadRequest("Invalid group: the source is empty; no group is created.")
        row = self._insert(
            tx,
            source.group_type_id,
            who,
            volume_types=types,
            name=name,
            description=description,
            making=True,
            status="creating",
            **origin,
        )
        for volume, one in parts:
            self._volumes.create(
                tx,
                size=one.least_gb,
                kind=self._types.of(tx, volume.type_id),
                source=one,
                project_id=row.project_id,
                who=who,
                name=volume.name,
                description=volume.description,
                metadata=dict(volume.metadata),
                group_id=row.id,
            )
        self._memberships.follow(tx, row.id)
        return self.get(tx, row.id, who)

    def _of_snapshots(self, tx: Tx, source: GroupSnapshotRow) -> list[tuple[VolumeRow, Source]]:
        snapshots = tx.all(queries.SNAPSHOTS, group_snapshot=source.id)
        where = {"ids": sorted({each.volume_id for each in snapshots})}
        volumes = {v.id: v for v in self._volumes.listing.page(tx, where=where)}
        found = []
        for each in snapshots:
            volume = volumes[each.volume_id]
            found.append((volume, from_snapshot(each, volume)))
        return found

    def update(
        self,
        tx: Tx,
        row: GroupRow,
        who: Principal,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        **changes: Any,
    ) -> GroupRow:
        """`add`, `remove`: ids of volumes."""
        if row.status != "available":
            raise BadRequest(f"Invalid group: its status must be available, but is {row.status}.")
        if both := sorted(set(add) & set(remove)):
            raise BadRequest(f"Invalid volume: {both[0]} is in both add_volumes, remove_volumes.")
        known = {volume.id: volume for volume in tx.all(queries.VOLUMES, groups=[row.id])}
        self._check_size(len(known) + len(add) - len(remove))
        for id in remove:
            if id not in known:
                raise BadRequest(f"Invalid volume: {id} is not in the group {row.id}.")
            if known[id].status not in _LEAVABLE:
                raise BadRequest(f"Invalid volume: {id} is {known[id].status}; it cannot leave.")
            self._volumes.refresh(tx, known[id], group_id=None)
        for id in add:
            self._add(tx, row, id)
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "group.update", row.id, principal=who, added=list(add), removed=list(remove))
        return row

    def _add(self, tx: Tx, row: GroupRow, id: str) -> None:
        volume = tx.get(VolumeRow, id)
        if volume is None or volume.project_id != row.project_id:
            raise BadRequest(f"Invalid volume: there is no volume {id} in the group's project.")
        if volume.group_id is not None:
            raise BadRequest(f"Invalid volume: {id} is in the group {volume.group_id} already.")
        if volume.status not in ("available", "in-use"):
            raise BadRequest(f"Invalid volume: {id} is {volume.status}; it cannot join.")
        self._check_type(row, volume.type_id)
        self._volumes.refresh(tx, volume, group_id=row.id)

    def delete(self, tx: Tx, row: GroupRow, who: Principal, *, with_volumes: bool) -> None:
        if row.wanted == "present" and row.status not in ("available", "error"):
            raise BadRequest(
                f"Invalid group: its status must be available or error, but is {row.status}."
            )
        if int(tx.value(queries.SNAPSHOTS_OF, group=row.id)):
            raise BadRequest(f"Invalid group: group {row.id} still has group snapshots.")
        volumes = tx.all(queries.VOLUMES, groups=[row.id])
        if volumes and not with_volumes:
            raise BadRequest(
                f"Invalid group: group {row.id} still contains volumes. The delete-volumes flag is "
                "required to delete it."
            )
        row = self._memberships.refresh(
            tx, row, [each.status for each in volumes], wanted="absent", declared=None
        )
        emit(tx, "group.delete.start", row.id, project_id=row.project_id, principal=who)
        for volume in volumes:
            if volume.wanted == "present" or volume.fault:
                self._volumes.delete(tx, volume, who, force=False, cascade=False, with_group=True)
        self._memberships.follow(tx, row.id)

    def reset(self, tx: Tx, row: GroupRow, status: str, who: Principal) -> None:
        """A word of the administrator's, which is kept where it differs from what is seen."""
        parts = [str(word) for (word,) in tx.tuples(queries.VOLUME_STATUSES, group=row.id)]
        row = self._memberships.refresh(tx, row, parts, declared=None)
        if status != row.status:
            row = self._memberships.refresh(tx, row, parts, declared=status)
        emit(tx, "group.reset", row.id, principal=who, status=status)

    def _check_type(self, row: GroupRow, type_id: str) -> None:
        if type_id not in row.volume_types:
            raise BadRequest(
                f"Invalid volume type: the type {type_id} is not among those of group {row.id}."
            )

    def _check_size(self, count: int) -> None:
        if count > MOST_VOLUMES:
            raise BadRequest(f"Invalid group: a group has {MOST_VOLUMES} volumes at most.")
