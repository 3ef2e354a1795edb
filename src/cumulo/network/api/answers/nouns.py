"""The bodies of the first nouns, and what is inside them."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body


class Network(Body, kw_only=True):
    admin_state_up: bool | UnsetType = UNSET
    availability_zone_hints: list[str] | UnsetType = UNSET
    availability_zones: list[str] | UnsetType = UNSET
    created_at: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    dns_domain: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    ipv4_address_scope: str | UnsetType | None = UNSET
    ipv6_address_scope: str | UnsetType | None = UNSET
    is_default: bool | UnsetType | None = UNSET
    mtu: int | UnsetType = UNSET
    name: str | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    qos_policy_id: str | UnsetType | None = UNSET
    provider_network_type: str | UnsetType = field(name="provider:network_type", default=UNSET)
    provider_physical_network: str | UnsetType | None = field(
        name="provider:physical_network", default=UNSET
    )
    provider_segmentation_id: int | UnsetType | None = field(
        name="provider:segmentation_id", default=UNSET
    )
    revision_number: int | UnsetType = UNSET
    router_external: bool | UnsetType = field(name="router:external", default=UNSET)
    shared: bool | UnsetType = UNSET
    status: str | UnsetType = UNSET
    subnets: list[str] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    tenant_id: str | UnsetType = UNSET
    updated_at: str | UnsetType | None = UNSET


class NetworksLink(Body, kw_only=True):
    href: str
    rel: str


class SecurityGroupRule(Body, kw_only=True):
    created_at: str | None
    description: str | None
    direction: str
    ethertype: str
    id: str
    normalized_cidr: str | None
    port_range_max: int | None
    port_range_min: int | None
    project_id: str
    protocol: str | None
    remote_address_group_id: str | None
    remote_group_id: str | None
    remote_ip_prefix: str | None
    revision_number: int
    security_group_id: str | None
    tenant_id: str
    updated_at: str | None


class DnsAssignment(Body, kw_only=True):
    fqdn: str
    hostname: str
    ip_address: str


class Port(Body, kw_only=True):
    admin_state_up: bool | UnsetType = UNSET
    allowed_address_pairs: list[AllowedAddressPair] | UnsetType = UNSET
    binding_host_id: str | UnsetType | None = field(name="binding:host_id", default=UNSET)
    binding_profile: dict[str, Any] | UnsetType = field(name="binding:profile", default=UNSET)
    binding_vif_details: dict[str, Any] | UnsetType = field(
        name="binding:vif_details", default=UNSET
    )
    binding_vif_type: str | UnsetType = field(name="binding:vif_type", default=UNSET)
    binding_vnic_type: str | UnsetType = field(name="binding:vnic_type", default=UNSET)
    created_at: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    device_id: str | UnsetType | None = UNSET
    device_owner: str | UnsetType = UNSET
    dns_assignment: list[DnsAssignment] | UnsetType = UNSET
    dns_domain: str | UnsetType = UNSET
    dns_name: str | UnsetType = UNSET
    extra_dhcp_opts: list[Any] | UnsetType = UNSET
    fixed_ips: list[FixedIp] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    mac_address: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    network_id: str | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    qos_network_policy_id: str | UnsetType | None = UNSET
    qos_policy_id: str | UnsetType | None = UNSET
    revision_number: int | UnsetType = UNSET
    security_groups: list[str] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    tenant_id: str | UnsetType = UNSET
    trunk_details: dict[str, Any] | UnsetType = UNSET
    updated_at: str | UnsetType | None = UNSET


class FixedIp(Body, kw_only=True):
    ip_address: str
    subnet_id: str | None


class Subnet(Body, kw_only=True):
    allocation_pools: list[AllocationPool]
    cidr: str
    created_at: str | None
    description: str | None
    dns_nameservers: list[str]
    dns_publish_fixed_ip: bool
    enable_dhcp: bool
    gateway_ip: str | None
    host_routes: list[Any]
    id: str
    ip_version: int
    ipv6_address_mode: str | None
    ipv6_ra_mode: str | None
    name: str
    network_id: str
    project_id: str
    revision_number: int
    service_types: list[str]
    subnetpool_id: str | None
    tags: list[str]
    tenant_id: str
    updated_at: str | None


class AllocationPool(Body, kw_only=True):
    end: str
    start: str


class SecurityGroup(Body, kw_only=True):
    created_at: str | None
    description: str | None
    id: str
    name: str
    project_id: str
    revision_number: int
    security_group_rules: list[SecurityGroupRule]
    shared: bool
    stateful: bool
    tags: list[str]
    tenant_id: str
    updated_at: str | None


class AllowedAddressPair(Body, kw_only=True):
    ip_address: str
    mac_address: str


class Quota(Body, kw_only=True):
    floatingip: int | Floatingip
    network: int | NetworkSummary
    port: int | PortSummary
    rbac_policy: int | Floatingip
    router: int | Router
    security_group: int | SecurityGroupSummary
    security_group_rule: int | SecurityGroupRuleSummary
    subnet: int | SubnetSummary
    subnetpool: int | SubnetSummary
    trunk: int | SubnetSummary


class Floatingip(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class NetworkSummary(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class PortSummary(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class Router(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class SecurityGroupSummary(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class SecurityGroupRuleSummary(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class SubnetSummary(Body, kw_only=True):
    limit: int
    reserved: int
    used: int


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    status: str


class Link(Body, kw_only=True):
    href: str
    rel: str


class Extension(Body, kw_only=True):
    alias: str
    description: str | None
    links: list[Any]
    name: str
    updated: str


class RouterSummary(Body, kw_only=True):
    admin_state_up: bool
    availability_zone_hints: list[str]
    availability_zones: list[str]
    created_at: str | None
    description: str | None
    distributed: bool | UnsetType = UNSET
    external_gateway_info: ExternalGatewayInfo | None
    ha: bool | UnsetType = UNSET
    id: str
    name: str
    project_id: str
    revision_number: int
    routes: list[Route]
    status: str
    tags: list[str]
    tenant_id: str
    updated_at: str | None


class ExternalGatewayInfo(Body, kw_only=True):
    enable_snat: bool
    external_fixed_ips: list[ExternalFixedIp]
    network_id: str


class ExternalFixedIp(Body, kw_only=True):
    ip_address: str
    subnet_id: str | None


class Route(Body, kw_only=True):
    destination: str
    nexthop: str


class FloatingipSummary(Body, kw_only=True):
    created_at: str | None
    description: str | None
    dns_domain: str
    dns_name: str
    fixed_ip_address: str | None
    floating_ip_address: str
    floating_network_id: str | None
    id: str
    port_details: PortDetail | None
    port_forwardings: list[dict[str, Any]]
    qos_policy_id: str | None
    port_id: str | None
    project_id: str
    revision_number: int
    router_id: str | None
    status: str
    tags: list[str]
    tenant_id: str
    updated_at: str | None


class PortDetail(Body, kw_only=True):
    admin_state_up: bool
    device_id: str | None
    device_owner: str
    mac_address: str
    name: str
    network_id: str
    status: str
