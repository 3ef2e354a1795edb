"""Ports: create, update, delete, and what follows from each on hosts."""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import DHCP, SERVICE, PortGroupRow, PortRow, is_guest, port_status
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import port as queries
from cumulo.network.queries import qos as qos_queries
from cumulo.network.queries import trunk as trunk_queries
from cumulo.network.queries.number import next_number
from cumulo.network.service import addresses
from cumulo.network.service.association import disassociate_port
from cumulo.network.service.names import domain_for
from cumulo.network.service.networks import Networks
from cumulo.network.service.port_wishes import (
    PortWishes,
    checked,
    clean_mac,
    pairs_need_security,
)
from cumulo.network.service.qos import QosPolicies
from cumulo.network.service.refusals import not_found, port_in_use
from cumulo.network.service.security_groups import SecurityGroups
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell


class Ports:
    listing = queries.PORTS

    def __init__(
        self, tools: Tools, networks: Networks, groups: SecurityGroups, qos: QosPolicies
    ) -> None:
        self._qos = qos
        self._tools = tools
        self._networks = networks
        self._groups = groups

    def get(self, tx: Tx, port_id: str, who: Principal | None) -> PortRow:
        found = tx.get(PortRow, port_id)
        if found is None or not self._visible(tx, found, who):
            raise not_found("port", port_id)
        return found

    def _visible(self, tx: Tx, row: PortRow, who: Principal | None) -> bool:
        if is_admin(who) or (who is not None and row.project_id == who.project_id):
            return True
        network = tx.get(NetworkRow, row.network_id)
        return who is not None and network is not None and network.project_id == who.project_id

    def by_ids(self, tx: Tx, port_ids: Sequence[str]) -> dict[str, PortRow]:
        found = tx.all(queries.BY_IDS, ids=port_ids) if port_ids else []
        return {row.id: row for row in found}

    def network_policies(self, tx: Tx, rows: Sequence[PortRow]) -> dict[str, str]:
        """Of networks that have a QoS policy, which their guests' ports follow."""
        ids = sorted({row.network_id for row in rows})
        found = tx.tuples(qos_queries.OF_NETWORKS, ids=ids) if ids else []
        return {str(network): str(policy) for network, policy in found}

    def groups_of(self, tx: Tx, port_ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in tx.all(queries.GROUPS_OF, ids=port_ids):
            found.setdefault(row.port_id, []).append(row.group_id)
        return found

    def create(
        self,
        tx: Tx,
        wishes: PortWishes,
        who: Principal | None,
        project_id: str,
        **more: Any,
    ) -> PortRow:
        """`more`: columns that no client sets (`holder`, `role`, `made_for_server`)."""
        if wishes.network_id is UNSET:
            raise BadRequest(
                "Failed to parse request. Required attribute 'network_id' not specified",
                kind="HTTPBadRequest",
            )
        network = self._networks.get(tx, wishes.network_id, who)
        owner = "" if wishes.device_owner is UNSET else wishes.device_owner
        if "holder" not in more:
            self._refuse_device(tx, wishes.device_id or "", project_id, who)
        trusted = owner.startswith("network:")
        secured = network.port_security_enabled and not trusted
        if wishes.port_security_enabled is not UNSET:
            secured = wishes.port_security_enabled
        host = wishes.host_id or None
        number = next_number(tx, "port")
        values = {
            **standard(tx, wishes, project_id),
            "number": number,
            "plug_order": number,
            "network_id": network.id,
            "mac_address": self._mac(tx, network.id, wishes.mac_address),
            "port_security_enabled": secured,
            "host_id": host,
            **chosen(wishes, "admin_state_up", "device_id", "device_owner", "vnic_type"),
            "dns_domain": domain_for(network, who, project_id),
            **checked(wishes),
            **self._qos.chosen(tx, wishes.qos_policy_id, None, who, "the port"),
            **more,
        }
        pairs = values.get("allowed_address_pairs")
        if pairs and not secured:
            raise pairs_need_security()
        if project_id:
            self._tools.quotas.take(tx, project_id, port=1)
        groups = self._groups_for(tx, wishes, who, project_id, secured)
        row = PortRow(**values)
        row = msgspec.structs.replace(row, status=_status(row))
        tx.insert(row)
        for group in groups:
            tx.insert(PortGroupRow(row.id, group))
        wanted = None if wishes.fixed_ips in (UNSET, None) else wishes.fixed_ips
        addresses.assign(tx, row, wanted)
        row = self._seen_anew(tx, row, self._tools.hosts.port_changed(tx, row, groups))
        self._tools.hosts.touch_members(tx, groups)
        row = self._tools.names.of_port(tx, row, network)
        tell(tx, "port", "create", row, who, network_id=network.id)
        return row

    def _groups_for(
        self,
        tx: Tx,
        wishes: PortWishes,
        who: Principal | None,
        project_id: str,
        secured: bool,
    ) -> list[str]:
        wanted = wishes.security_groups
        if wanted is UNSET or wanted is None:
            if not secured or not project_id or wanted is None:
                return []
            return [self._groups.default_of(tx, project_id).id]
        if wanted and not secured:
            raise BadRequest(
                "Port security must be enabled and port must have an IP address in order to use "
                "security groups.",
                kind="PortSecurityAndIPRequiredForSecurityGroups",
            )
        return self._named_groups(tx, wanted, who)

    def _named_groups(self, tx: Tx, wanted: Sequence[str], who: Principal | None) -> list[str]:
        rows = [self._groups.get(tx, group, who) for group in dict.fromkeys(wanted)]
        if len({row.stateful for row in rows}) > 1:
            raise Conflict(
                "Cannot apply both stateful and stateless security groups on the same port at the "
                "same time.",
                kind="SecurityGroupConflict",
            )
        return [row.id for row in rows]

    def _mac(self, tx: Tx, network_id: str, given: str | Unset) -> str:
        """The wished MAC, or a new one; unique on the network."""
        if given is UNSET:
            return self.new_mac(tx, network_id)
        mac = clean_mac(given)
        if tx.one(queries.BY_MAC, network_id=network_id, mac=mac) is not None:
            raise Conflict(
                f"Unable to complete operation for network {network_id}. The mac address {mac} is "
                "in use.",
                kind="MacAddressInUse",
            )
        return mac

    def new_mac(self, tx: Tx, network_id: str) -> str:
        """One that no port of the network has."""
        while True:
            number = secrets.randbits(24)
            mac = f"fa:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
            if tx.one(queries.BY_MAC, network_id=network_id, mac=mac) is None:
                return mac

    def _refuse_device(
        self, tx: Tx, device_id: str, project_id: str, who: Principal | None
    ) -> None:
        """409 for naming another project's router or server as one's own port's device.

        Nothing would follow from it; but who searches ports by their device would be misled.
        """
        if not device_id or is_admin(who):
            return
        router = tx.get(RouterRow, device_id)
        owners = {port.project_id for port in tx.all(queries.OF_HOLDERS, ids=[device_id])}
        owners |= set() if router is None else {router.project_id}
        if owners and project_id not in owners:
            raise Conflict(
                f"The following device_id {device_id} is not owned by your tenant or matches "
                "another tenants router.",
                kind="DeviceIDNotOwnedByTenant",
            )

    def _refuse_relabelling(
        self, tx: Tx, row: PortRow, wishes: PortWishes, who: Principal | None
    ) -> None:
        """What a port is plugged into changes by plugging, not by another word."""
        named = chosen(wishes, "device_id", "device_owner")
        changes = {name: word for name, word in named.items() if word != getattr(row, name)}
        if not changes:
            return
        if row.holder is not None and not is_admin(who):
            raise Conflict(
                f"Unable to complete operation on port {row.id} for network {row.network_id}. "
                f"Port already has an attached device {row.device_id}.",
                kind="PortInUse",
            )
        self._refuse_device(tx, changes.get("device_id", ""), row.project_id, who)

    def update(
        self, tx: Tx, row: PortRow, wishes: PortWishes, who: Principal | None, **more: Any
    ) -> PortRow:
        """`more`: columns that no client sets."""
        if "holder" not in more:
            self._refuse_relabelling(tx, row, wishes, who)
        before, groups_before = row, self.groups_of(tx, [row.id]).get(row.id, [])
        changes = {
            **chosen(
                wishes,
                "name",
                "description",
                "admin_state_up",
                "device_id",
                "device_owner",
                "vnic_type",
                "port_security_enabled",
            ),
            **checked(wishes),
            **self._qos.chosen(tx, wishes.qos_policy_id, row.qos_policy_id, who, f"port {row.id}"),
            **more,
        }
        if wishes.host_id is not UNSET:
            changes["host_id"] = wishes.host_id or None
        if wishes.mac_address is not UNSET and clean_mac(wishes.mac_address) != row.mac_address:
            changes["mac_address"] = self._mac(tx, row.network_id, wishes.mac_address)
        secured = changes.get("port_security_enabled", row.port_security_enabled)
        if changes.get("allowed_address_pairs", row.allowed_address_pairs) and not secured:
            raise pairs_need_security()
        groups = self._new_groups(tx, row, wishes, who, secured, groups_before)
        if changes.get("host_id", row.host_id) != row.host_id:
            changes |= {"observed": None, "fault": None}
        row = changed(tx, row, **changes)
        if groups != groups_before:
            row = self._set_groups(tx, row, groups)
        if "mac_address" in changes:
            addresses.readdress(tx, row)
        moved = wishes.fixed_ips is not UNSET or "mac_address" in changes
        row = self._new_addresses(tx, row, wishes, who)
        if row is not before:
            hosts = self._tools.hosts
            row = self._seen_anew(tx, row, hosts.port_changed(tx, row, groups))
            if (before.host_id, is_guest(before)) != (row.host_id, is_guest(row)):
                hosts.port_left(tx, before, before.host_id, groups_before)
            else:
                hosts.groups_left(tx, row, [each for each in groups_before if each not in groups])
            if _members_differ(before, row) or groups != groups_before or moved:
                hosts.touch_members(tx, sorted({*groups_before, *groups}))
            row = self._names_anew(tx, before, row, moved)
            self._tools.onlookers.port(tx, before, row)
            tell(tx, "port", "update", row, who)
        return row

    def _names_anew(self, tx: Tx, before: PortRow, row: PortRow, moved: bool) -> PortRow:
        renamed = (before.dns_name, before.dns_domain) != (row.dns_name, row.dns_domain)
        if renamed:
            self._tools.names.of_floatingips(tx, row.id)
        return self._tools.names.of_port(tx, row) if renamed or moved else row

    def _new_groups(
        self,
        tx: Tx,
        row: PortRow,
        wishes: PortWishes,
        who: Principal | None,
        secured: bool,
        before: list[str],
    ) -> list[str]:
        wanted = before
        if wishes.security_groups is not UNSET:
            wanted = sorted(self._named_groups(tx, wishes.security_groups or [], who))
        if wanted and not secured:
            raise Conflict(
                "Port has security group associated. Cannot disable port security or IP address "
                "until security group is removed.",
                kind="PortSecurityPortHasSecurityGroup",
            )
        return wanted

    def _set_groups(self, tx: Tx, row: PortRow, groups: list[str]) -> PortRow:
        tx.run(queries.DROP_GROUPS, port=row.id)
        for group in groups:
            tx.insert(PortGroupRow(row.id, group))
        return tx.update(row, revision_number=row.revision_number + 1, updated_at=tx.now)

    def _new_addresses(
        self, tx: Tx, row: PortRow, wishes: PortWishes, who: Principal | None
    ) -> PortRow:
        if wishes.fixed_ips is UNSET:
            return row
        before = addresses.addresses_of(tx, [row.id]).get(row.id, [])
        gone = addresses.reassign(tx, row, wishes.fixed_ips or [])
        after = addresses.addresses_of(tx, [row.id]).get(row.id, [])
        if gone:
            lost = [allocation.ip_address for allocation in gone]
            disassociate_port(tx, self._tools, row.id, who, lost)
        if before == after:
            return row
        return tx.update(row, revision_number=row.revision_number + 1, updated_at=tx.now)

    def delete(self, tx: Tx, row: PortRow, who: Principal | None) -> None:
        """What a client asks for: 409 for ports that belong to a router or a floating IP."""
        if row.role == SERVICE or (not is_guest(row) and row.role != DHCP):
            raise Conflict(
                f"Port {row.id} cannot be deleted directly via the port API: has device owner "
                f"{row.role}.",
                kind="ServicePortInUse",
            )
        for what, trunk in tx.tuples(trunk_queries.USING, port_id=row.id):
            raise port_in_use(row.id, str(what), str(trunk))
        self.remove(tx, row, who)

    def remove(self, tx: Tx, row: PortRow, who: Principal | None) -> None:
        groups = self.groups_of(tx, [row.id]).get(row.id, [])
        disassociate_port(tx, self._tools, row.id, who)
        self._tools.hosts.touch_members(tx, groups)
        self._tools.names.forget(tx, row)
        tx.delete(row)
        self._tools.onlookers.port(tx, row)
        self._tools.hosts.port_left(tx, row, row.host_id, groups)
        if row.project_id:
            self._tools.quotas.give_back(tx, row.project_id, port=1)
        tell(tx, "port", "delete", row, who)

    def add_dhcp(self, tx: Tx, network: NetworkRow, host_id: str | None) -> PortRow:
        """The port of the network's DHCP server, without addresses yet."""
        wishes = PortWishes(
            network_id=network.id,
            device_id=f"dhcp-{network.id}",
            device_owner=DHCP,
            fixed_ips=[],
            host_id=host_id,
        )
        return self.create(tx, wishes, None, network.project_id, holder=network.id, role=DHCP)

    def bind(self, tx: Tx, row: PortRow, host_id: str | None) -> PortRow:
        """Move a port to a host."""
        before, groups = row, self.groups_of(tx, [row.id]).get(row.id, [])
        if row.host_id != host_id:
            row = tx.update(row, host_id=host_id, observed=None, fault=None)
            self._tools.hosts.port_left(tx, before, before.host_id, groups)
        return self._seen_anew(tx, row, self._tools.hosts.port_changed(tx, row, groups))

    def refresh(self, tx: Tx, row: PortRow) -> PortRow:
        """Tell the port's host, and compute the status anew."""
        groups = self.groups_of(tx, [row.id]).get(row.id, [])
        return self._seen_anew(tx, row, self._tools.hosts.port_changed(tx, row, groups))

    def _seen_anew(self, tx: Tx, row: PortRow, version: int) -> PortRow:
        seen = {"generation": version, "status": _status(row)}
        if (row.generation, row.status) == (version, seen["status"]):
            return row
        return tx.update(row, **seen)


def _status(row: PortRow) -> str:
    return port_status(
        host_id=row.host_id,
        admin_state_up=row.admin_state_up,
        role=row.role,
        observed=row.observed,
        fault=row.fault,
    )


def _members_differ(before: PortRow, now: PortRow) -> bool:
    """Whether what a group's members are follows differently from the port."""
    return before.allowed_address_pairs != now.allowed_address_pairs
