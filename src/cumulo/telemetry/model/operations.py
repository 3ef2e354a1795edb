"""Operations on aggregates: what `/v1/aggregates` computes.

`["*", ["aggregate", "mean", ["metric", "cpu", "rate:mean"]], 100]`, or the same as text,
`(* (aggregate mean (metric cpu rate:mean)) 100)`. It is read into nodes, bounded, before any
measure is, and then evaluated on a frame: series of one granularity on one line of time, None where
a series has no value.
"""

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import number_or_none
from cumulo.telemetry.model.points import METHODS, deviation, share_of
from cumulo.telemetry.model.times import span_of

MOST_NODES = 40
MOST_DEPTH = 12
MOST_LETTERS = 8192
MOST_WINDOW = 1000
MOST_WORK = 5_000_000
"""Values that one operation looks at."""

Value = float | None
Reference = tuple[str, str]
"""A metric's id or name, and the aggregate of it."""
Series = Sequence[tuple[int, float, float]]
"""(begin, granularity, value)"""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


AGGREGATES: Mapping[str, Callable[[Sequence[float]], Value]] = {
    "mean": _mean,
    "sum": math.fsum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "std": lambda values: deviation(len(values), sum(values), sum(each * each for each in values)),
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}


def aggregate(method: str, values: Sequence[float]) -> Value:
    """Of at least one value."""
    name = method.removeprefix("rate:")
    share = share_of(name)
    if share is None:
        return AGGREGATES[name](values)
    ordered = sorted(values)
    place = (len(ordered) - 1) * share / 100.0
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def resampled(series: Series, method: str, span: float) -> list[tuple[int, float, float]]:
    """Points of wider spans, each of those that begin in it."""
    groups: dict[int, list[float]] = {}
    for at, _, value in series:
        groups.setdefault(int(at // span * span), []).append(value)
    made = []
    for at, values in sorted(groups.items()):
        found = aggregate(method, values)
        if found is not None:
            made.append((at, span, found))
    return made


# --- reading ----------------------------------------------------------------------------------


class Node(NamedTuple):
    kind: str
    """number, metric, aggregate, resample, rolling, one (a function), two (an operator), clip"""
    what: Any = None
    parts: "tuple[Node, ...]" = ()
    references: tuple[Reference, ...] = ()


_TWO: Mapping[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "lt": lambda a, b: float(a < b),
    "gt": lambda a, b: float(a > b),
    "le": lambda a, b: float(a <= b),
    "ge": lambda a, b: float(a >= b),
    "and": lambda a, b: float(bool(a) and bool(b)),
    "or": lambda a, b: float(bool(a) or bool(b)),
}
_SIGNS = {
    "+": "add", "-": "sub", "*": "mul", "\u00d7": "mul", "/": "div", "\u00f7": "div",
    "//": "floordiv", "%": "mod", "^": "pow", "**": "pow", "=": "eq", "==": "eq", "!=": "ne",
    "\u2260": "ne", "<": "lt", ">": "gt", "<=": "le", "\u2264": "le", ">=": "ge", "\u2265": "ge",
    "&&": "and", "\u2227": "and", "||": "or", "\u2228": "or",
}  # fmt: skip
_ONE: Mapping[str, Callable[[float], float]] = {
    "abs": abs,
    "absolute": abs,
    "neg": operator.neg,
    "negative": operator.neg,
    "cos": math.cos,
    "sin": math.sin,
    "tan": math.tan,
    "floor": lambda value: float(math.floor(value)),
    "ceil": lambda value: float(math.ceil(value)),
}


def read(given: Any) -> Node:
    """Of a list, or of its text. Raises BadRequest."""
    if isinstance(given, str):
        given = _listed(given)
    return _Reader().read(given, 0)


def references(node: Node) -> list[Reference]:
    """All metrics that it is about, each once."""
    found = list(node.references)
    for part in node.parts:
        found += references(part)
    return list(dict.fromkeys(found))


class _Reader:
    def __init__(self) -> None:
        self._nodes = 0

    def read(self, given: Any, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > MOST_DEPTH:
            raise BadRequest("Invalid input: there are too many operations")
        if isinstance(given, int | float) and not isinstance(given, bool):
            return Node("number", _number(given))
        if not isinstance(given, list) or not given or not isinstance(given[0], str):
            raise BadRequest("Invalid input: an operation is a list that begins with its name")
        name, rest = given[0].lower(), given[1:]
        if name == "metric":
            return Node("metric", references=tuple(_references(rest)))
        if name == "aggregate":
            return self._aggregate(rest, depth)
        if name in ("resample", "rolling"):
            return self._windowed(name, rest, depth)
        if name in ("clip", "clip_min", "clip_max"):
            return self._clip(name, rest, depth)
        if name == "rateofchange" or name in _ONE:
            if len(rest) != 1:
                raise BadRequest(f"Invalid input: {name} takes one operation")
            return Node("one", name, (self.read(rest[0], depth + 1),))
        word = _SIGNS.get(name, name)
        if word not in _TWO:
            raise BadRequest(f"Invalid input: unknown operation {name[:40]!r}")
        if len(rest) != 2:
            raise BadRequest(f"Invalid input: {name} takes two operations")
        return Node("two", word, tuple(self.read(each, depth + 1) for each in rest))

    def _aggregate(self, rest: list[Any], depth: int) -> Node:
        if len(rest) < 2:
            raise BadRequest("Invalid input: aggregate takes a method and operations")
        parts = rest[1:]
        if len(parts) == 1 and parts[0] and isinstance(parts[0], list):
            # They may be in a list of their own.
            parts = parts[0] if isinstance(parts[0][0], list) else parts
        read = tuple(self.read(each, depth + 1) for each in parts)
        return Node("aggregate", _method(rest[0]), read)

    def _windowed(self, name: str, rest: list[Any], depth: int) -> Node:
        if len(rest) != 3:
            raise BadRequest(f"Invalid input: {name} takes a method, a width and an operation")
        if name == "resample":
            width: float = span_of(rest[1], "granularity")
        else:
            width = rest[1]
            if isinstance(width, bool) or not isinstance(width, int):
                raise BadRequest("Invalid input: a window is a number of points")
            if not 0 < width <= MOST_WINDOW:
                raise BadRequest(f"Invalid input: a window has 1 to {MOST_WINDOW} points")
        return Node(name, (_method(rest[0]), width), (self.read(rest[2], depth + 1),))

    def _clip(self, name: str, rest: list[Any], depth: int) -> Node:
        bounds = rest[1:]
        wanted = 2 if name == "clip" else 1
        if len(bounds) != wanted or not all(isinstance(each, int | float) for each in bounds):
            raise BadRequest(f"Invalid input: {name} takes an operation and its bounds")
        low = -math.inf if name == "clip_max" else _number(bounds[0])
        high = math.inf if name == "clip_min" else _number(bounds[-1])
        return Node("clip", (low, high), (self.read(rest[0], depth + 1),))


def _number(given: Any) -> float:
    found = number_or_none(given)
    if found is None or abs(found) > 1e150:
        raise BadRequest("Invalid input: a number is out of range")
    return found


def _method(given: Any) -> str:
    name = given.removeprefix("rate:") if isinstance(given, str) else ""
    if name not in AGGREGATES and share_of(name) is None:
        raise BadRequest(f"Invalid input: unknown aggregation method {str(given)[:40]!r}")
    return name


def _references(rest: list[Any]) -> Iterator[Reference]:
    pairs = [rest] if rest and isinstance(rest[0], str) else rest
    if len(pairs) == 1 and pairs[0] and isinstance(pairs[0][0], list):
        pairs = pairs[0]
    if not 0 < len(pairs) <= 1000:
        raise BadRequest("Invalid input: metric takes 1 to 1000 metrics")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) < 2:
            raise BadRequest("Invalid input: metric takes names and aggregation methods")
        name, *methods = pair
        for method in methods:
            if not isinstance(name, str) or not 0 < len(name) <= 255 or method not in METHODS:
                raise BadRequest("Invalid input: metric takes names and aggregation methods")
            yield name, method


_TOKEN = re.compile(r"""\s*(?:([()])|"([^"]*)"|'([^']*)'|([^\s()"',]+)|,)""")


def _listed(text: str) -> Any:
    """`(a b (c 1))` as `["a", "b", ["c", 1]]`."""
    if len(text) > MOST_LETTERS:
        raise BadRequest(f"Invalid input: more than {MOST_LETTERS} letters")
    stack: list[list[Any]] = [[]]
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadRequest(f"Invalid input: operations at {text[at : at + 20]!r}")
        at = found.end()
        sign, double, single, word = found.groups()
        if sign == "(":
            if len(stack) > MOST_DEPTH * 2:
                raise BadRequest("Invalid input: there are too many operations")
            stack.append([])
        elif sign == ")":
            if len(stack) == 1:
                raise BadRequest("Invalid input: a bracket too many")
            inner = stack.pop()
            stack[-1].append(inner)
        elif word is not None:
            stack[-1].append(_word(word))
        elif double is not None or single is not None:
            stack[-1].append(double if double is not None else single)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise BadRequest("Invalid input: operations are one list in brackets")
    return stack[0][0]


def _word(text: str) -> Any:
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,18}", text) else text


# --- evaluating -------------------------------------------------------------------------------


class Frame(NamedTuple):
    """Series of one granularity."""

    granularity: float
    times: list[int]
    columns: list[tuple[Any, list[Value]]]
    """(whose it is, its values), in an order that is the same for all metrics of a search."""
    aggregated: bool = False


Source = Callable[[Reference], list[tuple[Any, list[Value]]]]
"""The columns of a metric, in that order."""


def evaluate(node: Node, granularity: float, times: list[int], source: Source) -> Frame:
    """Raises BadRequest for numbers that cannot be, and for operations on numbers alone."""
    found = _evaluate(node, granularity, times, source)
    if isinstance(found, float):
        raise BadRequest("Invalid input: operations without a metric")
    return found


def _evaluate(node: Node, granularity: float, times: list[int], source: Source) -> Frame | float:
    if node.kind == "number":
        return float(node.what)
    if node.kind == "metric":
        columns = [column for each in node.references for column in source(each)]
        return Frame(granularity, times, columns)
    parts = [_evaluate(each, granularity, times, source) for each in node.parts]
    if node.kind == "two":
        return _two(_TWO[node.what], parts[0], parts[1])
    frames = [each for each in parts if isinstance(each, Frame)]
    if len(frames) != len(parts):
        raise BadRequest("Invalid input: operations on a number")
    if node.kind == "aggregate":
        return _aggregated(node.what, frames)
    [frame] = frames
    if node.kind == "resample":
        return _resampled(frame, *node.what)
    if node.kind == "rolling":
        return _rolling(frame, *node.what)
    if node.kind == "clip":
        low, high = node.what
        return _mapped(frame, lambda value: min(max(value, low), high))
    if node.what == "rateofchange":
        return _changes(frame)
    return _mapped(frame, _ONE[node.what])


def _safe(function: Callable[..., float], *values: Value) -> Value:
    if None in values:
        return None
    try:
        found = function(*values)
        return found if isinstance(found, int | float) and math.isfinite(found) else None
    except (ArithmeticError, ValueError):
        return None


def _mapped(frame: Frame, function: Callable[[float], float]) -> Frame:
    columns = [(whose, [_safe(function, v) for v in values]) for whose, values in frame.columns]
    return frame._replace(columns=columns)


def _two(
    function: Callable[[float, float], float], a: Frame | float, b: Frame | float
) -> Frame | float:
    if isinstance(a, float):
        before = a
        if isinstance(b, Frame):
            return _mapped(b, lambda value: function(before, value))
        found = _safe(function, before, b)
        if found is None:
            raise BadRequest("Invalid input: an operation on numbers has no result")
        return float(found)
    if isinstance(b, float):
        after = b
        return _mapped(a, lambda value: function(value, after))
    a, b = _same_times(a, b)
    if len(a.columns) != len(b.columns) and 1 not in (len(a.columns), len(b.columns)):
        raise BadRequest("Invalid input: an operation on different numbers of metrics")
    count = max(len(a.columns), len(b.columns))
    left = a.columns * count if len(a.columns) == 1 else a.columns
    right = b.columns * count if len(b.columns) == 1 else b.columns
    names = left if len(a.columns) == count else right
    columns = [
        (name, [_safe(function, x, y) for x, y in zip(mine, other, strict=True)])
        for (name, _), (_, mine), (_, other) in zip(names, left, right, strict=True)
    ]
    both = a.aggregated and b.aggregated
    return Frame(a.granularity, a.times, columns, both or (a.aggregated and count == 1))


def _same_times(a: Frame, b: Frame) -> tuple[Frame, Frame]:
    if a.times == b.times:
        return a, b
    common = set(a.times) & set(b.times)

    def cut(frame: Frame) -> Frame:
        kept = [index for index, at in enumerate(frame.times) if at in common]
        columns = [(whose, [values[index] for index in kept]) for whose, values in frame.columns]
        return frame._replace(times=[frame.times[index] for index in kept], columns=columns)

    return cut(a), cut(b)


def _aggregated(method: str, frames: Sequence[Frame]) -> Frame:
    first = frames[0]
    for index in range(1, len(frames)):
        first, other = _same_times(first, frames[index])
        first = first._replace(columns=[*first.columns, *other.columns])
    made: list[Value] = []
    for index in range(len(first.times)):
        seen = [values[index] for _, values in first.columns]
        known = [value for value in seen if value is not None]
        made.append(aggregate(method, known) if known else None)
    return Frame(first.granularity, first.times, [(None, made)], True)


def _resampled(frame: Frame, method: str, span: float) -> Frame:
    groups: dict[int, list[int]] = {}
    for index, at in enumerate(frame.times):
        groups.setdefault(int(at // span * span), []).append(index)
    columns: list[tuple[Any, list[Value]]] = []
    for whose, values in frame.columns:
        made: list[Value] = []
        for group in groups.values():
            known = [value for index in group if (value := values[index]) is not None]
            made.append(aggregate(method, known) if known else None)
        columns.append((whose, made))
    return Frame(span, list(groups), columns, frame.aggregated)


def _rolling(frame: Frame, method: str, width: int) -> Frame:
    if width * len(frame.times) * len(frame.columns) > MOST_WORK:
        raise BadRequest("Invalid input: a window over so many points; ask for less at once")
    columns: list[tuple[Any, list[Value]]] = []
    for whose, values in frame.columns:
        made: list[Value] = []
        for end in range(width, len(values) + 1):
            known = [value for value in values[end - width : end] if value is not None]
            made.append(aggregate(method, known) if len(known) == width else None)
        columns.append((whose, made))
    return frame._replace(times=frame.times[width - 1 :], columns=columns)


def _changes(frame: Frame) -> Frame:
    columns = [
        (
            whose,
            [_safe(operator.sub, b, a) for a, b in itertools.pairwise(values)],
        )
        for whose, values in frame.columns
    ]
    return frame._replace(times=frame.times[1:], columns=columns)
