"""Operations: every route of every service as data.

The route table, the OpenAPI document, the policy listing and the coverage report come from the
same list:

    Operation("GET", "/servers/{server_id}", api.show, policy="os_compute_api:servers:show",
              response=ShowServer)

A handler returns a Body (sent as JSON with the operation's status), a Reply, or None for an empty
answer. Its kind says how it runs:

    plain    `def handler(call, tx)`, inside one transaction: a writing one unless the method is
             GET or HEAD
    fixed    `def handler(call)`, for what the process itself knows: public, and answered without
             the database (discovery documents)
    stream   `async def handler(call)`, for bodies of any size, password hashing and waiting; it
             opens its own transactions
    heavy    `def handler(call, tx)`: reads much, in a thread, on a connection that cannot write,
             and not for longer than its deadline
    socket   `async def handler(call, socket)`, a websocket: see `sockets`
    feed     `def handler(call) -> AsyncIterator[FeedEvent]`, server-sent events: see `feeds`

A path may end in a raw tail, `/{account}/{container}/{object:raw}`: all the rest of the path, with
its slashes, doubled ones too, and any bytes that the client has percent-encoded.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.auth.vouched import NOBODY, Vouched
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.wire.shapes import Version

Kind = Literal["plain", "fixed", "heavy", "stream", "socket", "feed"]

HEAVY_SECONDS = 30.0

Header = Callable[[str], str | None]
"""A request's header by its name, in any case."""

