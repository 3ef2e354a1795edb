"""Tokens: from a user and a scope to a signed token, and from a token to a principal.

A verified token's principal is kept in memory, and so is what a user and a scope mean. Whatever
changes that (a role, a disabled project, a new password, a revocation) empties that memory after
its commit; a change of identity is rare, a token on a request is not.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cumulo.core.auth.principal import (
    AccessTokenMark,
    ApplicationCredentialMark,
    FederationMark,
    Principal,
    TrustMark,
)
from cumulo.core.auth.tokens import InvalidToken, TokenKeys, TokenPayload, new_audit_id
from cumulo.core.clock import seconds_of, to_moment, zulu_micro
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Forbidden, NotFound, Unauthorized
from cumulo.core.ids import new_hex
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM, RoleRow
from cumulo.identity.model.token import RevocationRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import token as queries
from cumulo.identity.service.accounts import is_enabled
from cumulo.identity.service.authentication.method import (
    NOTHING,
    REFUSED,
    Binding,
    Identified,
    Scope,
)
from cumulo.identity.service.delegations import Delegated, Delegation
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.security import SecurityRules

KEPT = 50_000
WHOLE_SYSTEM = "all"


class Meaning(NamedTuple):
    """What a user and a scope stand for now: all of it there and enabled."""

    user: UserRow
    home: DomainRow
    project: ProjectRow | None
    project_domain: DomainRow | None
    domain: DomainRow | None
    roles: list[RoleRow]
    revoked_before: float
    trust: TrustMark | None = None
    application_credential: ApplicationCredentialMark | None = None
    access_token: AccessTokenMark | None = None
    ends: float | None = None
    """Seconds since the epoch"""


class Tokens:
    listing = queries.REVOCATIONS
    what = "revocations"

    def __init__(self, keys: TokenKeys, roles: Roles, rules: SecurityRules) -> None:
        self._keys = keys
        self._roles = roles
        self._rules = rules
        self._known: OrderedDict[str, Principal] = OrderedDict()
        self._meanings: dict[tuple[object, ...], Meaning] = {}
        self._forgot = 0.0
        self.deaf: Callable[[], bool] = lambda: False
        """News of other control nodes may not come in: nothing that is remembered counts."""
        self.forget_all = Announcement("tokens", self._forget)
        """Some token may mean something else now."""
        self.delegations: list[Delegation] = []
        """The kinds of lent rights; each service of one adds itself."""
        self.federation: FederationProviders | None = None
        """Who can say whether a foreign provider is still believed."""

    def _forget(self) -> None:
        self._forgot = time.monotonic()
        self._known.clear()
        self._meanings.clear()

    def cached(self, token: str) -> Principal | None:
        if self.deaf():
            return None
        found = self._known.get(token)
        if found is not None and found.expires <= time.time():
            # Another thread may have forgotten all of them.
            self._known.pop(token, None)
            return None
        return found

    def issue(
        self,
        tx: Tx,
        found: Identified,
        scope: Scope,
        methods: list[str],
        *,
        expires: float | None = None,
    ) -> tuple[str, Principal]:
        """A new token. With a parent (the token that it was got with) it lives no longer and
        belongs to its chain of audit ids. `expires`: the latest end, seconds since the epoch.
        Raises Unauthorized for a scope without a role."""
        now = time.time()
        ends = [each for each in (found.expires, expires) if each is not None]
        audit_ids = [new_audit_id()]
        if found.parent is not None:
            audit_ids.append(found.parent.audit_ids[-1])
        binding = found.binding
        mark = binding.federation
        payload = TokenPayload(
            user_id=found.user.id,
            methods=methods,
            scope=scope.kind or "unscoped",
            scope_id=scope.id,
            issued_at=now,
            expires_at=min([now + self._rules.token_lifetime, *ends]),
            audit_ids=audit_ids,
            trust_id=scope.trust_id,
            app_cred_id=binding.application_credential_id,
            access_token_id=binding.access_token_id,
            identity_provider_id=None if mark is None else mark.identity_provider_id,
            protocol_id=None if mark is None else mark.protocol_id,
            federated_group_ids=[] if mark is None else list(mark.group_ids),
            certificate=binding.certificate,
        )
        if payload.expires_at <= now:
            raise Unauthorized(REFUSED)
        principal = self._principal(tx, payload)
        token = self._keys.encode(payload)
        self._keep(tx, token, principal)
        return token, principal

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token. Raises Unauthorized for whatever is wrong with it.

        `allow_expired`: it may have ended, within the window that the settings give.
        """
        found = self.cached(token)
        if found is not None:
            return found
        try:
            payload = self._keys.decode(token)
        except InvalidToken:
            raise Unauthorized(REFUSED) from None
        window = self._rules.allow_expired_window if allow_expired else 0.0
        now = time.time()
        if payload.expires_at + window <= now:
            raise Unauthorized(REFUSED)
        if self.is_revoked(tx, payload.audit_ids[0]):
            raise Unauthorized(REFUSED)
        try:
            principal = self._principal(tx, payload)
        except Forbidden:  # its lender is disabled, or has not what was lent
            raise Unauthorized(REFUSED) from None
        if payload.expires_at > now:
            self._keep(tx, token, principal)
        return principal

    def is_revoked(self, tx: Tx, audit_id: str) -> bool:
        return tx.one(queries.OF_TOKEN, audit_id=audit_id) is not None

    def principal_of(
        self, tx: Tx, user: UserRow, scope: Scope, binding: Binding = NOTHING
    ) -> Principal:
        """What a token of that scope would say. Raises Unauthorized if there would be none."""
        now, mark = time.time(), binding.federation
        payload = TokenPayload(
            user_id=user.id,
            methods=[],
            scope=scope.kind or "unscoped",
            scope_id=scope.id,
            issued_at=now,
            expires_at=now + self._rules.token_lifetime,
            audit_ids=[],
            trust_id=scope.trust_id,
            app_cred_id=binding.application_credential_id,
            access_token_id=binding.access_token_id,
            identity_provider_id=None if mark is None else mark.identity_provider_id,
            protocol_id=None if mark is None else mark.protocol_id,
            federated_group_ids=[] if mark is None else list(mark.group_ids),
        )
        return self._principal(tx, payload)

    def look_up(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token that is the subject of a request; 404 for a bad one."""
        try:
            return self.verify(tx, token, allow_expired=allow_expired)
        except Unauthorized:
            raise NotFound("Failed to validate token") from None

    def revoke(self, tx: Tx, principal: Principal, who: Principal) -> None:
        """This token is refused from now on; those that were got with it are not."""
        row = RevocationRow(
            id=new_hex(),
            audit_id=principal.audit_ids[0],
            user_id=None,
            issued_before=tx.now,
            revoked_at=tx.now,
            expires=principal.expires + self.revocations_kept,
        )
        tx.insert(row)
        emit(tx, "identity.token.revoke", principal.user_id, principal=who)
        tx.after_commit(self.forget_all)

    @property
    def revocations_kept(self) -> float:
        return self._rules.allow_expired_window

    def note_user_revoked(self, tx: Tx, user_id: str) -> None:
        """Tell those who ask for revocations that all tokens of a user have ended."""
        row = RevocationRow(
            id=new_hex(),
            audit_id=None,
            user_id=user_id,
            issued_before=tx.now,
            revoked_at=tx.now,
            expires=time.time() + self._rules.token_lifetime + self._rules.allow_expired_window,
        )
        tx.insert(row)

    def expired(self, tx: Tx, most: int) -> list[RevocationRow]:
        return tx.all(queries.EXPIRED, now=time.time(), most=most)

    def forget_expired(self, tx: Tx, row: RevocationRow) -> None:
        """The token that it is about has ended."""
        tx.delete(row)

    def _keep(self, tx: Tx, token: str, principal: Principal) -> None:
        if tx.began <= self._forgot:
            return  # it may have read what is not so any more
        if len(self._known) >= KEPT:
            self._known.popitem(last=False)  # one by one: to forget all at once takes long
        self._known[token] = principal

    def _principal(self, tx: Tx, payload: TokenPayload) -> Principal:
        key = (
            payload.user_id,
            payload.scope,
            payload.scope_id,
            payload.trust_id,
            payload.app_cred_id,
            payload.access_token_id,
            payload.identity_provider_id,
            payload.protocol_id,
            tuple(payload.federated_group_ids),
        )
        meaning = None if self.deaf() else self._meanings.get(key)
        if meaning is None:
            if len(self._meanings) >= KEPT:
                self._meanings.clear()
            meaning = self._meaning(tx, payload)
            if tx.began > self._forgot:
                self._meanings[key] = meaning
        if payload.issued_at < meaning.revoked_before:
            raise Unauthorized(REFUSED)
        if meaning.ends is not None and meaning.ends <= time.time():
            # Nothing else makes what was remembered be looked at once more.
            self._meanings.pop(key, None)
            raise Unauthorized(REFUSED)
        user, project, domain = meaning.user, meaning.project, meaning.domain
        project_domain, roles = meaning.project_domain, meaning.roles
        password_ends = user.password_expires_at
        return Principal(
            user_id=user.id,
            user_name=user.name,
            user_domain_id=meaning.home.id,
            user_domain_name=meaning.home.name,
            project_id=project.id if project else None,
            project_name=project.name if project else None,
            project_domain_id=project_domain.id if project_domain else None,
            project_domain_name=project_domain.name if project_domain else None,
            domain_id=domain.id if domain else None,
            domain_name=domain.name if domain else None,
            system=payload.scope == SYSTEM,
            roles=tuple(row.name for row in roles),
            role_ids=tuple(row.id for row in roles),
            methods=tuple(payload.methods),
            audit_ids=tuple(payload.audit_ids),
            issued_at=to_moment(payload.issued_at),
            expires_at=to_moment(payload.expires_at),
            expires=payload.expires_at,
            password_expires_at=None if password_ends is None else zulu_micro(password_ends),
            trust=meaning.trust,
            application_credential=meaning.application_credential,
            access_token=meaning.access_token,
            federation=_federation(payload),
            certificate=payload.certificate,
        )

    def _meaning(self, tx: Tx, payload: TokenPayload) -> Meaning:
        user = tx.get(UserRow, payload.user_id)
        if user is None or not is_enabled(user, self._rules, tx.now):
            raise Unauthorized(REFUSED)
        _enabled_domain(tx, user.domain_id)
        if payload.identity_provider_id is not None:
            self._check_provider(tx, payload.identity_provider_id, payload.protocol_id or "")
        lent = self._lent(tx, payload, user)
        acting = user if lent is None else lent.user
        self._check_origin(tx, user)
        for lender in () if lent is None else lent.lenders:
            if not is_enabled(lender, self._rules, tx.now):
                raise Forbidden("Trustor is disabled.")
            self._check_origin(tx, lender)
        home = _enabled_domain(tx, acting.domain_id)
        project, domain = self._scope(tx, payload)
        project_domain = None if project is None else _enabled_domain(tx, project.domain_id)
        if lent is not None:
            return Meaning(
                acting,
                home,
                project,
                project_domain,
                domain,
                lent.roles,
                max(lent.revoked_before, user.revoked_before),
                lent.trust,
                lent.application_credential,
                lent.access_token,
                None if lent.ends is None else seconds_of(lent.ends),
            )
        roles = self._own_roles(tx, user, payload)
        return Meaning(user, home, project, project_domain, domain, roles, user.revoked_before)

    def _check_provider(self, tx: Tx, idp_id: str, protocol_id: str) -> None:
        """Nobody stays in by the word of a provider that is no longer believed."""
        if self.federation is None or not self.federation.is_believed(tx, idp_id, protocol_id):
            raise Unauthorized(REFUSED)

    def _check_origin(self, tx: Tx, user: UserRow) -> None:
        """Whoever has no way in but by a foreign provider is here as long as one is believed:
        nothing that they made here (keys, application credentials, trusts) is another way."""
        if not user.federated or user.password_hash is not None or self.federation is None:
            return
        for provider in user.federated:
            for protocol in provider.get("protocols", ()):
                if self.federation.is_believed(tx, provider["idp_id"], protocol["protocol_id"]):
                    return
        raise Unauthorized(REFUSED)

    def _lent(self, tx: Tx, payload: TokenPayload, user: UserRow) -> Delegated | None:
        for delegation in self.delegations:
            lent = delegation.resolve(tx, payload, user)
            if lent is not None:
                if payload.scope != "unscoped" and not lent.roles:
                    raise Unauthorized(REFUSED)
                return lent
        return None

    def _scope(self, tx: Tx, payload: TokenPayload) -> tuple[ProjectRow | None, DomainRow | None]:
        project = domain = None
        if payload.scope == "project":
            project = tx.get(ProjectRow, payload.scope_id)
            if project is None or not project.enabled:
                raise Unauthorized(REFUSED)
        elif payload.scope == "domain":
            domain = _enabled_domain(tx, payload.scope_id)
        return project, domain

    def _own_roles(self, tx: Tx, user: UserRow, payload: TokenPayload) -> list[RoleRow]:
        if payload.scope == "unscoped":
            return []
        target = SYSTEM if payload.scope == "system" else payload.scope_id
        groups = payload.federated_group_ids
        roles = self._roles.effective(tx, user.id, payload.scope, target, groups)
        if not roles:
            raise Unauthorized(REFUSED)
        return roles


def _enabled_domain(tx: Tx, domain_id: str) -> DomainRow:
    found = tx.get(DomainRow, domain_id)
    if found is None or not found.enabled:
        raise Unauthorized(REFUSED)
    return found


def _federation(payload: TokenPayload) -> FederationMark | None:
    if payload.identity_provider_id is None:
        return None
    groups = tuple(payload.federated_group_ids)
    return FederationMark(payload.identity_provider_id, payload.protocol_id or "", groups)
