"""What this service refuses, in Designate's words."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound


class InvalidObject(BadRequest):
    """A body whose parts are not what they have to be; `errors` says which and why."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(". ".join(e["message"] for e in errors), kind="invalid_object")
        self.errors = list(errors)


def wrong(
    path: Sequence[str | int], message: str, validator: str = "format", value: Any = None
) -> dict[str, Any]:
    """One part of an InvalidObject."""
    return {
        "path": list(path),
        "message": message,
        "validator": validator,
        "validator_value": value,
    }


def missing(name: str) -> InvalidObject:
    return InvalidObject(wrong([name], f"'{name}' is a required property", "required", [name]))


def bad_request(message: str, kind: str = "bad_request") -> BadRequest:
    return BadRequest(message, kind=kind)


def not_found(noun: str, kind: str) -> NotFound:
    return NotFound(f"Could not find {noun}", kind=f"{kind}_not_found")


def duplicate(noun: str, kind: str) -> Conflict:
    return Conflict(f"Duplicate {noun}", kind=f"duplicate_{kind}")


def forbidden(message: str, kind: str = "forbidden") -> Forbidden:
    return Forbidden(message, kind=kind)
