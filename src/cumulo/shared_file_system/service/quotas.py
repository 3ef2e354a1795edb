"""Manila's quotas, and its words for what is over them."""

from collections.abc import Mapping
from typing import NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, QuotaExceeded
from cumulo.core.quotas.quotas import UNLIMITED, Quotas

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
    "backups": 10,
    "backup_gigabytes": 1000,
    "encryption_keys": 100,
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


_NOT_OF_TYPES = ("share_networks", "share_groups", "share_group_snapshots", "encryption_keys")
OF_TYPES = tuple(name for name in DEFAULTS if name not in _NOT_OF_TYPES)
"""What share types have quotas of."""
_UNSET = -2
"""Nobody has said anything: without limit, too, and told from what somebody has set so."""
_WITHOUT = dict.fromkeys(DEFAULTS, _UNSET)


class ShareQuotas:
    """Of projects; and within a project of its users and of share types, which have no limit of
    their own until somebody sets one, and whose use is counted from the start."""

    def __init__(self, quotas: Quotas) -> None:
        self.all = quotas
        self.users = Quotas("shared_file_system.user", _WITHOUT)
        self.types = Quotas("shared_file_system.type", _WITHOUT)

    def take(
        self, tx: Tx, project_id: str, user_id: str, type_id: str | None, **amounts: int
    ) -> None:
        for quotas, key in self._scopes(project_id, user_id, type_id):
            try:
                quotas.take(tx, key, **amounts)
            except QuotaExceeded as exceeded:
                name = exceeded.code or ""
                if name not in _FAULTS:
                    raise
                limit, used = quotas.limit(tx, key, name), quotas.usages(tx, key).get(name, 0)
                text = _FAULTS[name].format(limit=limit, used=used, asked=amounts[name])
                raise QuotaExceeded(text) from None

    def give_back(
        self, tx: Tx, project_id: str, user_id: str, type_id: str | None, **amounts: int
    ) -> None:
        for quotas, key in self._scopes(project_id, user_id, type_id):
            quotas.give_back(tx, key, **amounts)

    def _scopes(
        self, project_id: str, user_id: str, type_id: str | None
    ) -> list[tuple[Quotas, str]]:
        found = [(self.all, project_id), (self.users, within(project_id, user_id))]
        if type_id is not None:
            found.append((self.types, within(project_id, type_id)))
        return found

    def check_size(self, tx: Tx, project_id: str, size: int) -> None:
        limit = self.all.limit(tx, project_id, "per_share_gigabytes")
        if 0 <= limit < size:
            raise QuotaExceeded(
                f"ShareSizeExceedsLimit: Requested share size {size} is larger than maximum "
                f"allowed limit {limit}."
            )

    # --- of users and types ----------------------------------------------------------------

    def limits(self, tx: Tx, project_id: str, part: "Part | None") -> dict[str, int]:
        """Of the project; or of a part of it, for which the project's count where it has none."""
        whole = self.all.limits(tx, project_id)
        if part is None:
            return whole
        own = part.quotas.limits(tx, part.key)
        return {name: whole[name] if own[name] == _UNSET else own[name] for name in whole}

    def set_limits(
        self,
        tx: Tx,
        project_id: str,
        part: "Part | None",
        values: Mapping[str, int],
        *,
        force: bool,
    ) -> None:
        """Raises BadRequest for less than is used, and for more than the whole project has."""
        quotas, key = (self.all, project_id) if part is None else (part.quotas, part.key)
        used = quotas.usages(tx, key)
        whole = {} if part is None else self.all.limits(tx, project_id)
        for name, value in values.items():
            if not force and 0 <= value < used.get(name, 0):
                raise BadRequest(
                    f"Quota value {value} for {name} must be equal or greater than already used "
                    f"and reserved {used[name]}."
                )
            most = whole.get(name, UNLIMITED)
            if most >= 0 and not 0 <= value <= most and not force:
                raise BadRequest(f"Quota limit for {name} must be between 0 and {most}.")
        quotas.set_limits(tx, key, values)


class Part(NamedTuple):
    """A user in a project, or a share type."""

    quotas: Quotas
    key: str


def within(project_id: str, id: str) -> str:
    return f"{project_id}/{id}"
