"""Disks that hosts have and the cloud does not know: taken over as volumes or snapshots, and left.

A disk is a file of an id, and the volume that it becomes has that id. What is left stays on its
host, as it is, is unknown like any other from then on, and may be taken over again.
"""

from typing import Any

from cumulo.block_storage.meters import SNAPSHOTS, VOLUMES
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import snapshot as snapshots
from cumulo.block_storage.service.pools import KIND, Pools
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.services import Services
from cumulo.block_storage.service.snapshots import Snapshots
from cumulo.block_storage.service.types import Types
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.model import UnknownRow
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.hosts.unknown import UnknownThings

NAMES = ("source-name", "source-id")
"""How a disk is referred to; both are its id."""


class Managing:
    def __init__(
        self,
        registry: HostRegistry,
        services: Services,
        pools: Pools,
        quotas: VolumeQuotas,
        types: Types,
        volumes: Volumes,
        snapshots: Snapshots,
    ) -> None:
        self._unknown = UnknownThings(registry)
        self._services = services
        self._pools = pools
        self._quotas = quotas
        self._types = types
        self._volumes = volumes
        self._snapshots = snapshots

    def disks(self, tx: Tx, host: str) -> list[UnknownRow]:
        """What may be taken over on a host. Raises BadRequest."""
        try:
            found = self._services.host(tx, host)
        except NotFound:
            raise BadRequest(f"Invalid host: there is no backend {host:.255}.") from None
        return [row for row in self._unknown.on(tx, found.id, KIND) if size_of(row)]

    def _one(self, tx: Tx, host: str, reference: dict[str, str]) -> UnknownRow:
        wanted = next((reference[name] for name in NAMES if reference.get(name)), None)
        if wanted is None:
            raise BadRequest(
                "Invalid input received: Invalid reference: it must contain source-name or "
                "source-id."
            )
        for row in self.disks(tx, host):
            if row.id == wanted:
                return row
        raise BadRequest(
            f"Manage existing volume failed due to invalid backend reference {wanted:.100}: there "
            "is no such disk that nobody knows."
        )

    def take_volume(
        self, tx: Tx, host: str, reference: dict[str, str], who: Principal, kind: TypeRow
    ) -> VolumeRow:
        """Raises BadRequest, QuotaExceeded."""
        if who.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        row = self._one(tx, host, reference)
        volume = self._volumes.adopt(
            tx,
            row.id,
            host_id=row.host_id,
            size=size_of(row),
            project=who.project_id,
            kind=kind,
            generation=next_of(row),
        )
        self._unknown.adopted(tx, row, {"volume": volume.id})
        return self._volumes.refresh(tx, volume, user_id=who.user_id)

    def take_snapshot(
        self, tx: Tx, volume: VolumeRow, reference: dict[str, str], who: Principal, **about: Any
    ) -> SnapshotRow:
        """A disk of the volume's host."""
        if volume.host_id is None:
            raise BadRequest(f"Invalid volume: volume {volume.id} is on no host.")
        row = self._one(tx, volume.host_id, reference)
        made = self._snapshots.adopt(
            tx, volume, row.id, size_of(row), who, generation=next_of(row), **about
        )
        self._unknown.adopted(tx, row, {"snapshot": made.id})
        return made

    def leave_volume(self, tx: Tx, row: VolumeRow, who: Principal) -> None:
        """The cloud knows nothing of it from now on. Raises BadRequest."""
        if row.status != "available" or row.mark or row.host_id is None or row.group_id:
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be available and it must be in no "
                f"group to be unmanaged; it is {row.status}."
            )
        self._volumes.refuse_busy(tx, row)
        if tx.all(snapshots.OF_VOLUME, volume_id=row.id):
            raise BadRequest(f"Invalid volume: Volume {row.id} still has snapshots.")
        emit(tx, "volume.unmanage", row.id, project_id=row.project_id, principal=who)
        self._unknown.left(
            tx, row.host_id, KIND, row.id, {"size_gb": row.size, "generation": row.generation}
        )
        kind = self._types.of(tx, row.type_id)
        tx.delete(row)
        VOLUMES.changed(tx, row, None)
        self._pools.give_back(tx, row.host_id, row.size)
        self._quotas.give_back(tx, row.project_id, kind.name, volumes=1, gigabytes=row.size)

    def leave_snapshot(self, tx: Tx, row: SnapshotRow, who: Principal) -> None:
        if row.status != "available" or row.group_snapshot_id is not None:
            raise BadRequest(
                f"Invalid snapshot: its status must be available and it must be of no group to be "
                f"unmanaged; it is {row.status}."
            )
        self._volumes.refuse_busy(tx, row)
        volume = tx.get(VolumeRow, row.volume_id)
        assert volume is not None
        kind = self._types.of(tx, volume.type_id)
        emit(tx, "snapshot.unmanage", row.id, project_id=row.project_id, principal=who)
        self._unknown.left(
            tx, row.host_id, KIND, row.id, {"size_gb": row.size, "generation": row.generation}
        )
        tx.delete(row)
        SNAPSHOTS.changed(tx, row, None)
        self._pools.give_back(tx, row.host_id, row.size)
        amounts = {"snapshots": 1, "gigabytes": row.size}
        self._quotas.give_back(tx, row.project_id, kind.name, **amounts)


def next_of(row: UnknownRow) -> int:
    """The generation after the one that the host has accepted: it refuses older ones."""
    accepted = row.facts.get("generation")
    return accepted + 1 if isinstance(accepted, int) and accepted > 0 else 1


def size_of(row: UnknownRow) -> int:
    """GiB; 0: it is not known, and so it is not taken over."""
    size = row.facts.get("size_gb")
    return size if isinstance(size, int) and size > 0 else 0
