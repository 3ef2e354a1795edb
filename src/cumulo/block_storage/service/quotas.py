"""Cinder's quotas: volumes, snapshots and gigabytes, for all types together and for each."""

from cumulo.block_storage.queries import type as types
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import QuotaExceeded
from cumulo.core.quotas.quotas import Quotas

DEFAULTS = {
    "volumes": 10,
    "snapshots": 10,
    "gigabytes": 1000,
    "per_volume_gigabytes": -1,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}
MOST_TYPES = 1000
BY_TYPE = ("volumes", "snapshots", "gigabytes")


def of_types(tx: Tx) -> list[str]:
    """The resources of the types that there are now."""
    names = [row.name for row in types.TYPES.page(tx, where={}, limit=MOST_TYPES)]
    return [f"{resource}_{name}" for name in names for resource in BY_TYPE]


class VolumeQuotas:
    def __init__(self, quotas: Quotas) -> None:
        self.all = quotas

    def take(self, tx: Tx, project_id: str, type_name: str, **amounts: int) -> None:
        wanted = {**amounts, **{f"{name}_{type_name}": n for name, n in amounts.items()}}
        try:
            self.all.take(tx, project_id, **wanted)
        except QuotaExceeded as exceeded:
            raise self._worded(tx, project_id, exceeded.code or "", wanted) from None

    def take_group(self, tx: Tx, project_id: str) -> None:
        try:
            self.all.take(tx, project_id, groups=1)
        except QuotaExceeded:
            limit = self.all.limit(tx, project_id, "groups")
            raise QuotaExceeded(
                f"GroupLimitExceeded: Maximum number of groups allowed ({limit}) exceeded"
            ) from None

    def take_backup(self, tx: Tx, project_id: str, size: int) -> None:
        """One backup of so many GiB."""
        try:
            self.all.take(tx, project_id, backups=1, backup_gigabytes=size)
        except QuotaExceeded as exceeded:
            resource = exceeded.code or "backups"
            limit = self.all.limit(tx, project_id, resource)
            used = self.all.usages(tx, project_id).get(resource, 0)
            if resource == "backups":
                raise QuotaExceeded(
                    f"BackupLimitExceeded: Maximum number of backups allowed ({limit}) exceeded"
                ) from None
            raise QuotaExceeded(
                "VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup "
                f"gigabytes quota. Requested {size}G, quota is {limit}G and {used}G has been "
                "consumed."
            ) from None

    def give_backup_back(self, tx: Tx, project_id: str, size: int) -> None:
        self.all.give_back(tx, project_id, backups=1, backup_gigabytes=size)

    def give_back(self, tx: Tx, project_id: str, type_name: str, **amounts: int) -> None:
        for name, amount in amounts.items():
            self.all.give_back(tx, project_id, **{name: amount, f"{name}_{type_name}": amount})

    def retype(self, tx: Tx, project_id: str, old: str, new: str, **amounts: int) -> None:
        """What counted for one type counts for another one."""
        wanted = {f"{name}_{new}": amount for name, amount in amounts.items()}
        try:
            self.all.take(tx, project_id, **wanted)
        except QuotaExceeded as exceeded:
            raise self._worded(tx, project_id, exceeded.code or "", wanted) from None
        self.all.give_back(tx, project_id, **{f"{name}_{old}": n for name, n in amounts.items()})

    def check_size(self, tx: Tx, project_id: str, size: int) -> None:
        limit = self.all.limit(tx, project_id, "per_volume_gigabytes")
        if 0 <= limit < size:
            raise QuotaExceeded(
                f"VolumeSizeExceedsLimit: Requested volume size {size} is larger than maximum "
                f"allowed limit {limit}."
            )

    def _worded(
        self, tx: Tx, project_id: str, resource: str, wanted: dict[str, int]
    ) -> QuotaExceeded:
        limit = self.all.limit(tx, project_id, resource)
        used = self.all.usages(tx, project_id).get(resource, 0)
        if resource.startswith("gigabytes"):
            return QuotaExceeded(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed "
                f"{resource} quota. Requested {wanted[resource]}G, quota is {limit}G and {used}G "
                "has been consumed."
            )
        noun = "Snapshot" if resource.startswith("snapshots") else "Volume"
        return QuotaExceeded(
            f"{noun}LimitExceeded: Maximum number of {resource} allowed ({limit}) exceeded for "
            f"quota '{resource}'."
        )
