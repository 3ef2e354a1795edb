"""Network as a whole: its nouns, its part on hosts, and what compute asks of it."""

from collections.abc import Callable, Sequence
from typing import Literal

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.interface import (
    FloatingIpInfo,
    NamePublisher,
    NicRequest,
    PortInfo,
    ServerViews,
    SubnetInfo,
)
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.qos import FIELDS
from cumulo.network.queries import floatingip, network, port, router, subnet
from cumulo.network.service.address_groups import AddressGroups
from cumulo.network.service.address_scopes import AddressScopes
from cumulo.network.service.auto_topology import AutoTopologies
from cumulo.network.service.availability import Availabilities
from cumulo.network.service.card_ports import CardPorts
from cumulo.network.service.compute_groups import ComputeGroups
from cumulo.network.service.default_rules import DefaultRules
from cumulo.network.service.floatingips import FloatingIps
from cumulo.network.service.names import Names
from cumulo.network.service.networks import Networks
from cumulo.network.service.onlookers import Onlookers
from cumulo.network.service.port_forwardings import PortForwardings
from cumulo.network.service.ports import Ports
from cumulo.network.service.qos import QosPolicies, QosRules
from cumulo.network.service.rbac import RbacPolicies
from cumulo.network.service.routers import Routers
from cumulo.network.service.security_groups import SecurityGroupRules, SecurityGroups
from cumulo.network.service.servers import Servers
from cumulo.network.service.service_ports import ServicePorts
from cumulo.network.service.subnetpools import SubnetPools
from cumulo.network.service.subnets import Subnets
from cumulo.network.service.tools import Tools
from cumulo.network.service.trunks import Trunks


class NetworkService:
    """Implements `network.interface.Network`."""

    def __init__(
        self,
        registry: HostRegistry,
        quotas: Quotas,
        names: Callable[[], NamePublisher | None] = lambda: None,
        views: Callable[[], ServerViews | None] = lambda: None,
    ) -> None:
        """`names`: who tells the world the names of ports, where somebody does; `views`: who keeps
        what servers look like."""
        self.publisher = names
        tools = Tools(registry, quotas, Names(names), Onlookers(views))
        self._onlookers = tools.onlookers
        self.registry = registry
        self.hosts = tools.hosts
        self.quotas = tools.quotas
        self.security_groups = SecurityGroups(tools)
        self.address_groups = AddressGroups(tools)
        self.default_rules = DefaultRules(tools)
        self.security_group_rules = SecurityGroupRules(
            tools, self.security_groups, self.address_groups
        )
        self.shares = tools.shares
        self.rbac_policies = RbacPolicies(tools, tools.shares)
        self.qos_policies = QosPolicies(tools)
        self.qos_rules = {kind: QosRules(tools, self.qos_policies, kind) for kind in FIELDS}
        self.networks = Networks(tools, self.security_groups, self.qos_policies)
        self.ports = Ports(tools, self.networks, self.security_groups, self.qos_policies)
        self.address_scopes = AddressScopes(tools)
        self.subnetpools = SubnetPools(tools, self.address_scopes)
        self.subnets = Subnets(tools, self.networks, self.ports, self.subnetpools)
        self.routers = Routers(tools, self.networks, self.subnets, self.ports)
        self.availabilities = Availabilities(self.networks)
        self.auto_topologies = AutoTopologies(self.networks, self.subnets, self.routers)
        self.floatingips = FloatingIps(tools, self.networks, self.ports, self.qos_policies)
        self.trunks = Trunks(tools, self.ports)
        self.port_forwardings = PortForwardings(tools, self.floatingips, self.ports)
        self.compute_groups = ComputeGroups(
            self.security_groups, self.security_group_rules, self.ports
        )
        self.card_ports = CardPorts(self.ports)
        self.service_ports = ServicePorts(self.networks, self.subnets, self.ports)
        self._servers = Servers(self.networks, self.security_groups, self.ports, tools.onlookers)

    def plug_server(
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
        return self._servers.plug(
            tx,
            principal,
            server_id=server_id,
            hostname=hostname,
            host_id=host_id,
            zone=zone,
            nics=nics,
            security_groups=security_groups,
        )

    def ports_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        return self._servers.of(tx, server_ids)

    def ports_edition(self, tx: Tx) -> int:
        return self._onlookers.edition(tx)

    def addresses_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[str]]:
        return self._servers.addresses_of(tx, server_ids)

    def subnets_of(self, tx: Tx, subnet_ids: Sequence[str]) -> dict[str, SubnetInfo]:
        rows = tx.all(subnet.BY_IDS, ids=sorted(set(subnet_ids))) if subnet_ids else []
        return {
            row.id: SubnetInfo(
                id=row.id,
                cidr=row.cidr,
                gateway=row.gateway_ip,
                dhcp=row.enable_dhcp,
                address_mode=row.ipv6_address_mode,
                dns=tuple(row.dns_nameservers),
                routes=tuple((each.destination, each.nexthop) for each in row.host_routes),
            )
            for row in rows
        }

    def unplug(self, tx: Tx, port_id: str) -> None:
        self._servers.unplug(tx, port_id)

    def move_server(self, tx: Tx, server_id: str, host_id: str | None) -> None:
        self._servers.move(tx, server_id, host_id)

    def unplug_server(self, tx: Tx, server_id: str) -> None:
        self._servers.unplug_all(tx, server_id)

    def floating_ips(self, tx: Tx, project_id: str, most: int) -> list[FloatingIpInfo]:
        rows = tx.all(floatingip.OF_PROJECT, project_id=project_id, most=most)
        return [
            FloatingIpInfo(id=r.id, project_id=project_id, address=r.floating_ip_address)
            for r in rows
        ]

    def external_cidrs(self, tx: Tx) -> list[str]:
        return [cidr for (cidr,) in tx.tuples(subnet.EXTERNAL)]

    def domains_changed(self, tx: Tx, project_ids: Sequence[str]) -> None:
        for (id,) in tx.tuples(network.OF_PROJECTS, projects=list(project_ids)):
            self.hosts.touch_network(tx, id)

    def floating_ip(self, tx: Tx, id: str) -> FloatingIpInfo | None:
        row = tx.get(FloatingIpRow, id)
        if row is None:
            return None
        return FloatingIpInfo(id=row.id, project_id=row.project_id, address=row.floating_ip_address)

    def counts(self) -> dict[str, Callable[[Tx], int]]:
        """What `cumulo status` counts."""
        counted = {
            "networks": network.COUNT,
            "ports": port.COUNT,
            "routers": router.COUNT,
            "floating IPs": floatingip.COUNT,
        }
        return {
            name: lambda tx, counting=counting: int(tx.value(counting))  # type: ignore[misc]
            for name, counting in counted.items()
        }
