"""Hosts, and how new the desired state of each kind of work on them is."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table


@table("hosts")
class HostRow(Row, frozen=True):
    """One machine that runs an agent. `epoch` grows whenever the machine is given to another
    agent, so that an old one's reports are refused."""

    id: Annotated[str, Key()]
    """The host's name."""
    epoch: int
    roles: list[str]
    """The kinds of work that it takes: network, block_storage, compute …"""
    enabled: bool
    last_seen: Moment
    created_at: Moment


@table("host_parts")
class PartRow(Row, frozen=True):
    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    kind: Annotated[str, Key()]
    generation: int
    applied: int
    """The newest generation whose report was accepted."""
    fault: str | None
    """Why the agent could not apply it, if so."""
