"""What an operation answers with: its `response`, or a line of its face's table.

Tables are modules of their own (`Face.answers`), with `ANSWERS: dict[str, Any]`: `METHOD path`, or
`METHOD path#action` for one action of a resource, and a type. Only who asks for the OpenAPI
document, and the tests, need those types: they are imported then.

What has no line answers as all do: with nothing where its status says so (204), to a HEAD, or where
its handler returns None; with what the face speaks (`Face.speaks`) where that is no JSON.
"""

import functools
import importlib
from typing import Any, NoReturn

from cumulo.core.http.operations import Face, Operation

EMPTY_STATUSES = (204, 304)


class Empty:
    """No body."""


class Octets:
    """A body that is no JSON: bytes, a page, a text, XML."""


NO_JSON: tuple[Any, ...] = (Empty, Octets)


def response_of(face: Face, operation: Operation) -> Any:
    """A Struct, or a list or dict; Empty or Octets; None where nothing is declared."""
    found = operation.response
    if found is None and face.answers:
        found = _table(face.answers).get(key_of(operation))
    if found is not None:
        return found
    returned = getattr(operation.handler, "__annotations__", {}).get("return", Any)
    if (
        operation.status in EMPTY_STATUSES
        or operation.method == "HEAD"
        or returned in (None, NoReturn)
    ):
        return Empty
    if operation.kind in ("feed", "socket") or face.speaks == "octets":
        return Octets
    return None


def key_of(operation: Operation) -> str:
    action = f"#{operation.action}" if operation.action else ""
    return f"{operation.method} {operation.path}{action}"


def stray_lines(face: Face) -> set[str]:
    """Lines of a face's table that no operation has."""
    if not face.answers:
        return set()
    return set(_table(face.answers)) - {key_of(operation) for operation in face.operations}


@functools.cache
def _table(module: str) -> dict[str, Any]:
    found: dict[str, Any] = importlib.import_module(module).ANSWERS
    return found
