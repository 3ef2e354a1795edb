"""Agents: what is known of the ramdisk that a machine runs, or shall run."""

from typing import Annotated

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table


class Secrets(msgspec.Struct, frozen=True):
    """Sealed in the row."""

    token: str
    """What the agent proves itself with, and what it is told by."""
    ticket: str
    """In the URLs of what this boot needs."""
    certificate: str
    """PEM, of the agent's commands API."""
    key: str


@table("baremetal_agents")
class AgentRow(Row, frozen=True):
    """One boot of one machine into the ramdisk; the row is there from before the machine gets power
    until it is done with. Another boot is another token."""

    id: Annotated[str, Key(), References("baremetal_nodes.id", "CASCADE")]
    """The node's."""
    job: str
    sealed: str
    """Its `Secrets`."""
    url: str | None
    """Of its commands API; None: it has not spoken yet."""
    verify_ca: str | None
    """The certificate that it said it has, where it is not ours."""
    version: str | None
    seen_at: Moment | None
    status: str | None
    status_message: str | None
    created_at: Moment
