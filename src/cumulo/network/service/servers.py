"""Ports of servers: what compute asks of network (`interface.Network`)."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.network.interface import FixedIp, NicRequest, PortInfo
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import COMPUTE, PortRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import network as network_queries
from cumulo.network.queries import port as queries
from cumulo.network.queries import server as server_queries
from cumulo.network.queries.number import next_number
from cumulo.network.service.addresses import FixedIpWish
from cumulo.network.service.networks import Networks
from cumulo.network.service.onlookers import Onlookers
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.security_groups import SecurityGroups
from cumulo.network.service.tools import is_admin


class Servers:
    def __init__(
        self,
        networks: Networks,
        groups: SecurityGroups,
        ports: Ports,
        onlookers: Onlookers,
    ) -> None:
        self._networks = networks
        self._groups = groups
        self._ports = ports
        self._onlookers = onlookers

    def plug(
        self,
        tx: Tx,
        principal: Principal,
        *,
        server_id: str,
        hostname: str,
        host_id: str,
        zone: str,
        nics: Sequence[NicRequest] | Literal["auto", "none"],
        security_groups: Sequence[str] = (),
    ) -> list[str]:
        project_id = principal.project_id or ""
        if nics == "none":
            return []
        if nics == "auto":
            nics = self._automatic(tx, principal)
        groups: list[str] | None = None
        if security_groups:
            try:
                found = self._groups.named(tx, project_id, security_groups)
            except NotFound as fault:
                raise BadRequest(fault.message) from None
            groups = [row.id for row in found]
        place: dict[str, Any] = {
            "device_id": server_id,
            "device_owner": f"compute:{zone}",
            "host_id": host_id,
            "dns_name": hostname,
        }
        made: list[str] = []
        for nic in nics:
            if nic.port_id is not None:
                made.append(self._take(tx, principal, nic, place).id)
            else:
                made.append(self._make(tx, principal, nic, place, groups).id)
        self._onlookers.servers(tx, server_id)
        return made

    def _automatic(self, tx: Tx, principal: Principal) -> list[NicRequest]:
        found = tx.all(network_queries.OWN_OR_SHARED, project_id=principal.project_id or "")
        ids = [row.id for row in found]
        with_subnets = self._networks.subnet_ids(tx, ids) if ids else {}
        usable = [row for row in found if row.id in with_subnets]
        own = [row for row in usable if row.project_id == principal.project_id] or usable
        if len(own) > 1:
            raise Conflict(
                "Multiple possible networks found, use a Network ID to be more specific.",
                kind="NetworkAmbiguous",
            )
        return [NicRequest(network_id=row.id) for row in own]

    def _refuse_outside(self, tx: Tx, network: NetworkRow, principal: Principal) -> None:
        """Users' servers reach an external network by routers and floating IPs."""
        if not network.external or is_admin(principal):
            return
        if not self._networks.shared_to(tx, network, principal):
            raise Forbidden(
                f"It is not allowed to create an interface on external network {network.id}"
            )

    def _make(
        self,
        tx: Tx,
        principal: Principal,
        nic: NicRequest,
        place: dict[str, Any],
        groups: list[str] | None,
    ) -> PortRow:
        assert nic.network_id is not None
        network = tx.get(NetworkRow, nic.network_id)
        if network is None or not self._networks.visible(tx, network, principal):
            raise BadRequest(f"Network {nic.network_id} could not be found.")
        self._refuse_outside(tx, network, principal)
        if network.id not in self._networks.subnet_ids(tx, [network.id]):
            raise BadRequest(
                f"Network {network.id} requires a subnet in order to boot instances on."
            )
        secured = network.port_security_enabled
        wishes = PortWishes(
            network_id=network.id,
            fixed_ips=UNSET if nic.fixed_ip is None else [FixedIpWish(None, nic.fixed_ip)],
            security_groups=UNSET if groups is None or not secured else groups,
            **place,
        )
        try:
            return self._ports.create(
                tx,
                wishes,
                principal,
                principal.project_id or "",
                made_for_server=True,
                tag=nic.tag,
                holder=wishes.device_id,
                role=COMPUTE,
            )
        except Conflict as fault:
            if fault.kind == "IpAddressAlreadyAllocated":
                raise BadRequest(
                    f"Fixed IP address {nic.fixed_ip} is already in use on instance."
                ) from None
            if fault.kind == "IpAddressGenerationFailure":
                raise BadRequest(
                    f"No fixed IP addresses available for network: {network.id}"
                ) from None
            raise

    def _take(
        self, tx: Tx, principal: Principal, nic: NicRequest, place: dict[str, Any]
    ) -> PortRow:
        assert nic.port_id is not None
        try:
            port = self._ports.get(tx, nic.port_id, principal)
        except NotFound:
            raise BadRequest(f"Port id {nic.port_id} could not be found.") from None
        if port.project_id != principal.project_id and not is_admin(principal):
            raise BadRequest(f"Port {nic.port_id} not usable for instance {place['device_id']}.")
        if port.device_id or port.holder:
            raise Conflict(f"Port {port.id} is still in use.")
        network = tx.get(NetworkRow, port.network_id)
        assert network is not None
        self._refuse_outside(tx, network, principal)
        kept = {**place, "dns_name": port.dns_name or place["dns_name"]}
        return self._ports.update(
            tx,
            port,
            PortWishes(**kept),
            principal,
            tag=nic.tag,
            made_for_server=False,
            plug_order=next_number(tx, "port"),
            holder=place["device_id"],
            role=COMPUTE,
        )

    def of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        rows = tx.tuples(server_queries.PORTS_OF, ids=server_ids) if server_ids else []
        found: dict[str, list[PortInfo]] = {}
        for info in _described(tx, rows):
            found.setdefault(info.device_id, []).append(info)
        return found

    def addresses_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for wanted in (server_queries.FIXED_OF, server_queries.FLOATING_OF) if server_ids else ():
            for server_id, address in tx.tuples(wanted, ids=server_ids):
                found.setdefault(server_id, []).append(address)
        return found

    def unplug(self, tx: Tx, port_id: str) -> None:
        port = tx.get(PortRow, port_id)
        if port is None or port.role != COMPUTE:
            return
        if port.made_for_server:
            self._ports.remove(tx, port, None)
            return
        changes: dict[str, Any] = {"device_id": "", "device_owner": "", "tag": None}
        changes |= {"holder": None, "role": ""}
        self._onlookers.port(tx, port)
        self._ports.bind(tx, changed(tx, port, **changes), None)

    def move(self, tx: Tx, server_id: str, host_id: str | None) -> None:
        for port in tx.all(queries.OF_HOLDERS, ids=[server_id]):
            if port.role == COMPUTE and port.host_id != host_id:
                self._ports.bind(tx, port, host_id)

    def unplug_all(self, tx: Tx, server_id: str) -> None:
        for port in tx.all(queries.OF_HOLDERS, ids=[server_id]):
            if port.role == COMPUTE:
                self.unplug(tx, port.id)


