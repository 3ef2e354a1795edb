"""Receipts: a part of the methods that a user's rules ask for has passed, the others may follow.

A receipt is a Fernet token like any other, of a version that is not accepted as a token.
"""

import time
from dataclasses import dataclass

from cumulo.core.auth.tokens import RECEIPT, InvalidToken, TokenKeys, TokenPayload, new_audit_id
from cumulo.core.clock import Moment, to_moment
from cumulo.core.db.transaction import Tx
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import refused

LIFETIME = 300.0
"""Seconds in which the other methods have to follow."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Not a token yet. `rules`: sets of methods, each of which would do."""

    receipt: str
    user: UserRow
    home: DomainRow
    methods: tuple[str, ...]
    rules: list[list[str]]
    issued_at: Moment
    expires_at: Moment


class Receipts:
    def __init__(self, keys: TokenKeys) -> None:
        self._keys = keys

    def issue(
        self, tx: Tx, user: UserRow, methods: tuple[str, ...], rules: list[list[str]]
    ) -> Receipt:
        home = tx.get(DomainRow, user.domain_id)
        if home is None or not home.enabled or not user.enabled:
            raise refused()
        now = time.time()
        payload = TokenPayload(
            version=RECEIPT,
            user_id=user.id,
            methods=list(methods),
            issued_at=now,
            expires_at=now + LIFETIME,
            audit_ids=[new_audit_id()],
        )
        return Receipt(
            self._keys.encode(payload),
            user,
            home,
            methods,
            rules,
            to_moment(now),
            to_moment(payload.expires_at),
        )

    def methods(self, receipt: str, user: UserRow) -> tuple[str, ...]:
        """What passed before for this user. Raises Unauthorized."""
        try:
            payload = self._keys.decode(receipt, RECEIPT)
        except InvalidToken:
            raise refused() from None
        if payload.expires_at <= time.time() or payload.user_id != user.id:
            raise refused()
        if payload.issued_at < user.revoked_before:
            raise refused()
        return tuple(payload.methods)


def missing(user: UserRow, methods: set[str], known: set[str]) -> list[list[str]] | None:
    """The user's rules if none of them is met by the methods; None if one is, or there is none.

    Methods that this cloud does not have are left out of account: nobody could use them.
    """
    if user.options.get("multi_factor_auth_enabled") is False:
        return None
    asked: list[list[str]] = user.options.get("multi_factor_auth_rules") or []
    possible = [rule for rule in asked if known & set(rule)]
    if not possible or any(set(rule) & known <= methods for rule in possible):
        return None
    return possible
