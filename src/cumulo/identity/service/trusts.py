"""Trusts: create, delete, lend on, and what a token of a trust may do."""

from typing import Annotated

import msgspec

from cumulo.core.auth.principal import Principal, TrustMark
from cumulo.core.auth.tokens import TokenPayload
from cumulo.core.clock import Moment, later, of_text
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound, Unauthorized
from cumulo.core.ids import new_hex
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import RoleRow
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import trust as queries
from cumulo.identity.service.authentication.method import Scope, refused
from cumulo.identity.service.delegations import Delegated
from cumulo.identity.service.lent import forbidden, refuse_restricted
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.security import SecurityRules

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Uses = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
MAX_ROLES = 200


class WantedRole(msgspec.Struct):
    """A role by id, or by a name that only one role has."""

    id: Id | None = None
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None


class TrustWishes(msgspec.Struct, kw_only=True):
    trustor_user_id: Id
    trustee_user_id: Id
    impersonation: bool
    project_id: Id | None = None
    roles: Annotated[list[WantedRole], msgspec.Meta(max_length=MAX_ROLES)] = []
    expires_at: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    remaining_uses: Uses | None = None
    allow_redelegation: bool | None = None
    redelegation_count: Count | None = None


def moment_of(text: str, field: str) -> Moment:
    """A client's time; without a zone it is UTC. Raises BadRequest."""
    try:
        return of_text(text)
    except ValueError:
        raise BadRequest(
            f"Invalid input for field '{field}': '{text:.80}' is not an ISO 8601 time."
        ) from None


