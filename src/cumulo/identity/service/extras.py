"""Known attributes and made-up ones: identity keeps whatever else a client sends."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from cumulo.core.faults import BadRequest

T = TypeVar("T", bound=msgspec.Struct)


def split(wishes: Mapping[str, Any], kind: type[T], noun: str) -> tuple[T, dict[str, Any]]:
    """The attributes that `kind` knows, validated, and the others. Raises BadRequest."""
    known = set(kind.__struct_encode_fields__)
    try:
        wanted = msgspec.convert({k: v for k, v in wishes.items() if k in known}, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for {noun}: {error}") from None
    ignored = known | {"links", "id"}
    return wanted, {k: v for k, v in wishes.items() if k not in ignored}


def given(wanted: msgspec.Struct, *names: str) -> dict[str, Any]:
    """Those of the named attributes that the client sent."""
    return {name: value for name in names if (value := getattr(wanted, name)) is not msgspec.UNSET}
