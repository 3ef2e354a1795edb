"""From the body of a request for a token to the token.

Every named method says who it is, all must find the same user; then come the user's multi-factor
rules, the scope, and the token, in one transaction with the use of a trust.
"""

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, TooManyRequests, Unauthorized
from cumulo.core.wire.wording import refuse
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import Attempt, Identified, Method, refused
from cumulo.identity.service.authentication.receipts import Receipt, Receipts, missing
from cumulo.identity.service.authentication.scope import Scopes, WantedScope
from cumulo.identity.service.once import use_once
from cumulo.identity.service.tokens import Tokens
from cumulo.identity.service.trusts import Trusts

log = logging.getLogger("cumulo.identity")

MAX_METHODS = 10


Render = Callable[[Tx, Principal], Any]


def nothing(tx: Tx, who: Principal) -> None:
    """For callers that need no body."""


@dataclass(frozen=True, slots=True)
class Issued:
    token: str
    principal: Principal
    body: Any
    """What `render` made of it."""

    @property
    def issued(self) -> float:
        """Seconds since the epoch."""
        return seconds_of(self.principal.issued_at)


class Authentication:
    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        scopes: Scopes,
        trusts: Trusts,
        receipts: Receipts,
        *,
        totp_alone: bool = False,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._scopes = scopes
        self._trusts = trusts
        self._receipts = receipts
        self._totp_alone = totp_alone
        self._methods: dict[str, tuple[Method, msgspec.json.Decoder[Any]]] = {}

    def add(self, method: Method) -> None:
        """Accept a method of authentication."""
        self._methods[method.name] = (method, msgspec.json.Decoder(method.shape))

    async def authenticate(
        self,
        methods: list[str],
        bodies: dict[str, msgspec.Raw],
        wanted: WantedScope | str | None,
        attempt: Attempt,
        render: Render = nothing,
    ) -> Issued | Receipt:
        """A token, or a receipt if the user's rules ask for more methods. `render` makes the body
        of the answer, in the same transaction. Raises BadRequest, Unauthorized, Forbidden."""
        found = await self._identify(methods, bodies, attempt)
        if attempt.receipt:
            before = self._receipts.methods(attempt.receipt, found.user)
            together = tuple(dict.fromkeys((*before, *found.methods)))
            found = dataclasses.replace(found, methods=together)
        rules = missing(found.user, set(found.methods), set(self._methods))
        if rules is not None:
            return await self._receipt(found, rules)
        if set(found.methods) == {"totp"} and not (self._totp_alone or _wants_totp(found.user)):
            raise refused()
        return await self.issue(found, wanted, render)

    async def _receipt(self, found: Identified, rules: list[list[str]]) -> Receipt:
        def work(tx: Tx) -> Receipt:
            _use(tx, found)
            return self._receipts.issue(tx, found.user, found.methods, rules)

        if found.once:
            return await self._database.write(work, name="issue receipt")
        return await self._database.read(work)

    async def _identify(
        self, methods: list[str], bodies: dict[str, msgspec.Raw], attempt: Attempt
    ) -> Identified:
        if not methods or len(methods) > MAX_METHODS:
            raise BadRequest("Expecting to find 1 to 10 methods in identity.")
        for name in methods:
            if name not in self._methods:
                raise Unauthorized("Attempted to authenticate with an unsupported method.")
        found: list[Identified] = []
        for name in dict.fromkeys(methods):
            method, decoder = self._methods[name]
            asked = _decoded(decoder, bodies, name)
            try:
                found.append(await method.identify(asked, attempt))
            except (Unauthorized, TooManyRequests) as error:
                failed_login(whom(asked), attempt.address, name, str(error))
                raise
        return _together(found)

    async def issue(
        self, found: Identified, wanted: WantedScope | str | None, render: Render = nothing
    ) -> Issued:
        """The token of somebody who has been identified."""
        lent = isinstance(wanted, WantedScope) and wanted.trust is not None
        if found.scope is not None and found.scope.trust_id is not None:
            lent = True

        def work(tx: Tx) -> Issued:
            _use(tx, found)
            scope = self._scopes.find(tx, wanted, found)
            ends = None
            if scope.trust_id is not None:
                moment = self._trusts.limit(tx, scope.trust_id)
                ends = None if moment is None else seconds_of(moment)
                self._trusts.use(tx, scope.trust_id)
            token, who = self._tokens.issue(tx, found, scope, list(found.methods), expires=ends)
            return Issued(token, who, render(tx, who))

        if lent or found.once:
            return await self._database.write(work, name="issue token")
        return await self._database.read(work)


def whom(asked: Any) -> str:
    """Who somebody says to be, for the log; nothing of it is proved."""
    for named in (getattr(asked, "user", None), asked):
        name, id = getattr(named, "name", None), getattr(named, "id", None)
        if id:
            return f"{id:.80}"
        if name:
            domain = getattr(named, "domain", None)
            where = domain and (domain.name or domain.id)
            return f"{name:.80}@{where:.80}" if where else f"{name:.80}"
    return ""


def failed_login(who: str, address: str, method: str, why: str) -> None:
    """One line of the log, which a watcher (say, fail2ban) can read: names are quoted."""
    log.warning("login failed: user %r from %s by %s: %s", who, address or "inside", method, why)


def _wants_totp(user: UserRow) -> bool:
    """Does one of the user's own rules say that a one-time password is enough?"""
    on = user.options.get("multi_factor_auth_enabled") is not False
    return on and ["totp"] in (user.options.get("multi_factor_auth_rules") or [])


def _use(tx: Tx, found: Identified) -> None:
    """What is good once counts as used with what it was good for. Raises Unauthorized."""
    for once in found.once:
        if not use_once(tx, once):
            raise refused()


def _decoded(decoder: msgspec.json.Decoder[Any], bodies: dict[str, msgspec.Raw], name: str) -> Any:
    raw = bodies.get(name)
    if raw is None:
        raise BadRequest(f"Expecting to find {name} in identity.")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The body is a secret as a whole: nothing of it is repeated.
        raise refuse(error, b"null") from None


def _together(found: list[Identified]) -> Identified:
    """What several methods have found as one. They must mean the same user."""
    first = found[0]
    if len(found) == 1:
        return first
    if any(each.user.id != first.user.id for each in found):
        raise refused()
    special = [each for each in found if each.parent or each.scope or each.binding != first.binding]
    if len(special) > 1:
        # Two methods that each bind the token: there is no token that both could mean.
        raise refused()
    chosen = special[0] if special else first
    names = tuple(dict.fromkeys(name for each in found for name in each.methods))
    return Identified(
        user=chosen.user,
        methods=names,
        parent=chosen.parent,
        scope=chosen.scope,
        wish=chosen.wish,
        expires=min((e.expires for e in found if e.expires is not None), default=None),
        binding=chosen.binding,
        explicit_scope=any(each.explicit_scope for each in found),
        once=tuple(once for each in found for once in each.once),
    )
