"""Networks: create, update, delete."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model import port as ports_model
from cumulo.network.model.network import EXTERNAL_MTU, TENANT_MTU, NetworkRow
from cumulo.network.model.rbac import EVERYBODY, EXTERNAL, SHARED
from cumulo.network.model.standard import changed
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import network as queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.queries import subnetpool as pool_queries
from cumulo.network.queries.number import next_number
from cumulo.network.service.names import checked_domain
from cumulo.network.service.qos import QosPolicies
from cumulo.network.service.refusals import invalid, not_found
from cumulo.network.service.security_groups import SecurityGroups
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
Mtu = Annotated[int, msgspec.Meta(ge=68, le=65535)]
TYPES = ("vxlan", "flat", "vlan", "local")

_ENCODED = {
    "external": "router:external",
    "network_type": "provider:network_type",
    "physical_network": "provider:physical_network",
    "segmentation_id": "provider:segmentation_id",
}


class NetworkWishes(msgspec.Struct, kw_only=True, rename=_ENCODED):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    admin_state_up: bool | Unset = UNSET
    shared: bool | Unset = UNSET
    external: bool | Unset = UNSET
    is_default: bool | Unset = UNSET
    port_security_enabled: bool | Unset = UNSET
    mtu: Mtu | Unset = UNSET
    network_type: str | Unset | None = UNSET
    physical_network: str | Unset | None = UNSET
    segmentation_id: int | Unset | None = UNSET
    availability_zone_hints: Annotated[list[str], msgspec.Meta(max_length=20)] | Unset = UNSET
    dns_domain: Name | Unset = UNSET
    qos_policy_id: str | Unset | None = UNSET


class InNetwork(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def network_id(self) -> str: ...


CREATE_ONLY = frozenset({"availability_zone_hints"})


class Networks:
    listing = queries.NETWORKS

    def __init__(self, tools: Tools, groups: SecurityGroups, qos: QosPolicies) -> None:
        self._qos = qos
        self._tools = tools
        self._groups = groups

    def get(self, tx: Tx, network_id: str, who: Principal | None) -> NetworkRow:
        """Raises NetworkNotFound for what the caller may not see, too."""
        found = tx.get(NetworkRow, network_id)
        if found is None or not self.visible(tx, found, who):
            raise not_found("network", network_id)
        return found

    def visible(self, tx: Tx, row: NetworkRow, who: Principal | None) -> bool:
        if is_admin(who) or row.shared:
            return True
        if who is not None and row.project_id == who.project_id:
            return True
        shares = self._tools.shares
        outside = row.external and shares.reaches(tx, row.id, who, EXTERNAL)
        return outside or shares.reaches(tx, row.id, who)

    def shared_to(self, tx: Tx, row: NetworkRow, who: Principal) -> bool:
        return row.shared or self._tools.shares.reaches(tx, row.id, who)

    def shared_within(self, tx: Tx, rows: Sequence[InNetwork], project_id: str | None) -> set[str]:
        """Those of the subnets (or ports) whose network is shared to the project."""
        networks = [row.network_id for row in rows]
        shared = self._tools.shares.among(tx, networks, project_id)
        return {row.id for row in rows if row.network_id in shared}

    def by_ids(self, tx: Tx, network_ids: list[str]) -> dict[str, NetworkRow]:
        rows = tx.all(queries.BY_IDS, ids=network_ids) if network_ids else []
        return {row.id: row for row in rows}

    def subnet_ids(self, tx: Tx, network_ids: list[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in tx.all(subnet_queries.OF_NETWORKS, ids=network_ids):
            found.setdefault(row.network_id, []).append(row.id)
        return found

    def scopes_of(self, tx: Tx, network_ids: Sequence[str]) -> dict[tuple[str, int], str]:
        """(network, IP version) → the address scope of the pools that its subnets are from"""
        found = tx.tuples(pool_queries.SCOPES_OF_NETWORKS, ids=list(network_ids))
        return {(str(id), int(version)): str(scope) for id, version, scope in found}

    def create(
        self, tx: Tx, wishes: NetworkWishes, who: Principal | None, project_id: str
    ) -> NetworkRow:
        self._groups.default_of(tx, project_id)
        self._tools.quotas.take(tx, project_id, network=1)
        number = next_number(tx, "network")
        external = wishes.external is True
        row = NetworkRow(
            **standard(tx, wishes, project_id),
            number=number,
            external=external,
            mtu=(EXTERNAL_MTU if external else TENANT_MTU) if wishes.mtu is UNSET else wishes.mtu,
            **chosen(
                wishes,
                "admin_state_up",
                "shared",
                "is_default",
                "port_security_enabled",
                "availability_zone_hints",
            ),
            **_provider(wishes, external, number),
            dns_domain=checked_domain(wishes.dns_domain or "", keywords=True),
            **self._policy(tx, wishes, who, project_id),
        )
        tx.insert(row)
        self._share(tx, row)
        tell(tx, "network", "create", row, who, name=row.name)
        return row

    def _policy(
        self, tx: Tx, wishes: NetworkWishes, who: Principal | None, project_id: str
    ) -> dict[str, Any]:
        if wishes.qos_policy_id is UNSET:
            return {"qos_policy_id": self._qos.default_of(tx, project_id)}
        return self._qos.chosen(tx, wishes.qos_policy_id, None, who, "the network")

    def update(
        self, tx: Tx, row: NetworkRow, wishes: NetworkWishes, who: Principal | None
    ) -> NetworkRow:
        if any(
            getattr(wishes, name) not in (UNSET, getattr(row, name))
            for name in ("network_type", "physical_network", "segmentation_id")
        ):
            raise invalid("Plugin does not support updating provider attributes")
        ports = tx.all(port_queries.OF_NETWORK, network_id=row.id)
        if wishes.external is False and row.external and _gateways(ports):
            raise Conflict(
                f"External network {row.id} cannot be updated to be made non-external, since it "
                "has existing gateway ports.",
                kind="ExternalNetworkInUse",
            )
        if wishes.shared is False and row.shared and self._strangers(tx, row):
            raise Conflict(
                f"Unable to reconfigure sharing settings for network {row.id}. Multiple tenants "
                "are using it.",
                kind="InvalidSharedSetting",
            )
        named = {}
        if wishes.dns_domain is not UNSET:
            named["dns_domain"] = checked_domain(wishes.dns_domain, keywords=True)
        policy = self._qos.chosen(
            tx, wishes.qos_policy_id, row.qos_policy_id, who, f"network {row.id}"
        )
        after = changed(
            tx,
            row,
            **chosen(
                wishes,
                "name",
                "description",
                "admin_state_up",
                "shared",
                "external",
                "is_default",
                "port_security_enabled",
                "mtu",
            ),
            **named,
            **policy,
        )
        if after is not row:
            if policy:
                self._qos.touch_guests(tx, row.id)
            self._share(tx, after, row)
            self._tools.hosts.touch_network(tx, row.id)
            if after.name != row.name:
                self._tools.onlookers.network(tx, row.id)
            tell(tx, "network", "update", after, who)
        return after

    def _share(self, tx: Tx, row: NetworkRow, before: NetworkRow | None = None) -> None:
        """The attributes `shared` and `router:external` are policies for everybody."""
        for action, now, then in (
            (SHARED, row.shared, before is not None and before.shared),
            (EXTERNAL, row.external, before is not None and before.external),
        ):
            if now is then:
                continue
            self._tools.shares.to_all(tx, "network", row.id, row.project_id, now, action)
            if action == EXTERNAL and not now:
                # Nobody's way out any more: policies for single projects go, too.
                for policy in self._tools.shares.of(tx, row.id):
                    if policy.action == EXTERNAL:
                        self._tools.shares.drop(tx, policy)

    def _strangers(self, tx: Tx, row: NetworkRow) -> bool:
        """Whether somebody is on the network only because it is everybody's."""
        found = self._tools.shares.of(tx, row.id)
        to_all = next((p for p in found if (p.action, p.target) == (SHARED, EVERYBODY)), None)
        return to_all is not None and bool(self._tools.shares.strangers(tx, to_all, row.project_id))

    def delete(self, tx: Tx, row: NetworkRow, who: Principal | None) -> None:
        """With its subnets, the ports that the service made, and floating IPs that lead nowhere;
        409 when other ports are left."""
        ports = tx.all(port_queries.OF_NETWORK, network_id=row.id)
        unused = tx.all(floatingip_queries.UNUSED_ON, network_id=row.id)
        holders = {floating.floating_port_id for floating in unused}
        if any(port.role not in ports_model.AUTOMATIC and port.id not in holders for port in ports):
            raise Conflict(
                f"Unable to complete operation on network {row.id}. There are one or more ports "
                "still in use on the network.",
                kind="NetworkInUse",
            )
        for floating in unused:
            self._tools.names.forget(tx, floating)
            tx.delete(floating)
            self._tools.quotas.give_back(tx, floating.project_id, floatingip=1)
            tell(tx, "floatingip", "delete", floating, who)
        for port in ports:
            tx.run(subnet_queries.DROP_OF_PORT, port=port.id)
            tx.delete(port)
            if port.project_id:
                self._tools.quotas.give_back(tx, port.project_id, port=1)
            self._tools.hosts.port_left(tx, port, port.host_id, ())
            tell(tx, "port", "delete", port, who)
        for subnet in tx.all(subnet_queries.OF_NETWORKS, ids=[row.id]):
            tx.delete(subnet)
            self._tools.quotas.give_back(tx, subnet.project_id, subnet=1)
            tell(tx, "subnet", "delete", subnet, who)
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        self._tools.quotas.give_back(tx, row.project_id, network=1)
        tell(tx, "network", "delete", row, who)


