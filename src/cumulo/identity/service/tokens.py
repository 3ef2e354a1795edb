"""Tokens: from a user and a scope to a signed token, and from a token to a principal.

A verified token's principal is kept in memory, and so is what a user and a scope mean. Whatever
changes that (a role, a disabled project, a new password, a revocation) empties that memory after
its commit; a change of identity is rare, a token on a request is not.
"""

import time
from typing import NamedTuple

from cumulo.core.auth.principal import Principal
from cumulo.core.auth.tokens import InvalidToken, TokenKeys, TokenPayload, new_audit_id
from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import NotFound, Unauthorized
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM, RoleRow, TargetType
from cumulo.identity.model.token import RevocationRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.roles import Roles
from cumulo.identity.store import token as store

KEPT = 50_000
WHOLE_SYSTEM = "all"

REFUSED = "The request you have made requires authentication."


class Scope:
    """What a token is for: nothing, a project, a domain or the system."""

    def __init__(self, kind: TargetType | None = None, id: str = "") -> None:
        self.kind = kind
        self.id = id


class Meaning(NamedTuple):
    """What a user and a scope stand for now: all of it there and enabled."""

    user: UserRow
    home: DomainRow
    project: ProjectRow | None
    project_domain: DomainRow | None
    domain: DomainRow | None
    roles: list[RoleRow]


class Tokens:
    def __init__(self, keys: TokenKeys, roles: Roles, *, lifetime: float) -> None:
        self._keys = keys
        self._roles = roles
        self._lifetime = lifetime
        self._known: dict[str, Principal] = {}
        self._meanings: dict[tuple[str, str, str], Meaning] = {}

    def forget_all(self) -> None:
        """Some token may mean something else now."""
        self._known.clear()
        self._meanings.clear()

    def cached(self, token: str) -> Principal | None:
        found = self._known.get(token)
        if found is not None and found.expires <= time.time():
            del self._known[token]
            return None
        return found

    def issue(
        self,
        tx: Tx,
        user: UserRow,
        scope: Scope,
        methods: list[str],
        *,
        parent: Principal | None = None,
    ) -> tuple[str, Principal]:
        """A new token. With `parent` (the token that it was got with) it lives no longer and
        belongs to its chain of audit ids. Raises Unauthorized for a scope without a role."""
        now = time.time()
        expires = parent.expires if parent is not None else now + self._lifetime
        audit_ids = [new_audit_id()]
        if parent is not None:
            audit_ids.append(parent.audit_ids[-1])
        payload = TokenPayload(
            user_id=user.id,
            methods=methods,
            scope=scope.kind or "unscoped",
            scope_id=scope.id,
            issued_at=now,
            expires_at=expires,
            audit_ids=audit_ids,
        )
        principal = self._principal(tx, payload)
        token = self._keys.encode(payload)
        self._keep(token, principal)
        return token, principal

    def verify(self, tx: Tx, token: str) -> Principal:
        """The principal of a token. Raises Unauthorized for whatever is wrong with it."""
        found = self.cached(token)
        if found is not None:
            return found
        try:
            payload = self._keys.decode(token)
        except InvalidToken:
            raise Unauthorized(REFUSED) from None
        if payload.expires_at <= time.time():
            raise Unauthorized(REFUSED)
        if any(tx.get(RevocationRow, audit_id) is not None for audit_id in payload.audit_ids):
            raise Unauthorized(REFUSED)
        principal = self._principal(tx, payload)
        self._keep(token, principal)
        return principal

    def look_up(self, tx: Tx, token: str) -> Principal:
        """The principal of a token that is the subject of a request; 404 for a bad one."""
        try:
            return self.verify(tx, token)
        except Unauthorized:
            raise NotFound("Failed to validate token") from None

    def revoke(self, tx: Tx, principal: Principal, who: Principal) -> None:
        row = RevocationRow(principal.audit_ids[0], principal.expires)
        tx.insert(row, ignore_duplicate=True)
        tx.run(store.FORGET_EXPIRED, before=time.time())
        emit(tx, "identity.token.revoke", principal.user_id, principal=who)
        tx.after_commit(self.forget_all)

    def _keep(self, token: str, principal: Principal) -> None:
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[token] = principal

    def _principal(self, tx: Tx, payload: TokenPayload) -> Principal:
        """Everything that the token stands for now; Unauthorized when any of it is gone."""
        key = (payload.user_id, payload.scope, payload.scope_id)
        meaning = self._meanings.get(key)
        if meaning is None:
            meaning = self._meaning(tx, payload)
            if len(self._meanings) >= KEPT:
                self._meanings.clear()
            self._meanings[key] = meaning
        user, home, project, project_domain, domain, roles = meaning
        if payload.issued_at < user.revoked_before:
            raise Unauthorized(REFUSED)
        return Principal(
            user_id=user.id,
            user_name=user.name,
            user_domain_id=home.id,
            user_domain_name=home.name,
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
        )

    def _meaning(self, tx: Tx, payload: TokenPayload) -> Meaning:
        user = tx.get(UserRow, payload.user_id)
        if user is None or not user.enabled:
            raise Unauthorized(REFUSED)
        home = tx.get(DomainRow, user.domain_id)
        if home is None or not home.enabled:
            raise Unauthorized(REFUSED)
        project, domain, roles = self._scope(tx, user, payload)
        project_domain = None
        if project is not None:
            project_domain = tx.get(DomainRow, project.domain_id)
            if project_domain is None or not project_domain.enabled:
                raise Unauthorized(REFUSED)
        return Meaning(user, home, project, project_domain, domain, roles)

    def _scope(
        self, tx: Tx, user: UserRow, payload: TokenPayload
    ) -> tuple[ProjectRow | None, DomainRow | None, list[RoleRow]]:
        if payload.scope == "unscoped":
            return None, None, []
        project = domain = None
        if payload.scope == "project":
            project = tx.get(ProjectRow, payload.scope_id)
            if project is None or not project.enabled:
                raise Unauthorized(REFUSED)
        elif payload.scope == "domain":
            domain = tx.get(DomainRow, payload.scope_id)
            if domain is None or not domain.enabled:
                raise Unauthorized(REFUSED)
        target = SYSTEM if payload.scope == "system" else payload.scope_id
        roles = self._roles.effective(tx, user.id, payload.scope, target)
        if not roles:
            raise Unauthorized(REFUSED)
        return project, domain, roles
