"""The bodies of the extensions' nouns."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body
from cumulo.network.api.answers.nouns import RouterSummary
from cumulo.network.api.answers.shapes import lines, tag_lines


class RbacPolicy(Body, kw_only=True):
    id: str
    project_id: str
    tenant_id: str
    object_type: str
    object_id: str
    action: str
    target_tenant: str


class Standard(Body, kw_only=True):
    id: str
    project_id: str
    tenant_id: str
    name: str
    description: str
    created_at: str
    updated_at: str
    revision_number: int


class SubnetPool(Standard, kw_only=True):
    tags: list[str]
    ip_version: int
    prefixes: list[str]
    default_prefixlen: str
    min_prefixlen: str
    max_prefixlen: str
    default_quota: int | None
    is_default: bool
    shared: bool
    address_scope_id: str | None


class AddressScope(Body, kw_only=True):
    id: str
    project_id: str
    tenant_id: str
    name: str
    shared: bool
    ip_version: int


class AddressGroup(Standard, kw_only=True):
    addresses: list[str]
    shared: bool


class AddressGroupAnswer(Body, kw_only=True):
    address_group: AddressGroup


class DefaultRule(Body, kw_only=True):
    id: str
    description: str
    direction: str
    ethertype: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    remote_group_id: str | None
    remote_address_group_id: str | None
    used_in_default_sg: bool
    used_in_non_default_sg: bool


class PortForwarding(Body, kw_only=True):
    id: str
    description: str
    protocol: str
    external_port: int
    internal_port: int
    internal_ip_address: str
    internal_port_id: str


class SubnetAvailability(Body, kw_only=True):
    subnet_id: str
    subnet_name: str
    cidr: str
    ip_version: int
    total_ips: int
    used_ips: int


class Availability(Body, kw_only=True):
    network_id: str
    network_name: str
    project_id: str
    tenant_id: str
    total_ips: int
    used_ips: int
    subnet_ip_availability: list[SubnetAvailability]


class AutoTopology(Body, kw_only=True):
    id: str
    project_id: str
    tenant_id: str


class AutoTopologyAnswer(Body, kw_only=True):
    auto_allocated_topology: AutoTopology


class FloatingIpPool(Body, kw_only=True):
    subnet_id: str
    subnet_name: str
    network_id: str
    cidr: str
    project_id: str
    tenant_id: str


class FloatingIpPools(Body, kw_only=True):
    floatingip_pools: list[FloatingIpPool]


class RouterAnswer(Body, kw_only=True):
    router: RouterSummary


class QosPolicy(Standard, kw_only=True):
    tags: list[str]
    shared: bool
    is_default: bool
    rules: list[dict[str, Any]]


class BandwidthLimitRule(Body, kw_only=True):
    id: str
    max_kbps: int
    max_burst_kbps: int
    direction: str


class DscpMarkingRule(Body, kw_only=True):
    id: str
    dscp_mark: int


class PacketRateLimitRule(Body, kw_only=True):
    id: str
    max_kpps: int
    max_burst_kpps: int
    direction: str


class MinimumBandwidthRule(Body, kw_only=True):
    id: str
    min_kbps: int
    direction: str


QOS_RULES = {
    "bandwidth_limit": BandwidthLimitRule,
    "dscp_marking": DscpMarkingRule,
    "packet_rate_limit": PacketRateLimitRule,
    "minimum_bandwidth": MinimumBandwidthRule,
}


class RuleType(Body, kw_only=True):
    type: str
    drivers: list[dict[str, Any]] | UnsetType = UNSET


class RuleTypes(Body, kw_only=True):
    rule_types: list[RuleType]


class RuleTypeAnswer(Body, kw_only=True):
    rule_type: RuleType


class SubPort(Body, kw_only=True):
    port_id: str
    segmentation_type: str
    segmentation_id: int


class Trunk(Standard, kw_only=True):
    tags: list[str]
    admin_state_up: bool
    port_id: str
    status: str
    sub_ports: list[SubPort]


class SubPorts(Body, kw_only=True):
    sub_ports: list[SubPort]


class Prefixes(Body, kw_only=True):
    prefixes: list[str]


class Onboarded(Body, kw_only=True):
    subnetpool_id: str
    subnet_ids: list[str]


class Tags(Body, kw_only=True):
    tags: list[str]


LINES: dict[str, Any] = {
    **lines("rbac_policy", "rbac_policies", "rbac-policies", RbacPolicy),
    **lines("subnetpool", "subnetpools", "subnetpools", SubnetPool),
    **tag_lines("subnetpools", Tags, Empty),
    "PUT /v2.0/subnetpools/{id}/add_prefixes": Prefixes,
    "PUT /v2.0/subnetpools/{id}/remove_prefixes": Prefixes,
    "PUT /v2.0/subnetpools/{id}/onboard_network_subnets": Onboarded,
    **lines("address_group", "address_groups", "address-groups", AddressGroup),
    "PUT /v2.0/address-groups/{id}/add_addresses": AddressGroupAnswer,
    "PUT /v2.0/address-groups/{id}/remove_addresses": AddressGroupAnswer,
    **lines(
        "default_security_group_rule",
        "default_security_group_rules",
        "default-security-group-rules",
        DefaultRule,
        updates=False,
    ),
    **lines(
        "port_forwarding",
        "port_forwardings",
        "floatingips/{holder}/port_forwardings",
        PortForwarding,
    ),
    **lines(
        "network_ip_availability",
        "network_ip_availabilities",
        "network-ip-availabilities",
        Availability,
        read_only=True,
    ),
    "GET /v2.0/auto-allocated-topology/{id}": AutoTopologyAnswer,
    "GET /v2.0/floatingip_pools": FloatingIpPools,
    "PUT /v2.0/routers/{id}/add_extraroutes": RouterAnswer,
    "PUT /v2.0/routers/{id}/remove_extraroutes": RouterAnswer,
    **lines("policy", "policies", "qos/policies", QosPolicy),
    **tag_lines("policies", Tags, Empty),
    **{
        key: value
        for kind, body in QOS_RULES.items()
        for key, value in lines(
            f"{kind}_rule", f"{kind}_rules", f"qos/policies/{{holder}}/{kind}_rules", body
        ).items()
    },
    "GET /v2.0/qos/rule-types": RuleTypes,
    "GET /v2.0/qos/rule-types/{type}": RuleTypeAnswer,
    **lines("trunk", "trunks", "trunks", Trunk),
    **tag_lines("trunks", Tags, Empty),
    "GET /v2.0/trunks/{id}/get_subports": SubPorts,
    "PUT /v2.0/trunks/{id}/add_subports": Trunk,
    "PUT /v2.0/trunks/{id}/remove_subports": Trunk,
    **lines("address_scope", "address_scopes", "address-scopes", AddressScope),
}
