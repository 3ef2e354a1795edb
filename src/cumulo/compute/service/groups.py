"""Server groups: servers that should be together or apart."""

from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.queries import hypervisor as queries
from cumulo.compute.service.who import Who
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Forbidden, NotFound, QuotaExceeded
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas


class Groups:
    listing = queries.GROUPS

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def get(self, tx: Tx, group_id: str, principal: Principal) -> ServerGroupRow:
        row = tx.get(ServerGroupRow, group_id)
        if row is None or (row.project_id != principal.project_id and not principal.is_admin):
            raise NotFound(f"Instance group {group_id} could not be found.")
        return row

    def create(
        self, tx: Tx, name: str, policy: str, rules: dict[str, int], who: Who
    ) -> ServerGroupRow:
        project_id = who.principal.need_project()
        try:
            self._quotas.take(tx, project_id, server_groups=1)
        except QuotaExceeded:
            raise Forbidden("Quota exceeded, too many server groups.") from None
        row = ServerGroupRow(
            id=new_id(),
            project_id=project_id,
            user_id=who.principal.user_id,
            name=name,
            policy=policy,
            rules=rules,
            members=[],
            created_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "compute.server_group.create", row.id, principal=who.principal, policy=policy)
        return row

    def delete(self, tx: Tx, row: ServerGroupRow, who: Who) -> None:
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, server_groups=1)
        emit(tx, "compute.server_group.delete", row.id, principal=who.principal)
