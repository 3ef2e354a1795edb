"""Share networks, their subnets, and the export servers that follow from them.

A server is made in the transaction that makes the first share of a network on a host: its ports
with it, one in each subnet, so the addresses of a share are known before anything runs there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import child_id, new_id
from cumulo.network.interface import ServicePorts
from cumulo.shared_file_system.model.network import (
    Plug,
    ServerRow,
    ShareNetworkRow,
    SubnetRow,
    server_status,
)
from cumulo.shared_file_system.model.type import SERVED_IN, TypeRow
from cumulo.shared_file_system.queries import network as queries
from cumulo.shared_file_system.service.pools import KIND
from cumulo.shared_file_system.service.quotas import ShareQuotas

OWNER = "manila:share"
DELETING = "deleting"
MOST_SUBNETS = 8
"""Of a share network: a port of each export server in each."""
MOST_UNMANAGED = 100
"""Shares that an export server remembers"""


class ShareNetworks:
    listing = queries.NETWORKS
    servers = queries.SERVERS

    def __init__(self, registry: HostRegistry, ports: ServicePorts, quotas: ShareQuotas) -> None:
        self._registry = registry
        self._ports = ports
        self._quotas = quotas

    # --- reading ----------------------------------------------------------------------------

    def get(self, tx: Tx, id: str, who: Principal) -> ShareNetworkRow:
        row = tx.get(ShareNetworkRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Share network {id} could not be found.")
        return row

    def some(self, tx: Tx, ids: set[str]) -> Mapping[str, ShareNetworkRow]:
        return (
            {row.id: row for row in tx.all(queries.NETWORKS_BY_IDS, ids=sorted(ids))} if ids else {}
        )

    def subnets(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[SubnetRow]]:
        """By share network, the oldest first."""
        found: dict[str, list[SubnetRow]] = {id: [] for id in ids}
        for row in tx.all(queries.SUBNETS_OF, ids=list(ids)) if ids else ():
            found[row.share_network_id].append(row)
        return found

    def subnet(self, tx: Tx, row: ShareNetworkRow, id: str) -> SubnetRow:
        found = tx.get(SubnetRow, id)
        if found is None or found.share_network_id != row.id:
            raise NotFound(f"Share network subnet {id} could not be found.")
        return found

    def server(self, tx: Tx, id: str) -> ServerRow:
        row = tx.get(ServerRow, id)
        if row is None:
            raise NotFound(f"Share server {id} could not be found.")
        return row

    def of_type(self, tx: Tx, kind: TypeRow) -> ShareNetworkRow | None:
        """Where shares of a type are reached that does not want share networks of projects."""
        id = kind.extra_specs.get(SERVED_IN)
        if id is None:
            return None
        row = tx.get(ShareNetworkRow, id)
        if row is None:
            raise BadRequest(f"Share type {kind.name} is served in share network {id}: not found.")
        return row

    def in_use(self, tx: Tx, row: ShareNetworkRow) -> bool:
        return self.served(tx, [row.id])

    def served(self, tx: Tx, ids: Sequence[str]) -> bool:
        """An export server is in one of them."""
        return bool(ids) and int(tx.value(queries.SERVED, ids=list(ids))) > 0

    # --- share networks ---------------------------------------------------------------------

    def _place(
        self, tx: Tx, who: Principal, network_id: str | None, subnet_id: str | None
    ) -> dict[str, Any]:
        by_admin = {"by_admin": who.is_admin}
        if not network_id or not subnet_id:
            names = ("network_id", "subnet_id", "cidr", "ip_version", "gateway", "mtu")
            return dict.fromkeys(names) | by_admin
        try:
            place = self._ports.place(tx, who, network_id, subnet_id)
        except NotFound:
            # A claim: it is kept as it is, and believed when the project itself may be there.
            unknown = dict.fromkeys(("cidr", "ip_version", "gateway", "mtu"))
            return {"network_id": network_id, "subnet_id": subnet_id, **unknown, **by_admin}
        return {
            **by_admin,
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
        network_id: str | None,
        subnet_id: str | None,
        name: str | None,
        description: str | None,
        zone: str | None = None,
    ) -> ShareNetworkRow:
        """With its first subnet."""
        self._quotas.take(tx, project_id, who.user_id, None, share_networks=1)
        row = ShareNetworkRow(
            id=new_id(),
            project_id=project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            declared=None,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        first = child_id(row.id, "share_network_subnet")
        self._insert(tx, who, row, first, zone, network_id, subnet_id, {})
        emit(tx, "share.network.create", row.id, principal=who, network_id=network_id or "")
        return row

    def _insert(
        self,
        tx: Tx,
        who: Principal,
        row: ShareNetworkRow,
        id: str,
        zone: str | None,
        network_id: str | None,
        subnet_id: str | None,
        metadata: dict[str, str],
    ) -> SubnetRow:
        subnet = SubnetRow(
            id=id,
            share_network_id=row.id,
            availability_zone=zone,
            metadata=metadata,
            created_at=tx.now,
            updated_at=None,
            **self._place(tx, who, network_id, subnet_id),
        )
        tx.insert(subnet)
        return subnet

    def update(
        self, tx: Tx, row: ShareNetworkRow, who: Principal, **changes: Any
    ) -> ShareNetworkRow:
        """Name and description at any time; where it is (`network_id`, `subnet_id`) only while
        no server is plugged in."""
        moves = {name: changes.pop(name) for name in ("network_id", "subnet_id") if name in changes}
        if moves:
            if self.in_use(tx, row):
                raise Forbidden(
                    f"Cannot update share network {row.id}. It is used by share servers. Only "
                    "'name' and 'description' fields are available for update"
                )
            default = self._default(tx, row)
            network_id = moves.get("network_id", default.network_id)
            subnet_id = moves.get("subnet_id", default.subnet_id)
            place = self._place(tx, who, network_id, subnet_id)
            tx.update(default, updated_at=tx.now, **place)
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.network.update", row.id, principal=who)
        return row

    def _default(self, tx: Tx, row: ShareNetworkRow) -> SubnetRow:
        for subnet in self.subnets(tx, [row.id])[row.id]:
            if subnet.availability_zone is None:
                return subnet
        raise BadRequest(
            "The default subnet does not exist for the share network: its others are changed by "
            "making new ones."
        )

    def delete(self, tx: Tx, row: ShareNetworkRow, who: Principal) -> None:
        if int(tx.value(queries.SHARES_OF, share_network_id=row.id)):
            raise Conflict(f"Can not delete share network {row.id}, it has one or more shares.")
        if len(self.subnets(tx, [row.id])[row.id]) > 1:
            raise Conflict(
                f"The share network {row.id} has more than one subnet attached. Please remove the "
                "subnets untill you have one or no subnets remaining."
            )
        servers = tx.all(queries.SERVERS_OF, share_network_id=row.id)
        self._refuse_kept(servers)
        emit(tx, "share.network.delete", row.id, project_id=row.project_id, principal=who)
        for server in servers:
            self._go(tx, server)
        if servers:
            # It is there until their ports are gone: who waits for its end may use their subnet.
            tx.update(row, declared=DELETING, updated_at=tx.now)
        else:
            self._end(tx, row)

    def _refuse_kept(self, servers: Sequence[ServerRow]) -> None:
        kept = [each.id for each in servers if each.unmanaged and each.wanted == "present"]
        if kept:
            raise Conflict(
                f"Share server(s) {', '.join(kept)} have shares that were unmanaged and may be in "
                "use: an administrator manages these, or deletes the servers, first."
            )

    def _end(self, tx: Tx, row: ShareNetworkRow) -> None:
        tx.delete(row)
        self._quotas.give_back(tx, row.project_id, row.user_id, None, share_networks=1)

    # --- subnets ----------------------------------------------------------------------------

    def check_subnet(
        self,
        tx: Tx,
        row: ShareNetworkRow,
        who: Principal,
        *,
        zone: str | None,
        network_id: str | None,
        subnet_id: str | None,
        only: bool = False,
    ) -> None:
        """Raises Conflict, BadRequest for a subnet that cannot be added. `only`: of one zone there
        is one (before 2.70)."""
        known = self.subnets(tx, [row.id])[row.id]
        if len(known) >= MOST_SUBNETS:
            raise BadRequest(f"A share network has {MOST_SUBNETS} subnets at most.")
        here = [each for each in known if each.availability_zone == zone]
        if only and here:
            raise Conflict("Another share network subnet was found in the specified availability "
                           "zone. Only one share network subnet is allowed per zone.")  # fmt: skip
        if any(each.network_id != network_id for each in here):
            raise BadRequest(
                "Share network subnets of one availability zone must be of one neutron network."
            )
        self._place(tx, who, network_id, subnet_id)
        if self.in_use(tx, row):
            raise Conflict(
                f"Share network {row.id} is in use, and export servers here cannot get another "
                "subnet while they run: add it before the first share."
            )

    def add_subnet(
        self,
        tx: Tx,
        row: ShareNetworkRow,
        who: Principal,
        *,
        zone: str | None,
        network_id: str | None,
        subnet_id: str | None,
        metadata: dict[str, str],
        only: bool = False,
    ) -> SubnetRow:
        where: dict[str, Any] = {"zone": zone, "network_id": network_id, "subnet_id": subnet_id}
        self.check_subnet(tx, row, who, only=only, **where)
        subnet = self._insert(tx, who, row, new_id(), zone, network_id, subnet_id, metadata)
        emit(tx, "share.network.update", row.id, principal=who)
        return subnet

    def set_metadata(self, tx: Tx, row: SubnetRow, metadata: dict[str, str]) -> SubnetRow:
        return tx.update(row, metadata=metadata, updated_at=tx.now)

    def remove_subnet(
        self, tx: Tx, row: ShareNetworkRow, subnet: SubnetRow, who: Principal
    ) -> None:
        for server in tx.all(queries.SERVERS_OF, share_network_id=row.id):
            if any(plug.subnet_entry_id == subnet.id for plug in server.plugs):
                if int(tx.value(queries.SHARES_ON, server_id=server.id)):
                    raise Conflict(
                        f"Cannot delete the share network subnet {subnet.id}, it has one or more "
                        "shares."
                    )
                self._refuse_kept([server])
                self._go(tx, server)
        tx.delete(subnet)
        emit(tx, "share.network.update", row.id, principal=who)

    # --- export servers ---------------------------------------------------------------------

    def serve(self, tx: Tx, row: ShareNetworkRow, host_id: str, zone: str) -> ServerRow:
        """The export server of a share network on a host; made and plugged in at the first time.
        Raises BadRequest: it is nowhere."""
        id = child_id(row.id, "share_server", host_id)
        found = tx.get(ServerRow, id)
        if found is not None and found.wanted == "present":
            return found
        if found is not None:
            # On its way out: its ports are there until its host has removed it.
            self._registry.touch(tx, host_id, KIND, id)
            return tx.update(found, wanted="present", observed=False, fault=None)
        plugs = tuple(self._plug(tx, id, host_id, subnet) for subnet in self.places(tx, row, zone))
        server = ServerRow(
            id=id,
            share_network_id=row.id,
            project_id=row.project_id,
            host_id=host_id,
            wanted="present",
            observed=False,
            fault=None,
            declared=None,
            plugs=plugs,
            unmanaged=(),
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(server)
        self._registry.touch(tx, host_id, KIND, id)
        where: dict[str, Any] = {"host": host_id, "address": plugs[0].address}
        emit(tx, "share.server.create", id, project_id=row.project_id, **where)
        return server

    def places(self, tx: Tx, row: ShareNetworkRow, zone: str) -> list[SubnetRow]:
        """Its subnets in a zone, or the default ones. Raises BadRequest: there are none."""
        if row.declared is not None:
            raise BadRequest(f"The share network {row.id} is not active: {row.declared}.")
        known = [each for each in self.subnets(tx, [row.id])[row.id] if each.subnet_id]
        here = [each for each in known if each.availability_zone == zone]
        here = here or [each for each in known if each.availability_zone is None]
        here = [self._confirmed(tx, row, each) for each in here]
        if not here:
            raise BadRequest(
                f"Share network {row.id} has no subnet of a neutron network for availability zone "
                f"{zone}."
            )
        # The same one twice is one place.
        return list({each.subnet_id: each for each in reversed(here)}.values())[::-1]

    def _confirmed(self, tx: Tx, row: ShareNetworkRow, subnet: SubnetRow) -> SubnetRow:
        """The share network's own project may be there now, whoever asks: a claim that was never
        looked at may be wrong, and a right that there was may have ended. Raises BadRequest."""
        assert subnet.network_id is not None and subnet.subnet_id is not None
        owner = Principal(
            user_id=row.user_id,
            user_name="",
            user_domain_id="",
            project_id=row.project_id,
            roles=("admin",) if subnet.by_admin else ("member",),
        )
        try:
            place = self._ports.place(tx, owner, subnet.network_id, subnet.subnet_id)
        except NotFound as missing:
            raise BadRequest(f"Share network {row.id} is nowhere: {missing.message}") from None
        seen = {name: getattr(place, name) for name in ("cidr", "ip_version", "gateway", "mtu")}
        if all(getattr(subnet, name) == value for name, value in seen.items()):
            return subnet
        return tx.update(subnet, **seen)

    def _plug(self, tx: Tx, id: str, host_id: str, subnet: SubnetRow) -> Plug:
        assert subnet.network_id is not None and subnet.subnet_id is not None
        port = self._ports.plug(
            tx,
            holder=id,
            owner=OWNER,
            host_id=host_id,
            network_id=subnet.network_id,
            subnet_id=subnet.subnet_id,
        )
        return Plug(subnet.id, port.mac, port.address, port.gateway, port.mtu, port.tap)

    def _go(self, tx: Tx, server: ServerRow) -> None:
        tx.update(server, wanted="absent", fault=None, declared=None, updated_at=tx.now)
        self._registry.remove(tx, server.host_id, KIND, server.id)

    def delete_server(self, tx: Tx, row: ServerRow) -> None:
        if server_status(row) not in ("active", "error"):
            raise Forbidden(f"Share server's status must be active or error, not {row.declared}.")
        if int(tx.value(queries.SHARES_ON, server_id=row.id)):
            raise Conflict(f"Share server {row.id} is used by shares.")
        self._go(tx, row)

    def let_go(self, tx: Tx, server_id: str | None, share_id: str) -> None:
        """A share that the server serves is unmanaged: it serves it still."""
        row = None if server_id is None else tx.get(ServerRow, server_id)
        if row is not None:
            known = (*row.unmanaged, share_id)[-MOST_UNMANAGED:]
            tx.update(row, unmanaged=known, updated_at=tx.now)

    def take_back(self, tx: Tx, host_id: str, share_id: str) -> None:
        """It is managed again, on whatever server of its host."""
        for row in tx.all(queries.SERVERS_WITH_UNMANAGED, host_id=host_id):
            left = tuple(id for id in row.unmanaged if id != share_id)
            if left != row.unmanaged:
                tx.update(row, unmanaged=left, updated_at=tx.now)

    def reset_server(self, tx: Tx, row: ServerRow, status: str) -> None:
        """Forget the failure and look again; another word than `active` is kept and shown."""
        declared = None if status == "active" else status
        tx.update(row, declared=declared, fault=None, updated_at=tx.now)
        if row.wanted == "present":
            self._registry.touch(tx, row.host_id, KIND, row.id)

    def reset(self, tx: Tx, row: ShareNetworkRow, status: str) -> None:
        if row.declared == DELETING:
            raise Conflict(f"Share network {row.id} is being deleted.")
        tx.update(row, declared=None if status == "active" else status, updated_at=tx.now)

    def forget(self, tx: Tx, row: ServerRow) -> None:
        """It is gone from its host: its ports go, too."""
        tx.delete(row)
        self._ports.unplug(tx, row.id)
        emit(tx, "share.server.delete", row.id, project_id=row.project_id)
        network = tx.get(ShareNetworkRow, row.share_network_id)
        if network is not None and network.declared == DELETING and not self.in_use(tx, network):
            self._end(tx, network)
