"""The language that resources, alarms and histories are searched in.

As JSON (Gnocchi, Aodh), `{"and": [{"=": {"server_group": "web"}}, {"not": {"like": {"host":
"a%"}}}]}`, or as text, `server_group = web and not host like 'a%'` (Gnocchi's query string), which
`search_text` makes the first of.
A search is bounded before it is looked at, and never becomes SQL: what it
demands at its top by equality narrows what the database reads (`demands`), the rest is asked of
each row (`fits`). Texts with wildcards are matched by RE2.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cumulo.core.faults import BadRequest
from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.telemetry.model.times import moment_of

Kind = Literal["text", "id", "number", "bool", "time"]
Fields = Mapping[str, Kind]
Row = Mapping[str, Any]
Fits = Callable[[Row], bool]

MOST_TERMS = 100
MOST_DEPTH = 16
MOST_VALUES = 500
MOST_TEXT = 1024
_NAMES = {
    "=": "eq", "==": "eq", "eq": "eq", "!=": "ne", "≠": "ne", "ne": "ne", "<": "lt", "lt": "lt",
    ">": "gt", "gt": "gt", "<=": "le", "≤": "le", "le": "le", ">=": "ge", "≥": "ge", "ge": "ge",
    "in": "in", "like": "like",
}  # fmt: skip
_JOINS = {"and": "and", "\u2227": "and", "or": "or", "\u2228": "or"}
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Search:
    fits: Fits
    demands: Mapping[str, Any] = field(default_factory=dict)
    """What every row that fits has, by field."""
    fields: frozenset[str] = frozenset()
    """That it asks for."""
    terms: int = 0


EVERYTHING = Search(lambda row: True)


def search_of(given: Any, fields: Fields, id_of: Callable[[str], str] = str) -> Search:
    """Of decoded JSON. `id_of`: what an id as somebody writes it is. Raises BadRequest."""
    if given is None or given == {}:
        return EVERYTHING
    reader = _Reader(fields, id_of)
    fits, demands = reader.read(given, 0)
    return Search(fits, demands, frozenset(reader.asked), reader.terms)


class _Reader:
    def __init__(self, fields: Fields, id_of: Callable[[str], str]) -> None:
        self._fields = fields
        self._id_of = id_of
        self.terms = 0
        self.asked: set[str] = set()

    def read(self, given: Any, depth: int) -> tuple[Fits, dict[str, Any]]:
        self.terms += 1
        if self.terms > MOST_TERMS or depth > MOST_DEPTH:
            raise BadRequest("Invalid input: the search is too long")
        if not isinstance(given, Mapping) or len(given) != 1:
            raise BadRequest("Invalid input: a search is an object with one operator")
        [(word, inner)] = given.items()
        word = str(word).lower()
        if word == "not":
            no, _ = self.read(inner, depth + 1)
            return (lambda row: not no(row)), {}
        if word in _JOINS:
            return self._join(_JOINS[word], inner, depth)
        if word not in _NAMES:
            raise BadRequest(f"Invalid input: unknown operator {word[:40]!r}")
        if not isinstance(inner, Mapping) or len(inner) != 1:
            raise BadRequest(f"Invalid input: {word} takes one attribute and its value")
        [(name, value)] = inner.items()
        return self._compare(_NAMES[word], str(name), value)

    def _join(self, word: str, inner: Any, depth: int) -> tuple[Fits, dict[str, Any]]:
        if not isinstance(inner, Sequence) or isinstance(inner, str) or not inner:
            raise BadRequest(f"Invalid input: {word} takes a list of searches")
        if len(inner) > MOST_TERMS:
            raise BadRequest("Invalid input: the search is too long")
        read = [self.read(each, depth + 1) for each in inner]
        parts = [fits for fits, _ in read]
        if word == "or":
            return (lambda row: any(fits(row) for fits in parts)), {}
        demands: dict[str, Any] = {}
        for _, more in read:
            demands = {**more, **demands}
        return (lambda row: all(fits(row) for fits in parts)), demands

    def _compare(self, word: str, name: str, value: Any) -> tuple[Fits, dict[str, Any]]:
        kind = self._fields.get(name)
        if kind is None:
            raise BadRequest(f"Invalid input: unknown attribute {name[:80]!r}")
        self.asked.add(name)
        if word == "like":
            return _like(name, value), {}
        if word == "in":
            if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
                raise BadRequest(f"Invalid input: in takes a list of 1 to {MOST_VALUES} values")
            values = frozenset(self._value(kind, name, each) for each in value)
            return (lambda row: row.get(name) in values), {}
        if value is None:
            if word not in ("eq", "ne"):
                raise BadRequest("Invalid input: null is compared by = and != only")
            none = word == "eq"
            return (lambda row: (row.get(name) is None) == none), {}
        wanted = self._value(kind, name, value)
        compare = COMPARISONS[word]

        def fits(row: Row) -> bool:
            found = row.get(name)
            if found is None:
                return word == "ne"
            try:
                return compare(found, wanted)
            except TypeError:
                return word == "ne"

        return fits, ({name: wanted} if word == "eq" else {})

    def _value(self, kind: Kind, name: str, value: Any) -> Any:
        """As the rows have it."""
        wrong = BadRequest(f"Invalid input: a value of {name[:80]} is not understood")
        if value is None:
            return None
        if kind == "bool":
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if not isinstance(value, bool):
                raise wrong
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong
        if kind == "number":
            try:
                return float(value)
            except (ValueError, OverflowError):
                raise wrong from None
        text = str(value)
        if len(text) > MOST_TEXT:
            raise wrong
        if kind == "time":
            return moment_of(text, name[:80])
        return self._id_of(text) if kind == "id" else text


def _like(name: str, value: Any) -> Fits:
    """`%` is any text, `_` any letter."""
    if not isinstance(value, str):
        raise BadRequest("Invalid input: like takes a text")
    made = "".join({"%": ".*", "_": "."}.get(each) or re.escape(each) for each in value)
    try:
        pattern = Pattern(f"(?s)^{made}$")
    except BadPattern as problem:
        raise BadRequest(f"Invalid input: {problem}") from None
    return lambda row: isinstance(row.get(name), str) and pattern.found_in(row[name])