Claims = Callable[[Header, str, str], bool]


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented operation; `since`/`until` are microversions, `action` the key of the body
    of a `POST …/action`."""

    method: str
    path: str
    handler: Callable[..., Any]
    policy: str | None = None
    """The rule to check. With `early`, it is checked against the caller's own project before the
    handler runs; otherwise the handler calls `call.allow(target)` itself."""
    early: bool = True
    public: bool = False
    """Answers without a token."""
    body: Any = None
    """What msgspec decodes the body as: a Struct, or a list or dict where the API has one."""
    response: Any = None
    """What its JSON answer is: a Struct, or a list or dict."""
    status: int = 200
    since: str | None = None
    until: str | None = None
    action: str | None = None
    writes: bool | None = None
    kind: Kind = "plain"
    deadline: float = 0.0
    """Seconds after which it is given up, with 503; 0: HEAVY_SECONDS for a heavy one, none for
    others."""
    query: str = ""
    """For requests that have this name in their query (S3's `?acl`); those without a name are for
    all others of the same path and method."""
    title: str = ""
    body_limit: int = 0
    """Bytes of JSON accepted; 0: the application's limit."""

    @property
    def writing(self) -> bool:
        return self.method not in ("GET", "HEAD") if self.writes is None else self.writes

    def known_at(self, version: Version | None) -> bool:
        if version is None:
            return True
        if self.since is not None and version < Version.parse(self.since):
            return False
        return self.until is None or version <= Version.parse(self.until)

    @property
    def is_raw(self) -> bool:
        """The path ends in a raw tail."""
        return self.path.endswith(":raw}")


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a face's callers say who they are. Each way is tried in the order of the fields."""

    verify: "Callable[[Tx, Call], Principal | None] | None" = None
    """A way of the face's own: a signature over the request, a browser's session. It gets the whole
    request and says who made it; None for a request without such a proof; raises a fault for one
    whose proof is wrong. What it finds besides goes to `call.grant`; it may put a stream in place
    of `call.stream` that checks what comes."""
    token_headers: Sequence[str] = ("X-Auth-Token",)
    """Tokens of identity are taken from the first of these that is there, and from OAuth 2's
    `Authorization: Bearer`; none: tokens do not count."""
    anonymous: bool = False
    """Who shows nothing goes on without a principal (`call.maybe_principal`); the handler decides
    (public containers)."""


TOKENS = Authentication()


@dataclass(frozen=True, slots=True)
class Microversions:
    """The range that a service announces, and the headers that ask for one."""

    service_type: str
    minimum: Version
    maximum: Version
    legacy_header: str | None = None
    legacy_first: bool = False
    """In `Vary`: some clients find the header that they know only at the beginning."""
    range_headers: tuple[str, str] | None = None
    """Where every answer says the minimum and the maximum, a 406 too (Ironic's clients negotiate
    by them)."""

    @property
    def range_told(self) -> dict[str, str]:
        """The headers that say the range."""
        if self.range_headers is None:
            return {}
        least, most = self.range_headers
        return {least: str(self.minimum), most: str(self.maximum)}


@dataclass(slots=True)
class Face:
    """The HTTP face of one service, mounted under its path."""

    name: str
    mount: str
    faults: Callable[..., tuple[str, bytes]]
    """core.http.faults: how this service words a refusal"""
    rules: Rules
    operations: list[Operation] = field(default_factory=list)
    json_faults: Callable[..., tuple[str, bytes]] | None = None
    """The same for callers whose `Accept` prefers JSON, where `faults` makes a page."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """That every answer has, refusals too, unless it has its own: what keeps a browser safe."""
    prefixes: Sequence[str] = ("",)
    """Each operation is served under each of these; say `/v2.1` and `/v2.1/{project_id}`."""
    microversions: Microversions | None = None
    quota_status: int = 403
    service_types: Sequence[str] = ()
    """Its types in the catalog, as access rules name them; none: the name with hyphens."""
    request_id_headers: Sequence[str] = ("X-Openstack-Request-Id",)
    new_request_id: Callable[[], str] | None = None
    """For a service whose ids have a form of their own."""
    challenge: str = ""
    """What every 401 says of how to authenticate; empty: only those of the token check say it."""
    exact_paths: bool = False
    """A slash after a collection's name asks for a member without an id, as two slashes do: 404."""
    other_methods: Literal[404, 405] = 405
    """The status for a method that a path does not have. 404: to such a service it is no path."""
    answers: str = ""
    """The module with a table of response types: `core.http.responses`."""
    speaks: Literal["json", "octets"] = "json"
    """What its operations answer with where nothing else is said: JSON of a declared type, or
    pages, texts, XML, bytes."""
    authentication: Authentication = TOKENS
    json_only: bool = False
    """A body that says it is anything but JSON is 415, an `Accept` without JSON 406."""
    claims: Claims | None = None
    """A face that answers at `/`, for those requests alone that this says (of headers, query string
    and path as it was sent) are meant for it: signed for S3, say. It is asked before all other
    faces, of requests that have an Authorization header or a query."""


class Interrupted(BadRequest):
    """The client went away before its whole body was there."""

    def __init__(self) -> None:
        super().__init__("The body ended early: the client closed the connection.")


class Query:
    """The query string: names may repeat."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = pairs

    def get(self, name: str, default: str | None = None) -> str | None:
        """The last value of the name."""
        for key, value in reversed(self.pairs):
            if key == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def names(self) -> set[str]:
        return {key for key, _ in self.pairs}


@dataclass(slots=True)
class Reply:
    """An answer with another status, with headers, or whose body is not JSON."""

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    content_type: str | None = None
    """What the bytes are; JSON when nothing is said. Of no bytes only what is said here is told
    (an empty object has a type), never JSON by default."""


class Call:
    """One request: who asks, for what, in which version."""

    __slots__ = (
        "_principal",
        "address",
        "base_url",
        "body",
        "face",
        "grant",
        "header",
        "headers",
        "inside",
        "operation",
        "path",
        "query",
        "query_string",
        "raw_path",
        "request_id",
        "sends_files",
        "stream",
        "token",
        "url",
        "version",
        "vouched",
    )

    def __init__(self, face: Face, operation: Operation, request_id: str) -> None:
        self.face = face
        self.operation = operation
        self.request_id = request_id
        self.path: dict[str, str] = {}
        self.query = Query(())
        self.body: Any = None
        self.version: Version | None = None
        self.token: str | None = None
        self.address = ""
        """Of the client, as the server saw it, or the web server in front."""
        self.vouched: Vouched = NOBODY
        """What the web server in front says of the client."""
        self.base_url = ""
        """Scheme, host and mount, without a slash at the end."""
        self.url = ""
        """The requested URL without its query."""
        self.raw_path = ""
        """The path as it was sent, percent-encoded; what signatures are made over."""
        self.query_string = ""
        """The query as it was sent."""
        self.stream: AsyncIterator[bytes] | None = None
        """The body of a stream operation; raises Interrupted when the client went away."""
        self.sends_files = False
        """The server sends a `zero_copy.FileRange` in a stream."""
        self.inside = False
        """Made inside the process (`core.http.caller`): who calls needs no proof."""
        self.header: Header = lambda name: None
        self.headers: Callable[[], Mapping[str, str]] = dict
        """All headers, their names in lower case."""
        self.grant: Any = None
        """What the face's own way of authentication has found besides the principal."""
        self._principal: Principal | None = None

    @property
    def principal(self) -> Principal:
        assert self._principal is not None, "a public operation has no principal"
        return self._principal

    @principal.setter
    def principal(self, value: Principal) -> None:
        self._principal = value

    @property
    def maybe_principal(self) -> Principal | None:
        return self._principal

    @property
    def project_id(self) -> str:
        """The project of the token's scope; 400 for a token without one."""
        return self.principal.need_project()

    async def whole_body(self, most: int, too_long: Exception) -> bytes:
        """The body of a stream operation, where it is small: nothing if there is none. Raises
        `too_long` for more than `most` bytes, and Interrupted."""
        raw = bytearray()
        if self.stream is not None:
            async for piece in self.stream:
                raw += piece
                if len(raw) > most:
                    raise too_long
        return bytes(raw)

    def allowed(self, action: str, target: Mapping[str, Any] | None = None) -> bool:
        """Does the policy rule allow this caller the action on the target?

        What the target has no value for is left out, so that a check of it is false: a caller
        without a domain is not in the domain of a target without one.
        """
        if target is None:
            target = {
                "project_id": self.principal.project_id,
                "tenant_id": self.principal.project_id,
                "user_id": self.principal.user_id,
            }
        if None in target.values():
            target = {name: value for name, value in target.items() if value is not None}
        return self.face.rules.allows(action, self.principal.credentials, target)

    def allow(self, target: Mapping[str, Any] | None = None, action: str | None = None) -> None:
        """Raise Forbidden unless the rule (the operation's own by default) allows it."""
        name = action or self.operation.policy
        assert name is not None
        if not self.allowed(name, target):
            raise Forbidden(f"Policy doesn't allow {name} to be performed.")


def refuse_query(call: Call, known: set[str]) -> None:
    """400 for query parameters that the operation does not have."""
    unknown = call.query.names() - known
    if unknown:
        raise BadRequest(
            "Additional properties are not allowed "
            f"({', '.join(repr(name) for name in sorted(unknown))} unexpected)"
        )
