"""Block storage in the dashboard: volumes, snapshots, backups, types, quotas."""

from cumulo.block_storage.panels.backups import BACKUPS
from cumulo.block_storage.panels.common import ask
from cumulo.block_storage.panels.quotas import QUOTAS
from cumulo.block_storage.panels.snapshots import SNAPSHOTS
from cumulo.block_storage.panels.types import TYPES
from cumulo.block_storage.panels.volumes import VOLUMES
from cumulo.core.panels import Gauge

PANELS = (VOLUMES, SNAPSHOTS, BACKUPS, TYPES, QUOTAS)
_LIMITS = ask("GET", "/limits")


def _gauge(title: str, used: str, most: str, unit: str = "") -> Gauge:
    return Gauge(
        title,
        _LIMITS,
        lambda body: body["limits"]["absolute"][used],
        lambda body: body["limits"]["absolute"][most],
        unit,
    )


GAUGES = (
    _gauge("Volumes", "totalVolumesUsed", "maxTotalVolumes"),
    _gauge("Volumes, GiB", "totalGigabytesUsed", "maxTotalVolumeGigabytes", "GiB"),
)
