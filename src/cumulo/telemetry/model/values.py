"""What a value of a metric is searched by: `{">": 50}`, `{"and": [{">=": 1}, {"<": 5}]}`, and, with
arithmetic on the value before it is compared, `{"=": [{"%": 4}, 0]}`.

It is read into functions, bounded, before any value is.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import number_or_none

MOST_NODES = 40
MOST_DEPTH = 12
Fits = Callable[[float], Any]
_JOINS: Mapping[str, Callable[[Any], bool]] = {"and": all, "\u2227": all, "or": any, "\u2228": any}
_TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("=", "==", "eq"), operator.eq),
    **dict.fromkeys(("!=", "\u2260", "ne"), operator.ne),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys(("<=", "\u2264", "le"), operator.le),
    **dict.fromkeys((">=", "\u2265", "ge"), operator.ge),
    **dict.fromkeys(("%", "mod"), operator.mod),
    **dict.fromkeys(("+", "add"), operator.add),
    **dict.fromkeys(("-", "sub"), operator.sub),
    **dict.fromkeys(("*", "\u00d7", "mul"), operator.mul),
    **dict.fromkeys(("/", "\u00f7", "div"), operator.truediv),
    **dict.fromkeys(("^", "**", "pow"), math.pow),
}


def search_of(given: Any) -> Callable[[float], bool]:
    """Of decoded JSON. Raises BadRequest."""
    fits = _Reader().read(given, 0)

    def safe(value: float) -> bool:
        try:
            return bool(fits(value))
        except (ArithmeticError, ValueError):
            return False  # No number comes out of it.

    return safe


class _Reader:
    def __init__(self) -> None:
        self._nodes = 0

    def read(self, given: Any, depth: int) -> Fits:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > MOST_DEPTH:
            raise BadRequest("Invalid input: the search is too long")
        if not isinstance(given, dict) or len(given) != 1:
            raise BadRequest("Invalid input: a search is an object with one operator")
        [(word, inner)] = given.items()
        if word in _JOINS:
            if not isinstance(inner, list) or not inner:
                raise BadRequest(f"Invalid input: {word} takes a list of searches")
            parts = [self.read(each, depth + 1) for each in inner]
            join = _JOINS[word]
            return lambda value: join(part(value) for part in parts)
        if word == "not":
            no = self.read(inner[0] if isinstance(inner, list) and inner else inner, depth + 1)
            return lambda value: not no(value)
        if word not in _TWO:
            raise BadRequest(f"Invalid input: unknown operator {str(word)[:40]!r}")
        function = _TWO[word]
        if isinstance(inner, list):
            if len(inner) != 2:
                raise BadRequest(f"Invalid input: {word} takes a number, or two parts")
            left, right = (self._part(each, depth + 1) for each in inner)
            return lambda value: function(left(value), right(value))
        wanted = _number(inner)
        return lambda value: function(value, wanted)

    def _part(self, given: Any, depth: int) -> Fits:
        if isinstance(given, dict):
            return self.read(given, depth)
        number = _number(given)
        return lambda value: number


def _number(given: Any) -> float:
    found = number_or_none(given)
    if found is None or abs(found) > 1e150:
        raise BadRequest("Invalid input: a search compares with numbers")
    return found
