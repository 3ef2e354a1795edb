"""What a file says, as plain as JSON: the walls between YAML and everything behind it.

YAML can say what JSON cannot: things that contain themselves, a few lines that stand for billions,
sets, dates, keys that are numbers, numbers without end. Results are kept as JSON, and schemas show
what is wrong with a value by writing it out; so that is settled here, before anybody looks.
"""

import datetime
import math
from typing import Any

import yaml

VALUES = 500_000
TEXT = 64 * 1024 * 1024
"""Characters, each as often as it is written: what is named again counts again."""
DEEPEST = 60
_LEAST, _MOST = -(2**63), 2**63 - 1


class NotPlain(Exception):
    """It cannot be read, or has something in it that no task can have; the text says what."""


class _Loader(yaml.SafeLoader):
    """A name that stands twice is a mistake: the first one would be lost without a word."""

    _merged = 0

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node, yaml.MappingNode):
            seen: set[Any] = set()
            for name, _ in node.value:
                if name.tag == "tag:yaml.org,2002:merge" or not isinstance(name, yaml.ScalarNode):
                    continue
                if (name.tag, name.value) in seen:
                    line = name.start_mark.line + 1
                    raise NotPlain(f"the key {name.value!r:.80} is redefined in line {line}")
                seen.add((name.tag, name.value))
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: Any) -> None:
        """What `<<` names is put in: a few lines could be ten times as much at each level. So it
        is counted before it is done."""
        for name, value in node.value:
            if name.tag != "tag:yaml.org,2002:merge":
                continue
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(each, yaml.MappingNode):
                    self.flatten_mapping(each)
                    self._merged += len(each.value)
                    if self._merged > VALUES:
                        raise NotPlain(f"it has more than {VALUES} values by merging")
        super().flatten_mapping(node)


def decode(text: str) -> Any:
    """A YAML (or JSON) document. Raises NotPlain for what is none, or holds what no task can."""
    try:
        return plain(yaml.load(text, Loader=_Loader))  # a SafeLoader
    except RecursionError:
        raise NotPlain(f"it is more than {DEEPEST} levels deep") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        # ValueError: the 31st of February. TypeError: a key that is a list.
        raise NotPlain(str(error)) from None


def plain(document: object) -> Any:
    """A copy of a decoded file of nothing but JSON's types. Raises NotPlain."""
    return _Copy().of(document, 0)


class _Copy:
    def __init__(self) -> None:
        self._seen = 0
        self._length = 0

    def of(self, value: object, depth: int) -> Any:
        # Things that are named several times count each time: that is how often they are written.
        self._seen += 1
        if self._seen > VALUES:
            raise NotPlain(f"it has more than {VALUES} values")
        if depth > DEEPEST:
            raise NotPlain(f"it contains itself, or is more than {DEEPEST} levels deep")
        if isinstance(value, str):
            self._length += len(value)
            if self._length > TEXT:
                raise NotPlain(f"it has more than {TEXT} characters")
        if isinstance(value, dict):
            return {_key(name): self.of(each, depth + 1) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(each, depth + 1) for each in value]
        return _single(value)


def _key(name: object) -> str:
    """`95: 0.5` is meant as `"95": 0.5`, as it would be in JSON."""
    if isinstance(name, bool):
        return "true" if name else "false"
    found = _single(name) if not isinstance(name, tuple | frozenset) else None
    if found is None:
        raise NotPlain(f"{name!r:.100} cannot be a name")
    return str(found)


def _single(value: object) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if not _LEAST <= value <= _MOST:
            raise NotPlain(f"a number is out of range: {value.bit_length()} bits, 64 are possible")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotPlain(f"{value} is no number that can be kept")
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise NotPlain(f"'{type(value).__name__}' is no type of JSON")


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotPlain(f"{value!r:.100} is no text of Unicode") from None
    return value
