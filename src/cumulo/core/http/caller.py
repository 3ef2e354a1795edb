"""The caller inside the process: whoever acts for a user without HTTP (a stack, a panel, a job).

    result = await frame.caller.call(
        principal, "POST", "/compute/v2.1/servers", {"server": {…}}, version="2.79"
    )
    server = result.into(ServerAnswer)     # raises the fault that the operation ended with

It is the same operation as by HTTP: same schema, policy, project rules, quota, words of refusal.
What falls away is the proof of identity: the principal is given (stored once when the user asked
for the work, or got anew from identity), and so no bucket of requests counts it. `call_in` does it
inside a transaction that is open already, for plain operations: all that the operation does counts
together with the rest, or, when it is refused, not at all.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import IntegrityError, Tx, Unstorable
from cumulo.core.faults import Fault, MethodNotAllowed, TooLarge
from cumulo.core.http.answers import Answer, announce, answer_of, refusal_of
from cumulo.core.http.execution import Execution, Named, candidates, fault_of, new_request_id, pick
from cumulo.core.http.operations import Call, Face, Query
from cumulo.core.http.requests import BODY_LIMIT, negotiate, query_pairs

T = TypeVar("T")

Content = bytes | AsyncIterator[bytes]
"""The body of a stream operation that has no schema."""


class Routes(Protocol):
    def __call__(self, path: str) -> tuple[Face, Mapping[str, list[Named]], dict[str, str]] | None:
        """A path as a client would send it → its face, the operations of each method, and the
        fields' values by their place."""


@dataclass(frozen=True, slots=True)
class Result:
    """An operation's answer."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    """Empty for a stream."""
    stream: AsyncIterator[bytes] | None
    fault: Fault | None
    """What a refused operation was refused for; its words, in the service's envelope, are `raw`."""

    @property
    def body(self) -> Any:
        """Decoded JSON; bytes where it is something else; None where there is nothing."""
        if not self.raw:
            return None
        is_json = "json" in self.headers.get("Content-Type", "")
        return msgspec.json.decode(self.raw) if is_json else self.raw

    def checked(self) -> "Result":
        """This, or the fault raised that it is."""
        if self.fault is not None:
            raise self.fault
        return self

    def into(self, kind: type[T]) -> T:
        """The body as a type (a Struct, a dict …). Raises the fault of a refused operation."""
        self.checked()
        return msgspec.json.decode(self.raw or b"null", type=kind)

    async def read(self, most: int) -> bytes:
        """All bytes of the answer, a stream's too. Raises TooLarge beyond `most`."""
        if self.stream is None:
            return self.raw
        pieces = bytearray()
        async for piece in self.stream:
            pieces += piece
            if len(pieces) > most:
                raise TooLarge(f"More than {most} bytes.")
        return bytes(pieces)


