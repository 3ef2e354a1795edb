"""Security services, and the share networks that they are attached to.

Export servers know users by number alone, so no directory is asked: what a project says of its
own is kept, shown and held together with its share networks.
"""

from collections.abc import Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.network import ShareNetworkRow
from cumulo.shared_file_system.model.security import AttachedServiceRow, SecurityServiceRow
from cumulo.shared_file_system.queries import security as queries
from cumulo.shared_file_system.service.networks import ShareNetworks

MOST_SERVICES = 1000
"""Of a project, which has no quota of them"""


class SecurityServices:
    listing = queries.SERVICES

    def __init__(self, networks: ShareNetworks) -> None:
        self._networks = networks

    def get(self, tx: Tx, id: str, who: Principal) -> SecurityServiceRow:
        row = tx.get(SecurityServiceRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Security service {id} could not be found.")
        return row

    def networks_of(self, tx: Tx, rows: Sequence[SecurityServiceRow]) -> dict[str, list[str]]:
        """By security service."""
        found: dict[str, list[str]] = {row.id: [] for row in rows}
        for id, network_id in tx.tuples(queries.NETWORKS_OF, ids=list(found)) if found else ():
            found[id].append(network_id)
        return found

    def of(self, tx: Tx, network: ShareNetworkRow) -> Sequence[SecurityServiceRow]:
        return tx.all(queries.OF_NETWORK, share_network_id=network.id)

    def create(self, tx: Tx, who: Principal, project_id: str, **values: Any) -> SecurityServiceRow:
        if int(tx.value(queries.COUNT_OF, project_id=project_id)) >= MOST_SERVICES:
            raise BadRequest(f"A project has {MOST_SERVICES} security services at most.")
        row = SecurityServiceRow(
            id=new_id(), project_id=project_id, created_at=tx.now, updated_at=None, **values
        )
        tx.insert(row)
        emit(tx, "share.security_service.create", row.id, principal=who, kind=row.type)
        return row

    def update(
        self, tx: Tx, row: SecurityServiceRow, who: Principal, **changes: Any
    ) -> SecurityServiceRow:
        """Name and description at any time, the rest while no export server is there."""
        if set(changes) - {"name", "description"} and self._in_use(tx, row):
            raise Forbidden(
                f"Cannot update security service {row.id}. It is attached to share network that is "
                "used by share server(s): only 'name' and 'description' can be changed."
            )
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.security_service.update", row.id, principal=who)
        return row

    def _in_use(self, tx: Tx, row: SecurityServiceRow) -> bool:
        return self._networks.served(tx, self.networks_of(tx, [row])[row.id])

    def delete(self, tx: Tx, row: SecurityServiceRow, who: Principal) -> None:
        found = self.networks_of(tx, [row])[row.id]
        if found:
            raise Forbidden(
                f"Cannot delete security service. It is assigned to share network(s): "
                f"{', '.join(found[:10])}"
            )
        tx.delete(row)
        emit(tx, "share.security_service.delete", row.id, principal=who)

    # --- of share networks ------------------------------------------------------------------

    def attach(
        self, tx: Tx, network: ShareNetworkRow, row: SecurityServiceRow, who: Principal
    ) -> None:
        self.check(tx, network, row)
        tx.insert(AttachedServiceRow(network.id, row.id))
        emit(tx, "share.network.update", network.id, principal=who)

    def check(self, tx: Tx, network: ShareNetworkRow, row: SecurityServiceRow) -> None:
        """It could be attached. Raises Forbidden, Conflict, NotFound."""
        if row.project_id != network.project_id:
            raise NotFound(f"Security service {row.id} could not be found.")
        if self._networks.in_use(tx, network):
            raise Forbidden(
                "Cannot add security services. Share network is used, and export servers here do "
                "not take them while they run."
            )
        if any(each.type == row.type for each in self.of(tx, network)):
            raise Conflict(
                f"Cannot add security service to share network. Security service with '{row.type}' "
                f"type already added to '{network.id}' share network"
            )

    def detach(
        self, tx: Tx, network: ShareNetworkRow, row: SecurityServiceRow, who: Principal
    ) -> None:
        found = tx.get(AttachedServiceRow, network.id, row.id)
        if found is None:
            raise NotFound(f"Security service {row.id} is not of share network {network.id}.")
        if self._networks.in_use(tx, network):
            raise Forbidden("Cannot remove security services. Share network is used.")
        tx.delete(found)
        emit(tx, "share.network.update", network.id, principal=who)

    def replace(
        self,
        tx: Tx,
        network: ShareNetworkRow,
        old: SecurityServiceRow,
        new: SecurityServiceRow,
        who: Principal,
    ) -> None:
        """2.63. Raises Conflict."""
        self.check_replacement(tx, network, old, new)
        found = tx.get(AttachedServiceRow, network.id, old.id)
        if found is not None:
            tx.delete(found)
        tx.insert(AttachedServiceRow(network.id, new.id))
        emit(tx, "share.network.update", network.id, principal=who)

    def check_replacement(
        self, tx: Tx, network: ShareNetworkRow, old: SecurityServiceRow, new: SecurityServiceRow
    ) -> None:
        if tx.get(AttachedServiceRow, network.id, old.id) is None:
            raise Conflict(f"Security service {old.id} is not of share network {network.id}.")
        if old.type != new.type or new.project_id != network.project_id:
            raise Conflict(
                "A security service can only be replaced by one of the same type and project."
            )
        if self._networks.in_use(tx, network):
            raise Conflict(
                "Security services cannot be updated: the share network is in use, and export "
                "servers here do not take them while they run."
            )
