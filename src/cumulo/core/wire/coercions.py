"""What OpenStack clients send for a boolean or an integer, and how it is understood.

Older services took `"true"`, `"1"`, 1 or true alike. Where api-ref documents that, a request
field is a `BoolLike` or `IntLike`, and the handler asks `as_bool` or `as_int`.
"""

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


def as_int(
    value: IntLike, field: str, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Raises BadRequest for what is not a whole number within the bounds."""
    try:
        number = int(value)
    except ValueError:
        raise BadRequest(
            f"Invalid input for field/attribute {field}. Value: {value}. "
            f"'{value}' is not an integer."
        ) from None
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise BadRequest(
            f"Invalid input for field/attribute {field}. Value: {value}. "
            f"{value} is out of the range {minimum}..{maximum}."
        )
    return number
