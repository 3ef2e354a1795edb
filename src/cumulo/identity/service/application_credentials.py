"""Application credentials and access rules: create, delete, and what a token of one may do."""

import base64
import secrets
from typing import Annotated, Literal

import msgspec

from cumulo.core.auth.principal import AccessRule, ApplicationCredentialMark, Principal
from cumulo.core.auth.tokens import TokenPayload
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.identity.model.application_credential import AccessRuleRow, ApplicationCredentialRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import application_credential as queries
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.delegations import Delegated
from cumulo.identity.service.lent import forbidden, refuse_restricted
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.security import SecurityRules
from cumulo.identity.service.trusts import WantedRole, moment_of

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9-]+$")]
MAX_RULES = 100
MAX_ROLES = 200


class WantedRule(msgspec.Struct, forbid_unknown_fields=True):
    """An access rule of the user by its id, or a new one."""

    id: Id | None = None
    service: Id | None = None
    method: Literal["POST", "GET", "HEAD", "PATCH", "PUT", "DELETE"] | None = None
    path: Annotated[str, msgspec.Meta(max_length=225, pattern="^/")] | None = None


class CredentialWishes(msgspec.Struct, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    description: Annotated[str, msgspec.Meta(max_length=65_535)] | None = None
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)] | None = None
    expires_at: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    roles: Annotated[list[WantedRole], msgspec.Meta(max_length=MAX_ROLES)] = []
    unrestricted: bool | None = None
    access_rules: Annotated[list[WantedRule], msgspec.Meta(max_length=MAX_RULES)] | None = None


