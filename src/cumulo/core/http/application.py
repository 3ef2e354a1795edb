"""The application: from a request to an operation, through one transaction, to an answer.

Falcon routes and speaks ASGI; everything that OpenStack wants of an HTTP layer is here and in the
modules beside, once: whose operation it is (`routes`), token and principal (`admission`), body and
microversion (`requests`), the transaction (`execution`), faults in the service's own envelope
(`answers`).
"""

import asyncio
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import falcon
import falcon.asgi

from cumulo.core.db.transaction import Database
from cumulo.core.faults import Fault, MethodNotAllowed, NotFound
from cumulo.core.http.admission import Admission, Authenticator
from cumulo.core.http.answers import Answer, announce, answer_of, ending, header_value, refusal_of
from cumulo.core.http.connection import KEY, Connection, Download
from cumulo.core.http.execution import (
    Execution,
    Named,
    candidates,
    fault_of,
    name_of,
    new_request_id,
    pick,
    takes_json,
)
from cumulo.core.http.front import Front
from cumulo.core.http.health import Health
from cumulo.core.http.load import Load, LoadLimits
from cumulo.core.http.operations import Call, Face, Operation
from cumulo.core.http.requests import fill, negotiate, pieces_of, read_json, refuse_types
from cumulo.core.http.routes import (
    Methods,
    Responder,
    Route,
    Router,
    field_names,
    numbered,
)
from cumulo.core.http.sockets import Sockets
from cumulo.core.http.watched import watch_load
from cumulo.core.http.zero_copy import EXTENSION
from cumulo.core.metrics.metrics import Metrics
from cumulo.core.wire.shapes import Version

log = logging.getLogger("cumulo.http")


class Application:
    """Builds the ASGI application out of the faces of all services."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        *,
        auth_url: str = "",
        front: Front | None = None,
        limits: LoadLimits | None = None,
    ) -> None:
        self.front = front or Front()
        self.load = Load(limits)
        self.metrics = Metrics()
        self.health = Health(database, self.load, self.metrics)
        self._answered = self.metrics.counter(
            "cumulo_requests_total", "Requests answered.", "service", "operation", "status"
        )
        self._seconds = self.metrics.counter(
            "cumulo_request_seconds_total",
            "Time from the head of a request to the beginning of its answer.",
            "service",
            "operation",
        )
        watch_load(self.metrics, self.load)
        self._who = authenticator.cached
        self.faces: list[Face] = []
        self.execution = Execution(database, Admission(authenticator, auth_url))
        self._router = Router()
        self._sockets = Sockets(self.execution, self.operations_at, self.front)
        self._falcon: Any = falcon.asgi.App(router=self._router)  # type: ignore[call-overload]
        # What an answer is, it says itself: clients try to read an empty body that is called JSON.
        self._falcon.resp_options.default_media_type = None
        self._falcon.req_options.strip_url_path_trailing_slash = True
        self._falcon.req_options.auto_parse_qs_csv = False

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
            return
        if self.health.draining:
            send = _closing(send)
        connection = scope[KEY] = Connection(receive)
        try:
            await self._falcon(scope, connection.receive, send)
        except asyncio.CancelledError:
            if not connection.was_left():
                raise
        finally:
            connection.close()

    def mount(self, face: Face) -> None:
        self.faces.append(face)
        paths: dict[str, list[Named]] = defaultdict(list)
        for prefix in face.prefixes:
            for operation in face.operations:
                template = face.mount + prefix + operation.path
                plain = numbered(template)
                paths[plain.rstrip("/") or "/"].append((operation, field_names(template)))
        refuse, lost = self._not_allowed(face), self._lost(face)
        routes = {plain: self._route(face, found, refuse) for plain, found in paths.items()}
        if face.claims is not None:
            self._router.claim(face.claims, routes, Route(face, {}, Methods({}, lost)))
            return
        for plain, route in routes.items():
            self._router.add(plain, route)
        if face.mount:
            self._falcon.add_sink(lost, prefix=re.compile(re.escape(face.mount)))

    def operations_at(
        self, path: str
    ) -> tuple[Face, Mapping[str, list[Named]], dict[str, str]] | None:
        """A path as it would be sent: its face, the operations of each method, the fields'
        values by their place."""
        found = self._router.find(path)
        if found is None:
            return None
        route = found[0]
        return route.face, route.by_method, found[2]

    def _route(self, face: Face, found: list[Named], refuse: Responder) -> Route:
        by_method: dict[str, list[Named]] = {}
        for pair in found:
            by_method.setdefault(pair[0].method, []).append(pair)
        known = {method: self._responder(face, mine) for method, mine in by_method.items()}
        return Route(face, by_method, Methods(known, refuse))

    def _lost(self, face: Face) -> Callable[..., Any]:
        async def sink(req: Any, resp: Any, **_: Any) -> None:
            fault = NotFound("The resource could not be found.", kind="HTTPNotFound")
            self._finish(face, req, resp, fault)

        return sink

    def _not_allowed(self, face: Face) -> Callable[..., Any]:
        async def responder(req: Any, resp: Any, **_: Any) -> None:
            fault: Fault = MethodNotAllowed("The method is not allowed for this resource.")
            if face.other_methods == 404 or (
                face.exact_paths and _names_nothing(req.scope["path"])
            ):
                fault = NotFound("The resource could not be found.", kind="HTTPNotFound")
            self._finish(face, req, resp, fault)

        return responder

    def _finish(self, face: Face, req: Any, resp: Any, fault: Fault) -> None:
        """Refuse what never became a call."""
        request_id = _request_id(face)
        _put(face, resp, refusal_of(face, fault, request_id, _accept(req)), request_id)

    def _responder(self, face: Face, found: list[Named]) -> Callable[..., Any]:
        async def responder(req: Any, resp: Any, **params: str) -> None:
            await self._respond(face, found, req, resp, params)

        return responder

    async def _respond(
        self, face: Face, found: list[Named], req: Any, resp: Any, params: dict[str, str]
    ) -> None:
        request_id = _request_id(face)
        version: Version | None = None
        operation: Operation | None = None
        started = time.perf_counter()
        connection: Connection = req.scope[KEY]
        try:
            version = negotiate(face, req.get_header)
            known = candidates(found, version, req.query_string)
            operation = known[0][0]
            if face.json_only:
                refuse_types(req)
            raw = (
                await read_json(req, operation.body_limit, self.load) if takes_json(known) else b""
            )
            operation, names = pick(known, raw)
            if face.exact_paths and not operation.public and _names_nothing(req.scope["path"]):
                raise NotFound("The resource could not be found.")
            call = Call(face, operation, request_id)
            call.version = version
            call.path = {name: params[f"p{i}"] for i, name in enumerate(names)}
            fill(call, req, self.front)
            if operation.kind == "stream":
                call.stream = pieces_of(req, connection)
                call.sends_files = EXTENSION in req.scope.get("extensions", ())
            alone = _has_no_body(req)
            if alone and operation.kind != "plain" and req.method in ("GET", "HEAD"):
                connection.watch()
            self._count(call)
            with self.load.place():
                answer = answer_of(call, await self.execution.run(call, raw))
            if answer.stream is not None:
                await _let_go(req, answer, connection, alone)
        except Exception as error:
            fault = fault_of(error, f"{request_id} {req.method} {req.path}")
            answer = refusal_of(face, fault, request_id, _accept(req))
        if version is not None:
            announce(face, answer.headers, version)
        _put(face, resp, answer, request_id)
        taken = time.perf_counter() - started
        name = "" if operation is None else name_of(face, operation)
        self._answered.add(face.name, name, str(answer.status))
        self._seconds.add(face.name, name, n=taken)
        if req.method not in ("GET", "HEAD"):
            told = (request_id, req.method, req.path, answer.status, taken * 1000)
            log.info("%s %s %s %s %.1f ms", *told)

    def _count(self, call: Call) -> None:
        """In the caller's bucket: a known user's, else the address's."""
        who = None if call.token is None else self._who(call.token)
        self.load.count(call.address if who is None else who.user_id)


