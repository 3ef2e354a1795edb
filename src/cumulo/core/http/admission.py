"""Who makes a request, and whether they may: proof of identity, access rules, the early policy
check, the project in the path."""

from typing import Protocol

from cumulo.core.auth.access_rules import allows
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Unauthorized
from cumulo.core.http.operations import Call


class Authenticator(Protocol):
    """What the application asks of identity."""

    def cached(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and is still good."""

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token; raises Unauthorized. `allow_expired`: it may have ended, not
        longer ago than identity allows."""


class Admission:
    def __init__(self, authenticator: Authenticator, auth_url: str) -> None:
        self._authenticator = authenticator
        self._auth_url = auth_url

    def at_once(self, call: Call) -> None:
        """What can be said without a transaction: a token that is known, or that nothing was
        shown at all."""
        ways = call.face.authentication
        if call.inside or ways.verify is not None:
            return
        if call.token is not None:
            principal = self._authenticator.cached(call.token)
            if principal is not None:
                call.principal = principal
        elif not ways.anonymous:
            raise self._unauthorized()

    def admit(self, call: Call, tx: Tx) -> None:
        """Find out who calls; refuse who may not."""
        if call.maybe_principal is None and not call.inside:
            self._identify(call, tx)
        principal = call.maybe_principal
        if principal is None:
            if not call.face.authentication.anonymous:
                raise self._unauthorized()
            return
        if not (call.inside or _is_shown(call, principal)):
            raise self._unauthorized()
        if principal.access_rules is not None:
            self._check_access_rules(call, tx)
        if call.operation.policy is not None and call.operation.early:
            call.allow()
        named = call.path.get("project_id")
        if (
            named is not None
            and call.face.prefixes != ("",)
            and named != principal.project_id
            and not principal.is_admin
        ):
            raise BadRequest(
                f"Malformed request url: URL's project_id '{named}' doesn't match Context's "
                f"project_id '{principal.project_id}'"
            )

    def still(self, call: Call, tx: Tx) -> bool:
        """Whether this caller would be let in now, with the same right."""
        before = call.maybe_principal
        ways = call.face.authentication
        if before is None or call.token is None or ways.verify is not None:
            return True
        try:
            now = self._verified(call, tx)
        except Unauthorized:
            return False
        return (now.user_id, now.project_id, now.roles) == (
            before.user_id,
            before.project_id,
            before.roles,
        )

    def _identify(self, call: Call, tx: Tx) -> None:
        ways = call.face.authentication
        if ways.verify is not None:
            principal = ways.verify(tx, call)
            if principal is not None:
                call.principal = principal
                return
        if call.token is not None:
            try:
                call.principal = self._verified(call, tx)
            except Unauthorized:
                raise self._unauthorized() from None

    def _verified(self, call: Call, tx: Tx) -> Principal:
        """A token that ended a while ago still counts when a service vouches for the task."""
        token = call.token or ""
        try:
            return self._authenticator.cached(token) or self._authenticator.verify(tx, token)
        except Unauthorized:
            if call.face.name == "identity" or not self._for_service(call, tx):
                raise
            return self._authenticator.verify(tx, token, allow_expired=True)

    def _for_service(self, call: Call, tx: Tx) -> bool:
        """The request is made by a service, with its own token beside the user's."""
        token = call.header("X-Service-Token")
        if not token:
            return False
        try:
            service = self._authenticator.verify(tx, token)
            return "service" in service.roles and _is_shown(call, service)
        except Unauthorized:
            return False

    def _check_access_rules(self, call: Call, tx: Tx) -> None:
        """401 for what the token's application credential is not for. What services do for it
        among themselves is not limited, nor that a token is shown to identity."""
        face, method = call.face, call.operation.method
        below = call.url.removeprefix(call.base_url)
        if face.name == "identity" and method == "GET" and below == "/v3/auth/tokens":
            return
        types = face.service_types or (face.name.replace("_", "-"),)
        rules = call.principal.access_rules or ()
        if not allows(rules, types, method, (below, face.mount + below)) and not self._for_service(
            call, tx
        ):
            raise self._unauthorized()

    def _unauthorized(self) -> Unauthorized:
        return Unauthorized(
            "The request you have made requires authentication.",
            headers={"WWW-Authenticate": f'Keystone uri="{self._auth_url}"'},
        )


def _is_shown(call: Call, who: Principal) -> bool:
    """A token that is bound to a certificate is good only with it (RFC 8705, section 3)."""
    return who.certificate is None or who.certificate == call.vouched.thumbprint