def new_secret() -> str:
    """86 characters from 64 random bytes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode()


def invalid(detail: str) -> BadRequest:
    return BadRequest(f"Invalid application credential: {detail}")


class ApplicationCredentials:
    listing = queries.CREDENTIALS
    rules_listing = queries.RULES

    def __init__(self, roles: Roles, rules: SecurityRules) -> None:
        self._roles = roles
        self._rules = rules

    def get(self, tx: Tx, user_id: str, credential_id: str) -> ApplicationCredentialRow:
        row = tx.get(ApplicationCredentialRow, credential_id)
        if row is None or row.user_id != user_id:
            raise NotFound(f"Could not find Application Credential: {credential_id}.")
        return row

    def find(self, tx: Tx, user_id: str, name: str) -> ApplicationCredentialRow | None:
        return tx.one(queries.BY_NAME, user_id=user_id, name=name)

    def create(
        self, tx: Tx, wanted: CredentialWishes, secret_hash: str, who: Principal
    ) -> ApplicationCredentialRow:
        """For the caller, on the project of its token. The hash is of the secret."""
        self.check_may_manage(who)
        if who.project_id is None:
            raise invalid("it is made for the project of a token, and the token has none.")
        limit = self._rules.user_limit_application_credentials
        if limit and int(tx.value(queries.COUNT, user_id=who.user_id)) >= limit:
            raise Forbidden(
                f"Unable to create additional application credentials, maximum of {limit} already "
                "exceeded for user."
            )
        if self.find(tx, who.user_id, wanted.name) is not None:
            raise Conflict(
                "Conflict occurred attempting to store application_credential - Duplicate entry "
                f"found with name {wanted.name} for user {who.user_id}."
            )
        expires_at = moment_of(wanted.expires_at, "expires_at") if wanted.expires_at else None
        if expires_at is not None and expires_at <= tx.now:
            raise BadRequest("The 'expires_at' must not be before now.")
        row = ApplicationCredentialRow(
            id=new_hex(),
            user_id=who.user_id,
            project_id=who.project_id,
            name=wanted.name,
            description=wanted.description,
            secret_hash=secret_hash,
            role_ids=self._roles_of(tx, wanted, who),
            unrestricted=wanted.unrestricted is True,
            expires_at=expires_at,
            access_rule_ids=self._rules_of(tx, wanted, who),
            created_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "identity.application_credential.create", row.id, principal=who, name=row.name)
        return row

    def check_may_manage(self, who: Principal) -> None:
        """Lent rights must not be made into ones that stay."""
        refuse_restricted(who, "managing application credentials", passes_rules_on=True)

    def check_may_see(self, who: Principal, credential_id: str) -> None:
        """An application may look at its own credential."""
        own = who.application_credential
        if own is None or own.id != credential_id or "ec2credential" in who.methods:
            self.check_may_manage(who)

    def _roles_of(self, tx: Tx, wanted: CredentialWishes, who: Principal) -> list[str]:
        """Roles of the token, all of them by default."""
        if not wanted.roles:
            return list(who.role_ids)
        found: dict[str, None] = {}
        for role in wanted.roles:
            role_id = role.id
            if role_id is None and role.name is not None:
                named = self._roles.find(tx, role.name)
                role_id = None if named is None else named.id
            if role_id is None or role_id not in who.role_ids:
                raise invalid("Cannot create an application credential with unassigned role")
            found[role_id] = None
        return list(found)

    def _rules_of(self, tx: Tx, wanted: CredentialWishes, who: Principal) -> list[str] | None:
        """The ids of the wanted rules; those that the user has already are taken again. Who has
        rules itself passes on all of them, or some."""
        own = None if who.access_rules is None else [rule.id for rule in who.access_rules]
        if not wanted.access_rules:
            return own
        found = [self._rule_of(tx, rule, who.user_id) for rule in wanted.access_rules]
        if own is not None and not set(found) <= set(own):
            raise forbidden("An application credential passes on no more than its own access rules")
        return found

    def _rule_of(self, tx: Tx, rule: WantedRule, user_id: str) -> str:
        if rule.id is not None and not (rule.service or rule.method or rule.path):
            known = tx.get(AccessRuleRow, rule.id)
            if known is None or known.user_id != user_id:
                raise NotFound(f"Could not find Access Rule: {rule.id}.")
            return known.id
        if rule.service is None or rule.method is None or rule.path is None:
            raise invalid("an access rule has a service, a method and a path, or the id of one.")
        same = {
            "user_id": user_id,
            "service": rule.service,
            "method": rule.method,
            "path": rule.path,
        }
        there = queries.RULES.page(tx, where=same)
        if there:
            return there[0].id
        row = AccessRuleRow(id=rule.id or new_hex(), **same)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict("Conflict occurred attempting to store access_rule - Duplicate entry.")
        return row.id

    def delete(self, tx: Tx, row: ApplicationCredentialRow, who: Principal) -> None:
        self.check_may_manage(who)
        tx.delete(row)
        emit(tx, "identity.application_credential.delete", row.id, principal=who)

    def forget_user(self, tx: Tx, user_id: str) -> None:
        """The user was disabled: an administrator who enables it again starts afresh."""
        tx.run(queries.DROP_OF_USER, user=user_id)

    def forget_user_on(self, tx: Tx, user_id: str, project_id: str) -> None:
        """The user lost a role on the project, which a credential may have passed on."""
        tx.run(queries.DROP_OF_USER_ON, user=user_id, project=project_id)

    def roles_of(self, tx: Tx, row: ApplicationCredentialRow) -> list[tuple[str, str, str | None]]:
        """(id, name, domain id) of the roles that still are."""
        rows = [self._roles.get(tx, id) for id in row.role_ids if self._roles.exists(tx, id)]
        return [(role.id, role.name, role.domain_id or None) for role in rows]

    def rules_of(self, tx: Tx, row: ApplicationCredentialRow) -> list[AccessRuleRow] | None:
        if row.access_rule_ids is None:
            return None
        found = {
            rule.id: rule for rule in queries.RULES.page(tx, where={"ids": row.access_rule_ids})
        }
        return [found[id] for id in row.access_rule_ids if id in found]

    def rule(self, tx: Tx, user_id: str, rule_id: str) -> AccessRuleRow:
        row = tx.get(AccessRuleRow, rule_id)
        if row is None or row.user_id != user_id:
            raise NotFound(f"Could not find Access Rule: {rule_id}.")
        return row

    def delete_rule(self, tx: Tx, row: AccessRuleRow, who: Principal) -> None:
        mine = queries.CREDENTIALS.page(tx, where={"user_id": row.user_id})
        if any(row.id in (each.access_rule_ids or ()) for each in mine):
            raise forbidden("May not delete access rule in use")
        tx.delete(row)
        emit(tx, "identity.access_rule.delete", row.id, principal=who)

    def resolve(self, tx: Tx, payload: TokenPayload, user: UserRow) -> Delegated | None:
        """See `delegations.Delegation`."""
        if payload.app_cred_id is None:
            return None
        row = tx.get(ApplicationCredentialRow, payload.app_cred_id)
        if row is None or not usable(row, tx.now) or row.user_id != user.id:
            raise refused()
        if payload.scope != "project" or payload.scope_id != row.project_id:
            raise refused()
        had = {role.id for role in self._roles.effective(tx, user.id, "project", row.project_id)}
        roles = self._roles.with_implied(tx, row.role_ids)
        if not roles or not set(row.role_ids) <= had:
            raise refused()
        rules = self.rules_of(tx, row)
        if rules is not None and len(rules) < len(row.access_rule_ids or ()):
            raise refused()
        mark = ApplicationCredentialMark(
            row.id,
            row.name,
            not row.unrestricted,
            None
            if rules is None
            else tuple(AccessRule(r.id, r.service, r.method, r.path) for r in rules),
        )
        return Delegated(user=user, roles=roles, application_credential=mark, ends=row.expires_at)


def usable(row: ApplicationCredentialRow, now: Moment) -> bool:
    return row.expires_at is None or row.expires_at > now
