"""From text to plain data: YAML (of which JSON is a part), bounded before anything is built.

A template's text, the depth of its nesting and what its aliases expand to are limited: a kilobyte
of YAML can name a gigabyte.
"""

import json
from typing import Any

import yaml

from cumulo.orchestration.language.invalid import Invalid

MOST_BYTES = 512 * 1024
MOST_DEPTH = 60
MOST_NODES = 200_000
MOST_DIGITS = 1000
"""Of a number: Python writes none of more than 4300, and takes long over them."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Dates stay text: `heat_template_version: 2013-05-23` is a name."""


def _text(loader: Any, node: Any) -> str:
    return str(node.value)


def _no_twice(loader: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    made: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, (dict, list)):
            raise Invalid(f"a key must be plain, in line {key_node.start_mark.line + 1}")
        if key is None or isinstance(key, bool | int | float):
            # As it is in JSON, where all keys are text.
            key = json.dumps(key)
        if key in made:
            raise Invalid(f'Duplicate key "{key}", in line {key_node.start_mark.line + 1}')
        made[key] = loader.construct_object(value_node, deep=True)
    return made


def _number(construct: Any) -> Any:
    def bounded(loader: Any, node: yaml.ScalarNode) -> Any:
        if len(node.value) > MOST_DIGITS:
            raise Invalid(f"a number is too long, in line {node.start_mark.line + 1}")
        return construct(loader, node)

    return bounded


_Loader.add_constructor("tag:yaml.org,2002:int", _number(_Loader.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _number(_Loader.construct_yaml_float))
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _no_twice)


def load(text: str, what: str = "template") -> Any:
    """Plain data. Raises Invalid."""
    if len(text) > MOST_BYTES:
        raise Invalid(f"{what} exceeds maximum allowed size ({MOST_BYTES} bytes)")
    try:
        _not_deep(text, what)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _bounded(node, what)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except Invalid:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"Error parsing {what}: {' '.join(str(error).split())[:500]}") from None


def _not_deep(text: str, what: str) -> None:
    """Looked at piece by piece: whoever composes the whole calls itself for each level, and ends
    the process for too many of them."""
    loader, depth = _Loader(text), 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MOST_DEPTH + 1:
                raise Invalid(f"{what} is nested deeper than {MOST_DEPTH} levels")
    finally:
        loader.dispose()


def _bounded(root: yaml.Node, what: str) -> None:
    """Count what the document expands to, aliases included, without expanding it."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if depth > MOST_DEPTH:
            raise Invalid(f"{what} is nested deeper than {MOST_DEPTH} levels")
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in open_nodes:
            raise Invalid(f"{what} contains itself by an alias")
        open_nodes.add(id(node))
        total = 1
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                total += size(key, depth + 1) + size(value, depth + 1)
        elif isinstance(node, yaml.SequenceNode):
            for each in node.value:
                total += size(each, depth + 1)
        if total > MOST_NODES:
            raise Invalid(f"{what} has more than {MOST_NODES} values")
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    size(root, 0)


def bounded_data(value: Any, what: str, depth: int = 0) -> int:
    """The same limits for data that came as JSON: how many values it has. Raises Invalid."""
    if depth > MOST_DEPTH:
        raise Invalid(f"{what} is nested deeper than {MOST_DEPTH} levels")
    total = 1
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise Invalid(f"{what}: the key {key!r} is not text")
            total += bounded_data(each, what, depth + 1)
    elif isinstance(value, list):
        for each in value:
            total += bounded_data(each, what, depth + 1)
    if total > MOST_NODES:
        raise Invalid(f"{what} has more than {MOST_NODES} values")
    return total
