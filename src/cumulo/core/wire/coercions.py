"""What OpenStack clients send for a boolean or an integer, and how it is understood.

Older services took `"true"`, `"1"`, 1 or true alike. Where api-ref documents that, a request
field is a `BoolLike` or `IntLike`, and the handler asks `as_bool` or `as_int`.
"""

import math
from typing import Annotated

import msgspec

from cumulo.core.faults import BadRequest

BoolLike = bool | str | int
IntLike = int | str

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Text255 = Annotated[str, msgspec.Meta(max_length=255)]
Uuid = Annotated[
    str,
    msgspec.Meta(
        pattern="^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"
    ),
]

_TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
_FALSE = frozenset(("0", "f", "false", "off", "n", "no"))


def as_bool(value: BoolLike, field: str) -> bool:
    """Raises BadRequest for what is neither true nor false."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadRequest(
        f"Invalid input for field/attribute {field}. Value: {value}. '{value}' is not a boolean."
    )


WHOLE_DIGITS = 18
"""Digits of the longest number that is looked at: any of them fits into the database."""


def whole_or_none(text: str) -> int | None:
    """A whole number in ASCII digits with at most one minus, or None: whatever a client sends."""
    digits = text.removeprefix("-")
    if len(digits) > WHOLE_DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    return int(text)


def number_or_none(value: object) -> float | None:
    """A finite number, or None: JSON's whole numbers may be longer than any float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def as_int(value: IntLike, field: str, *, minimum: int = -(2**62), maximum: int = 2**62) -> int:
    """Raises BadRequest for what is not a whole number within the bounds."""
    number = whole_or_none(value.strip().removeprefix("+")) if isinstance(value, str) else value
    shown = str(value) if isinstance(value, str) or abs(value) < 2**64 else "a number too large"
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    if number is None:
        raise BadRequest(
            f"Invalid input for field/attribute {field}. Value: {shown}. "
            f"'{shown}' is not an integer."
        )
    if not minimum <= number <= maximum:
        raise BadRequest(
            f"Invalid input for field/attribute {field}. Value: {shown}. "
            f"{shown} is out of the range {minimum}..{maximum}."
        )
    return number
