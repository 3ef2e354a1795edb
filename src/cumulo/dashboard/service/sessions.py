"""Sessions: begun at sign-in, found by their cookie, ended."""

import hashlib
import secrets
from dataclasses import dataclass

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.dashboard.model.session import SessionRow
from cumulo.dashboard.queries import session as queries
from cumulo.identity.interface import Identity

COOKIE_LENGTH = 43
MOST_OF_A_USER = 50
"""Sessions of one user; the one that was not used for the longest time ends for a new one."""
TOUCH_SECONDS = 60.0
"""A session's last use is noted no finer than this."""


@dataclass(frozen=True)
class SignedIn:
    """Who a request of a browser is from."""

    session: SessionRow
    principal: Principal


class Sessions:
    def __init__(self, identity: Identity, idle_minutes: int, longest_hours: int) -> None:
        self._identity = identity
        self._idle = idle_minutes * 60.0
        self._longest = longest_hours * 3600.0

    def proved(self, tx: Tx, token: str) -> Principal:
        """Whose token it is. Raises Unauthorized."""
        return self._identity.verify(tx, token)

    def begin(
        self, tx: Tx, proof: Principal, project_id: str, before: str = ""
    ) -> tuple[str, SessionRow] | None:
        """(the cookie, the session) of a user whose proof was looked at; None without a role in
        the project. `before`: the cookie that the browser had: that session ends."""
        signed_on = proof.signed_on
        by = {**proof.lent, **signed_on}
        who = self._identity.principal_in_project(tx, proof.user_id, project_id, by)
        if who is None:
            return None
        self._make_room(tx, who.user_id, before)
        cookie, ends = secrets.token_urlsafe(32), later(tx.now, self._longest)
        if signed_on:
            # No longer than it would be known that somebody else's word was taken back.
            ends = min(ends, later(proof.expires_at, self._identity.revocations_kept))
        row = SessionRow(
            _id(cookie),
            who.user_id,
            who.user_name,
            project_id,
            list(who.roles),
            secrets.token_urlsafe(24),
            tx.now,
            tx.now,
            ends,
            dict(proof.lent),
            signed_on,
        )
        tx.insert(row)
        return cookie, row

    def _make_room(self, tx: Tx, user_id: str, before: str) -> None:
        """For one session more of a user."""
        if len(before) == COOKIE_LENGTH:
            self.forget(tx, _id(before))
        for (id,) in tx.tuples(queries.OLDEST, user=user_id, kept=MOST_OF_A_USER - 1):
            self.forget(tx, str(id))

    def find(self, tx: Tx, cookie: str) -> SignedIn | None:
        """None for a cookie that is of no session, of one that has ended, of a user who has no role
        in the project any more, or who has another password since."""
        if len(cookie) != COOKIE_LENGTH:
            return None
        row = tx.get(SessionRow, _id(cookie))
        if row is None or row.ends_at <= tx.now or later(row.seen_at, self._idle) <= tx.now:
            return None
        if seconds_of(row.made_at) < self._identity.proofs_end_before(tx, row.user_id):
            return None
        by = {**row.lent, **row.signed_on}
        principal = self._identity.principal_in_project(tx, row.user_id, row.project_id, by)
        if principal is None:
            return None
        kept = tuple(role for role in principal.roles if role in row.roles)
        return SignedIn(row, msgspec.structs.replace(principal, roles=kept)) if kept else None

    def stale(self, row: SessionRow, now: str) -> bool:
        """Whether its use should be noted."""
        return later(row.seen_at, TOUCH_SECONDS) <= now

    def touch(self, tx: Tx, id: str) -> None:
        tx.run(queries.SEEN, id=id, now=tx.now)

    def end(self, tx: Tx, row: SessionRow, *, everywhere: bool = False) -> None:
        if everywhere:
            tx.run(queries.OF_USER, user=row.user_id)
        else:
            tx.delete(row)

    def switch(self, tx: Tx, row: SessionRow, project_id: str) -> bool:
        """To another project of the user; False where there is no role, or for what was lent in
        one project."""
        if row.lent:
            return False
        found = self._identity.principal_in_project(tx, row.user_id, project_id, row.signed_on)
        if found is None:
            return False
        tx.update(row, project_id=project_id, roles=list(found.roles))
        return True

    def ended(self, tx: Tx, most: int) -> list[str]:
        idle = later(tx.now, -self._idle)
        return [str(id) for (id,) in tx.tuples(queries.ENDED, now=tx.now, idle=idle, most=most)]

    def forget(self, tx: Tx, id: str) -> None:
        row = tx.get(SessionRow, id)
        if row is not None:
            tx.delete(row)

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))


def _id(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
