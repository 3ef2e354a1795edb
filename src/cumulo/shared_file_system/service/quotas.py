"""Manila's quotas, and its words for what is over them."""

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import QuotaExceeded
from cumulo.core.quotas.quotas import Quotas

DEFAULTS = {
    "shares": 50,
    "gigabytes": 1000,
    "snapshots": 50,
    "snapshot_gigabytes": 1000,
    "share_networks": 10,
    "share_groups": 50,
    "share_group_snapshots": 50,
    "share_replicas": 100,
    "replica_gigabytes": 1000,
    "per_share_gigabytes": -1,
}
_FAULTS = {
    "shares": "ShareLimitExceeded: Maximum number of shares allowed ({limit}) exceeded.",
    "gigabytes": "ShareSizeExceedsAvailableQuota: Requested share exceeds allowed project or "
    "share type quota: {used} of {limit} GiB are used, {asked} more were asked for.",
    "snapshots": "SnapshotLimitExceeded: Maximum number of snapshots allowed ({limit}) exceeded.",
    "snapshot_gigabytes": "SnapshotSizeExceedsAvailableQuota: Requested snapshot exceeds allowed "
    "quota: {used} of {limit} GiB are used, {asked} more were asked for.",
    "share_networks": "ShareNetworksLimitExceeded: Maximum number of share-networks allowed "
    "({limit}) exceeded.",
}


class ShareQuotas:
    def __init__(self, quotas: Quotas) -> None:
        self.all = quotas

    def take(self, tx: Tx, project_id: str, **amounts: int) -> None:
        try:
            self.all.take(tx, project_id, **amounts)
        except QuotaExceeded as exceeded:
            name = exceeded.code or ""
            if name not in _FAULTS:
                raise
            limit = self.all.limit(tx, project_id, name)
            used = self.all.usages(tx, project_id).get(name, 0)
            text = _FAULTS[name].format(limit=limit, used=used, asked=amounts[name])
            raise QuotaExceeded(text) from None

    def give_back(self, tx: Tx, project_id: str, **amounts: int) -> None:
        self.all.give_back(tx, project_id, **amounts)

    def check_size(self, tx: Tx, project_id: str, size: int) -> None:
        limit = self.all.limit(tx, project_id, "per_share_gigabytes")
        if 0 <= limit < size:
            raise QuotaExceeded(
                f"ShareSizeExceedsLimit: Requested share size {size} is larger than maximum "
                f"allowed limit {limit}."
            )
