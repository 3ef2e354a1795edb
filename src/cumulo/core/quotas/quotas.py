"""Quotas: what a project may have, taken and given back by conditional updates.

A counter can never disagree with the rows that it counts: both change in one transaction.
Resources have the names that unified limits know (`servers`, `class:VCPU`, `volumes` …); the older
quota APIs are views with names of their own (`legacy`). What a project may have is, in this order:

1. the project's own limit in identity (`limit create`),
2. the project's row of the service's quota API (`quota set`), which is in `quota_limits`,
3. the limit that is registered in identity for all projects (`registered limit create`),
4. the service's default.

-1 means without limit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import QuotaExceeded
from cumulo.core.quotas import queries
from cumulo.core.quotas.model import LimitRow, UsageRow

UNLIMITED = -1


_NO_LIMIT = 2**60
_CLASS = "class:"


class UnifiedLimits(Protocol):
    """Identity's limits, as quotas ask for them; identity gives it."""

    def of_project(
        self, tx: Tx, service_types: Sequence[str], project_id: str, region_id: str
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """By the resource's name: what the project has of its own, and what is registered for
        everybody, of the services of these types. One statement."""


Unified = Callable[[Tx, str], tuple[Mapping[str, int], Mapping[str, int]]]
"""(transaction, project) → the same for one service."""


def nothing_unified(tx: Tx, project_id: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Where there is no identity."""
    return {}, {}


class Quotas:
    """The quotas of one service. `defaults`: each resource and its limit. `more`: resources that
    come and go with rows (of each volume type), which are without limit by default. `legacy`: the
    quota API's name → the resource, where they differ."""

    def __init__(
        self,
        service: str,
        defaults: Mapping[str, int],
        *,
        unified: Unified = nothing_unified,
        more: Callable[[Tx], Sequence[str]] | None = None,
        legacy: Mapping[str, str] | None = None,
    ) -> None:
        self.service = service
        self._defaults = dict(defaults)
        self._unified = unified
        self._more = more
        legacy = legacy or {}
        self._legacy = {resource: name for name, resource in legacy.items()}
        self._resources = dict(legacy)

    # --- verbs ---------------------------------------------------------------------------------

    def take(self, tx: Tx, project_id: str, **amounts: int) -> None:
        """Use up amounts of resources, or raise QuotaExceeded and use up nothing.

        The transaction must end with the exception: what was taken before it is rolled back.
        """
        limits = self._limits(tx, project_id)
        for resource, amount in amounts.items():
            limit = self._one(limits, resource)
            most = _NO_LIMIT if limit < 0 else limit
            where = {"p": project_id, "s": self.service, "r": resource}
            if tx.run(queries.TAKE, n=amount, most=most, **where) == 0:
                tx.insert(UsageRow(project_id, self.service, resource, 0), ignore_duplicate=True)
                if tx.run(queries.TAKE, n=amount, most=most, **where) == 0:
                    used = int(tx.value(queries.USED_OF, **where))
                    name = self._legacy.get(resource, resource)
                    raise QuotaExceeded(
                        f"Quota exceeded for {name}: Requested {amount}, but already used "
                        f"{used} of {limit} {name}",
                        code=resource,
                    )

    def give_back(self, tx: Tx, project_id: str, **amounts: int) -> None:
        for resource, amount in amounts.items():
            tx.run(queries.GIVE, n=amount, p=project_id, s=self.service, r=resource)

    def set_limits(self, tx: Tx, project_id: str, values: Mapping[str, int]) -> None:
        """The quota API's rows of a project, by the resources' names."""
        for resource, value in values.items():
            where = {"p": project_id, "s": self.service, "r": resource}
            if tx.run(queries.SET, value=value, **where) == 0:
                tx.insert(LimitRow(project_id, self.service, resource, value))

    def set_class_limits(self, tx: Tx, name: str, values: Mapping[str, int]) -> None:
        """The limits of a class of quotas that no project is in: kept beside those of projects,
        whose ids have no colon."""
        self.set_limits(tx, f"{_CLASS}{name}", values)

    def reset_limits(self, tx: Tx, project_id: str) -> None:
        """Without the quota API's rows."""
        tx.run(queries.DROP_LIMITS, p=project_id, s=self.service)

    # --- what there is -------------------------------------------------------------------------

    def known(self, tx: Tx) -> dict[str, int]:
        """Every resource that there is now, and the service's own default."""
        more = () if self._more is None else self._more(tx)
        return {**self._defaults, **dict.fromkeys(more, UNLIMITED)}

    def defaults(self, tx: Tx) -> dict[str, int]:
        """What a project has for which nobody did anything."""
        _, registered = self._unified(tx, "")
        return {name: registered.get(name, own) for name, own in self.known(tx).items()}

    def limit(self, tx: Tx, project_id: str, resource: str) -> int:
        return self._one(self._limits(tx, project_id), resource)

    def class_limits(self, tx: Tx, name: str) -> dict[str, int]:
        """What was set for a class of quotas."""
        rows = tx.all(queries.LIMITS, p=f"{_CLASS}{name}", s=self.service)
        return {row.resource: row.value for row in rows}

    def limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        """Every resource's limit."""
        set_ = self._limits(tx, project_id)
        return {name: set_.get(name, own) for name, own in self.known(tx).items()}

    def usages(self, tx: Tx, project_id: str) -> dict[str, int]:
        """Every resource's use, 0 included."""
        rows = tx.all(queries.USED, p=project_id, s=self.service)
        return {**dict.fromkeys(self.known(tx), 0), **{row.resource: row.used for row in rows}}

    def projects_with_limits(self, tx: Tx) -> list[str]:
        """The projects that the quota API has rows of."""
        return [project for (project,) in tx.tuples(queries.PROJECTS, s=self.service)]

    def _limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        """What somebody has set. Two statements, however many resources there are."""
        own, registered = self._unified(tx, project_id)
        rows = tx.all(queries.LIMITS, p=project_id, s=self.service)
        return {**registered, **{row.resource: row.value for row in rows}, **own}

    def _one(self, limits: Mapping[str, int], resource: str) -> int:
        if resource in limits:
            return limits[resource]
        return self._defaults[resource] if self._more is None else self._defaults.get(resource, -1)

    # --- the older names -----------------------------------------------------------------------

    def resource(self, name: str) -> str:
        """The resource that the quota API calls so."""
        return self._resources.get(name, name)

    def as_legacy(self, values: Mapping[str, int]) -> dict[str, int]:
        """The same by the quota API's names."""
        return {self._legacy.get(resource, resource): value for resource, value in values.items()}
