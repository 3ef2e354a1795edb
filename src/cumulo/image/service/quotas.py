"""Image's quotas: identity's unified limits where they are registered, else our own."""

from collections.abc import Callable, Mapping

from cumulo.core.db.transaction import Tx
from cumulo.core.quotas.quotas import Quotas

UnifiedLimits = Callable[[Tx, str], Mapping[str, int]]
"""(transaction, project id) → the limits that identity has of it; names it does not know are
missing."""

# Glance's own names and today's meaning: sizes in MiB, -1 without limit.
QUOTAS = {
    "image_count_total": 1000,
    "image_count_uploading": 100,
    "image_size_total": -1,
    "image_stage_total": -1,
}


class ImageQuotas(Quotas):
    def __init__(self, unified: UnifiedLimits) -> None:
        super().__init__("image", QUOTAS)
        self._unified = unified

    def limit(self, tx: Tx, project_id: str, resource: str) -> int:
        found = self._unified(tx, project_id).get(resource)
        return super().limit(tx, project_id, resource) if found is None else found

    def limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        known = super().limits(tx, project_id)
        unified = self._unified(tx, project_id)
        return {name: unified.get(name, own) for name, own in known.items()}
