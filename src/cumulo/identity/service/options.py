"""Options of projects, domains and roles: so far `immutable`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.faults import Forbidden
from cumulo.core.wire.shapes import Unset


class Options(msgspec.Struct, forbid_unknown_fields=True):
    immutable: bool | Unset | None = msgspec.UNSET
    """Neither changed nor deleted until this is taken back."""


def changed(options: Mapping[str, Any], wanted: Options | Unset) -> dict[str, Any]:
    """The options with those that were sent; None takes one away."""
    sent = {} if isinstance(wanted, msgspec.UnsetType) else msgspec.structs.asdict(wanted)
    merged = {**options, **{k: v for k, v in sent.items() if v is not msgspec.UNSET}}
    return {name: value for name, value in merged.items() if value is not None}


def refuse_immutable(
    options: Mapping[str, Any],
    verb: str,
    noun: str,
    id: str,
    wishes: Mapping[str, Any] | None = None,
) -> None:
    """403 for a change of what is immutable, unless it is that very option that goes."""
    if not options.get("immutable"):
        return
    sent = wishes.get("options") if wishes is not None and set(wishes) == {"options"} else None
    if isinstance(sent, dict) and sent.get("immutable", True) in (False, None):
        return
    raise Forbidden(
        f"Unable to {verb} immutable {noun} resource: `{id}. Set resource option `immutable` to "
        "false first."
    )
