"""Identity's whole HTTP face."""

from dataclasses import replace

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http import faults
from cumulo.core.http.operations import Face, Operation
from cumulo.identity.api import versions
from cumulo.identity.api.access_rules import AccessRulesApi
from cumulo.identity.api.application_credentials import ApplicationCredentialsApi
from cumulo.identity.api.assertions import AssertionsApi
from cumulo.identity.api.assignments import AssignmentsApi
from cumulo.identity.api.auth import AuthApi
from cumulo.identity.api.catalog import CatalogApi
from cumulo.identity.api.credentials import CredentialsApi
from cumulo.identity.api.domain_config import DomainConfigApi
from cumulo.identity.api.domains import DomainsApi
from cumulo.identity.api.ec2tokens import Ec2TokensApi
from cumulo.identity.api.endpoint_filters import EndpointFiltersApi
from cumulo.identity.api.federated_login import FederatedLoginApi
from cumulo.identity.api.federation import FederationApi
from cumulo.identity.api.grants import GrantsApi
from cumulo.identity.api.groups import GroupsApi
from cumulo.identity.api.limits import LimitsApi
from cumulo.identity.api.oauth1 import AccessTokensApi, OAuth1Api
from cumulo.identity.api.oauth2 import OAuth2Api
from cumulo.identity.api.projects import ProjectsApi
from cumulo.identity.api.revocations import RevocationsApi
from cumulo.identity.api.roles import RolesApi
from cumulo.identity.api.stored_policies import StoredPoliciesApi
from cumulo.identity.api.tags import TagsApi
from cumulo.identity.api.tokens import TokensApi
from cumulo.identity.api.trusts import TrustsApi
from cumulo.identity.api.users import UsersApi
from cumulo.identity.policy import RULES, SCOPES
from cumulo.identity.service.identity import IdentityService


def identity_face(
    identity: IdentityService, database: Database, base_url: str, rules: Rules | None = None
) -> Face:
    operations = [
        *versions.operations(),
        *TokensApi(identity).operations(),
        *AuthApi(identity).operations(),
        *DomainsApi(identity).operations(),
        *DomainConfigApi(identity).operations(),
        *ProjectsApi(identity).operations(),
        *TagsApi(identity).operations(),
        *UsersApi(identity, database).operations(),
        *RevocationsApi(identity).operations(),
        *TrustsApi(identity).operations(),
        *OAuth1Api(identity).operations(),
        *AccessTokensApi(identity).operations(),
        *Ec2TokensApi(identity, database).operations(),
        *OAuth2Api(identity).operations(),
        *ApplicationCredentialsApi(identity, database).operations(),
        *AccessRulesApi(identity).operations(),
        *RolesApi(identity).operations(),
        *GrantsApi(identity).operations(),
        *AssignmentsApi(identity).operations(),
        *GroupsApi(identity, database).operations(),
        *CredentialsApi(identity).operations(),
        *LimitsApi(identity).operations(),
        *CatalogApi(identity).operations(),
        *FederationApi(identity).operations(),
        *FederatedLoginApi(identity, database, base_url).operations(),
        *AssertionsApi(identity).operations(),
        *EndpointFiltersApi(identity).operations(),
        *StoredPoliciesApi(identity).operations(),
    ]
    return Face(
        name="identity",
        mount="/identity",
        faults=faults.identity,
        rules=rules or Rules(RULES, scopes=SCOPES),
        answers="cumulo.identity.api.answers",
        operations=with_heads(operations),
        challenge=f'Keystone uri="{base_url}/v3"',
    )


def with_heads(operations: list[Operation]) -> list[Operation]:
    """Whatever can be read can be asked for by HEAD: the same answer without its body."""
    known = {operation.path for operation in operations if operation.method == "HEAD"}
    return operations + [
        replace(operation, method="HEAD")
        for operation in operations
        if operation.method == "GET" and operation.path not in known
    ]
