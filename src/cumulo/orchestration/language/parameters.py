"""Parameters: what a template asks for, what a user gives, and what comes of both.

Values are coerced to their type as Heat does it (HOT specification, "Parameters section"): numbers
from text, lists from commas or JSON, maps from JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cumulo.orchestration.language.constraints import (
    Constraint,
    Custom,
    hot_constraints,
    no_custom,
)
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.template import Template

HOT_TYPES = ("string", "number", "comma_delimited_list", "json", "boolean")
_CFN_TYPES = {
    "String": "string",
    "Number": "number",
    "CommaDelimitedList": "comma_delimited_list",
    "Json": "json",
    "Boolean": "boolean",
}
SHOWN = {hot: cfn for cfn, hot in _CFN_TYPES.items()}
"""Type names as `validate` shows them, whatever the template's own language."""
_HOT_KEYS = {
    "type",
    "label",
    "description",
    "default",
    "hidden",
    "constraints",
    "immutable",
    "tags",
}
_CFN_LISTS = {
    "AWS::EC2::KeyPair::KeyName": "string",
}
_CFN_KEYS = {
    "Type",
    "Description",
    "Default",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "ConstraintDescription",
    "Label",
}
HIDDEN = "******"
MOST_BYTES = 64 * 1024
_NOTHING = object()


@dataclass(frozen=True)
class Parameter:
    """One parameter's definition."""

    name: str
    type: str
    description: str = ""
    label: str = ""
    default: Any = _NOTHING
    hidden: bool = False
    immutable: bool = False
    constraints: list[Constraint] = field(default_factory=list)
    tags: tuple[str, ...] = ()

    @property
    def has_default(self) -> bool:
        return self.default is not _NOTHING


def definitions(template: Template) -> dict[str, Parameter]:
    """Raises Invalid."""
    made = {}
    for name, body in template.parameters.items():
        path = f"parameters.{name}"
        if not isinstance(body, dict):
            raise Invalid("a parameter's definition must be a map", path)
        made[name] = (
            _hot(name, body, path) if template.version.kind == "hot" else _cfn(name, body, path)
        )
        if made[name].has_default and made[name].default is not None:
            problem = problem_of(made[name], coerce(made[name], made[name].default), no_custom)
            if problem:
                raise Invalid(f"Invalid default {made[name].default}: {problem}", path)
    return made


def _hot(name: str, body: dict[str, Any], path: str) -> Parameter:
    unknown = set(body) - _HOT_KEYS
    if unknown:
        raise Invalid(f"Invalid key '{min(unknown)}' for parameter", path)
    kind = body.get("type")
    if kind is None:
        raise Invalid("Missing parameter type for parameter", path)
    if kind not in HOT_TYPES:
        raise Invalid(f"Invalid type ({kind}); it should be one of {', '.join(HOT_TYPES)}", path)
    return Parameter(
        name,
        kind,
        str(body.get("description") or ""),
        str(body.get("label") or ""),
        body.get("default", _NOTHING),
        _flag(body.get("hidden", False), path),
        _flag(body.get("immutable", False), path),
        hot_constraints(body.get("constraints"), path),
        _tags(body.get("tags"), path),
    )


def _tags(given: Any, path: str) -> tuple[str, ...]:
    if given is not None and not isinstance(given, list):
        raise Invalid("tags must be a list", path)
    return tuple(str(each) for each in given or ())


