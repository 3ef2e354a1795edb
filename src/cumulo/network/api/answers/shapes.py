"""The lines of a noun's operations, out of its body."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cumulo.core.wire.shapes import Body


def lines(
    noun: str, plural: str, path: str, body: Any, *, updates: bool = True, read_only: bool = False
) -> dict[str, Any]:
    """`path`: below `/v2.0/`. A list may be cut down to some fields."""
    name = noun.title().replace("_", "")

    def made(suffix: str, *fields: Any) -> Any:
        return msgspec.defstruct(f"{name}{suffix}", fields, bases=(Body,), kw_only=True)

    link: Any = list[dict[str, str]] | UnsetType
    listed = made("List", (plural, list[dict[str, Any]]), (f"{plural}_links", link, UNSET))
    one = made("Answer", (noun, body))
    several = made("New", (noun, body | UnsetType, UNSET), (plural, list[body] | UnsetType, UNSET))
    found = {
        f"GET /v2.0/{path}": listed,
        f"POST /v2.0/{path}": several,
        f"GET /v2.0/{path}/{{id}}": one,
    }
    if read_only:
        del found[f"POST /v2.0/{path}"]
        return found
    return found | ({f"PUT /v2.0/{path}/{{id}}": one} if updates else {})


def tag_lines(path: str, answer: Any, empty: Any) -> dict[str, Any]:
    many = f"/v2.0/{path}/{{id}}/tags"
    return {f"GET {many}": answer, f"PUT {many}": answer, f"PUT {many}/{{tag}}": empty}
