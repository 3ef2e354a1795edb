"""From a request to the operations of its path.

A router of our own, through Falcon's public door for them: a tree by the parts of paths, in which
the thousand and more routes of a cloud are put in a few hundredths of a second. (Falcon's compiles
them, for a quarter of a second of each start.) Two kinds of paths are looked at first, for the tree
sees a path decoded and without the slash at its end: raw tails (object names), which are cut from
the path as it was sent, and faces at `/` that answer only what is signed for them.
"""

import functools
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from cumulo.core.http.execution import Named
from cumulo.core.http.operations import Claims, Face

_FIELD = re.compile(r"\{(\w+)(?::raw)?\}")
_RAW = ":raw}"

Responder = Callable[..., Awaitable[None]]


class Methods(dict[str, Responder]):
    """A path's responders; `other` answers for the methods that it does not have."""

    def __init__(self, known: Mapping[str, Responder], other: Responder) -> None:
        super().__init__(known)
        self._other = other

    def __missing__(self, method: str) -> Responder:
        return self._other


@dataclass(frozen=True, slots=True)
class Route:
    face: Face
    by_method: Mapping[str, list[Named]]
    methods: Methods


Found = tuple[Route, Methods, dict[str, Any], str | None]
"""As Falcon wants it: what answers, its methods, the fields' values by their place, a template."""


def field_names(template: str) -> tuple[str, ...]:
    """The names of a path's fields, in order."""
    return tuple(_FIELD.findall(template))


def plain_path(template: str) -> str:
    """The path as documents write it: a raw tail is a field like others."""
    return template.replace(_RAW, "}")


@functools.lru_cache(maxsize=4096)
def numbered(template: str) -> str:
    """`/a/{x}/b/{y}` as `/a/{p0}/b/{p1}`: a path's operations may name its fields differently."""
    numbers = itertools.count()

    def number(match: re.Match[str]) -> str:
        return f"{{p{next(numbers)}{_RAW if match.group().endswith(_RAW) else '}'}"

    return _FIELD.sub(number, template)


@dataclass(slots=True)
class _Node:
    """A place in the tree: what follows by its word, or whatever it is."""

    words: "dict[str, _Node]" = field(default_factory=dict)
    any: "_Node | None" = None
    route: Route | None = None


class Router:
    def __init__(self) -> None:
        self._root = _Node()
        self._raw = _Exact()
        self._claiming: list[tuple[Claims, _Exact, Found]] = []

    def add(self, template: str, route: Route) -> None:
        if template.endswith(_RAW):
            self._raw.add(template, route)
            return
        node = self._root
        for part in template.lstrip("/").split("/"):
            if part.startswith("{"):
                node.any = node.any or _Node()
                node = node.any
            elif "{" in part:
                raise ValueError(f"a field is a whole part of a path: {template}")
            else:
                node = node.words.setdefault(part, _Node())
        if node.route is not None:
            raise ValueError(f"{template} is {node.route.face.name}'s already")
        node.route = route

    def claim(self, wanted: Claims, paths: Mapping[str, Route], unknown: Route) -> None:
        """Requests that `wanted` says are meant for one face go to its paths alone; `unknown`
        answers for others."""
        routes = _Exact()
        for template, route in paths.items():
            routes.add(template, route)
        self._claiming.append((wanted, routes, (unknown, unknown.methods, {}, None)))

    def find(self, uri: str, req: Any = None) -> Found | None:
        if req is None:
            # From inside the process, as it would be sent.
            return self._raw.find(uri.encode()) or self._in_tree(unquote(uri.rstrip("/") or "/"))
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
        return self._in_tree(uri)

    def _in_tree(self, path: str) -> Found | None:
        values: list[str] = []
        route = _walk(self._root, path.lstrip("/").split("/"), 0, values)
        if route is None:
            return None
        return route, route.methods, {f"p{i}": value for i, value in enumerate(values)}, None


def _walk(node: _Node, parts: list[str], at: int, values: list[str]) -> Route | None:
    """The route of the parts from `at` on. A word goes before a field, unless it leads nowhere."""
    if at == len(parts):
        return node.route
    part = parts[at]
    following = node.words.get(part)
    if following is not None:
        found = _walk(following, parts, at + 1, values)
        if found is not None:
            return found
    if node.any is None:
        return None
    values.append(part)
    found = _walk(node.any, parts, at + 1, values)
    if found is None:
        values.pop()
    return found


class _Exact:
    """Routes that are found by the path as it was sent."""

    def __init__(self) -> None:
        self._routes: list[_Pattern] = []
        self.prefixes: tuple[bytes, ...] = ()

    def add(self, template: str, route: Route) -> None:
        self._routes.append(_Pattern(template, route))
        # A route with more literal parts is the better one.
        self._routes.sort(key=lambda each: -len(each.prefix))
        self.prefixes = tuple(each.prefix for each in self._routes)

    def find(self, sent: bytes) -> Found | None:
        path = unquote_to_bytes(sent)
        for each in self._routes:
            parameters = each.match(path)
            if parameters is not None:
                return each.route, each.route.methods, parameters, None
        return None


class _Pattern:
    def __init__(self, template: str, route: Route) -> None:
        self.route = route
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
