"""What control nodes say to each other, beside `core.hosts`' own messages.

A machine becomes a control node by `JoinNode` at `JOIN_PATH` of a node's gate; nodes talk at
`PATH`, each with a certificate of the cloud's authority that names it.
"""

from typing import Any

import msgspec

from cumulo.core.blobs.content import Content
from cumulo.core.hosts.messages import Ask

PATH, JOIN_PATH = "/node", "/join-node"
SPEAKER = "node:"
"""Begins the common name of a node's certificate: no host is called so."""


class JoinNode(msgspec.Struct, frozen=True):
    secret: str
    name: str


class JoinedNode(msgspec.Struct, frozen=True):
    """All that a control node is made of. `settings`: what the cloud's `cumulo.toml` says, without
    what is one machine's own."""

    id: str
    cloud: str
    database: str
    files: dict[str, bytes]
    settings: dict[str, Any]
    fake: bool


class AskHost(msgspec.Struct, frozen=True):
    """Put a question to a host that is connected there."""

    host: str
    ask: Ask


class OpenContent(msgspec.Struct, frozen=True):
    """`handle`: for what follows; whoever asks chooses it, so that what is given up in the middle
    of the asking can be closed, too."""

    handle: int
    content: Content


class Request(msgspec.Struct, frozen=True):
    """An HTTP request for files that are there. `number`: for what follows, as with contents."""

    number: int
    method: str
    path: str
    """As it was sent, percent-encoded."""
    query: str
    headers: list[tuple[str, str]]
    scheme: str
    address: str
    """Of the client."""


class Body(msgspec.Struct, frozen=True):
    """A piece of a request's body; with `more` False the last one."""

    number: int
    piece: bytes
    more: bool


class Head(msgspec.Struct, frozen=True):
    status: int
    headers: list[tuple[bytes, bytes]]


class Piece(msgspec.Struct, frozen=True):
    """Of an answer: its head first."""

    head: Head | None
    data: bytes
    more: bool
