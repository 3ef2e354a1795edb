"""Quotas and limits on the wire."""

from typing import Any

from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import StrictBody


class UpdateQuotas(StrictBody):
    quota_set: dict[str, Any]


class QuotasApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._quotas = storage.quotas.all

    def operations(self) -> list[Operation]:
        one, rule = "/os-quota-sets/{target_id}", "volume_extension:quotas:"
        return [
            Operation("GET", one, self.show, policy=f"{rule}show", early=False),
            Operation("GET", f"{one}/defaults", self.defaults, policy=f"{rule}show", early=False),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateQuotas),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete"),
            Operation("GET", "/limits", self.limits, policy="limits_extension:used_limits"),
        ]

    def show(self, call: Call, tx: Tx) -> Any:
        target = call.path["target_id"]
        call.allow({"project_id": target})
        quotas = self._quotas
        limits = quotas.limits(tx, target)
        if not as_bool(call.query.get("usage", "false") or "false", "usage"):
            return {"quota_set": {"id": target, **limits}}
        used = quotas.usages(tx, target)
        detail = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in limits.items()
        }
        return {"quota_set": {"id": target, **detail}}

    def defaults(self, call: Call, tx: Tx) -> Any:
        target = call.path["target_id"]
        call.allow({"project_id": target})
        return {"quota_set": {"id": target, **self._quotas.defaults(tx)}}

    def update(self, call: Call, tx: Tx) -> Any:
        quotas, target = self._quotas, call.path["target_id"]
        known = quotas.known(tx)
        wishes = {k: v for k, v in call.body.quota_set.items() if k not in ("tenant_id", "id")}
        unknown = sorted(set(wishes) - set(known) - {"force", "skip_validation"})
        if unknown:
            raise BadRequest(f"Bad key(s) in quota set: {', '.join(unknown)}")
        values = {}
        for name, value in wishes.items():
            if name in known:
                if isinstance(value, bool) or not isinstance(value, int | str):
                    raise BadRequest(f"Quota limit for {name} must be an integer.")
                values[name] = as_int(value, name, minimum=-1, maximum=2**31 - 1)
        quotas.set_limits(tx, target, values)
        return {"quota_set": quotas.limits(tx, target)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._quotas.reset_limits(tx, call.path["target_id"])

    def limits(self, call: Call, tx: Tx) -> Any:
        project = call.project_id
        limit, used = self._quotas.limits(tx, project), self._quotas.usages(tx, project)
        absolute = {
            "maxTotalVolumes": limit["volumes"],
            "maxTotalSnapshots": limit["snapshots"],
            "maxTotalVolumeGigabytes": limit["gigabytes"],
            "maxTotalBackups": limit["backups"],
            "maxTotalBackupGigabytes": limit["backup_gigabytes"],
            "totalVolumesUsed": used["volumes"],
            "totalSnapshotsUsed": used["snapshots"],
            "totalGigabytesUsed": used["gigabytes"],
            "totalBackupsUsed": used["backups"],
            "totalBackupGigabytesUsed": used["backup_gigabytes"],
        }
        return {"limits": {"rate": [], "absolute": absolute}}
