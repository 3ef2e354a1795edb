"""Which JSON an operation answers with: its `response`, or a line of its face's table.

Tables are modules of their own (`Face.answers`), with `ANSWERS: dict[str, Any]`: `METHOD path`, or
`METHOD path#action` for one action of a resource, and a type. Only who asks for the OpenAPI
document, and the tests, need those types: they are imported then.
"""

import functools
import importlib
from typing import Any

from cumulo.core.http.operations import Face, Operation


def response_of(face: Face, operation: Operation) -> Any:
    """A Struct, or a list or dict; None where nothing is declared."""
    if operation.response is not None or not face.answers:
        return operation.response
    return _table(face.answers).get(key_of(operation))


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
