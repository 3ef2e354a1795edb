"""JSON patches (RFC 6902), as far as the Bare Metal API takes them: add, replace, remove."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cumulo.core.faults import BadRequest

MOST_STEPS = 16


@dataclass(frozen=True, slots=True)
class Change:
    op: Literal["add", "replace", "remove"]
    path: tuple[str, ...]
    value: Any = None


def path_of(text: str) -> tuple[str, ...]:
    """`/driver_info/address` in its parts. Raises BadRequest."""
    parts = text.split("/")
    if parts[0] or len(parts) < 2 or len(parts) > MOST_STEPS or "" in parts[1:]:
        raise BadRequest(f"'{text[:100]}' is not a valid path of a patch")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts[1:])


def patched(
    document: dict[str, Any], changes: Sequence[Change], fixed: frozenset[str]
) -> dict[str, Any]:
    """The document after all changes; nothing of it is checked but that the patch fits. `fixed`:
    names at its top that clients see and may not change."""
    new = copy.deepcopy(document)
    for change in changes:
        top = change.path[0]
        if top in fixed:
            raise BadRequest(f"'/{top}' is an internal attribute and can not be updated")
        if top not in new:
            raise BadRequest(f"'/{top[:100]}' is not an attribute that can be updated")
        if len(change.path) == 1:
            new[top] = None if change.op == "remove" else change.value
        else:
            _inside(new, change)
    return new


def _inside(document: dict[str, Any], change: Change) -> None:
    where: Any = document
    if document[change.path[0]] is None and change.op == "add":
        document[change.path[0]] = {}
    for part in change.path[:-1]:
        where = _child(where, part, change)
    last = change.path[-1]
    if isinstance(where, list):
        _in_list(where, last, change)
    elif not isinstance(where, dict):
        raise _misfit(change)
    elif change.op == "add":
        where[last] = change.value
    elif last not in where:
        raise _misfit(change)
    elif change.op == "replace":
        where[last] = change.value
    else:
        del where[last]


def _child(where: Any, part: str, change: Change) -> Any:
    if isinstance(where, dict) and part in where:
        return where[part]
    if isinstance(where, list):
        return where[_place(where, part, change)]
    raise _misfit(change)


def _in_list(where: list[Any], last: str, change: Change) -> None:
    if change.op == "add":
        place = len(where) if last == "-" else _place([*where, None], last, change)
        where.insert(place, change.value)
    elif change.op == "replace":
        where[_place(where, last, change)] = change.value
    else:
        del where[_place(where, last, change)]


def _place(where: list[Any], part: str, change: Change) -> int:
    if part.isascii() and part.isdecimal() and len(part) < 6 and int(part) < len(where):
        return int(part)
    raise _misfit(change)


def _misfit(change: Change) -> BadRequest:
    path = "/".join(change.path)
    return BadRequest(
        f"Couldn't apply patch '{change.op}' to '/{path[:200]}'. Reason: there is no such value"
    )