class Trusts:
    listing = queries.TRUSTS
    what = "trusts"

    def __init__(self, roles: Roles, rules: SecurityRules) -> None:
        self._roles = roles
        self._rules = rules

    def get(self, tx: Tx, trust_id: str) -> TrustRow:
        """A trust that can still be used; 404 for others."""
        row = tx.get(TrustRow, trust_id)
        if row is None or not _usable(row, tx.now) or row.remaining_uses == 0:
            raise NotFound(f"Could not find trust: {trust_id}.")
        return row

    def scope(self, tx: Tx, trust_id: str) -> Scope:
        """The scope of the tokens of a trust. Raises Unauthorized if there is no such trust."""
        try:
            row = self.get(tx, trust_id)
        except NotFound:
            raise refused() from None
        if row.project_id is None:
            return Scope(None, "", row.id)
        return Scope("project", row.project_id, row.id)

    def use(self, tx: Tx, trust_id: str) -> None:
        """One of the trust's uses is over. Two at the same time cannot both have the last."""
        row = tx.get(TrustRow, trust_id)
        if row is None:
            raise refused()
        if row.remaining_uses is None:
            return
        if not tx.run(queries.USE, trust_id=trust_id):
            raise refused()
        if row.remaining_uses == 1:
            self._used_up(tx, row)

    def _used_up(self, tx: Tx, row: TrustRow) -> None:
        """It ends with the last of its tokens."""
        ends = later(tx.now, self._rules.token_lifetime + self._rules.allow_expired_window)
        if row.expires_at is None or row.expires_at > ends:
            tx.update(row, expires_at=ends)

    def limit(self, tx: Tx, trust_id: str) -> Moment | None:
        """When tokens of the trust must end."""
        row = tx.get(TrustRow, trust_id)
        return None if row is None else row.expires_at

    def check_may_manage(self, who: Principal) -> None:
        """Only a trust can be lent on. What application credentials may is the cloud's setting."""
        if who.trust is None or "ec2credential" in who.methods:
            if self._rules.allow_insecure_application_credential_trust_escalation:
                refuse_restricted(who, "managing trusts")
            elif who.is_lent:
                raise forbidden("Delegated tokens cannot manage trusts")

    def _is_from(self, tx: Tx, row: TrustRow, trust_id: str) -> bool:
        """Is this the trust, or was it lent on from it?"""
        while row.id != trust_id:
            above = row.redelegated_trust_id and tx.get(TrustRow, row.redelegated_trust_id)
            if not above:
                return False
            row = above
        return True

    def create(self, tx: Tx, wanted: TrustWishes, who: Principal) -> TrustRow:
        self.check_may_manage(who)
        if wanted.project_id and not wanted.roles:
            raise forbidden("At least one role should be specified")
        if who.user_id != wanted.trustor_user_id:
            raise forbidden("The authenticated user should match the trustor")
        if tx.get(UserRow, wanted.trustee_user_id) is None:
            raise NotFound(f"Could not find user: {wanted.trustee_user_id}.")
        lender = self._lender(tx, who)
        role_ids = self._wanted_roles(tx, wanted.roles)
        self._check_roles(tx, wanted, role_ids, lender, who)
        expires_at = (
            None if wanted.expires_at is None else moment_of(wanted.expires_at, "expires_at")
        )
        if expires_at is not None and expires_at <= tx.now:
            raise BadRequest("The 'expires_at' must not be before now.")
        if lender is not None:
            expires_at = _check_redelegation(lender, wanted, role_ids, expires_at)
        row = TrustRow(
            id=new_hex(),
            trustor_user_id=wanted.trustor_user_id,
            trustee_user_id=wanted.trustee_user_id,
            project_id=wanted.project_id or None,
            impersonation=wanted.impersonation,
            role_ids=role_ids,
            expires_at=expires_at,
            remaining_uses=wanted.remaining_uses,
            redelegated_trust_id=None if lender is None else lender.id,
            redelegation_count=self._depth(wanted, lender),
            created_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "identity.trust.create", row.id, principal=who, trustee=row.trustee_user_id)
        return row

    def _lender(self, tx: Tx, who: Principal) -> TrustRow | None:
        """The trust under which the caller acts, if it does."""
        if not who.is_delegated:
            return None
        if who.trust is None:
            raise forbidden("Redelegation allowed for delegated by trust only")
        row = tx.get(TrustRow, who.trust.id)
        if row is None or not _usable(row, tx.now):
            raise NotFound(f"Could not find trust: {who.trust.id}.")
        if not 0 < row.redelegation_count <= self._rules.max_redelegation_count:
            raise Forbidden(
                f"Remaining redelegation depth of {row.redelegation_count} out of allowed range "
                f"of [0..{self._rules.max_redelegation_count}]"
            )
        return row

    def _wanted_roles(self, tx: Tx, wanted: list[WantedRole]) -> list[str]:
        found: dict[str, None] = {}
        for role in wanted:
            if role.id is not None:
                found[role.id] = None
            elif role.name is not None:
                row = self._roles.find(tx, role.name)
                if row is None:
                    raise NotFound(f"Could not find role: {role.name}.")
                found[row.id] = None
            else:
                raise BadRequest("A role is named by its id or its name.")
        return list(found)

    def _check_roles(
        self,
        tx: Tx,
        wanted: TrustWishes,
        role_ids: list[str],
        lender: TrustRow | None,
        who: Principal,
    ) -> None:
        """Only roles that the first lender has on the project can be lent, and with an
        application credential only those that it has."""
        had: set[str] = set()
        if wanted.project_id:
            if tx.get(ProjectRow, wanted.project_id) is None:
                raise NotFound(f"Could not find project: {wanted.project_id}.")
            owner = wanted.trustor_user_id
            if lender is not None:
                owner = self._first(tx, lender).trustor_user_id
            rows = self._roles.effective(tx, owner, "project", wanted.project_id)
            had = {row.id for row in rows}
        if who.application_credential is not None:
            had &= set(who.role_ids) if who.project_id == wanted.project_id else set()
        for role_id in role_ids:
            if role_id not in had:
                raise NotFound(f"Could not find role: {role_id}.")

    def _first(self, tx: Tx, row: TrustRow) -> TrustRow:
        while row.redelegated_trust_id is not None:
            above = tx.get(TrustRow, row.redelegated_trust_id)
            assert above is not None, row.redelegated_trust_id
            row = above
        return row

    def _depth(self, wanted: TrustWishes, lender: TrustRow | None) -> int:
        most = self._rules.max_redelegation_count
        asked = wanted.redelegation_count
        if asked is not None and asked > most:
            raise Forbidden(
                f"Requested redelegation depth of {asked} is greater than allowed {most}"
            )
        if not wanted.allow_redelegation:
            return 0
        if wanted.remaining_uses is not None:
            raise BadRequest("remaining_uses must not be set if redelegation is allowed")
        left = most if lender is None else lender.redelegation_count - 1
        return left if asked is None else min(asked, left)

    def delete(self, tx: Tx, row: TrustRow, who: Principal) -> None:
        """With all that was lent on from it (the rows' foreign key). Who acts under a trust ends
        that, and what it lent on from it, but no other."""
        self.check_may_manage(who)
        if who.trust is not None and not self._is_from(tx, row, who.trust.id):
            raise forbidden("Delegated tokens cannot manage trusts other than their own")
        tx.delete(row)
        emit(tx, "identity.trust.delete", row.id, principal=who)

    def expired(self, tx: Tx, most: int) -> list[TrustRow]:
        return tx.all(queries.EXPIRED, now=tx.now, most=most)

    def forget_expired(self, tx: Tx, row: TrustRow) -> None:
        """With all that was lent on from it, which ends no later."""
        if tx.delete(row):
            emit(tx, "identity.trust.delete", row.id, why="expired")

    def resolve(self, tx: Tx, payload: TokenPayload, user: UserRow) -> Delegated | None:
        """See `delegations.Delegation`. `user` is the trustee."""
        if payload.trust_id is None:
            return None
        row = tx.get(TrustRow, payload.trust_id)
        if row is None or not _usable(row, tx.now):
            raise Unauthorized(f"Could not find trust: {payload.trust_id}.")
        if row.trustee_user_id != user.id:
            raise Forbidden("User is not a trustee.")
        trustor, *above = self._lenders_of(tx, row)
        mark = TrustMark(row.id, row.impersonation, row.trustor_user_id, row.trustee_user_id)
        return Delegated(
            user=trustor if row.impersonation else user,
            roles=self._lent_roles(tx, row),
            revoked_before=max(each.revoked_before for each in (user, trustor, *above)),
            trust=mark,
            ends=row.expires_at,
            lenders=(trustor, *above),
        )

    def _lenders_of(self, tx: Tx, row: TrustRow) -> list[UserRow]:
        """Of this trust, of the one that it was lent on from, and so on."""
        found = [self._lender_of(tx, row)]
        while row.redelegated_trust_id is not None:
            above = tx.get(TrustRow, row.redelegated_trust_id)
            assert above is not None, row.redelegated_trust_id
            row = above
            found.append(self._lender_of(tx, row))
        return found

    def _lender_of(self, tx: Tx, row: TrustRow) -> UserRow:
        trustor = tx.get(UserRow, row.trustor_user_id)
        home = None if trustor is None else tx.get(DomainRow, trustor.domain_id)
        if trustor is None or not trustor.enabled:
            raise Forbidden("Trustor is disabled.")
        if home is None or not home.enabled:
            raise refused()
        return trustor

    def _lent_roles(self, tx: Tx, row: TrustRow) -> list[RoleRow]:
        """The lent roles with what they imply; the first lender must have all of them still."""
        if row.project_id is None:
            return []
        owner = self._first(tx, row)
        had = self._roles.effective(tx, owner.trustor_user_id, "project", row.project_id)
        lent = self._roles.with_implied(tx, row.role_ids)
        if not lent or not {role.id for role in lent} <= {role.id for role in had}:
            raise Forbidden("Trustee has no delegated roles.")
        return lent


def _usable(row: TrustRow, now: Moment) -> bool:
    return row.expires_at is None or row.expires_at > now


def _check_redelegation(
    lender: TrustRow, wanted: TrustWishes, role_ids: list[str], expires_at: Moment | None
) -> Moment | None:
    """What is lent on is not more than what was lent; the end of the new trust."""
    if wanted.remaining_uses is not None:
        raise Forbidden(
            f'Field "remaining_uses" is set to {wanted.remaining_uses} while it must not be set '
            "in order to redelegate a trust"
        )
    if expires_at is not None and lender.expires_at is not None and expires_at > lender.expires_at:
        raise Forbidden("Requested expiration time is more than redelegated trust can provide")
    if not set(role_ids) <= set(lender.role_ids):
        raise Forbidden("Some of requested roles are not in redelegated trust")
    if wanted.project_id != lender.project_id:
        raise Forbidden("The project is not that of the redelegated trust")
    if wanted.impersonation and not lender.impersonation:
        raise Forbidden(
            "Impersonation is not allowed because redelegated trust does not specify "
            f"impersonation. Redelegated trust id: {lender.id}"
        )
    return expires_at or lender.expires_at