class Caller:
    """Calls operations of any face. Bound to them when all are mounted."""

    def __init__(self) -> None:
        self._execution: Execution | None = None
        self._routes: Routes = lambda path: None
        self._base_url = ""

    def bind(self, execution: Execution, routes: Routes, base_url: str) -> None:
        self._execution, self._routes, self._base_url = execution, routes, base_url

    async def call(
        self,
        principal: Principal | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        address: str = "",
    ) -> Result:
        """Do an operation in transactions of its own.

        `path`: as in HTTP, percent-encoded, from the mount on, perhaps with a query. `body`: what
        becomes its JSON: plain types or Structs. `version`: the microversion, `latest` too; None is
        the service's oldest, as without the header. `principal` None: for public operations.
        `address`: of the client in whose name it is asked, for what is counted by addresses.
        """
        asked = _Asked(method, path, query, version, headers)
        face = self._face(asked)
        request_id = new_request_id()
        try:
            call, raw = self._prepare(asked, request_id, principal, body)
            call.address = address
            if call.operation.kind == "stream":
                call.stream = _pieces(content if content is not None else raw)
            answer = answer_of(call, await self._need().run(call, raw))
        except Exception as error:
            return _refused(face, asked, request_id, error)
        return _result(face, asked, answer)

    def call_in(
        self,
        tx: Tx,
        principal: Principal | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Result:
        """Do a plain operation inside `tx`. When it is refused, nothing of it is in `tx`, which
        may go on. A mistake in the program is raised, and what the database raises, too."""
        asked = _Asked(method, path, query, version, headers)
        face = self._face(asked)
        request_id = new_request_id()
        try:
            call, raw = self._prepare(asked, request_id, principal, body)
        except Fault as fault:
            return _refused(face, asked, request_id, fault)
        if call.operation.kind != "plain":
            raise TypeError(f"{method} {path} is a {call.operation.kind}: it cannot share a tx")
        kept: list[Any] = []
        failed = tx.attempt(lambda: kept.append(self._need().run_in(call, raw, tx)))
        if failed is None:
            return _result(face, asked, answer_of(call, kept[0]))
        if isinstance(failed, Fault | IntegrityError | Unstorable):
            return _refused(face, asked, request_id, failed)
        raise failed

    def may(
        self,
        principal: Principal,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = None,
        target: Mapping[str, Any] | None = None,
        rule: str | None = None,
    ) -> bool:
        """Whether the rules would let the principal do an operation, as far as they can say without
        the thing itself: to `target`, or else to what is the principal's own. `rule`: another
        rule of the same service. For what is shown or not; the operation asks for itself."""
        asked = _Asked(method, path, (), version, None)
        found = self._routes(asked.path)
        if found is None:
            return False
        try:
            call, _ = self._prepare(asked, "", principal, body)
        except Fault:
            return False
        name = rule or call.operation.policy
        return name is None or call.allowed(name, target)

    def _need(self) -> Execution:
        assert self._execution is not None, "the faces are not mounted yet"
        return self._execution

    def _face(self, asked: "_Asked") -> Face:
        found = self._routes(asked.path)
        if found is None:
            raise LookupError(f"no service has the path {asked.path}")
        return found[0]

    def _prepare(
        self, asked: "_Asked", request_id: str, principal: Principal | None, body: Any
    ) -> tuple[Call, bytes]:
        found = self._routes(asked.path)
        assert found is not None
        face, methods, places = found
        if asked.method not in methods:
            raise MethodNotAllowed("The method is not allowed for this resource.")
        version = negotiate(face, asked.header(face))
        known = candidates(methods[asked.method], version, asked.query_string)
        raw = _encoded(body)
        operation, names = pick(known, raw)
        if operation.kind not in ("plain", "fixed", "heavy", "stream"):
            raise TypeError(f"{asked.method} {asked.path} is a {operation.kind}")
        call = Call(face, operation, request_id)
        call.version, call.inside = version, True
        call.path = {name: places[f"p{i}"] for i, name in enumerate(names)}
        call.header, call.headers = asked.header(face), lambda: asked.headers
        call.raw_path, call.query_string = asked.path, asked.query_string
        call.query = Query(query_pairs(asked.query_string))
        call.base_url = self._base_url + face.mount
        call.url = self._base_url + asked.path
        if principal is not None:
            call.principal = principal
        return call, raw


class _Asked:
    """What is asked for, in the form that the wire has it."""

    def __init__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | Sequence[tuple[str, str]],
        version: str | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        self.method = method
        self.path, _, written = path.partition("?")
        self.query_string = "&".join(part for part in (written, urlencode(query)) if part)
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._version = version

    def header(self, face: Face) -> Callable[[str], str | None]:
        if self._version is not None and face.microversions is not None:
            asked = f"{face.microversions.service_type} {self._version}"
            self.headers["openstack-api-version"] = asked
        return lambda name: self.headers.get(name.lower())


def _encoded(body: Any) -> bytes:
    raw = b"" if body is None else msgspec.json.encode(body)
    if len(raw) > BODY_LIMIT:
        raise TooLarge("Request is too large.")
    return raw


async def _pieces(content: Content) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        if content:
            yield content
        return
    async for piece in content:
        yield piece


def _refused(face: Face, asked: _Asked, request_id: str, error: Exception) -> Result:
    fault = fault_of(error, f"{request_id} {asked.method} {asked.path}")
    return _result(face, asked, refusal_of(face, fault, request_id), fault)


def _result(face: Face, asked: _Asked, answer: Answer, fault: Fault | None = None) -> Result:
    with contextlib.suppress(Fault):
        version = negotiate(face, asked.header(face))
        if version is not None:
            announce(face, answer.headers, version)
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    return Result(answer.status, headers, answer.data or b"", answer.stream, fault)
