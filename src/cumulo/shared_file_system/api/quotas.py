"""Quotas and limits on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.responses import Empty
from cumulo.core.quotas.registered import DEFAULT, LONGEST_CLASS, register
from cumulo.core.wire.coercions import IntLike, as_bool, as_int
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset
from cumulo.shared_file_system.api.lists import renamed
from cumulo.shared_file_system.service.quotas import DEFAULTS, OF_TYPES, Part, within
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

Value = Any
"""A number, or in the detailed view an object of `limit`, `in_use`, `reserved`."""


class QuotaSet(Body):
    shares: Value
    gigabytes: Value
    snapshots: Value
    snapshot_gigabytes: Value
    share_networks: Value = UNSET
    id: str | Unset = UNSET
    share_groups: Annotated[Value, Since("2.40")] = UNSET
    share_group_snapshots: Annotated[Value, Since("2.40")] = UNSET
    share_replicas: Annotated[Value, Since("2.53")] = UNSET
    replica_gigabytes: Annotated[Value, Since("2.53")] = UNSET
    per_share_gigabytes: Annotated[Value, Since("2.62")] = UNSET
    backups: Annotated[Value, Since("2.80")] = UNSET
    backup_gigabytes: Annotated[Value, Since("2.80")] = UNSET
    encryption_keys: Annotated[Value, Since("2.90")] = UNSET


class QuotaAnswer(Body):
    quota_set: QuotaSet


class ClassAnswer(Body):
    quota_class_set: QuotaSet


class Wishes(StrictBody):
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
    backups: Annotated[IntLike | Unset, Since("2.80")] = UNSET
    backup_gigabytes: Annotated[IntLike | Unset, Since("2.80")] = UNSET
    encryption_keys: Annotated[IntLike | Unset, Since("2.90")] = UNSET
    force: Any = UNSET
    project_id: str | Unset | None = UNSET
    tenant_id: str | Unset | None = UNSET


class UpdateQuotas(Body):
    quota_set: Wishes


class UpdateClass(Body):
    quota_class_set: Wishes


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

CATALOG_TYPE = "shared-file-system"


class QuotasApi:
    def __init__(self, service: SharedFileSystemService, caller: Caller) -> None:
        self._caller = caller
        self._shares = service.quotas
        self._types = service.types
        self._quotas = service.quotas.all

    def operations(self) -> list[Operation]:
        old, new, rule = "/os-quota-sets/{target_id}", "/quota-sets/{target_id}", "quota_set:"
        answer: dict[str, Any] = {"response": QuotaAnswer}
        late: dict[str, Any] = {**answer, "early": False}
        classes, of_class = "-quota-class-sets/{class_name}", {"response": ClassAnswer}
        return [
            *self._grown("GET", old, new, self.show, f"{rule}show", **late),
            *renamed("GET", f"{old}/defaults", f"{new}/defaults", self.defaults, f"{rule}show",
                     **late),
            Operation("GET", f"{new}/detail", self.detail_of_users, policy=f"{rule}show",
                      since="2.25", until="2.38", **late),
            Operation("GET", f"{new}/detail", self.detail, policy=f"{rule}show", since="2.39",
                      **late),
            *self._grown("PUT", old, new, self.update, f"{rule}update",
                         body=UpdateQuotas, **answer),
            *self._grown("DELETE", old, new, self.delete, f"{rule}delete", status=202,
                         response=Empty),
            *renamed("GET", f"/os{classes}", f"/{classes[1:]}", self.of_class,
                     "quota_class_set:show", **of_class),
            *renamed("PUT", f"/os{classes}", f"/{classes[1:]}", self.set_class,
                     "quota_class_set:update", body=UpdateClass, **of_class),
            Operation("GET", "/limits", self.limits, policy="limits:index",
                      response=LimitsAnswer),
        ]  # fmt: skip

    def _grown(
        self, method: str, old: str, new: str, handler: Any, policy: str, **more: Any
    ) -> list[Operation]:
        """Quotas of share types came with 2.39."""

        def of_users(call: Call, tx: Tx) -> Any:
            _refuse_types(call)
            return handler(call, tx)

        return [
            Operation(method, old, of_users, policy=policy, until="2.6", **more),
            Operation(method, new, of_users, policy=policy, since="2.7", until="2.38", **more),
            Operation(method, new, handler, policy=policy, since="2.39", **more),
        ]

    def _target(self, call: Call, tx: Tx) -> tuple[str, Part | None]:
        """The project, and the user or the share type that is asked for in it."""
        project, user = call.path["target_id"], call.query.get("user_id")
        kind = call.query.get("share_type")
        if user and kind:
            raise BadRequest("'user_id' and 'share_type' values are mutually exclusive.")
        if kind:
            row = self._types.chosen(tx, kind, call.principal)
            return project, Part(self._shares.types, within(project, row.id))
        return project, Part(self._shares.users, within(project, user)) if user else None

    def show(self, call: Call, tx: Tx) -> Any:
        target, part = self._target(call, tx)
        call.allow({"project_id": target})
        values = self._of_part(part, self._shares.limits(tx, target, part))
        return QuotaAnswer(quota_set=QuotaSet(id=target, **values))

    def _of_part(self, part: Part | None, values: Mapping[str, Any]) -> dict[str, Any]:
        """Share types have no share networks."""
        of_type = part is not None and part.quotas is self._shares.types
        return {n: v for n, v in values.items() if not of_type or n in OF_TYPES}

    def defaults(self, call: Call, tx: Tx) -> Any:
        target = call.path["target_id"]
        call.allow({"project_id": target})
        return QuotaAnswer(quota_set=QuotaSet(id=target, **self._quotas.defaults(tx)))

    def detail_of_users(self, call: Call, tx: Tx) -> Any:
        _refuse_types(call)
        return self.detail(call, tx)

    def detail(self, call: Call, tx: Tx) -> Any:
        target, part = self._target(call, tx)
        call.allow({"project_id": target})
        quotas, key = (self._quotas, target) if part is None else (part.quotas, part.key)
        used = quotas.usages(tx, key)
        values: dict[str, Any] = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in self._shares.limits(tx, target, part).items()
        }
        return QuotaAnswer(quota_set=QuotaSet(id=target, **self._of_part(part, values)))

    def update(self, call: Call, tx: Tx) -> Any:
        target, part = self._target(call, tx)
        wish = call.body.quota_set
        values = _values(wish)
        of_type = part is not None and part.quotas is self._shares.types
        wrong = [name for name in values if of_type and name not in OF_TYPES]
        if wrong:
            raise BadRequest(f"Share types have no quota of {', '.join(wrong)}.")
        force = False if wish.force is UNSET else as_bool(wish.force, "force")
        self._shares.set_limits(tx, target, part, values, force=force)
        limits = self._of_part(part, self._shares.limits(tx, target, part))
        return QuotaAnswer(quota_set=QuotaSet(**limits))

    def delete(self, call: Call, tx: Tx) -> None:
        target, part = self._target(call, tx)
        quotas, key = (self._quotas, target) if part is None else (part.quotas, part.key)
        quotas.reset_limits(tx, key)

    def of_class(self, call: Call, tx: Tx) -> Any:
        """All projects are in the class `default`."""
        name = call.path["class_name"]
        set_ = {} if name == DEFAULT else self._quotas.class_limits(tx, name)
        values: dict[str, Any] = {"id": name, **self._quotas.defaults(tx), **set_}
        return ClassAnswer(quota_class_set=QuotaSet(**values))

    def set_class(self, call: Call, tx: Tx) -> Any:
        """What all projects have is registered in identity, for all services in one place. Other
        classes are remembered and shown, and count for nobody, as with Manila."""
        name, values = call.path["class_name"], _values(call.body.quota_class_set)
        if name == DEFAULT:
            register(self._caller, tx, call.principal, CATALOG_TYPE, values)
        elif len(name) > LONGEST_CLASS:
            raise BadRequest(f"quota_class {name:.20}… is too long.")
        else:
            self._quotas.set_class_limits(tx, name, values)
        return self.of_class(call, tx)

    def limits(self, call: Call, tx: Tx) -> Any:
        project = call.project_id
        limit, used = self._quotas.limits(tx, project), self._quotas.usages(tx, project)
        absolute = {}
        for name, (most, has) in _LIMITS.items():
            absolute[most], absolute[has] = limit[name], used[name]
        return LimitsAnswer(limits=Limits(rate=[], absolute=absolute))


def _refuse_types(call: Call) -> None:
    if call.query.get("share_type"):
        raise BadRequest("'share_type' is known since version 2.39.")


def _values(wish: Wishes) -> dict[str, int]:
    found = {}
    for name in DEFAULTS:
        value = getattr(wish, name)
        if value is not UNSET:
            found[name] = as_int(value, name, minimum=-1, maximum=2**31 - 1)
    return found
