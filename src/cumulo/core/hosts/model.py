"""Hosts, what each shall be (items by version), and what is on them that nobody knows."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import IndexOn, Key, References, Row, table
from cumulo.core.events.types import events, on

EVENTS = events(
    "cumulo",
    on("host", "host.epoch.grow", epoch=int, reason=str),
    on("cloud", "cloud.epochs.grow", reason=str),
    on("host", "host.join", expires_at=str),
    on("host", "host.enable", "host.disable", "host.remove"),
    on("unknown", "host.unknown.found", "host.unknown.remove", host=str, kind=str),
    on("unknown", "host.unknown.adopt", host=str, kind=str, told=dict[str, Any]),
)


@table("cloud")
class CloudRow(Row, frozen=True):
    """This cloud: one row. `incarnation` grows with each start of a control plane: a data
    directory that knows of a later one than the database shows that an old copy was restored."""

    id: Annotated[str, Key()]
    incarnation: int
    restored: int = 0
    """The start at which an older copy was noticed last, by whichever control node; 0: never."""


@table("hosts")
class HostRow(Row, frozen=True):
    """One machine that runs an agent. `epoch` grows whenever the machine is given to another
    agent, and when a copy of the database was restored: what was said before does not count."""

    id: Annotated[str, Key()]
    """The host's name."""
    epoch: int
    roles: list[str]
    """The kinds of work that it takes: network, block_storage, compute …"""
    enabled: bool
    last_seen: Moment
    created_at: Moment
    node_id: str | None = None
    """The control node that it was connected with last."""


@table("host_parts")
class PartRow(Row, frozen=True):
    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    kind: Annotated[str, Key()]
    generation: int
    """The newest version of an item of this kind."""
    applied: int
    """The newest that the host has got."""
    fault: str | None
    """Why the host can do nothing of this kind, if so."""


@table("host_items", IndexOn("host_id", "kind", "version"))
class ItemRow(Row, frozen=True):
    """One thing that a host has to make, or to remove (`gone`); the row goes when the host has
    confirmed that nothing is left. What the thing is, its service's rows say."""

    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    kind: Annotated[str, Key()]
    id: Annotated[str, Key()]
    version: int
    gone: bool


@table("host_unknown")
class UnknownRow(Row, frozen=True):
    """Something on a host that no item speaks of. It is kept until an operator decides."""

    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    kind: Annotated[str, Key()]
    id: Annotated[str, Key()]
    facts: dict[str, Any]
    found_at: Moment


@table("host_machines")
class MachineRow(Row, frozen=True):
    """A host that joined from another machine, and who may speak for it."""

    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    serials: list[str]
    """Serial numbers of its certificates that are good, the newest last."""
    expires_at: Moment
    """The newest one's end."""
    joined_at: Moment


@table("host_tokens")
class TokenRow(Row, frozen=True):
    """Lets one machine join, once."""

    id: Annotated[str, Key()]
    """SHA-256 of the secret."""
    name: str | None
    """Only the host of this name."""
    expires_at: Moment
    created_at: Moment
