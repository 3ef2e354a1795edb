"""What network answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body
from cumulo.network.api.answers.extensions import LINES
from cumulo.network.api.answers.nouns import (
    Extension,
    FloatingipSummary,
    Network,
    NetworksLink,
    Port,
    Quota,
    RouterSummary,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Version,
)


class NetworksAnswer(Body, kw_only=True):
    networks: list[Network]
    networks_links: list[NetworksLink] | UnsetType = UNSET


class NewSecurityGroupRulesAnswer(Body, kw_only=True):
    security_group_rule: SecurityGroupRule | UnsetType = UNSET
    security_group_rules: list[SecurityGroupRule] | UnsetType = UNSET


class SecurityGroupRuleAnswer(Body, kw_only=True):
    security_group_rule: SecurityGroupRule


class PortsAnswer(Body, kw_only=True):
    port: Port | UnsetType = UNSET
    ports: list[Port] | UnsetType = UNSET


class NewNetworksAnswer(Body, kw_only=True):
    network: Network | UnsetType = UNSET
    networks: list[Network] | UnsetType = UNSET


class NewSubnetsAnswer(Body, kw_only=True):
    subnet: Subnet | UnsetType = UNSET
    subnets: list[Subnet] | UnsetType = UNSET


class SubnetAnswer(Body, kw_only=True):
    subnet: Subnet


class ShownPortsAnswer(Body, kw_only=True):
    ports: list[Port]


class NewSecurityGroupsAnswer(Body, kw_only=True):
    security_group: SecurityGroup | UnsetType = UNSET
    security_groups: list[SecurityGroup] | UnsetType = UNSET


class SecurityGroupAnswer(Body, kw_only=True):
    security_group: SecurityGroup


class PortAnswer(Body, kw_only=True):
    port: Port


class SecurityGroupsAnswer(Body, kw_only=True):
    security_groups: list[SecurityGroup]


class SecurityGroupRulesAnswer(Body, kw_only=True):
    security_group_rules: list[SecurityGroupRule]


class QuotaAnswer(Body, kw_only=True):
    quota: Quota


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


class NetworkAnswer(Body, kw_only=True):
    network: Network


class TagsAnswer(Body, kw_only=True):
    tags: list[str]


class ExtensionAnswer(Body, kw_only=True):
    extension: Extension


class NewRoutersAnswer(Body, kw_only=True):
    router: RouterSummary | UnsetType = UNSET
    routers: list[RouterSummary] | UnsetType = UNSET


class RouterAnswer(Body, kw_only=True):
    router: RouterSummary


class RouterAddRouterInterfaceAnswer(Body, kw_only=True):
    id: str
    network_id: str
    port_id: str | None
    project_id: str
    subnet_id: str | None
    subnet_ids: list[str]
    tags: list[str]
    tenant_id: str


class NewFloatingipsAnswer(Body, kw_only=True):
    floatingip: FloatingipSummary | UnsetType = UNSET
    floatingips: list[FloatingipSummary] | UnsetType = UNSET


class FloatingipAnswer(Body, kw_only=True):
    floatingip: FloatingipSummary


class RouterRemoveRouterInterfaceAnswer(Body, kw_only=True):
    id: str
    network_id: str
    port_id: str | None
    project_id: str
    subnet_id: str | None
    subnet_ids: list[str]
    tags: list[str]
    tenant_id: str


class AgentsAnswer(Body, kw_only=True):
    agents: list[Any]


class ServiceProvidersAnswer(Body, kw_only=True):
    service_providers: list[Any]


class Resource(Body, kw_only=True):
    collection: str
    links: list[NetworksLink]
    name: str


class V20Answer(Body, kw_only=True):
    resources: list[Resource]


class ExtensionsAnswer(Body, kw_only=True):
    extensions: list[Extension]


class SubnetsAnswer(Body, kw_only=True):
    subnets: list[dict[str, Any]]


class RoutersAnswer(Body, kw_only=True):
    routers: list[dict[str, Any]]


class FloatingipsAnswer(Body, kw_only=True):
    floatingips: list[Any]


class QuotasAnswer(Body, kw_only=True):
    quotas: list[Any]


class Agent(Body, kw_only=True):
    admin_state_up: bool
    agent_type: str
    alive: bool
    availability_zone: str
    binary: str
    configurations: dict[str, Any]
    created_at: str
    description: Any
    heartbeat_timestamp: str
    host: str
    id: str
    resources_synced: Any
    started_at: str
    topic: str


class AgentAnswer(Body, kw_only=True):
    agent: Agent


class AvailabilityZone(Body, kw_only=True):
    name: str
    resource: str
    state: str


class AvailabilityZonesAnswer(Body, kw_only=True):
    availability_zones: list[AvailabilityZone]


ANSWERS: dict[str, Any] = {
    **LINES,
    "GET ": VersionsAnswer,
    "GET /v2.0/agents": AgentsAnswer,
    "GET /v2.0/extensions/{alias}": ExtensionAnswer,
    "GET /v2.0/floatingips/{id}": FloatingipAnswer,
    "GET /v2.0/networks": NetworksAnswer,
    "GET /v2.0/networks/{id}": NetworkAnswer,
    "GET /v2.0/ports": ShownPortsAnswer,
    "GET /v2.0/ports/{id}": PortAnswer,
    "GET /v2.0/quotas/{id}": QuotaAnswer,
    "GET /v2.0/quotas/{id}/details": QuotaAnswer,
    "GET /v2.0/quotas/{id}/details.json": QuotaAnswer,
    "GET /v2.0/routers/{id}": RouterAnswer,
    "GET /v2.0/security-group-rules": SecurityGroupRulesAnswer,
    "GET /v2.0/security-group-rules/{id}": SecurityGroupRuleAnswer,
    "GET /v2.0/security-groups": SecurityGroupsAnswer,
    "GET /v2.0/security-groups/{id}": SecurityGroupAnswer,
    "GET /v2.0/service-providers": ServiceProvidersAnswer,
    "POST /v2.0/floatingips": NewFloatingipsAnswer,
    "POST /v2.0/networks": NewNetworksAnswer,
    "POST /v2.0/ports": PortsAnswer,
    "POST /v2.0/routers": NewRoutersAnswer,
    "POST /v2.0/security-group-rules": NewSecurityGroupRulesAnswer,
    "POST /v2.0/security-groups": NewSecurityGroupsAnswer,
    "POST /v2.0/subnets": NewSubnetsAnswer,
    "PUT /v2.0/floatingips/{id}": FloatingipAnswer,
    "PUT /v2.0/networks/{id}": NetworkAnswer,
    "PUT /v2.0/networks/{id}/tags": TagsAnswer,
    "PUT /v2.0/ports/{id}": PortAnswer,
    "PUT /v2.0/quotas/{id}": QuotaAnswer,
    "PUT /v2.0/routers/{id}": RouterAnswer,
    "PUT /v2.0/routers/{id}/add_router_interface": RouterAddRouterInterfaceAnswer,
    "PUT /v2.0/routers/{id}/remove_router_interface": RouterRemoveRouterInterfaceAnswer,
    "PUT /v2.0/security-groups/{id}": SecurityGroupAnswer,
    "PUT /v2.0/networks/{id}/tags/{tag}": Empty,
    "PUT /v2.0/ports/{id}/tags/{tag}": Empty,
    "PUT /v2.0/routers/{id}/tags/{tag}": Empty,
    "GET /v2.0": V20Answer,
    "GET /v2.0/extensions": ExtensionsAnswer,
    "GET /v2.0/subnets": SubnetsAnswer,
    "GET /v2.0/routers": RoutersAnswer,
    "GET /v2.0/floatingips": FloatingipsAnswer,
    "GET /v2.0/networks/{id}/tags": TagsAnswer,
    "GET /v2.0/subnets/{id}/tags": TagsAnswer,
    "GET /v2.0/ports/{id}/tags": TagsAnswer,
    "GET /v2.0/routers/{id}/tags": TagsAnswer,
    "GET /v2.0/quotas": QuotasAnswer,
    "GET /v2.0/quotas/{id}/default": QuotaAnswer,
    "GET /v2.0/agents/{id}": AgentAnswer,
    "PUT /v2.0/agents/{id}": AgentAnswer,
    "GET /v2.0/availability_zones": AvailabilityZonesAnswer,
    "GET /v2.0/subnets/{id}": SubnetAnswer,
    "PUT /v2.0/subnets/{id}": SubnetAnswer,
    "PUT /v2.0/subnets/{id}/tags": TagsAnswer,
    "PUT /v2.0/subnets/{id}/tags/{tag}": Empty,
    "PUT /v2.0/ports/{id}/tags": TagsAnswer,
    "PUT /v2.0/routers/{id}/tags": TagsAnswer,
    "GET /v2.0/floatingips/{id}/tags": TagsAnswer,
    "PUT /v2.0/floatingips/{id}/tags": TagsAnswer,
    "PUT /v2.0/floatingips/{id}/tags/{tag}": Empty,
    "GET /v2.0/security-groups/{id}/tags": TagsAnswer,
    "PUT /v2.0/security-groups/{id}/tags": TagsAnswer,
    "PUT /v2.0/security-groups/{id}/tags/{tag}": Empty,
}