def _gateways(ports: list[ports_model.PortRow]) -> bool:
    outer = (ports_model.ROUTER_GATEWAY, ports_model.FLOATING_IP)
    return any(port.role in outer for port in ports)


def _provider(wishes: NetworkWishes, external: bool, number: int) -> dict[str, Any]:
    """Tenant networks are VXLAN, external ones flat, unless an administrator says otherwise."""
    kind = wishes.network_type or ("flat" if external else "vxlan")
    if kind not in TYPES:
        raise invalid(f"network_type value '{kind}' not supported")
    physical = wishes.physical_network or None
    segment = wishes.segmentation_id or None
    if kind in ("flat", "vlan") and physical is None:
        if wishes.network_type:
            raise invalid(f"physical_network required for {kind} provider network")
        physical = "external"
    if kind in ("vxlan", "local") and physical is not None:
        raise invalid(f"provider:physical_network specified for {kind} network")
    if kind in ("flat", "local") and segment is not None:
        raise invalid(f"provider:segmentation_id specified for {kind} network")
    if kind == "vlan" and not 1 <= (segment or 0) <= 4094:
        raise invalid("segmentation_id out of range (1 through 4094)")
    if kind == "vxlan":
        segment = segment or number
        if not 1 <= segment < 2**24:
            raise invalid("segmentation_id out of range (1 through 16777215)")
    return {"network_type": kind, "physical_network": physical, "segmentation_id": segment}
