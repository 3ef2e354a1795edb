"""Quotas: what a project may have, taken and given back by conditional updates.

A counter can never disagree with the rows that it counts: both change in one transaction. The
defaults are data of each service (`register`); a row in `quota_limits` overrides them for a
project. -1 means without limit.
"""

from collections.abc import Mapping

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import QuotaExceeded
from cumulo.core.quotas import queries
from cumulo.core.quotas.model import LimitRow, UsageRow

UNLIMITED = -1


_NO_LIMIT = 2**60


class Quotas:
    """The quotas of one service: `defaults` maps each resource to its limit."""

    def __init__(self, service: str, defaults: Mapping[str, int]) -> None:
        self.service = service
        self.defaults = dict(defaults)

    def take(self, tx: Tx, project_id: str, **amounts: int) -> None:
        """Use up amounts of resources, or raise QuotaExceeded and use up nothing.

        The transaction must end with the exception: what was taken before it is rolled back.
        """
        for resource, amount in amounts.items():
            limit = self.limit(tx, project_id, resource)
            most = _NO_LIMIT if limit < 0 else limit
            where = {"p": project_id, "s": self.service, "r": resource}
            if tx.run(queries.TAKE, n=amount, most=most, **where) == 0:
                tx.insert(UsageRow(project_id, self.service, resource, 0), ignore_duplicate=True)
                if tx.run(queries.TAKE, n=amount, most=most, **where) == 0:
                    used = self.usages(tx, project_id)[resource]
                    raise QuotaExceeded(
                        f"Quota exceeded for {resource}: Requested {amount}, but already used "
                        f"{used} of {limit} {resource}",
                        code=resource,
                    )

    def give_back(self, tx: Tx, project_id: str, **amounts: int) -> None:
        for resource, amount in amounts.items():
            tx.run(queries.GIVE, n=amount, p=project_id, s=self.service, r=resource)

    def limit(self, tx: Tx, project_id: str, resource: str) -> int:
        found = tx.value(queries.LIMIT, p=project_id, s=self.service, r=resource)
        return self.defaults[resource] if found is None else int(found)

    def limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        """Every resource's limit, overrides applied."""
        rows = tx.all(queries.LIMITS, p=project_id, s=self.service)
        return {**self.defaults, **{row.resource: row.value for row in rows}}

    def usages(self, tx: Tx, project_id: str) -> dict[str, int]:
        """Every resource's use, 0 included."""
        rows = tx.all(queries.USED, p=project_id, s=self.service)
        return {**dict.fromkeys(self.defaults, 0), **{row.resource: row.used for row in rows}}

    def set_limits(self, tx: Tx, project_id: str, values: Mapping[str, int]) -> None:
        for resource, value in values.items():
            where = {"p": project_id, "s": self.service, "r": resource}
            if tx.run(queries.SET, value=value, **where) == 0:
                tx.insert(LimitRow(project_id, self.service, resource, value))

    def reset_limits(self, tx: Tx, project_id: str) -> None:
        """Back to the defaults."""
        tx.run(queries.DROP_LIMITS, p=project_id, s=self.service)

    def projects_with_limits(self, tx: Tx) -> list[str]:
        """The projects whose limits are not the defaults."""
        return [project for (project,) in tx.tuples(queries.PROJECTS, s=self.service)]
