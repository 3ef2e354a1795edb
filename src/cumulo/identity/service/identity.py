"""Identity as a whole: its nouns, and what the other services ask of it."""

import math
from collections.abc import Mapping

from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.passwords import Passwords
from cumulo.core.auth.principal import FederationMark, Principal
from cumulo.core.auth.tokens import TokenKeys
from cumulo.core.clock import Moment
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Forbidden, NotFound, Unauthorized
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID
from cumulo.identity.model.limit import LimitModel
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import AssignmentRow, TargetType
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.accounts import Accounts
from cumulo.identity.service.application_credentials import ApplicationCredentials
from cumulo.identity.service.assignments import Assignments
from cumulo.identity.service.authentication.application_credential import (
    ApplicationCredentialMethod,
)
from cumulo.identity.service.authentication.authentication import Authentication
from cumulo.identity.service.authentication.certificate import CertificateClients
from cumulo.identity.service.authentication.ec2 import Ec2Signatures
from cumulo.identity.service.authentication.external import ExternalMethod
from cumulo.identity.service.authentication.method import Binding, Directory, Method, Scope
from cumulo.identity.service.authentication.oauth1 import OAuth1Method
from cumulo.identity.service.authentication.password import PasswordMethod
from cumulo.identity.service.authentication.receipts import Receipts
from cumulo.identity.service.authentication.scope import Scopes
from cumulo.identity.service.authentication.token import FederatedTokenMethod, TokenMethod
from cumulo.identity.service.authentication.totp import TotpMethod
from cumulo.identity.service.catalog import Catalog
from cumulo.identity.service.credentials import Credentials
from cumulo.identity.service.directories import Directories, OpenDirectory
from cumulo.identity.service.directory_rows import DirectoryRows
from cumulo.identity.service.domain_config import DomainConfigs
from cumulo.identity.service.domains import Domains
from cumulo.identity.service.endpoint_filters import EndpointFilters
from cumulo.identity.service.expiring import Expiring
from cumulo.identity.service.federation.arrivals import Arrivals
from cumulo.identity.service.federation.assertions import Assertions
from cumulo.identity.service.federation.logins import Logins
from cumulo.identity.service.federation.parties import Parties
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.groups import Groups
from cumulo.identity.service.keys import Keys
from cumulo.identity.service.limits import MAX_DEPTH, Limits
from cumulo.identity.service.oauth1 import OAuth1
from cumulo.identity.service.once import UsedOnce
from cumulo.identity.service.projects import Projects
from cumulo.identity.service.request_keys import RequestKeys
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.security import SecurityRules
from cumulo.identity.service.stored_policies import StoredPolicies
from cumulo.identity.service.tokens import Tokens
from cumulo.identity.service.trusts import Trusts
from cumulo.identity.service.users import Users

FEDERATED_METHODS = ("mapped", "openid", "saml2")