def _closing(send: Any) -> Any:
    """The client comes by another connection the next time."""

    async def closing(event: Any) -> None:
        if event["type"] == "http.response.start":
            event = {**event, "headers": [*event["headers"], (b"connection", b"close")]}
        await send(event)

    return closing


def _accept(req: Any) -> str:
    return req.get_header("Accept") or ""


def _names_nothing(path: str) -> bool:
    """An id in it is empty."""
    return path.endswith("/") or "//" in path


def _has_no_body(req: Any) -> bool:
    return not req.content_length and req.get_header("Transfer-Encoding") is None


async def _let_go(req: Any, answer: Answer, connection: Connection, alone: bool) -> None:
    """A stream, bound to its client."""
    assert answer.stream is not None
    source = answer.stream
    answer.stream = download = Download(ending(source, req.path), connection, source)
    if req.method == "HEAD":
        # Nobody will ask for a piece.
        await download.close()
    elif alone:
        connection.watch()


def _request_id(face: Face) -> str:
    return new_request_id() if face.new_request_id is None else face.new_request_id()


def _put(face: Face, resp: Any, answer: Answer, request_id: str) -> None:
    resp.status = answer.status
    resp.content_type = answer.content_type
    for name, value in face.headers.items():
        resp.set_header(name, value)
    for name, value in answer.headers.items():
        if name != "Set-Cookie":
            resp.set_header(name, header_value(name, value))
            continue
        # Falcon wants whole lines of cookies appended; several are several lines.
        for line in value.split("\n"):
            resp.append_header(name, header_value(name, line))
    for name in face.request_id_headers:
        resp.set_header(name, request_id)
    if answer.stream is not None:
        resp.stream = answer.stream
    else:
        resp.data = answer.data
