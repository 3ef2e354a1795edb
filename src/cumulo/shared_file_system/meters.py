"""What shared file systems are paid for: shares and their snapshots, by size and type."""

from cumulo.core.usage import Metered
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow

SHARES: Metered[ShareRow] = Metered(
    "share",
    "share.usage",
    lambda row: (
        None
        if row.host_id is None
        else {"size": row.size, "share_type": row.type_id, "protocol": row.protocol}
    ),
    lambda row: row.name,
)
SHARE_SNAPSHOTS: Metered[SnapshotRow] = Metered(
    "share_snapshot",
    "share.snapshot.usage",
    lambda row: {"size": row.size},
    lambda row: row.name,
)
METERS = (SHARES, SHARE_SNAPSHOTS)
