"""Delegation: tokens whose rights are lent and not their user's own."""

from dataclasses import dataclass
from typing import Protocol

from cumulo.core.auth.principal import AccessTokenMark, ApplicationCredentialMark, TrustMark
from cumulo.core.auth.tokens import TokenPayload
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.identity.model.role import RoleRow
from cumulo.identity.model.user import UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """Whom a token speaks for and with which roles. `revoked_before`: as of a user's row."""

    user: UserRow
    roles: list[RoleRow]
    revoked_before: float = 0.0
    trust: TrustMark | None = None
    application_credential: ApplicationCredentialMark | None = None
    access_token: AccessTokenMark | None = None
    ends: Moment | None = None
    """When what was lent ends, whatever tokens say."""
    lenders: tuple[UserRow, ...] = ()
    """Of a trust all up to the first one: it is good as long as each of them is."""


class Delegation(Protocol):
    """A kind of lent rights."""

    def resolve(self, tx: Tx, payload: TokenPayload, user: UserRow) -> Delegated | None:
        """What the token may do now, None if it is not of this kind. `user` is there and
        enabled. Raises Unauthorized when what was lent is gone, Forbidden when its lender is."""
