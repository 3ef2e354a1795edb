"""Quotas and limits on the wire."""

from typing import Any

from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.quotas.registered import DEFAULT, LONGEST_CLASS, register
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import StrictBody

CATALOG_TYPE = "block-storage"


class UpdateQuotas(StrictBody):
    quota_set: dict[str, Any]


class UpdateClass(StrictBody):
    quota_class_set: dict[str, Any]


class QuotasApi:
    def __init__(self, storage: BlockStorageService, caller: Caller) -> None:
        self._quotas = storage.quotas.all
        self._caller = caller

    def operations(self) -> list[Operation]:
        one, rule = "/os-quota-sets/{target_id}", "volume_extension:quotas:"
        classes, of_class = "/os-quota-class-sets/{class_name}", "volume_extension:quota_classes:"
        return [
            Operation("GET", one, self.show, policy=f"{rule}show", early=False),
            Operation("GET", f"{one}/defaults", self.defaults, policy=f"{rule}show", early=False),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateQuotas),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete"),
            Operation("GET", classes, self.of_class, policy=f"{of_class}get"),
            Operation("PUT", classes, self.set_class, policy=f"{of_class}update", body=UpdateClass),
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
        quotas.set_limits(tx, target, self._values(tx, call.body.quota_set))
        return {"quota_set": quotas.limits(tx, target)}

    def of_class(self, call: Call, tx: Tx) -> Any:
        """All projects are in the class `default`."""
        return {"quota_class_set": {"id": call.path["class_name"], **self._class(call, tx)}}

    def _class(self, call: Call, tx: Tx) -> dict[str, int]:
        name = call.path["class_name"]
        set_ = {} if name == DEFAULT else self._quotas.class_limits(tx, name)
        return {**self._quotas.defaults(tx), **set_}

    def set_class(self, call: Call, tx: Tx) -> Any:
        """Other classes are remembered and shown, and count for nobody, as with Cinder."""
        name, values = call.path["class_name"], self._values(tx, call.body.quota_class_set)
        if name == DEFAULT:
            register(self._caller, tx, call.principal, CATALOG_TYPE, values)
        elif len(name) > LONGEST_CLASS:
            raise BadRequest(f"quota_class {name:.20}… is too long.")
        else:
            self._quotas.set_class_limits(tx, name, values)
        return {"quota_class_set": self._class(call, tx)}

    def _values(self, tx: Tx, given: dict[str, Any]) -> dict[str, int]:
        known = self._quotas.known(tx)
        wishes = {k: v for k, v in given.items() if k not in ("tenant_id", "id", "class_name")}
        unknown = sorted(set(wishes) - set(known) - {"force", "skip_validation"})
        if unknown:
            raise BadRequest(f"Bad key(s) in quota set: {', '.join(unknown)}")
        values = {}
        for name, value in wishes.items():
            if name in known:
                if isinstance(value, bool) or not isinstance(value, int | str):
                    raise BadRequest(f"Quota limit for {name} must be an integer.")
                values[name] = as_int(value, name, minimum=-1, maximum=2**31 - 1)
        return values

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
