"""Constraints of parameters and properties: what a value must be.

Custom constraints (`nova.flavor`, `glance.image` …) ask the cloud whether a thing is there; they
are given as a function, so that this module stays pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.orchestration.language.invalid import Invalid

Custom = Callable[[str, Any], str | None]
"""(name of the constraint, value) → why it is not met, or None."""
HOT_KINDS = (
    "length",
    "range",
    "allowed_values",
    "allowed_pattern",
    "custom_constraint",
    "modulo",
)


MOST_SHOWN = 1000
"""Letters of values in a refusal."""


def no_custom(name: str, value: Any) -> str | None:
    """Where nobody can be asked, everything is there."""
    return None


@dataclass(frozen=True)
class Constraint:
    kind: str
    value: Any
    description: str = ""

    def problem(self, value: Any, custom: Custom = no_custom) -> str | None:
        """Why a value does not meet it, or None."""
        found = _CHECKS[self.kind](self.value, value, custom)
        if found is not None and self.description and self.kind != "custom_constraint":
            return self.description
        return found

    def shown(self) -> dict[str, Any]:
        """As a resource type's schema shows it."""
        made: dict[str, Any] = {self.kind: self.value}
        if self.description:
            made["description"] = self.description
        return made


def hot_constraints(given: Any, path: str) -> list[Constraint]:
    """Of `constraints:` in a parameter. Raises Invalid."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise Invalid("Invalid parameter constraints: expected a list", path)
    return [_hot_constraint(each, path) for each in given]


def _hot_constraint(given: Any, path: str) -> Constraint:
    if not isinstance(given, dict):
        raise Invalid(f"Invalid parameter constraints, expected a mapping: {given!r}", path)
    kinds = [key for key in given if key != "description"]
    if len(kinds) != 1 or kinds[0] not in HOT_KINDS:
        raise Invalid(f"Invalid parameter constraints: {', '.join(map(str, kinds))}", path)
    made = Constraint(kinds[0], given[kinds[0]], str(given.get("description") or ""))
    _well_formed(made, path)
    return made


def _well_formed(made: Constraint, path: str) -> None:
    kind, value = made.kind, made.value
    if kind in ("length", "range"):
        if not isinstance(value, dict) or not value or set(value) - {"min", "max"}:
            raise Invalid(f"{kind} takes min and max", path)
        if not all(_number(each) is not None for each in value.values()):
            raise Invalid(f"{kind}: min and max must be numbers", path)
    elif kind == "modulo":
        if not isinstance(value, dict) or set(value) != {"step", "offset"}:
            raise Invalid("modulo takes step and offset", path)
        step, offset = _number(value["step"]), _number(value["offset"])
        if not step or offset is None or abs(offset) >= abs(step) or step * offset < 0:
            raise Invalid("modulo: step must not be 0, offset smaller than it, of its sign", path)
    elif kind == "allowed_values" and not isinstance(value, list):
        raise Invalid("allowed_values must be a list", path)
    elif kind == "allowed_pattern":
        if not isinstance(value, str):
            raise Invalid("allowed_pattern must be text", path)
        _pattern(value, path)
    elif kind == "custom_constraint" and not isinstance(value, str):
        raise Invalid("custom_constraint must be a name", path)


def _pattern(text: str, path: str = "") -> Pattern:
    """Of the whole value, in linear time; what RE2 does not have (look-ahead) is refused."""
    try:
        return Pattern(f"^(?:{text})$")
    except BadPattern as error:
        raise Invalid(f"allowed_pattern {text!r} cannot be used: {error}", path) from None


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) < 40:
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return None
    return None


def _between(amount: float | int, bounds: Mapping[str, Any]) -> bool:
    low, high = _number(bounds.get("min")), _number(bounds.get("max"))
    return (low is None or amount >= low) and (high is None or amount <= high)


def _said(bounds: Mapping[str, Any]) -> str:
    return f"(min: {bounds.get('min')}, max: {bounds.get('max')})"


def _length(bounds: Any, value: Any, custom: Custom) -> str | None:
    if value is None or not hasattr(value, "__len__") or _between(len(value), bounds):
        return None
    return f"length ({len(value)}) is out of range {_said(bounds)}"


def _range(bounds: Any, value: Any, custom: Custom) -> str | None:
    amount = _number(value)
    if amount is None or _between(amount, bounds):
        return None
    return f"{value} is out of range {_said(bounds)}"


def _modulo(wanted: Any, value: Any, custom: Custom) -> str | None:
    amount, step, offset = _number(value), _number(wanted["step"]), _number(wanted["offset"])
    if amount is None or step is None or offset is None or amount % step == offset % step:
        return None
    return f"{value} is not a multiple of {step} with an offset of {offset}"


def _allowed_values(allowed: Sequence[Any], value: Any, custom: Custom) -> str | None:
    values = value if isinstance(value, list) else [value]
    texts = [str(each) for each in allowed]
    known = {*texts, *(each for each in allowed if not isinstance(each, list | dict))}
    if all(
        str(each) in known or (not isinstance(each, list | dict) and each in known)
        for each in values
    ):
        return None
    shown = ", ".join(texts)[:MOST_SHOWN]
    return f'"{str(value)[:MOST_SHOWN]}" is not an allowed value [{shown}]'


def _allowed_pattern(pattern: str, value: Any, custom: Custom) -> str | None:
    if value is None or _pattern(pattern).found_in(str(value)):
        return None
    return f'"{value}" does not match pattern "{pattern}"'


def _custom(name: str, value: Any, custom: Custom) -> str | None:
    return None if value in (None, "") else custom(name, value)


_CHECKS: dict[str, Callable[[Any, Any, Custom], str | None]] = {
    "length": _length,
    "range": _range,
    "modulo": _modulo,
    "allowed_values": _allowed_values,
    "allowed_pattern": _allowed_pattern,
    "custom_constraint": _custom,
}
