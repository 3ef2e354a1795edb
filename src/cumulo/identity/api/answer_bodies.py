"""The JSON objects that identity answers with; which operation answers which: `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body, OpenBody


class Token(Body, kw_only=True):
    os_trust_trust: TokenTrust | UnsetType = field(name="OS-TRUST:trust", default=UNSET)
    os_oauth1: TokenOAuth1 | UnsetType = field(name="OS-OAUTH1", default=UNSET)
    application_credential: TokenApplicationCredential | UnsetType = UNSET
    audit_ids: list[str]
    catalog: list[Catalog] | UnsetType = UNSET
    domain: Domain | UnsetType = UNSET
    expires_at: str | None
    is_domain: bool | UnsetType = UNSET
    issued_at: str | None
    methods: list[str]
    project: ScopedProject | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    system: System | UnsetType = UNSET
    user: TokenUser


class Catalog(Body, kw_only=True):
    endpoints: list[Endpoint]
    id: str
    name: str
    type: str


class Endpoint(OpenBody, kw_only=True):
    enabled: bool | UnsetType = UNSET
    id: str
    interface: str
    links: Links | UnsetType = UNSET
    region: str | None
    region_id: str | None
    service_id: str | UnsetType | None = UNSET
    url: str


class ScopedProject(Body, kw_only=True):
    domain: Domain | UnsetType = UNSET
    id: str
    name: str | UnsetType = UNSET


class Domain(OpenBody, kw_only=True):
    description: str | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    id: str
    links: Links | UnsetType = UNSET
    name: str
    options: dict[str, Any] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


class Role(OpenBody, kw_only=True):
    description: Any = UNSET
    domain_id: str | UnsetType | None = UNSET
    id: str
    links: Links | UnsetType = UNSET
    name: str | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET


class TokenUser(Body, kw_only=True):
    os_federation: dict[str, Any] | UnsetType = field(name="OS-FEDERATION", default=UNSET)
    domain: Domain | UnsetType = UNSET
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    password_expires_at: Any = UNSET


class TokenOAuth1(Body, kw_only=True):
    access_token_id: str
    consumer_id: str


class System(Body, kw_only=True):
    all: bool


class TokenTrust(Body, kw_only=True):
    id: str
    impersonation: bool
    trustee_user: TrusteeUser
    trustor_user: TrustorUser


class TrusteeUser(Body, kw_only=True):
    id: str


class TrustorUser(Body, kw_only=True):
    id: str


class TokenApplicationCredential(Body, kw_only=True):
    access_rules: list[AccessRule] | UnsetType = UNSET
    id: str
    name: str
    restricted: bool


class Links(Body, kw_only=True):
    next: str | UnsetType | None = UNSET
    previous: str | UnsetType | None = UNSET
    self: str


class Project(OpenBody, kw_only=True):
    description: str | None
    domain_id: str | None
    enabled: bool
    id: str
    is_domain: bool
    links: Links
    name: str
    options: dict[str, Any]
    parent_id: str | None
    parents: list[Parent] | dict[str, dict[str, dict[str, Any]]] | UnsetType = UNSET
    subtree: dict[str, dict[str, Any]] | UnsetType = UNSET
    tags: list[str]


class User(OpenBody, kw_only=True):
    default_project_id: str | UnsetType | None = UNSET
    domain_id: str
    email: str | UnsetType = UNSET
    enabled: bool
    id: str
    links: Links
    name: str
    options: dict[str, Any]
    password_expires_at: Any


class Group(OpenBody, kw_only=True):
    description: str | None
    domain_id: str
    id: str
    links: Links
    membership_expires_at: Any = UNSET
    name: str


class RoleAssignment(Body, kw_only=True):
    group: GroupId | UnsetType = UNSET
    links: AssignmentLinks
    role: Role
    scope: Scope
    user: TokenUser | UnsetType = UNSET


class GroupId(Body, kw_only=True):
    id: str


class AssignmentLinks(Body, kw_only=True):
    assignment: str
    membership: str | UnsetType = UNSET
    prior_role: str | UnsetType = UNSET


class Scope(Body, kw_only=True):
    os_inherit_inherited_to: str | UnsetType = field(name="OS-INHERIT:inherited_to", default=UNSET)
    domain: DomainId | UnsetType = UNSET
    project: ScopedProject | UnsetType = UNSET
    system: System | UnsetType = UNSET


class DomainId(Body, kw_only=True):
    id: str


class RoleInference(Body, kw_only=True):
    implies: list[Imply] | Imply
    prior_role: PriorRole


class Imply(Body, kw_only=True):
    id: str
    links: Links
    name: str


class PriorRole(Body, kw_only=True):
    id: str
    links: Links
    name: str


class Region(OpenBody, kw_only=True):
    description: str | None
    id: str
    links: Links
    parent_region_id: str | None


class Service(OpenBody, kw_only=True):
    description: str | UnsetType | None = UNSET
    enabled: bool
    id: str
    links: Links
    name: str
    type: str


class EndpointGroup(Body, kw_only=True):
    description: str | None
    filters: dict[str, Any]
    id: str
    links: Links
    name: str


class ProjectEndpointGroup(Body, kw_only=True):
    endpoint_group_id: str | None
    links: Links
    project_id: str


class Policy(OpenBody, kw_only=True):
    blob: str
    id: str
    links: Links
    type: str


class Credential(OpenBody, kw_only=True):
    blob: str
    id: str
    links: Links
    project_id: str | None
    type: str
    user_id: str


class Ec2Credential(Body, kw_only=True):
    access: str
    links: Links
    secret: str
    tenant_id: str
    trust_id: Any
    user_id: str


class Parent(Body, kw_only=True):
    project: Project


class IdentityProvider(Body, kw_only=True):
    authorization_ttl: int | None
    description: str | None
    domain_id: str
    enabled: bool
    id: str
    links: IdentityProviderLinks
    remote_ids: list[str]


class IdentityProviderLinks(Body, kw_only=True):
    protocols: str
    self: str


class Mapping(Body, kw_only=True):
    id: str
    links: Links
    rules: list[Rule]
    schema_version: str


class Rule(Body, kw_only=True):
    local: list[dict[str, Any]]
    remote: list[dict[str, Any]]


class Protocol(Body, kw_only=True):
    id: str
    idp_id: str | UnsetType | None = UNSET
    links: ProtocolLinks
    mapping_id: str | None
    remote_id_attribute: str | UnsetType | None = UNSET


class ProtocolLinks(Body, kw_only=True):
    identity_provider: str
    self: str


class ServiceProvider(Body, kw_only=True):
    auth_url: str
    description: Any
    enabled: bool
    id: str
    links: Links
    relay_state_prefix: str
    sp_url: str


class Model(Body, kw_only=True):
    description: str | None
    name: str


class RegisteredLimit(Body, kw_only=True):
    default_limit: int
    description: str | None
    id: str
    links: Links
    region_id: str | None
    resource_name: str
    service_id: str | None


class Limit(Body, kw_only=True):
    description: str | None
    domain_id: str | None
    id: str
    links: Links
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
    links: Links
    project_id: str
    redelegated_trust_id: str | None
    redelegation_count: int
    remaining_uses: int | None
    roles: list[Role] | UnsetType = UNSET
    roles_links: ListLinks | UnsetType = UNSET
    trustee_user_id: str | None
    trustor_user_id: str | None


class ListLinks(Body, kw_only=True):
    next: str | None
    previous: str | None
    self: str


class AccessRule(Body, kw_only=True):
    id: str
    method: str
    path: str
    service: str


class ApplicationCredential(Body, kw_only=True):
    access_rules: list[AccessRule] | UnsetType = UNSET
    description: Any
    expires_at: Any
    id: str
    links: Links
    name: str
    project_id: str
    roles: list[Role]
    secret: str | UnsetType = UNSET
    unrestricted: bool


class TokenAnswer(Body, kw_only=True):
    token: Token


class DomainAnswer(Body, kw_only=True):
    domain: Domain


class ProjectAnswer(Body, kw_only=True):
    project: Project


class UserAnswer(Body, kw_only=True):
    user: User


class GroupAnswer(Body, kw_only=True):
    group: Group


class RolesAnswer(Body, kw_only=True):
    links: Links
    roles: list[Role]


class RoleAssignmentsAnswer(Body, kw_only=True):
    links: Links
    role_assignments: list[RoleAssignment]


class RoleAnswer(Body, kw_only=True):
    role: Role


class RoleInferenceAnswer(Body, kw_only=True):
    links: Links
    role_inference: RoleInference


class RegionAnswer(Body, kw_only=True):
    region: Region


class RegionsAnswer(Body, kw_only=True):
    links: Links
    regions: list[Region]


class ServiceAnswer(Body, kw_only=True):
    service: Service


class ServicesAnswer(Body, kw_only=True):
    links: Links
    services: list[Service]


class EndpointAnswer(Body, kw_only=True):
    endpoint: Endpoint


class EndpointsAnswer(Body, kw_only=True):
    endpoints: list[Endpoint]
    links: Links


class CatalogAnswer(Body, kw_only=True):
    catalog: list[Catalog]
    links: Links


class ProjectsAnswer(Body, kw_only=True):
    links: Links
    projects: list[Project]


class EndpointGroupAnswer(Body, kw_only=True):
    endpoint_group: EndpointGroup


class ProjectEndpointGroupAnswer(Body, kw_only=True):
    project_endpoint_group: ProjectEndpointGroup


class EndpointGroupsAnswer(Body, kw_only=True):
    endpoint_groups: list[EndpointGroup]
    links: Links


class PolicyAnswer(Body, kw_only=True):
    policy: Policy


class PoliciesAnswer(Body, kw_only=True):
    links: Links
    policies: list[Policy]


class UsersAnswer(Body, kw_only=True):
    links: Links
    users: list[User]


class CredentialAnswer(Body, kw_only=True):
    credential: Credential


class CredentialsOSEC2Answer(Body, kw_only=True):
    credential: Ec2Credential


class CredentialsAnswer(Body, kw_only=True):
    credentials: list[Ec2Credential]
    links: Links


class ShownCredentialsAnswer(Body, kw_only=True):
    credentials: list[Credential]
    links: Links


class TagsAnswer(Body, kw_only=True):
    links: Links
    tags: list[str]


class ConfigAnswer(Body, kw_only=True):
    config: dict[str, Any]


class IdentityProviderAnswer(Body, kw_only=True):
    identity_provider: IdentityProvider


class IdentityProvidersAnswer(Body, kw_only=True):
    identity_providers: list[IdentityProvider]
    links: Links


class MappingAnswer(Body, kw_only=True):
    mapping: Mapping


class MappingsAnswer(Body, kw_only=True):
    links: Links
    mappings: list[Mapping]


class ProtocolAnswer(Body, kw_only=True):
    protocol: Protocol


class ProtocolsAnswer(Body, kw_only=True):
    links: Links
    protocols: list[Protocol]


class ServiceProviderAnswer(Body, kw_only=True):
    service_provider: ServiceProvider


class GroupsAnswer(Body, kw_only=True):
    groups: list[Group]
    links: Links
    truncated: bool | UnsetType = UNSET


class ModelAnswer(Body, kw_only=True):
    model: Model


class RegisteredLimitsAnswer(Body, kw_only=True):
    registered_limits: list[RegisteredLimit]


class ShownRegisteredLimitsAnswer(Body, kw_only=True):
    links: Links
    registered_limits: list[Any]


class RegisteredLimitAnswer(Body, kw_only=True):
    registered_limit: RegisteredLimit


class LimitsAnswer(Body, kw_only=True):
    limits: list[Limit]


class ShownLimitsAnswer(Body, kw_only=True):
    limits: list[Limit]
    links: Links


class LimitAnswer(Body, kw_only=True):
    limit: Limit


class TrustAnswer(Body, kw_only=True):
    trust: Trust


class TrustsAnswer(Body, kw_only=True):
    links: Links
    trusts: list[Trust]


class ApplicationCredentialAnswer(Body, kw_only=True):
    application_credential: ApplicationCredential
