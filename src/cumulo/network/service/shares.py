"""What projects share: asked by every noun that can be shared, kept by the policies' own verbs
(`rbac.py`) and by the attribute `shared`."""

from collections.abc import Sequence

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.model.rbac import EVERYBODY, SHARED, RbacPolicyRow
from cumulo.network.queries import rbac as queries


class Shares:
    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def among(
        self, tx: Tx, ids: Sequence[str], project_id: str | None, action: str = SHARED
    ) -> set[str]:
        """Those of the things that a project may use because somebody shares them."""
        if not ids:
            return set()
        project = project_id or EVERYBODY
        found = tx.tuples(queries.AMONG, ids=sorted(set(ids)), action=action, project=project)
        return {str(id) for (id,) in found}

    def reaches(self, tx: Tx, id: str, who: Principal | None, action: str = SHARED) -> bool:
        return who is not None and bool(self.among(tx, [id], who.project_id, action))

    def of(self, tx: Tx, id: str) -> list[RbacPolicyRow]:
        return tx.all(queries.OF_OBJECT, id=id)

    def to_all(
        self, tx: Tx, kind: str, id: str, owner: str, wanted: bool, action: str = SHARED
    ) -> None:
        """What an attribute says: shared with everybody, or not."""
        row = next((p for p in self.of(tx, id) if (p.action, p.target) == (action, "*")), None)
        if wanted and row is None:
            tx.insert(RbacPolicyRow(new_id(), owner, kind, id, action, EVERYBODY, counted=False))
        elif not wanted and row is not None:
            self.drop(tx, row)

    def drop(self, tx: Tx, row: RbacPolicyRow) -> None:
        tx.delete(row)
        if row.counted:
            self._quotas.give_back(tx, row.project_id, rbac_policy=1)

    def forget(self, tx: Tx, id: str) -> None:
        """The thing is gone."""
        for row in self.of(tx, id):
            self.drop(tx, row)

    def strangers(
        self, tx: Tx, row: RbacPolicyRow, owner: str, *, now: str | None = None
    ) -> set[str]:
        """The projects that use a thing and could not without this policy (or with `now` as its
        target)."""
        users = queries.USERS.get((row.object_type, row.action))
        if users is None:
            return set()
        rest = {
            each.target
            for each in self.of(tx, row.object_id)
            if each.action == row.action and each.id != row.id
        }
        rest.add("")
        if row.object_type == "network":
            # Of other things the owner's own use counts, too, and a new target makes up for
            # nothing: as the real service has it.
            rest |= {owner} | ({now} if now else set())
        if EVERYBODY in rest:
            return set()
        using = {str(project) for (project,) in tx.tuples(users, id=row.object_id)}
        if row.target != EVERYBODY:
            using &= {row.target}
        return using - rest