class IdentityService:
    """Implements `identity.interface.Identity`."""

    def __init__(
        self,
        database: Database,
        keys: TokenKeys,
        passwords: Passwords,
        rules: SecurityRules | None = None,
        *,
        credential_keys: KeyRing,
        limit_model: LimitModel = "flat",
        parties: Parties | None = None,
        open_directory: OpenDirectory,
        directory_sync_seconds: float = 60.0,
    ) -> None:
        self._forget_tokens = Announcement("identity", self._forget)
        self._forget_views = Announcement("views", lambda: self.catalog.forget())
        self.rules = rules or SecurityRules()
        self.passwords = passwords
        self.roles = Roles(self._forget_tokens)
        self.tokens = Tokens(keys, self.roles, self.rules)
        self.tokens.deaf = lambda: database.deaf
        self.domains = Domains(self._forget_tokens)
        self.domain_configs = DomainConfigs(credential_keys, self.rules)
        self.limits = Limits(limit_model)
        self.projects = Projects(self._forget_tokens, MAX_DEPTH[limit_model])
        self.groups = Groups(self._forget_tokens)
        self.assignments = Assignments(self.roles)
        self.users = Users(self._forget_tokens, self.rules, self.tokens.note_user_revoked)
        self.credentials = Credentials(credential_keys)
        self.federation = FederationProviders(self._forget_tokens)
        self.certificate_clients = CertificateClients(database, self.federation)
        self.endpoint_filters = EndpointFilters(self._forget_views)
        self.catalog = Catalog(self.endpoint_filters)
        self.stored_policies = StoredPolicies(self.catalog)
        self.accounts = Accounts(database, passwords, self.users, self.rules)
        self.directories = Directories(
            database,
            self.domain_configs,
            DirectoryRows(
                self.users, self.groups, self.tokens.note_user_revoked, self._forget_tokens
            ),
            self.accounts.guessing,
            open_directory,
            sync_seconds=directory_sync_seconds,
        )
        self.trusts = Trusts(self.roles, self.rules)
        self.application_credentials = ApplicationCredentials(self.roles, self.rules)
        self.oauth1 = OAuth1(credential_keys, self.roles)
        self.ec2 = Ec2Signatures(self.credentials.by_access_key)
        self.request_keys = RequestKeys(self.ec2, self.tokens)
        self.keys = Keys(database, keys, credential_keys, self.credentials, self.oauth1, self.rules)
        self.tokens.delegations += [self.trusts, self.application_credentials, self.oauth1]
        self.users.on_disabled.append(self.application_credentials.forget_user)
        self.roles.on_revoked.append(self._role_revoked)
        self.expiring: list[Expiring] = [
            self.groups,
            self.trusts,
            self.oauth1,
            self.tokens,
            UsedOnce(),
            self.accounts.guessing,
            self.accounts.guessing.places,
        ]
        directory = self._directory = Directory(
            self.users, self.domains, self.projects, watched=self.rules.watches_users
        )
        scopes = Scopes(directory, self.roles, self.trusts)
        self.authentication = self._authentication(database, scopes, Receipts(keys))
        for method in self._methods(database, directory):
            self.authentication.add(method)

        if parties is not None:
            self._federate(database, parties)
        for announcement in (
            self._forget_tokens,
            self._forget_views,
            self.tokens.forget_all,
            self.catalog.forget,
            self.directories.news,
        ):
            database.subscribe(announcement)

    def _authentication(
        self, database: Database, scopes: Scopes, receipts: Receipts
    ) -> Authentication:
        alone = self.rules.totp_alone
        return Authentication(
            database, self.tokens, scopes, self.trusts, receipts, totp_alone=alone
        )

    def _methods(self, database: Database, directory: Directory) -> list[Method]:
        """The methods of authentication: what `auth.identity.methods` may name."""
        return [
            PasswordMethod(database, directory, self.accounts, self.directories),
            TokenMethod(database, self.tokens),
            *(FederatedTokenMethod(database, self.tokens, name) for name in FEDERATED_METHODS),
            ApplicationCredentialMethod(
                database, directory, self.accounts, self.application_credentials
            ),
            OAuth1Method(database, self.oauth1),
            TotpMethod(
                database,
                directory,
                self.accounts.guessing,
                self._totp_secrets,
                good_once=self.rules.totp_once,
            ),
            ExternalMethod(database, directory, "external"),
            ExternalMethod(database, directory, "kerberos"),
        ]

    def _totp_secrets(self, tx: Tx, user_id: str) -> list[str]:
        return self.credentials.secrets_of(tx, user_id, "totp")

    def _role_revoked(self, tx: Tx, row: AssignmentRow) -> None:
        if row.actor_type == "user" and row.target_type == "project":
            self.application_credentials.forget_user_on(tx, row.actor_id, row.target_id)

    def _federate(self, database: Database, parties: Parties) -> None:
        arrivals = Arrivals(
            self.federation, self.users, self.groups, self.domains, self.projects, self.roles
        )
        self.logins = Logins(database, self.federation, arrivals, self.authentication, parties)
        self.expiring.append(self.logins)
        self.assertions_for_others = Assertions(
            database, self.federation, self.tokens, self.groups, self.domains, parties.saml
        )
        self.tokens.federation = self.federation

    def _forget(self) -> None:
        self.tokens.forget_all()
        self._directory.forget()
        self.federation.forget()

    def cached(self, token: str) -> Principal | None:
        return self.tokens.cached(token)

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        return self.tokens.verify(tx, token, allow_expired=allow_expired)

    def principals(self, tx: Tx, user: str) -> list[Principal]:
        """What tokens could say of a user (by id, or by name in the default domain), one for each
        scope that it has a role in. Raises NotFound."""
        row = tx.get(UserRow, user) or self.users.find(tx, user, DEFAULT_DOMAIN_ID)
        if row is None:
            raise NotFound(f"Could not find user: {user}.")
        kinds: tuple[TargetType, ...] = ("project", "domain", "system")
        found = []
        for kind in kinds:
            for target in sorted(self.roles.targets(tx, row.id, kind)):
                try:
                    found.append(self.tokens.principal_of(tx, row, Scope(kind, target)))
                except Unauthorized:  # the scope is disabled
                    continue
        return found

    def principal_in_project(
        self, tx: Tx, user_id: str, project_id: str, lent: Mapping[str, str] | None = None
    ) -> Principal | None:
        by = lent or {}
        row = tx.get(UserRow, by.get("trustee_id", user_id))
        if row is None or self._has_ended(tx, by):
            return None
        scope = Scope("project", project_id, by.get("trust_id"))
        binding = Binding(
            application_credential_id=by.get("application_credential_id"),
            access_token_id=by.get("access_token_id"),
            federation=_signed_on(by),
        )
        try:
            found = self.tokens.principal_of(tx, row, scope, binding)
        except (Unauthorized, Forbidden, NotFound):
            return None
        return found if found.user_id == user_id else None

    def _has_ended(self, tx: Tx, lent: Mapping[str, str]) -> bool:
        """What tokens say is remembered for a while: they end by themselves, this does not."""
        if "audit_id" in lent and self.tokens.is_revoked(tx, lent["audit_id"]):
            return True
        ends: list[Moment | None] = []
        if "trust_id" in lent:
            trust = tx.get(TrustRow, lent["trust_id"])
            ends.append(tx.now if trust is None else trust.expires_at)
        if "application_credential_id" in lent:
            credential = tx.get(ApplicationCredentialRow, lent["application_credential_id"])
            ends.append(tx.now if credential is None else credential.expires_at)
        return any(end is not None and end <= tx.now for end in ends)

    @property
    def revocations_kept(self) -> float:
        return self.tokens.revocations_kept

    def proofs_end_before(self, tx: Tx, user_id: str) -> float:
        row = tx.get(UserRow, user_id)
        return math.inf if row is None else row.revoked_before

    def project_exists(self, tx: Tx, project_id: str) -> bool:
        return tx.get(ProjectRow, project_id) is not None

    def limits_of(
        self, tx: Tx, service_type: str, project_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        return self.limits.limits_of(tx, service_type, project_id, region_id)

    def domain_limits_of(
        self, tx: Tx, service_type: str, domain_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        return self.limits.domain_limits_of(tx, service_type, domain_id, region_id)


def _signed_on(by: Mapping[str, str]) -> FederationMark | None:
    if "identity_provider_id" not in by:
        return None
    groups = tuple(by.get("group_ids", "").split())
    return FederationMark(by["identity_provider_id"], by.get("protocol_id", ""), groups)
