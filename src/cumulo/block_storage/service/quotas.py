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
BY_TYPE = ("volumes", "snapshots", "gigabytes")


class VolumeQuotas:
    def __init__(self) -> None:
        self._quotas = Quotas("block_storage", DEFAULTS)

    def known(self, tx: Tx) -> Quotas:
        """The quotas, with the resources of the types that there are now."""
        names = [row.name for row in types.TYPES.page(tx, where={})]
        self._quotas.defaults = {
            **{key: value for key, value in self._quotas.defaults.items() if key in DEFAULTS},
            **{f"{resource}_{name}": -1 for name in names for resource in BY_TYPE},
        }
        return self._quotas

    def take(self, tx: Tx, project_id: str, type_name: str, **amounts: int) -> None:
        quotas = self.known(tx)
        wanted = {**amounts, **{f"{name}_{type_name}": n for name, n in amounts.items()}}
        try:
            quotas.take(tx, project_id, **wanted)
        except QuotaExceeded as exceeded:
            raise self._worded(tx, project_id, exceeded.code or "", wanted) from None

    def give_back(self, tx: Tx, project_id: str, type_name: str, **amounts: int) -> None:
        for name, amount in amounts.items():
            self._quotas.give_back(tx, project_id, **{name: amount, f"{name}_{type_name}": amount})

    def check_size(self, tx: Tx, project_id: str, size: int) -> None:
        limit = self._quotas.limit(tx, project_id, "per_volume_gigabytes")
        if 0 <= limit < size:
            raise QuotaExceeded(
                f"VolumeSizeExceedsLimit: Requested volume size {size} is larger than maximum "
                f"allowed limit {limit}."
            )

    def _worded(
        self, tx: Tx, project_id: str, resource: str, wanted: dict[str, int]
    ) -> QuotaExceeded:
        limit = self._quotas.limit(tx, project_id, resource)
        used = self._quotas.usages(tx, project_id).get(resource, 0)
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
