"""Searches as text, `server_group = web and not (host like 'a%' or cpus in [1, 2])`, as JSON.

What has no quotes is a number, `true`, `false`, `null` or a text. Operators may be words or signs.
"""

import re
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.telemetry.model.search import MOST_DEPTH, MOST_TERMS

MOST_LETTERS = 4096
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>[()\[\],]|[=!<>]=|[=<>≤≥≠\u2227\u2228])"""
    r"""|(?P<word>[^\s()\[\],=!<>≤≥≠\u2227\u2228"']+))"""
)
"""Each alternative begins with another letter: it is read once, from left to right."""
_OPERATORS = frozenset(
    [
        "=",
        "==",
        "eq",
        "≠",
        "!=",
        "ne",
        "<",
        "lt",
        ">",
        "gt",
        "≤",
        "<=",
        "le",
        "≥",
        ">=",
        "ge",
        "in",
        "like",
    ]
)
Token = tuple[str, str]


def parsed(text: str) -> Any:
    """The same search as JSON. Raises BadRequest."""
    if len(text) > MOST_LETTERS:
        raise BadRequest(f"Invalid filter: more than {MOST_LETTERS} letters")
    tokens: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.end() == at:
            raise BadRequest(f"Invalid filter: at {text[at : at + 20]!r}")
        assert found.lastgroup is not None
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    if not tokens:
        return {}
    parser = _Parser(tokens)
    made = parser.either(0)
    if parser.left:
        raise BadRequest(f"Invalid filter: unexpected {parser.left[0][1][:40]!r}")
    return made


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    @property
    def left(self) -> list[Token]:
        return self._tokens[self._at :]

    def _word(self) -> str:
        """The next one, in small letters; empty for a text and for the end."""
        if self._at == len(self._tokens) or self._tokens[self._at][0] == "quoted":
            return ""
        return self._tokens[self._at][1].lower()

    def _next(self) -> Token:
        if self._at == len(self._tokens):
            raise BadRequest("Invalid filter: it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._next() != ("sign", sign):
            raise BadRequest(f"Invalid filter: {sign} is missing")

    def either(self, depth: int) -> Any:
        parts = [self._both(depth)]
        while self._word() in ("or", "\u2228"):
            self._next()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else {"or": parts}

    def _both(self, depth: int) -> Any:
        parts = [self._one(depth)]
        while self._word() in ("and", "\u2227"):
            self._next()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else {"and": parts}

    def _one(self, depth: int) -> Any:
        self._terms += 1
        if depth > MOST_DEPTH or self._terms > MOST_TERMS:
            raise BadRequest("Invalid filter: the search is too long")
        if self._word() == "not":
            self._next()
            return {"not": self._one(depth + 1)}
        if self._word() == "(":
            self._next()
            inner = self.either(depth + 1)
            self._expect(")")
            return inner
        kind, name = self._next()
        operator = self._next()[1].lower()
        if kind == "sign" or operator not in _OPERATORS:
            raise BadRequest(f"Invalid filter: an operator is missing after {name[:40]!r}")
        name = name[1:-1] if kind == "quoted" else name
        return {operator: {name: self._value()}}

    def _value(self) -> Any:
        kind, text = self._next()
        if kind == "quoted":
            return text[1:-1]
        if text == "[":
            values = [self._plain(*self._next())]
            while self._word() == ",":
                self._next()
                values.append(self._plain(*self._next()))
            self._expect("]")
            return values
        return self._plain(kind, text)

    @staticmethod
    def _plain(kind: str, text: str) -> Any:
        if kind == "quoted":
            return text[1:-1]
        if kind == "sign":
            raise BadRequest(f"Invalid filter: unexpected {text!r}")
        if text.lower() in ("null", "none"):
            return None
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        if re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,18}", text):
            return float(text)
        return text