def _described(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> list[PortInfo]:
    """Those of the ports that are servers': three queries, however many there are."""
    rows = [row for row in rows if row[8] == COMPUTE]
    if not rows:
        return []
    ids = [row[0] for row in rows]
    fixed: dict[str, list[FixedIp]] = {}
    for port_id, subnet_id, address in tx.tuples(server_queries.ADDRESSES, ids=ids):
        fixed.setdefault(port_id, []).append(FixedIp(subnet_id, address))
    floating = _gathered(tx.tuples(server_queries.FLOATING, ids=ids))
    groups = _gathered(tx.tuples(server_queries.GROUP_NAMES, ids=ids))
    return [
        PortInfo(
            id=id,
            project_id=project_id,
            network_id=network_id,
            network_name=network_name,
            mac_address=mac,
            fixed_ips=tuple(fixed.get(id, ())),
            floating_ips=tuple(floating.get(id, ())),
            security_groups=tuple(groups.get(id, ())),
            status=status,
            mtu=mtu,
            tap=f"tap{id[:11]}",
            device_id=device_id,
            host_id=host_id,
            tag=tag,
        )
        for (
            id,
            project_id,
            network_id,
            network_name,
            mac,
            status,
            mtu,
            device_id,
            _,
            host_id,
            tag,
        ) in rows
    ]


def _gathered(pairs: Sequence[tuple[Any, ...]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
