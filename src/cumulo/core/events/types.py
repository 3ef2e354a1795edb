"""What events there are: each service declares its own in its `interface.py`, where those who
follow them can read it.

    EVENTS = events(
        "block_storage",
        on("volume", "volume.attach.start", "volume.attach.end", server=str),
        on("volume", "volume.update", changed=list[str] | None),
        on("snapshot", "snapshot.create.start", volume=str),
    )

`on` names the kind of resource, the types of events and the fields of their detail; a field whose
type has `None` may be missing.
"""

from dataclasses import dataclass
from typing import Any, get_args

import msgspec


@dataclass(frozen=True, slots=True)
class EventType:
    name: str
    service: str
    resource: str
    """The kind of resource that it is about."""
    detail: type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Group:
    resource: str
    names: tuple[str, ...]
    fields: dict[str, Any]


TYPES: dict[str, EventType] = {}
"""Of all services, by their names."""


def on(resource: str, *names: str, **fields: Any) -> Group:
    return Group(resource, names, fields)


def events(service: str, *groups: Group) -> tuple[EventType, ...]:
    """Declare a service's events."""
    made = []
    for group in groups:
        fields = [
            (name, kind, None) if type(None) in get_args(kind) else (name, kind)
            for name, kind in sorted(group.fields.items(), key=lambda pair: pair[0])
        ]
        detail = msgspec.defstruct("Detail", fields, kw_only=True, forbid_unknown_fields=True)
        for name in group.names:
            made.append(EventType(name, service, group.resource, detail))
            TYPES[name] = made[-1]
    return tuple(made)


def mistake_in(type: str, detail: dict[str, Any]) -> str | None:
    """What is wrong with an event, for whoever wrote the program."""
    known = TYPES.get(type)
    if known is None:
        return f"the event {type!r} is not declared: add it to EVENTS in the service's interface.py"
    try:
        msgspec.convert(msgspec.to_builtins(detail), known.detail)
    except msgspec.ValidationError as error:
        return f"the event {type!r}: {error}"
    return None
