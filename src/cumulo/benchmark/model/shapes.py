"""A small checker for JSON schemas: the parts that the configuration of plugins needs.

Contexts, runners, criteria and hooks declare their configuration as a schema, as their models in
Rally do, so that `plugin show` can print it and a wrong task file is told what is wrong in the
words that scripts already match. Patterns, references and formats are not part of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def problems(value: object, schema: Schema, where: str = "") -> Iterator[str]:
    """What is wrong with a value, one line each; nothing if it fits."""
    options = schema.get("anyOf")
    if options is not None:
        yield from _any_of(value, options, where)
        return
    wanted = schema.get("type")
    if wanted is not None and not is_of_type(value, wanted):
        yield f"{value!r:.200} is not of type {_named(wanted)}{where}"
        return
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        yield f"{value!r:.200} is not one of {list(allowed)!r}{where}"
        return
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield from _number(value, schema, where)
    elif isinstance(value, str):
        longest = schema.get("maxLength")
        if longest is not None and len(value) > longest:
            yield f"{value[:40]!r}… is too long{where}"
    elif isinstance(value, list):
        yield from _array(value, schema, where)
    elif isinstance(value, dict):
        yield from _object(value, schema, where)


def is_of_type(value: object, wanted: str | list[str]) -> bool:
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if isinstance(value, bool) and name != "boolean":
            continue
        if isinstance(value, _TYPES[name]):
            return True
    return False


def _named(wanted: str | list[str]) -> str:
    return ", ".join(repr(n) for n in ([wanted] if isinstance(wanted, str) else wanted))


def _any_of(value: object, options: list[Schema], where: str) -> Iterator[str]:
    """The complaints of the option that comes nearest: the one of the right type, if any is."""
    nearest: list[str] | None = None
    for option in options:
        found = list(problems(value, option, where))
        if not found:
            return
        if "type" not in option or is_of_type(value, option["type"]):
            nearest = nearest or found
    yield from nearest or [f"{value!r:.200} is not valid under any of the given schemas{where}"]


def _number(value: float, schema: Schema, where: str) -> Iterator[str]:
    least, above, most = (schema.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    if least is not None and value < least:
        yield f"{value} is less than the minimum of {least}{where}"
    if above is not None and value <= above:
        yield f"{value} is less than or equal to the minimum of {above}{where}"
    if most is not None and value > most:
        yield f"{value} is greater than the maximum of {most}{where}"


def _array(value: list[Any], schema: Schema, where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{value!r} is too short{where}"
    if schema.get("uniqueItems") and any(v in value[:n] for n, v in enumerate(value)):
        yield f"{value!r:.200} has non-unique elements{where}"
    each = schema.get("items")
    if each is not None:
        for number, item in enumerate(value):
            yield from problems(item, each, f" (item {number}{_inside(where)})")


def _object(value: dict[str, Any], schema: Schema, where: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{name!r} is a required property{where}"
    if len(value) < schema.get("minProperties", 0):
        yield f"{value!r} does not have enough properties{where}"
    if len(value) > schema.get("maxProperties", len(value)):
        yield f"{value!r:.200} has too many properties{where}"
    rest = schema.get("additionalProperties", True)
    others = [name for name in value if name not in known]
    if rest is False and others:
        listed = ", ".join(repr(name) for name in others)
        were = "was" if len(others) == 1 else "were"
        yield f"Additional properties are not allowed ({listed} {were} unexpected){where}"
    for name, item in value.items():
        each = known.get(name, rest)
        if isinstance(each, Mapping):
            yield from problems(item, each, f" ({name}{_inside(where)})")


def _inside(where: str) -> str:
    return f" of {where[2:-1]}" if where else ""
