"""Properties of a resource against its type's schema: coerced, completed, checked."""

from collections.abc import Callable, Mapping
from typing import Any

from cumulo.core.resource_types import Property
from cumulo.orchestration.language.constraints import (
    Constraint,
    Custom,
    hot_constraints,
    no_custom,
)
from cumulo.orchestration.language.invalid import Invalid

Schema = Mapping[str, Property]


def checked(
    schema: Schema, given: Mapping[str, Any], path: str, custom: Custom = no_custom
) -> dict[str, Any]:
    """All properties of the schema with their values; those that are not given and have no default
    are left out. Raises Invalid."""
    unknown = set(given) - set(schema)
    if unknown:
        raise Invalid(f"Unknown Property {min(unknown)}", path)
    made: dict[str, Any] = {}
    # By an older name of theirs.
    otherwise = {schema[name].stands_for for name, value in given.items() if value is not None}
    for name, one in schema.items():
        value = given.get(name)
        where = f"{path}.{name}"
        if value is None and one.default is not None:
            value = one.default
        if value is None:
            if one.required and name not in otherwise:
                raise Invalid(f"Property {name} not assigned", path)
            continue
        target = one.stands_for or name
        if target != name and given.get(target) is not None:
            raise Invalid(f"Cannot use {name} and {target} at the same time", path)
        made[target] = value_of(one, value, where, custom)
    return made


def completed(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, with the defaults of what is not; unchecked, as a preview shows it."""
    return {
        name: one.default if given.get(name) is None else given[name]
        for name, one in schema.items()
    }


def value_of(one: Property, value: Any, path: str, custom: Custom) -> Any:
    """A value as the property's type has it. Raises Invalid."""
    try:
        made = _COERCE[one.kind](value)
    except (ValueError, TypeError) as error:
        raise Invalid(f"Property error: {error}", path) from None
    if one.kind == "list" and isinstance(one.schema, Property):
        made = [
            value_of(one.schema, each, f"{path}[{n}]", custom) if each is not None else None
            for n, each in enumerate(made)
        ]
    elif one.kind == "map" and isinstance(one.schema, Mapping):
        made = checked(one.schema, made, path, custom)
    for constraint in constraints_of(one):
        problem = constraint.problem(made, custom)
        if problem:
            raise Invalid(f"Property error: {problem}", path)
    return made


def constraints_of(one: Property) -> list[Constraint]:
    return hot_constraints([dict(each) for each in one.constraints], "") if one.constraints else []


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("Value must be a string")


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("Value must be an integer")
    if isinstance(value, str) and len(value) > 40:
        raise ValueError("Value must be an integer")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"Value '{value}' is not an integer")
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"Value '{value}' is not an integer") from None


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > 40):
        raise ValueError("Value must be a number")
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except (ValueError, TypeError):
        return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("t", "true", "on", "y", "yes", "1"):
        return True
    if text in ("f", "false", "off", "n", "no", "0"):
        return False
    raise ValueError(f'"{value}" is not a valid boolean')


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [each.strip() for each in value.split(",")] if value else []
    if isinstance(value, list):
        return list(value)
    raise ValueError(f'"{value}" is not a list')


def _map(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError(f'"{value}" is not a map')


_COERCE: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
    "map": _map,
    "any": lambda value: value,
}


def not_updatable(schema: Schema, changed: Mapping[str, Any]) -> list[str]:
    """Those of the changed properties that make another thing of the resource."""
    return sorted(name for name in changed if name in schema and not schema[name].update)


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What has changed: the new values; None for what is not there any more."""
    return {
        name: now.get(name) for name in sorted({*before, *now}) if before.get(name) != now.get(name)
    }


def shown_schema(one: Property) -> dict[str, Any]:
    """A property in the schema of a resource type, as the API shows it."""
    made: dict[str, Any] = {
        "type": one.kind,
        "required": one.required,
        "update_allowed": one.update,
        "immutable": False,
    }
    if one.description:
        made["description"] = one.description
    if one.default is not None:
        made["default"] = one.default
    found = [constraint.shown() for constraint in constraints_of(one)]
    if found:
        made["constraints"] = found
    if isinstance(one.schema, Property):
        made["schema"] = {"*": shown_schema(one.schema)}
    elif isinstance(one.schema, Mapping):
        made["schema"] = {name: shown_schema(each) for name, each in one.schema.items()}
    return made
