"""The policy language's grammar: text → tree. oslo.policy's language, parsed without it.

    rule   := either            either := all ("or" all)*        all := one ("and" one)*
    one    := "not" one | "(" either ")" | check
    check  := "@" | "!" | kind ":" match

Unlike oslo.policy, which logs and denies, a text that cannot be read is an error at load: an
operator who mistypes a rule should hear of it before a user does.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

TEXT_LIMIT = 64 * 1024
DEPTH_LIMIT = 100


class PolicyError(Exception):
    """A rule that cannot be read, or rules that refer to one another in a circle."""


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """`rule:name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Role:
    """`role:match`; match may hold `%(key)s`."""

    match: str


@dataclass(frozen=True, slots=True)
class Literal:
    """`'text':match`, `True:match`, `7:match`: the left side as str() would show it."""

    text: str
    match: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """`a.b.c:match`: the credentials' a, in it b, in it c, as str() would show it."""

    path: tuple[str, ...]
    match: str


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple["Node", ...]


Check = Constant | Reference | Role | Literal | Attribute
Node = Check | Not | All | Any

PLACE = re.compile(r"%\(([^()]*)\)s|%%")


def parse_check(text: str) -> Check:
    """One check, say `role:admin`. Raises PolicyError."""
    if text in ("@", "!"):
        return Constant(text == "@")
    kind, colon, match = text.partition(":")
    if not colon:
        raise PolicyError(f"{text!r} is no check: it has no colon")
    if kind == "rule":
        return Reference(match)
    if kind in ("http", "https"):
        raise PolicyError(f"{text!r}: checks that ask another server are not supported")
    if "%" in PLACE.sub("", match):
        raise PolicyError(f"{text!r}: only %(name)s can stand after the colon")
    if kind == "role":
        return Role(match)
    try:
        return Literal(str(ast.literal_eval(kind)), match)
    except (ValueError, SyntaxError):
        return Attribute(tuple(kind.split(".")), match)


def _tokens(text: str) -> Iterator[str]:
    for word in text.split():
        clean = word.lstrip("(")
        yield from "(" * (len(word) - len(clean))
        word = clean.rstrip(")")
        if word:
            yield word
        yield from ")" * (len(clean) - len(word))


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [*_tokens(text), ""]
        self.at = 0
        self.depth = 0

    def take(self, *words: str) -> bool:
        if self.tokens[self.at].lower() in words:
            self.at += 1
            return True
        return False

    def either(self) -> Node:
        parts = [self.all()]
        while self.take("or"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def all(self) -> Node:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise PolicyError(f"nested deeper than {DEPTH_LIMIT}")
        try:
            return self.unit()
        finally:
            self.depth -= 1

    def unit(self) -> Node:
        if self.take("not"):
            return Not(self.one())
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise PolicyError("a parenthesis is not closed")
            return inner
        token = self.tokens[self.at]
        if token.lower() in ("", ")", "and", "or"):
            raise PolicyError(f"a check is missing before {token or 'the end'!r}")
        if len(token) > 1 and token[0] == token[-1] and token[0] in "'\"":
            raise PolicyError(f"{token} is no check but a quoted text")
        self.at += 1
        return parse_check(token)


@lru_cache(maxsize=2048)  # services repeat a dozen texts over hundreds of actions
def parse_text(text: str) -> Node:
    """A rule's text. The empty text allows. Raises PolicyError."""
    if not text:
        return Constant(True)
    if len(text) > TEXT_LIMIT:
        raise PolicyError(f"longer than {TEXT_LIMIT} characters")
    parser = _Parser(text)
    node = parser.either()
    if parser.tokens[parser.at]:
        raise PolicyError(f"'and' or 'or' is missing before {parser.tokens[parser.at]!r}")
    return node


def text_of(rule: str | Sequence[str | Sequence[str]]) -> str:
    """The legacy list of lists (an "or" of "and"s) as text; text stays as it is."""
    if isinstance(rule, str):
        return rule
    if not rule:
        return "@"
    if not all(isinstance(inner, str | list | tuple) for inner in rule):
        raise PolicyError(f"not a list of lists of checks: {rule!r}")
    groups = [[inner] if isinstance(inner, str) else list(inner) for inner in rule if inner]
    if any(not isinstance(check, str) or check.split() != [check] for g in groups for check in g):
        raise PolicyError(f"not a list of lists of checks: {rule!r}")
    joined = [" and ".join(group) for group in groups]
    if len(joined) > 1:
        joined = [f"({text})" for text in joined]
    return " or ".join(joined) or "!"
