"""Quotas and limits on the wire."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import IntLike, as_int
from cumulo.core.wire.shapes import Body, Since, Unset
from cumulo.shared_file_system.api.lists import renamed
from cumulo.shared_file_system.service.quotas import DEFAULTS
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

Value = Any
"""A number, or in the detailed view an object of `limit`, `in_use`, `reserved`."""


class QuotaSet(Body):
    shares: Value
    gigabytes: Value
    snapshots: Value
    snapshot_gigabytes: Value
    share_networks: Value
    id: str | Unset = UNSET
    share_groups: Annotated[Value, Since("2.40")] = UNSET
    share_group_snapshots: Annotated[Value, Since("2.40")] = UNSET
    share_replicas: Annotated[Value, Since("2.53")] = UNSET
    replica_gigabytes: Annotated[Value, Since("2.53")] = UNSET
    per_share_gigabytes: Annotated[Value, Since("2.62")] = UNSET


class QuotaAnswer(Body):
    quota_set: QuotaSet


class ClassAnswer(Body):
    quota_class_set: QuotaSet


class Wishes(Body):
    shares: IntLike | Unset = UNSET
    gigabytes: IntLike | Unset = UNSET
    snapshots: IntLike | Unset = UNSET
    snapshot_gigabytes: IntLike | Unset = UNSET
    share_networks: IntLike | Unset = UNSET
    share_groups: Annotated[IntLike | Unset, Since("2.40")] = UNSET
    share_group_snapshots: Annotated[IntLike | Unset, Since("2.40")] = UNSET
    share_replicas: Annotated[IntLike | Unset, Since("2.53")] = UNSET
    replica_gigabytes: Annotated[IntLike | Unset, Since("2.53")] = UNSET
    per_share_gigabytes: Annotated[IntLike | Unset, Since("2.62")] = UNSET
    force: Any = UNSET
    tenant_id: str | Unset | None = UNSET


class UpdateQuotas(Body):
    quota_set: Wishes


class Limits(Body):
    rate: list[dict[str, Any]]
    absolute: dict[str, int]


class LimitsAnswer(Body):
    limits: Limits


_LIMITS = {
    "shares": ("maxTotalShares", "totalSharesUsed"),
    "snapshots": ("maxTotalShareSnapshots", "totalShareSnapshotsUsed"),
    "gigabytes": ("maxTotalShareGigabytes", "totalShareGigabytesUsed"),
    "snapshot_gigabytes": ("maxTotalSnapshotGigabytes", "totalSnapshotGigabytesUsed"),
    "share_networks": ("maxTotalShareNetworks", "totalShareNetworksUsed"),
    "share_replicas": ("maxTotalShareReplicas", "totalShareReplicasUsed"),
    "replica_gigabytes": ("maxTotalReplicaGigabytes", "totalReplicaGigabytesUsed"),
}


class QuotasApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._quotas = service.quotas.all

    def operations(self) -> list[Operation]:
        old, new, rule = "/os-quota-sets/{target_id}", "/quota-sets/{target_id}", "quota_set:"
        answer: dict[str, Any] = {"response": QuotaAnswer}
        late: dict[str, Any] = {**answer, "early": False}
        classes, of_class = "-quota-class-sets/{class_name}", {"response": ClassAnswer}
        return [
            *renamed("GET", old, new, self.show, f"{rule}show", **late),
            *renamed("GET", f"{old}/defaults", f"{new}/defaults", self.defaults, f"{rule}show",
                     **late),
            Operation("GET", f"{new}/detail", self.detail, policy=f"{rule}show", since="2.25",
                      **late),
            *renamed("PUT", old, new, self.update, f"{rule}update", body=UpdateQuotas, **answer),
            *renamed("DELETE", old, new, self.delete, f"{rule}delete", status=202),
            *renamed("GET", f"/os{classes}", f"/{classes[1:]}", self.of_class,
                     "quota_class_set:show", **of_class),
            Operation("GET", "/limits", self.limits, policy="limits:index",
                      response=LimitsAnswer),
        ]  # fmt: skip

    def _target(self, call: Call) -> str:
        for name in ("user_id", "share_type"):
            if call.query.get(name):
                raise BadRequest(f"Quotas are of projects here: {name} cannot be given.")
        return call.path["target_id"]

    def show(self, call: Call, tx: Tx) -> Any:
        target = self._target(call)
        call.allow({"project_id": target})
        return QuotaAnswer(quota_set=QuotaSet(id=target, **self._quotas.limits(tx, target)))

    def defaults(self, call: Call, tx: Tx) -> Any:
        target = self._target(call)
        call.allow({"project_id": target})
        return QuotaAnswer(quota_set=QuotaSet(id=target, **self._quotas.defaults(tx)))

    def detail(self, call: Call, tx: Tx) -> Any:
        target = self._target(call)
        call.allow({"project_id": target})
        used = self._quotas.usages(tx, target)
        values: dict[str, Any] = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in self._quotas.limits(tx, target).items()
        }
        return QuotaAnswer(quota_set=QuotaSet(id=target, **values))

    def update(self, call: Call, tx: Tx) -> Any:
        target, wish = self._target(call), call.body.quota_set
        values = {}
        for name in DEFAULTS:
            value = getattr(wish, name)
            if value is not UNSET:
                values[name] = as_int(value, name, minimum=-1, maximum=2**31 - 1)
        self._quotas.set_limits(tx, target, values)
        limits: dict[str, Any] = {**self._quotas.limits(tx, target)}
        return QuotaAnswer(quota_set=QuotaSet(**limits))

    def delete(self, call: Call, tx: Tx) -> None:
        self._quotas.reset_limits(tx, self._target(call))

    def of_class(self, call: Call, tx: Tx) -> Any:
        """There is one class, and all projects are in it."""
        values: dict[str, Any] = {"id": call.path["class_name"], **self._quotas.defaults(tx)}
        return ClassAnswer(quota_class_set=QuotaSet(**values))

    def limits(self, call: Call, tx: Tx) -> Any:
        project = call.project_id
        limit, used = self._quotas.limits(tx, project), self._quotas.usages(tx, project)
        absolute = {}
        for name, (most, has) in _LIMITS.items():
            absolute[most], absolute[has] = limit[name], used[name]
        return LimitsAnswer(limits=Limits(rate=[], absolute=absolute))
