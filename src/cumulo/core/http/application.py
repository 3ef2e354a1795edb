"""The application: from a request to an operation, through one transaction, to an answer.

Falcon routes and speaks ASGI; everything that OpenStack wants of an HTTP layer is here, once:
token and principal, microversion rules, body decoding by the version's schema, the policy check,
the transaction, faults in the service's own envelope, request ids.
"""

import functools
import itertools
import logging
import os
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol
from urllib.parse import parse_qsl

import falcon
import falcon.asgi
import msgspec

from cumulo.core.auth.access_rules import allows
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, IntegrityError, Tx, Unstorable
from cumulo.core.faults import (
    BadRequest,
    Conflict,
    Fault,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    QuotaExceeded,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from cumulo.core.http import faults as envelopes
from cumulo.core.http.front import Front
from cumulo.core.http.operations import Call, Face, Interrupted, Operation, Query, Reply
from cumulo.core.wire.shapes import Version, lift, request_type, trim
from cumulo.core.wire.wording import refuse

log = logging.getLogger("cumulo.http")

BODY_LIMIT = 1024 * 1024
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "COPY", "OPTIONS")
_FIELD = re.compile(r"\{(\w+)\}")


class Authenticator(Protocol):
    """What the application asks of identity."""

    def cached(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and is still good."""

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token; raises Unauthorized. `allow_expired`: it may have ended, not
        longer ago than identity allows."""


class Application:
    """Builds the ASGI application out of the faces of all services."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        *,
        auth_url: str = "",
        front: Front | None = None,
    ) -> None:
        self.database = database
        self.authenticator = authenticator
        self.auth_url = auth_url
        self.front = front or Front()
        self.faces: list[Face] = []
        self.asgi: Any = falcon.asgi.App()
        self.asgi.req_options.strip_url_path_trailing_slash = True
        self.asgi.req_options.auto_parse_qs_csv = False
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
        self._actions = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def mount(self, face: Face) -> None:
        self.faces.append(face)
        paths: dict[str, list[tuple[Operation, tuple[str, ...]]]] = defaultdict(list)
        for prefix in face.prefixes:
            for operation in face.operations:
                template = face.mount + prefix + operation.path
                names = tuple(_FIELD.findall(template))
                # Falcon wants one name per place: p0, p1 … by position.
                plain = _numbered(template)
                paths[plain.rstrip("/") or "/"].append((operation, names))
        for plain, found in paths.items():
            self.asgi.add_route(plain, self._resource(face, found))
        if face.mount:
            self.asgi.add_sink(self._unknown(face), prefix=re.compile(re.escape(face.mount)))

    def _resource(self, face: Face, found: list[tuple[Operation, tuple[str, ...]]]) -> object:
        members: dict[str, Any] = {}
        for method in _METHODS:
            mine = [pair for pair in found if pair[0].method == method]
            members[f"on_{method.lower()}"] = (
                self._responder(face, mine) if mine else self._not_allowed(face)
            )
        return type("Route", (), members)()

    def _unknown(self, face: Face) -> Callable[..., Any]:
        async def sink(req: Any, resp: Any, **_: Any) -> None:
            fault = NotFound("The resource could not be found.", kind="HTTPNotFound")
            self._refuse(face, resp, fault, new_request_id(), None)

        return sink

    def _not_allowed(self, face: Face) -> Callable[..., Any]:
        async def responder(_self: object, req: Any, resp: Any, **_: Any) -> None:
            fault: Fault = MethodNotAllowed("The method is not allowed for this resource.")
            if face.exact_paths and req.scope["path"].endswith("/"):
                fault = NotFound("The resource could not be found.", kind="HTTPNotFound")
            self._refuse(face, resp, fault, new_request_id(), None)

        return responder

    def _responder(
        self, face: Face, found: list[tuple[Operation, tuple[str, ...]]]
    ) -> Callable[..., Any]:
        async def responder(_self: object, req: Any, resp: Any, **params: str) -> None:
            await self._respond(face, found, req, resp, params)

        return responder

    async def _respond(
        self,
        face: Face,
        found: list[tuple[Operation, tuple[str, ...]]],
        req: Any,
        resp: Any,
        params: dict[str, str],
    ) -> None:
        request_id = new_request_id()
        version: Version | None = None
        started = time.perf_counter()
        try:
            version = _negotiate(face, req)
            operation, names, raw = await self._choose(found, version, req)
            if face.exact_paths and not operation.public and req.scope["path"].endswith("/"):
                raise NotFound("The resource could not be found.")
            call = Call(face, operation, request_id)
            call.version = version
            call.header = req.get_header
            call.token = req.get_header("X-Auth-Token") or _bearer(req)
            call.path = {name: params[f"p{i}"] for i, name in enumerate(names)}
            if req.query_string:
                call.query = Query(parse_qsl(req.query_string, keep_blank_values=True))
            call.address, call.vouched = self.front.read(req.remote_addr, req.get_header)
            prefix = f"{req.forwarded_scheme}://{req.forwarded_host}"
            call.base_url = prefix + face.mount
            call.url = prefix + req.path
            answer = await self._run(call, raw, req)
            self._answer(operation, version, resp, answer)
        except Fault as fault:
            self._refuse(face, resp, fault, request_id, version)
        except IntegrityError:
            log.exception("%s %s %s", request_id, req.method, req.path)
            conflict = Conflict("The resource is in use, or was changed at the same time.")
            self._refuse(face, resp, conflict, request_id, version)
        except Unstorable:
            nonsense = BadRequest("A value has characters or a size that cannot be stored.")
            self._refuse(face, resp, nonsense, request_id, version)
        except Exception:
            log.exception("%s %s %s failed", request_id, req.method, req.path)
            unexpected = Fault("An unexpected error happened; the log has it under the request id.")
            self._refuse(face, resp, unexpected, request_id, version)
        resp.set_header("X-Openstack-Request-Id", request_id)
        if face.name == "compute":
            resp.set_header("X-Compute-Request-Id", request_id)
        if version is not None:
            _announce(face, resp, version)
        if req.method not in ("GET", "HEAD"):
            taken = (time.perf_counter() - started) * 1000
            log.info("%s %s %s %s %.1f ms", request_id, req.method, req.path, resp.status, taken)

    async def _choose(
        self,
        found: list[tuple[Operation, tuple[str, ...]]],
        version: Version | None,
        req: Any,
    ) -> tuple[Operation, tuple[str, ...], bytes]:
        """The operation of the asked version, and the JSON bytes of the body it takes."""
        known = [pair for pair in found if pair[0].known_at(version)]
        if not known:
            raise NotFound("The resource could not be found.")
        operation, names = known[0]
        if operation.streams and operation.body is None:
            return operation, names, b""
        if operation.action is None:
            takes = operation.body is not None
            limit = operation.body_limit or BODY_LIMIT
            return operation, names, await _read(req, limit) if takes else b""
        raw = await _read(req, operation.body_limit or BODY_LIMIT)
        try:
            actions = self._actions.decode(raw)
        except msgspec.DecodeError:
            raise BadRequest("Malformed request body") from None
        if len(actions) != 1:
            raise BadRequest("Malformed request body: exactly one action is expected.")
        name = next(iter(actions))
        for operation, names in known:
            if operation.action == name:
                return operation, names, raw
        raise BadRequest(f"There is no such action: {name}")

    async def _run(self, call: Call, raw: bytes, req: Any) -> Any:
        operation = call.operation
        if not operation.public:
            if call.token is None:
                raise self._unauthorized()
            principal = self.authenticator.cached(call.token)
            if principal is not None:
                call.principal = principal
        if operation.streams:
            call.stream = _whole(req)
            if not operation.public:
                await self.database.read(functools.partial(self._admit, call))
            if operation.body is not None:
                call.body = self._decode(operation.body, call.version, raw)
            return await operation.handler(call)
        work = functools.partial(self._in_transaction, call, raw)
        if operation.writing:
            name = operation.title or f"{operation.method} {call.face.mount}{operation.path}"
            return await self.database.write(work, name=name)
        return await self.database.read(work)

    def _in_transaction(self, call: Call, raw: bytes, tx: Tx) -> Any:
        operation = call.operation
        if not operation.public:
            self._admit(call, tx)
        if operation.body is not None and call.body is None:
            call.body = self._decode(operation.body, call.version, raw)
        return operation.handler(call, tx)

    def _admit(self, call: Call, tx: Tx) -> None:
        """Verify the token, then the early policy check and the project in the path."""
        if call.maybe_principal is None:
            try:
                call.principal = self._verified(call, tx)
            except Unauthorized:
                raise self._unauthorized() from None
        if not _is_shown(call, call.principal):
            raise self._unauthorized()
        if call.principal.access_rules is not None:
            self._check_access_rules(call, tx)
        if call.operation.policy is not None and call.operation.early:
            call.allow()
        named = call.path.get("project_id")
        if (
            named is not None
            and call.face.prefixes != ("",)
            and named != call.principal.project_id
            and not call.principal.is_admin
        ):
            raise BadRequest(
                f"Malformed request url: URL's project_id '{named}' doesn't match Context's "
                f"project_id '{call.principal.project_id}'"
            )

    def _verified(self, call: Call, tx: Tx) -> Principal:
        """A token that ended a while ago still counts when a service vouches for the task."""
        token = call.token or ""
        try:
            return self.authenticator.verify(tx, token)
        except Unauthorized:
            if call.face.name == "identity" or not self._for_service(call, tx):
                raise
            return self.authenticator.verify(tx, token, allow_expired=True)

    def _for_service(self, call: Call, tx: Tx) -> bool:
        """The request is made by a service, with its own token beside the user's."""
        token = call.header("X-Service-Token")
        if not token:
            return False
        try:
            service = self.authenticator.verify(tx, token)
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
            headers={"WWW-Authenticate": f'Keystone uri="{self.auth_url}"'},
        )

    def _decode(self, kind: Any, version: Version | None, raw: bytes) -> Any:
        shape = request_type(kind, version)
        decoder = self._decoders.get(shape)
        if decoder is None:
            decoder = self._decoders[shape] = msgspec.json.Decoder(shape)
        try:
            return lift(decoder.decode(raw or b"null"), kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse(error, raw) from None

    def _answer(
        self, operation: Operation, version: Version | None, resp: Any, answer: Any
    ) -> None:
        resp.status = operation.status
        if isinstance(answer, Reply):
            if answer.status is not None:
                resp.status = answer.status
            for name, value in answer.headers.items():
                # Falcon wants whole lines of cookies appended.
                put = resp.append_header if name == "Set-Cookie" else resp.set_header
                put(name, value)
            if answer.stream is not None:
                resp.content_type = answer.content_type
                resp.stream = answer.stream
                return
            if answer.raw is not None:
                resp.content_type = answer.content_type
                resp.data = answer.raw
                return
            answer = answer.body
        if answer is None:
            resp.content_type = "application/json"
            return
        if version is not None:
            trim(answer, version)
        resp.content_type = "application/json"
        resp.data = msgspec.json.encode(answer)

    def _refuse(
        self, face: Face, resp: Any, fault: Fault, request_id: str, version: Version | None
    ) -> None:
        status = face.quota_status if isinstance(fault, QuotaExceeded) else fault.status
        # The token check stands in front of the services and words its refusal alike for all.
        word = envelopes.identity if status == 401 else face.faults
        content_type, body = word(fault, status, request_id)
        resp.status = status
        resp.content_type = content_type
        resp.data = body
        resp.stream = None
        for name, value in fault.headers.items():
            resp.set_header(name, value)


def _is_shown(call: Call, who: Principal) -> bool:
    """A token that is bound to a certificate is good only with it (RFC 8705, section 3)."""
    return who.certificate is None or who.certificate == call.vouched.thumbprint


def new_request_id() -> str:
    """`req-` and a random UUID, by hand: the uuid module takes ten times as long."""
    text = os.urandom(16).hex()
    return f"req-{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _numbered(template: str) -> str:
    """`/a/{x}/b/{y}` as `/a/{p0}/b/{p1}`."""
    numbers = itertools.count()
    return _FIELD.sub(lambda _: f"{{p{next(numbers)}}}", template)


async def _read(req: Any, limit: int) -> bytes:
    """The body, refused by its length before it is read where the client names one."""
    length = req.content_length
    if length is not None and length > limit:
        raise TooLarge("Request is too large.")
    raw: bytes = await req.stream.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge("Request is too large.")
    kind = (req.content_type or "application/json").partition(";")[0].strip().lower()
    if raw and not (kind.endswith(("json", "json-patch")) or kind in ("", "text/plain")):
        raise UnsupportedMediaType(f"Unsupported Content-Type: {kind}")
    return raw


async def _whole(req: Any) -> AsyncIterator[bytes]:
    """The body in pieces. Falcon ends its stream alike for a whole body and for a client that
    went away, so the events are watched."""
    stream = req.stream
    receive = stream._receive
    gone = False

    async def watched() -> Any:
        nonlocal gone
        event = await receive()
        gone = gone or event["type"] == "http.disconnect"
        return event

    stream._receive = watched
    got = 0
    async for piece in stream:
        got += len(piece)
        yield piece
    if gone or got < (req.content_length or 0):
        raise Interrupted


def _bearer(req: Any) -> str | None:
    """The token as clients of OAuth 2 send it."""
    kind, _, token = (req.get_header("Authorization") or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token else None


def _negotiate(face: Face, req: Any) -> Version | None:
    """The microversion that the request asks for; 400 for nonsense, 406 outside the range."""
    known = face.microversions
    if known is None:
        return None
    asked = _asked_version(req.get_header("OpenStack-API-Version"), known.service_type)
    if asked is None and known.legacy_header is not None:
        asked = req.get_header(known.legacy_header)
    if asked is None:
        return known.minimum
    asked = asked.strip()
    if asked == "latest":
        return known.maximum
    try:
        version = Version.parse(asked)
    except ValueError:
        raise BadRequest(
            f"API Version String '{asked}' is of invalid format. Must be of format "
            "MajorNum.MinorNum."
        ) from None
    if not known.minimum <= version <= known.maximum:
        raise NotAcceptable(
            f"Version {asked} is not supported by the API. Minimum is {known.minimum} and "
            f"maximum is {known.maximum}."
        )
    return version


def _asked_version(header: str | None, service_type: str) -> str | None:
    """`OpenStack-API-Version: compute 2.79, volume 3.50` asks each service for its own."""
    if header is None:
        return None
    for part in header.split(","):
        name, _, version = part.strip().partition(" ")
        if name.lower() == service_type and version:
            return version
    return None


def _announce(face: Face, resp: Any, version: Version) -> None:
    known = face.microversions
    assert known is not None
    resp.set_header("OpenStack-API-Version", f"{known.service_type} {version}")
    vary = "OpenStack-API-Version"
    if known.legacy_header is not None:
        resp.set_header(known.legacy_header, str(version))
        vary += f", {known.legacy_header}"
    resp.set_header("Vary", vary)


def all_operations(faces: Iterable[Face]) -> Iterable[tuple[Face, Operation]]:
    return ((face, operation) for face in faces for operation in face.operations)
