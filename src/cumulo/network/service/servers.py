"""Ports of servers: what compute asks of network (`interface.Network`)."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.network.interface import FixedIp, NicRequest, PortInfo
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import FLOATING_IP, PortRow
from cumulo.network.model.standard import changed
from cumulo.network.service import addresses
from cumulo.network.service.addresses import FixedIpWish
from cumulo.network.service.floatingips import FloatingIps
from cumulo.network.service.networks import Networks
from cumulo.network.service.ports import Ports, PortWishes
from cumulo.network.service.security_groups import SecurityGroups
from cumulo.network.service.tools import is_admin
from cumulo.network.store import network as network_store
from cumulo.network.store import port as store
from cumulo.network.store import security_group as group_store


class Servers:
    def __init__(
        self,
        networks: Networks,
        groups: SecurityGroups,
        ports: Ports,
        floatingips: FloatingIps,
    ) -> None:
        self._networks = networks
        self._groups = groups
        self._ports = ports
        self._floatingips = floatingips

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
    ) -> list[PortInfo]:
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
        infos = {info.id: info for info in self._infos(tx, made)}
        return [infos[port_id] for port_id in made]

    def _automatic(self, tx: Tx, principal: Principal) -> list[NicRequest]:
        found = tx.all(network_store.OWN_OR_SHARED, project_id=principal.project_id or "")
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
        if network is None or not self._networks.visible(network, principal):
            raise BadRequest(f"Network {nic.network_id} could not be found.")
        if network.external and not network.shared and not is_admin(principal):
            raise Forbidden(
                f"It is not allowed to create an interface on external network {network.id}"
            )
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
                tx, wishes, principal, principal.project_id or "", made_for_server=True, tag=nic.tag
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
        if port.device_id:
            raise Conflict(f"Port {port.id} is still in use.")
        kept = {**place, "dns_name": port.dns_name or place["dns_name"]}
        port = self._ports.update(tx, port, PortWishes(**kept), principal)
        return tx.update(port, tag=nic.tag, made_for_server=False)

    def of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        rows = tx.all(store.OF_DEVICES, ids=server_ids) if server_ids else []
        rows = [row for row in rows if row.device_owner.startswith("compute:")]
        found: dict[str, list[PortInfo]] = {}
        for info in self._described(tx, rows):
            found.setdefault(info.device_id, []).append(info)
        return found

    def _infos(self, tx: Tx, port_ids: Sequence[str]) -> list[PortInfo]:
        return self._described(tx, tx.all(store.BY_IDS, ids=port_ids)) if port_ids else []

    def _described(self, tx: Tx, rows: Sequence[PortRow]) -> list[PortInfo]:
        """Five queries, however many ports there are."""
        if not rows:
            return []
        ids = [row.id for row in rows]
        fixed = addresses.addresses_of(tx, ids)
        floating = self._floatingips.of_ports(tx, ids)
        groups = self._ports.groups_of(tx, ids)
        wanted = list({group for each in groups.values() for group in each})
        named = tx.all(group_store.BY_IDS, ids=wanted) if wanted else []
        names = {row.id: row.name for row in named}
        network_ids = list({row.network_id for row in rows})
        networks = {row.id: row for row in tx.all(network_store.BY_IDS, ids=network_ids)}
        return [
            PortInfo(
                id=row.id,
                project_id=row.project_id,
                network_id=row.network_id,
                network_name=networks[row.network_id].name,
                mac_address=row.mac_address,
                fixed_ips=tuple(FixedIp(a.subnet_id, a.ip_address) for a in fixed.get(row.id, [])),
                floating_ips=tuple(f.floating_ip_address for f in floating.get(row.id, [])),
                security_groups=tuple(names[group] for group in groups.get(row.id, [])),
                status=row.status,
                mtu=networks[row.network_id].mtu,
                tap=f"tap{row.id[:11]}",
                device_id=row.device_id,
                host_id=row.host_id,
                tag=row.tag,
            )
            for row in rows
        ]

    def unplug(self, tx: Tx, port_id: str) -> None:
        port = tx.get(PortRow, port_id)
        if port is None or port.device_owner == FLOATING_IP:
            return
        if port.made_for_server:
            self._ports.remove(tx, port, None)
            return
        changes: dict[str, Any] = {"device_id": "", "device_owner": "", "tag": None}
        self._ports.bind(tx, changed(tx, port, **changes), None)

    def unplug_all(self, tx: Tx, server_id: str) -> None:
        for port in tx.all(store.OF_DEVICES, ids=[server_id]):
            if port.device_owner.startswith("compute:"):
                self.unplug(tx, port.id)
