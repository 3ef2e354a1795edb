"""The JSON objects that identity answers with; which operation answers which: `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body


class Token(Body, kw_only=True):
    os_trust_trust: OSTRUSTTrust | UnsetType = field(name="OS-TRUST:trust", default=UNSET)
    application_credential: ApplicationCredential | UnsetType = UNSET
    audit_ids: list[str]
    catalog: list[Catalog] | UnsetType = UNSET
    expires_at: str | None
    is_domain: bool | UnsetType = UNSET
    issued_at: str | None
    methods: list[str]
    project: Project | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    system: System | UnsetType = UNSET
    user: User


class Catalog(Body, kw_only=True):
    endpoints: list[Endpoint]
    id: str
    name: str
    type: str


class Endpoint(Body, kw_only=True):
    enabled: bool | UnsetType = UNSET
    id: str
    interface: str
    links: Link | UnsetType = UNSET
    region: str
    region_id: str | None
    service_id: str | UnsetType | None = UNSET
    url: str


class Project(Body, kw_only=True):
    domain: Domain | UnsetType = UNSET
    id: str
    name: str | UnsetType = UNSET


class Domain(Body, kw_only=True):
    description: str | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    id: str
    links: Link | UnsetType = UNSET
    name: str
    options: dict[str, Any] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


class Role(Body, kw_only=True):
    description: Any = UNSET
    domain_id: str | UnsetType | None = UNSET
    id: str
    links: Link | UnsetType = UNSET
    name: str | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET


class User(Body, kw_only=True):
    domain: Domain | UnsetType = UNSET
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    password_expires_at: Any = UNSET


class System(Body, kw_only=True):
    all: bool


class OSTRUSTTrust(Body, kw_only=True):
    id: str
    impersonation: bool
    trustee_user: TrusteeUser
    trustor_user: TrustorUser


class TrusteeUser(Body, kw_only=True):
    id: str


class TrustorUser(Body, kw_only=True):
    id: str


class ApplicationCredential(Body, kw_only=True):
    id: str
    name: str
    restricted: bool


class Link(Body, kw_only=True):
    next: str | UnsetType | None = UNSET
    previous: str | UnsetType | None = UNSET
    self: str


class ProjectSummary(Body, kw_only=True):
    colour: str | UnsetType = UNSET
    description: str | None
    domain_id: str | None
    enabled: bool
    id: str
    is_domain: bool
    links: Link
    name: str
    options: dict[str, Any]
    parent_id: str | None
    parents: list[Parent] | dict[str, dict[str, dict[str, Any]]] | UnsetType = UNSET
    subtree: dict[str, dict[str, Any]] | UnsetType = UNSET
    tags: list[str]


class UserSummary(Body, kw_only=True):
    default_project_id: str | UnsetType | None = UNSET
    domain_id: str
    email: str | UnsetType = UNSET
    enabled: bool
    id: str
    links: Link
    name: str
    options: dict[str, Any]
    password_expires_at: Any


class Group(Body, kw_only=True):
    description: str | None
    domain_id: str
    id: str
    links: Link
    membership_expires_at: Any = UNSET
    name: str
    pager: str | UnsetType = UNSET


class RoleAssignment(Body, kw_only=True):
    group: GroupSummary | UnsetType = UNSET
    links: LinkSummary
    role: Role
    scope: Scope
    user: User | UnsetType = UNSET


class GroupSummary(Body, kw_only=True):
    id: str


class LinkSummary(Body, kw_only=True):
    assignment: str
    membership: str | UnsetType = UNSET
    prior_role: str | UnsetType = UNSET


class Scope(Body, kw_only=True):
    os_inherit_inherited_to: str | UnsetType = field(name="OS-INHERIT:inherited_to", default=UNSET)
    domain: DomainSummary | UnsetType = UNSET
    project: Project | UnsetType = UNSET
    system: System | UnsetType = UNSET


class DomainSummary(Body, kw_only=True):
    id: str


class RoleInference(Body, kw_only=True):
    implies: list[Imply] | Imply
    prior_role: PriorRole


class Imply(Body, kw_only=True):
    id: str
    links: Link
    name: str


class PriorRole(Body, kw_only=True):
    id: str
    links: Link
    name: str


class Region(Body, kw_only=True):
    description: str | None
    id: str
    links: Link
    parent_region_id: str | None


class Service(Body, kw_only=True):
    description: str | UnsetType | None = UNSET
    enabled: bool
    id: str
    links: Link
    name: str
    type: str


class EndpointGroup(Body, kw_only=True):
    description: str | None
    filters: dict[str, Any]
    id: str
    links: Link
    name: str


class ProjectEndpointGroup(Body, kw_only=True):
    endpoint_group_id: str | None
    links: Link
    project_id: str


class Policy(Body, kw_only=True):
    blob: str
    id: str
    links: Link
    note: str | UnsetType = UNSET
    type: str


class Credential(Body, kw_only=True):
    blob: str
    id: str
    links: Link
    project_id: str | None
    purpose: str | UnsetType = UNSET
    type: str
    user_id: str


class CredentialSummary(Body, kw_only=True):
    access: str
    links: Link
    secret: str
    tenant_id: str
    trust_id: Any
    user_id: str


class Parent(Body, kw_only=True):
    project: ProjectSummary


class ConfigValue(Body, kw_only=True):
    url: str


class ConfigValueSummary(Body, kw_only=True):
    driver: str


class IdentityProvider(Body, kw_only=True):
    authorization_ttl: int | None
    description: str | None
    domain_id: str
    enabled: bool
    id: str
    links: LinkPart
    remote_ids: list[str]


class LinkPart(Body, kw_only=True):
    protocols: str
    self: str


class Mapping(Body, kw_only=True):
    id: str
    links: Link
    rules: list[Rule]
    schema_version: str


class Rule(Body, kw_only=True):
    local: list[Local]
    remote: list[dict[str, Any]]


class Local(Body, kw_only=True):
    user: User


class Protocol(Body, kw_only=True):
    id: str
    idp_id: str | UnsetType | None = UNSET
    links: LinkOther
    mapping_id: str | None
    remote_id_attribute: str | UnsetType | None = UNSET


class LinkOther(Body, kw_only=True):
    identity_provider: str
    self: str


class ServiceProvider(Body, kw_only=True):
    auth_url: str
    description: Any
    enabled: bool
    id: str
    links: Link
    relay_state_prefix: str
    sp_url: str


class Model(Body, kw_only=True):
    description: str | None
    name: str


class RegisteredLimit(Body, kw_only=True):
    default_limit: int
    description: str | None
    id: str
    links: Link
    region_id: str | None
    resource_name: str
    service_id: str | None


class Limit(Body, kw_only=True):
    description: str | None
    domain_id: str | None
    id: str
    links: Link
    project_id: str | None
    region_id: Any
    resource_limit: int
    resource_name: str
    service_id: str | None


class Trust(Body, kw_only=True):
    deleted_at: Any
    expires_at: str | None
    id: str
    impersonation: bool
    links: Link
    project_id: str
    redelegated_trust_id: str | None
    redelegation_count: int
    remaining_uses: int | None
    roles: list[Role] | UnsetType = UNSET
    roles_links: RolesLink | UnsetType = UNSET
    trustee_user_id: str | None
    trustor_user_id: str | None


class RolesLink(Body, kw_only=True):
    next: str | None
    previous: str | None
    self: str


class ApplicationCredentialSummary(Body, kw_only=True):
    description: Any
    expires_at: Any
    id: str
    links: Link
    name: str
    project_id: str
    roles: list[Role]
    secret: str
    unrestricted: bool


class TokenAnswer(Body, kw_only=True):
    token: Token


class DomainAnswer(Body, kw_only=True):
    domain: Domain


class ProjectAnswer(Body, kw_only=True):
    project: ProjectSummary


class UserAnswer(Body, kw_only=True):
    user: UserSummary


class GroupAnswer(Body, kw_only=True):
    group: Group


class RolesAnswer(Body, kw_only=True):
    links: Link
    roles: list[Role]


class RoleAssignmentsAnswer(Body, kw_only=True):
    links: Link
    role_assignments: list[RoleAssignment]


class RoleAnswer(Body, kw_only=True):
    role: Role


class RoleInferenceAnswer(Body, kw_only=True):
    links: Link
    role_inference: RoleInference


class RegionAnswer(Body, kw_only=True):
    region: Region


class RegionsAnswer(Body, kw_only=True):
    links: Link
    regions: list[Region]


class ServiceAnswer(Body, kw_only=True):
    service: Service


class ServicesAnswer(Body, kw_only=True):
    links: Link
    services: list[Service]


class EndpointAnswer(Body, kw_only=True):
    endpoint: Endpoint


class EndpointsAnswer(Body, kw_only=True):
    endpoints: list[Endpoint]
    links: Link


class CatalogAnswer(Body, kw_only=True):
    catalog: list[Catalog]
    links: Link


class ProjectsAnswer(Body, kw_only=True):
    links: Link
    projects: list[ProjectSummary]


class EndpointGroupAnswer(Body, kw_only=True):
    endpoint_group: EndpointGroup


class ProjectEndpointGroupAnswer(Body, kw_only=True):
    project_endpoint_group: ProjectEndpointGroup


class EndpointGroupsAnswer(Body, kw_only=True):
    endpoint_groups: list[EndpointGroup]
    links: Link


class PolicyAnswer(Body, kw_only=True):
    policy: Policy


class PoliciesAnswer(Body, kw_only=True):
    links: Link
    policies: list[Policy]


class UsersAnswer(Body, kw_only=True):
    links: Link
    users: list[UserSummary]


class CredentialAnswer(Body, kw_only=True):
    credential: Credential


class CredentialsOSEC2Answer(Body, kw_only=True):
    credential: CredentialSummary


class CredentialsAnswer(Body, kw_only=True):
    credentials: list[CredentialSummary]
    links: Link


class ShownCredentialsAnswer(Body, kw_only=True):
    credentials: list[Credential]
    links: Link


class TagsAnswer(Body, kw_only=True):
    links: Link
    tags: list[str]


class ConfigAnswer(Body, kw_only=True):
    config: dict[str, Any]


class IdentityProviderAnswer(Body, kw_only=True):
    identity_provider: IdentityProvider


class IdentityProvidersAnswer(Body, kw_only=True):
    identity_providers: list[Any]
    links: Link


class MappingAnswer(Body, kw_only=True):
    mapping: Mapping


class MappingsAnswer(Body, kw_only=True):
    links: Link
    mappings: list[Mapping]


class ProtocolAnswer(Body, kw_only=True):
    protocol: Protocol


class ProtocolsAnswer(Body, kw_only=True):
    links: Link
    protocols: list[Protocol]


class ServiceProviderAnswer(Body, kw_only=True):
    service_provider: ServiceProvider


class GroupsAnswer(Body, kw_only=True):
    groups: list[Group]
    links: Link
    truncated: bool | UnsetType = UNSET


class ModelAnswer(Body, kw_only=True):
    model: Model


class RegisteredLimitsAnswer(Body, kw_only=True):
    registered_limits: list[RegisteredLimit]


class ShownRegisteredLimitsAnswer(Body, kw_only=True):
    links: Link
    registered_limits: list[Any]


class RegisteredLimitAnswer(Body, kw_only=True):
    registered_limit: RegisteredLimit


class LimitsAnswer(Body, kw_only=True):
    limits: list[Limit]


class ShownLimitsAnswer(Body, kw_only=True):
    limits: list[Limit]
    links: Link


class LimitAnswer(Body, kw_only=True):
    limit: Limit


class TrustAnswer(Body, kw_only=True):
    trust: Trust


class TrustsAnswer(Body, kw_only=True):
    links: Link
    trusts: list[Trust]


class ApplicationCredentialAnswer(Body, kw_only=True):
    application_credential: ApplicationCredentialSummary
