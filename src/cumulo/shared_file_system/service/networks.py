"""Share networks, and the export servers that follow from them.

A server is made in the transaction that makes the first share of a network on a host: its port
with it, so the address of a share is known before anything runs there.
"""

from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import child_id, new_id
from cumulo.network.interface import ServicePorts
from cumulo.shared_file_system.model.network import ServerRow, ShareNetworkRow
from cumulo.shared_file_system.queries import network as queries
from cumulo.shared_file_system.service.pools import KIND
from cumulo.shared_file_system.service.quotas import ShareQuotas

OWNER = "manila:share"


class ShareNetworks:
    listing = queries.NETWORKS
    servers = queries.SERVERS

    def __init__(self, registry: HostRegistry, ports: ServicePorts, quotas: ShareQuotas) -> None:
        self._registry = registry
        self._ports = ports
        self._quotas = quotas

    def get(self, tx: Tx, id: str, who: Principal) -> ShareNetworkRow:
        row = tx.get(ShareNetworkRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Share network {id} could not be found.")
        return row

    def server(self, tx: Tx, id: str) -> ServerRow:
        row = tx.get(ServerRow, id)
        if row is None:
            raise NotFound(f"Share server {id} could not be found.")
        return row

    def of_server(self, tx: Tx, row: ServerRow) -> ShareNetworkRow | None:
        return tx.get(ShareNetworkRow, row.share_network_id)

    def _place(self, tx: Tx, who: Principal, network_id: str, subnet_id: str) -> dict[str, Any]:
        try:
            place = self._ports.place(tx, who, network_id, subnet_id)
        except NotFound as missing:
            raise BadRequest(missing.message) from None
        return {
            "network_id": place.network_id,
            "subnet_id": place.subnet_id,
            "cidr": place.cidr,
            "ip_version": place.ip_version,
            "gateway": place.gateway,
            "mtu": place.mtu,
        }

    def create(
        self,
        tx: Tx,
        who: Principal,
        project_id: str,
        *,
        network_id: str,
        subnet_id: str,
        name: str | None,
        description: str | None,
    ) -> ShareNetworkRow:
        self._quotas.take(tx, project_id, share_networks=1)
        id = new_id()
        row = ShareNetworkRow(
            id=id,
            project_id=project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            subnet_entry_id=child_id(id, "share_network_subnet"),
            created_at=tx.now,
            updated_at=None,
            **self._place(tx, who, network_id, subnet_id),
        )
        tx.insert(row)
        emit(tx, "share.network.create", row.id, principal=who, network_id=network_id)
        return row

    def update(
        self, tx: Tx, row: ShareNetworkRow, who: Principal, **changes: Any
    ) -> ShareNetworkRow:
        """Name and description at any time; where it is (`network_id`, `subnet_id`) only while
        no server is plugged in."""
        moves = {"network_id", "subnet_id"} & changes.keys()
        if moves:
            if tx.all(queries.SERVERS_OF, share_network_id=row.id):
                raise Conflict(f"Cannot update share network {row.id}. It is used by share server.")
            network_id = changes.get("network_id", row.network_id)
            subnet_id = changes.get("subnet_id", row.subnet_id)
            changes |= self._place(tx, who, network_id, subnet_id)
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.network.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, row: ShareNetworkRow, who: Principal) -> None:
        if int(tx.value(queries.SHARES_OF, share_network_id=row.id)):
            raise Conflict(f"Can not delete share network {row.id}, it has one or more shares.")
        for server in tx.all(queries.SERVERS_OF, share_network_id=row.id):
            tx.update(server, wanted="absent", fault=None, updated_at=tx.now)
            self._registry.remove(tx, server.host_id, KIND, server.id)
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, share_networks=1)
        emit(tx, "share.network.delete", row.id, project_id=row.project_id, principal=who)

    def serve(self, tx: Tx, row: ShareNetworkRow, host_id: str) -> ServerRow:
        """The export server of a share network on a host; made and plugged in at the first time."""
        id = child_id(row.id, "share_server", host_id)
        found = tx.get(ServerRow, id)
        if found is not None:
            return found
        port = self._ports.plug(
            tx,
            holder=id,
            owner=OWNER,
            host_id=host_id,
            network_id=row.network_id,
            subnet_id=row.subnet_id,
        )
        server = ServerRow(
            id=id,
            share_network_id=row.id,
            project_id=row.project_id,
            host_id=host_id,
            wanted="present",
            observed=False,
            fault=None,
            mac=port.mac,
            address=port.address,
            gateway=port.gateway,
            mtu=port.mtu,
            tap=port.tap,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(server)
        self._registry.touch(tx, host_id, KIND, id)
        emit(
            tx,
            "share.server.create",
            id,
            project_id=row.project_id,
            host=host_id,
            address=port.address,
        )
        return server

    def forget(self, tx: Tx, row: ServerRow) -> None:
        """It is gone from its host: its port goes, too."""
        tx.delete(row)
        self._ports.unplug(tx, row.id)
        emit(tx, "share.server.delete", row.id, project_id=row.project_id)
