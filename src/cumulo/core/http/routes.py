"""From a request to the operations of its path.

Falcon's router finds paths whose parts are plain. Two kinds it cannot find, for it sees a path
decoded and without the slash at its end: raw tails (object names), which are cut from the path as
it was sent, and faces at `/` that answer only what is signed for them. Both are looked at first,
through Falcon's public door for routers of one's own.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import falcon.routing

from cumulo.core.http.operations import Claims

_FIELD = re.compile(r"\{(\w+)(?::raw)?\}")
_RAW = ":raw}"

Found = tuple[object, Any, dict[str, Any], str | None]


def field_names(template: str) -> tuple[str, ...]:
    """The names of a path's fields, in order."""
    return tuple(_FIELD.findall(template))


def plain_path(template: str) -> str:
    """The path as documents write it: a raw tail is a field like others."""
    return template.replace(_RAW, "}")


def numbered(template: str) -> str:
    """`/a/{x}/b/{y}` as `/a/{p0}/b/{p1}`: Falcon wants one name for each place."""
    numbers = itertools.count()

    def number(match: re.Match[str]) -> str:
        return f"{{p{next(numbers)}{_RAW if match.group().endswith(_RAW) else '}'}"

    return _FIELD.sub(number, template)


class Router(falcon.routing.CompiledRouter):
    def __init__(self) -> None:
        super().__init__()
        self._raw = _Exact()
        self._claiming: list[tuple[Claims, _Exact, Found]] = []

    def add_route(self, uri_template: str, resource: object, **kwargs: Any) -> None:
        if uri_template.endswith(_RAW):
            self._raw.add(uri_template, resource, self._methods(resource))
        else:
            super().add_route(uri_template, resource, **kwargs)

    def claim(self, wanted: Claims, paths: Mapping[str, object], unknown: object) -> None:
        """Requests that `wanted` says are meant for one face go to its paths alone; `unknown`
        answers for others."""
        routes = _Exact()
        for template, resource in paths.items():
            routes.add(template, resource, self._methods(resource))
        self._claiming.append((wanted, routes, (unknown, self._methods(unknown), {}, None)))

    def find(self, uri: str, req: Any = None) -> Found | None:
        if req is None:
            # From inside the process, as it would be sent.
            return self._raw.find(uri.encode()) or super().find(unquote(uri.rstrip("/") or "/"))
        # Who signs says so in one of these, browsers begin at `/`; others need not ask each face.
        may = req.query_string or uri == "/" or req.get_header("Authorization") is not None
        for wanted, routes, unknown in self._claiming if may else ():
            sent = req.scope["raw_path"]
            if wanted(req.get_header, req.query_string, sent.decode("latin-1")):
                return routes.find(sent) or unknown
        if self._raw.prefixes:
            sent = req.scope["raw_path"]
            if sent.startswith(self._raw.prefixes):
                found = self._raw.find(sent)
                if found is not None:
                    return found
        return super().find(uri, req)

    def _methods(self, resource: object) -> Any:
        methods = self.map_http_methods(resource)
        falcon.routing.set_default_responders(methods, asgi=True)
        return methods


class _Exact:
    """Routes that are found by the path as it was sent."""

    def __init__(self) -> None:
        self._routes: list[_Route] = []
        self.prefixes: tuple[bytes, ...] = ()

    def add(self, template: str, resource: object, methods: Any) -> None:
        self._routes.append(_Route(template, resource, methods))
        # A route with more literal parts is the better one.
        self._routes.sort(key=lambda route: -len(route.prefix))
        self.prefixes = tuple(route.prefix for route in self._routes)

    def find(self, sent: bytes) -> Found | None:
        path = unquote_to_bytes(sent)
        for route in self._routes:
            parameters = route.match(path)
            if parameters is not None:
                return route.resource, route.methods, parameters, None
        return None


class _Route:
    def __init__(self, template: str, resource: object, methods: Any) -> None:
        self.resource = resource
        self.methods = methods
        self._tail = template.endswith(_RAW)
        literal, field, fields = template.partition("{")
        self.prefix = literal.encode()
        self._parts = [
            None if part.startswith("{") else part.encode() for part in (field + fields).split("/")
        ]

    def match(self, path: bytes) -> dict[str, str] | None:
        """The fields' values of a decoded path. What is not UTF-8 becomes lone surrogates
        (`surrogateescape`), which give the bytes back and which no database takes."""
        if not path.startswith(self.prefix):
            return None
        rest = path[len(self.prefix) :]
        if self._tail:
            values = rest.split(b"/", len(self._parts) - 1)
        else:
            values = rest.removesuffix(b"/").split(b"/")
        if len(values) != len(self._parts):
            return None
        found: dict[str, str] = {}
        for part, value in zip(self._parts, values, strict=True):
            if part is None and value:
                found[f"p{len(found)}"] = value.decode("utf-8", "surrogateescape")
            elif part != value:
                return None
        return found
