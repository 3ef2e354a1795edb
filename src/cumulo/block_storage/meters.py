"""What block storage is paid for: volumes and snapshots, by size and type."""

from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.usage import Metered

VOLUMES: Metered[VolumeRow] = Metered(
    "volume",
    "volume.usage",
    lambda row: {"size": row.size, "volume_type": row.type_id},
    lambda row: row.name,
)
SNAPSHOTS: Metered[SnapshotRow] = Metered(
    "volume_snapshot", "snapshot.usage", lambda row: {"size": row.size}, lambda row: row.name
)
METERS = (VOLUMES, SNAPSHOTS)
