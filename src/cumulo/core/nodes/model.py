"""Control nodes: the processes that together are one control plane, on one PostgreSQL.

Times here are the database's own, in seconds since 1970: clocks of machines differ.
"""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, table
from cumulo.core.events.types import events, on

EVENTS = events(
    "cumulo",
    on("node", "node.join", "node.remove", name=str),
)


EDITION = 1
"""1: who changes a server, or what is shown of it, counts its revision on. 0: a release before."""


@table("control_nodes")
class NodeRow(Row, frozen=True):
    """One control node. It lives as long as it says so every few seconds."""

    id: Annotated[str, Key()]
    name: str
    url: str
    """Where the other nodes dial it: `wss://ADDRESS:PORT`."""
    content: bool
    """It holds files: of images, of objects. The others ask it for them."""
    seen: float
    draining: bool
    """It is about to end: it takes no work."""
    removed: bool = False
    """It is no control node any more, and must not become one by itself."""
    ahead: float = 0.0
    """Seconds by which its machine's clock is ahead of the database's."""
    edition: int = 0
    """What it writes into rows, so that others may believe them; see `EDITION`."""


@table("control_node_tokens")
class NodeTokenRow(Row, frozen=True):
    """Lets one machine become a control node, once."""

    id: Annotated[str, Key()]
    """SHA-256 of the secret."""
    expires_at: Moment
    created_at: Moment


@table("work_leases")
class LeaseRow(Row, frozen=True):
    """Who does a part of the cloud's work (a reconciler): nobody else does until it ends."""

    name: Annotated[str, Key()]
    node_id: str
    epoch: int
    """Grows with each new holder."""
    until: float


@table("cloud_secrets")
class SecretRow(Row, frozen=True):
    """A file that all control nodes have alike: keys, and the operators' policies."""

    name: Annotated[str, Key()]
    """Its path below the data directory."""
    sealed: str
    """By the master key; empty: the file was removed."""
    made_at: float
    """The file's time."""
