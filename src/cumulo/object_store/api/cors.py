"""Requests of browsers from other sites (CORS): a container says which sites may see its answers.

Its metadata `Access-Control-Allow-Origin` names them, or `*`; `Access-Control-Expose-Headers` which
headers scripts see, `Access-Control-Max-Age` how long a browser remembers. What a caller may do is
not changed by any of it.
"""

from collections.abc import Awaitable, Callable, Mapping

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.api.asked import Asked, empty
from cumulo.object_store.model.faults import NeedsLogin
from cumulo.object_store.service.object_store import ObjectStoreService

METHODS = "GET, HEAD, PUT, POST, DELETE, COPY, OPTIONS"
EXPOSED = (
    *("cache-control", "content-language", "content-type", "expires", "last-modified", "pragma"),
    *("etag", "x-timestamp", "x-trans-id", "x-openstack-request-id"),
)
Handler = Callable[[Call], Awaitable[Reply]]


class Cors:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def operations(self, *paths: str) -> list[Operation]:
        return [
            Operation("OPTIONS", path, self.options, public=True, kind="stream") for path in paths
        ]

    async def options(self, call: Call) -> Reply:
        """Asked before the request itself, without a token."""
        asked = Asked(call)
        origin = call.header("Origin")
        allow = {"Allow": METHODS}
        if not origin:
            return empty(200, allow)
        settings = await self._settings(asked)
        method = call.header("Access-Control-Request-Method") or ""
        if not _is_allowed(settings, origin) or method not in METHODS.split(", "):
            raise NeedsLogin(headers=allow)
        headers = {
            **allow,
            "Access-Control-Allow-Origin": _answer(settings, origin),
            "Access-Control-Allow-Methods": METHODS,
        }
        wanted = call.header("Access-Control-Request-Headers")
        if wanted:
            headers["Access-Control-Allow-Headers"] = wanted
            headers["Vary"] = "Access-Control-Request-Headers"
        age = settings.get("access-control-max-age")
        if age:
            headers["Access-Control-Max-Age"] = age
        return empty(200, headers)

    def told(self, handler: Handler) -> Handler:
        """A handler whose answers say which sites may see them."""

        async def run(call: Call) -> Reply:
            origin = call.header("Origin")
            try:
                reply = await handler(call)
            except Fault as fault:
                # A script that may not see a refusal takes it for a broken line.
                fault.headers |= await self._told(call, origin, fault.headers)
                raise
            reply.headers = {**reply.headers, **await self._told(call, origin, reply.headers)}
            return reply

        return run

    async def _told(
        self, call: Call, origin: str | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        if not origin:
            return {}
        try:
            settings = await self._settings(Asked(call))
        except Fault:
            return {}
        return _exposed(settings, origin, headers) if _is_allowed(settings, origin) else {}

    async def _settings(self, asked: Asked) -> Mapping[str, str]:
        def find(tx: Tx) -> Mapping[str, str]:
            place = asked.place
            row = self._store.containers.find(tx, place.account, place.container)
            return {} if row is None else row.metadata

        return await self._store.database.read(find) if asked.place.container else {}


def _is_allowed(settings: Mapping[str, str], origin: str) -> bool:
    named = settings.get("access-control-allow-origin", "").split()
    return "*" in named or origin in named


def _answer(settings: Mapping[str, str], origin: str) -> str:
    return "*" if "*" in settings.get("access-control-allow-origin", "").split() else origin


def _exposed(
    settings: Mapping[str, str], origin: str, headers: Mapping[str, str]
) -> dict[str, str]:
    own = settings.get("access-control-expose-headers", "").replace(",", " ").split()
    metadata = [name.lower() for name in headers if "-meta-" in name.lower()]
    found = {
        "Access-Control-Allow-Origin": _answer(settings, origin),
        "Access-Control-Expose-Headers": ", ".join(dict.fromkeys([*EXPOSED, *own, *metadata])),
    }
    if found["Access-Control-Allow-Origin"] != "*":
        found["Vary"] = "Origin"
    return found