def _cfn(name: str, body: dict[str, Any], path: str) -> Parameter:
    unknown = set(body) - _CFN_KEYS
    if unknown:
        raise Invalid(f"Invalid key '{min(unknown)}' for parameter", path)
    given = body.get("Type")
    kind = _CFN_TYPES.get(str(given)) or _CFN_LISTS.get(str(given))
    if kind is None and isinstance(given, str) and given.startswith("List<"):
        kind = "comma_delimited_list"
    if kind is None:
        raise Invalid(f"Invalid type ({given})", path)
    text = str(body.get("ConstraintDescription") or "")
    found = []
    for first, second, sort in (
        ("MinLength", "MaxLength", "length"),
        ("MinValue", "MaxValue", "range"),
    ):
        bounds = {"min": body.get(first), "max": body.get(second)}
        given_bounds = {key: value for key, value in bounds.items() if value is not None}
        if given_bounds:
            found.append({sort: given_bounds, "description": text})
    if "AllowedValues" in body:
        found.append({"allowed_values": body["AllowedValues"], "description": text})
    if "AllowedPattern" in body:
        found.append({"allowed_pattern": body["AllowedPattern"], "description": text})
    return Parameter(
        name,
        kind,
        str(body.get("Description") or ""),
        str(body.get("Label") or ""),
        body.get("Default", _NOTHING),
        _flag(body.get("NoEcho", False), path),
        False,
        hot_constraints(found, path),
    )


def _flag(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Invalid("true or false is expected", path)


def coerce(parameter: Parameter, value: Any) -> Any:
    """A given value in the parameter's type. Raises Invalid."""
    try:
        if len(value if isinstance(value, str) else json.dumps(value)) > MOST_BYTES:
            raise Invalid(f"Parameter '{parameter.name}' is larger than {MOST_BYTES} bytes")
        return COERCE[parameter.type](value)
    except (ValueError, TypeError) as error:
        raise Invalid(f"Parameter '{parameter.name}' is invalid: {error}") from None


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str | int | float):
        return str(value)
    if value is None:
        return ""
    raise ValueError("Value must be a string")


def _to_number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, str):
        if len(value) > 40:
            raise ValueError("a number of more than 40 letters")
        try:
            return int(value)
        except ValueError:
            return float(value)
    return value


def _to_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [each if isinstance(each, str) else json.dumps(each) for each in value]
    if isinstance(value, str):
        return [each.strip() for each in value.split(",")] if value else []
    if value is None:
        return []
    raise ValueError(f"Value must be a comma-delimited list string: {value!r}")


def _to_json(value: Any) -> Any:
    if isinstance(value, str):
        if not value:
            return {}
        value = json.loads(value)
    if value is None:
        return {}
    if not isinstance(value, dict | list):
        raise ValueError("Value must be valid JSON: a map or a list")
    return value


def _to_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("t", "true", "on", "y", "yes", "1"):
        return True
    if text in ("f", "false", "off", "n", "no", "0"):
        return False
    raise ValueError(f'Value "{value}" is invalid for a boolean')


COERCE = {
    "string": _string,
    "number": _to_number,
    "comma_delimited_list": _to_list,
    "json": _to_json,
    "boolean": _to_boolean,
}


def problem_of(parameter: Parameter, value: Any, custom: Custom) -> str | None:
    """The first constraint that a value does not meet, in words."""
    for constraint in parameter.constraints:
        problem = constraint.problem(value, custom)
        if problem:
            return problem
    return None


def values_of(
    known: Mapping[str, Parameter], given: Mapping[str, Any], custom: Custom = no_custom
) -> dict[str, Any]:
    """Every parameter's value. Raises Invalid: unknown ones, missing ones, wrong ones."""
    unknown = set(given) - set(known)
    if unknown:
        raise Invalid(f"The Parameter ({min(unknown)}) was not defined in template.")
    made = {}
    for name, parameter in known.items():
        if given.get(name) is not None:
            value = coerce(parameter, given[name])
        elif parameter.has_default:
            value = coerce(parameter, parameter.default)
        else:
            raise Invalid(f"The Parameter ({name}) was not provided.")
        problem = problem_of(parameter, value, custom)
        if problem:
            raise Invalid(f"Parameter '{name}' is invalid: {problem}")
        made[name] = value
    return made


def shown_value(parameter: Parameter, value: Any) -> str:
    """As `stack show` has those that are not hidden: text."""
    if parameter.type == "comma_delimited_list":
        return ",".join(str(each) for each in value)
    if parameter.type == "json":
        return json.dumps(value)
    return str(value)
