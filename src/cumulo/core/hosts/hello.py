"""What is said when a host's connection begins, and what travels beside the messages of `messages`.

`PROTOCOLS`: this release's and the one before; both ends use the newest that they share.
"""

from typing import Any

import msgspec

from cumulo.core.blobs.content import Content
from cumulo.core.hosts.samples import Sample

PROTOCOLS = (1,)
PATH, JOIN_PATH, AUTHORITY_PATH = "/link", "/join", "/authority"


class Join(msgspec.Struct, frozen=True):
    """A machine that has a token. `request`: for a certificate, PEM."""

    secret: str
    name: str
    request: bytes


class Joined(msgspec.Struct, frozen=True):
    certificate: bytes
    cloud: str


class Hello(msgspec.Struct, frozen=True):
    """A host to the control plane, first of all. `kinds`: the work that it does."""

    protocols: list[int]
    version: str
    kinds: list[str]


class Welcome(msgspec.Struct, frozen=True):
    """`settings`: those of the control plane that hosts must have alike. `nodes`: where all control
    nodes are dialled, `wss://ADDRESS:PORT`, should this one go; a heartbeat's answer has them,
    too."""

    protocol: int
    version: str
    settings: dict[str, Any] = {}
    nodes: list[str] = []


class Failed(msgspec.Struct, frozen=True):
    kind: str
    generation: int
    reason: str


class Samples(msgspec.Struct, frozen=True):
    samples: list[Sample]


class Query(msgspec.Struct, frozen=True):
    """A host asks what only the control plane knows (a guest's metadata)."""

    kind: str
    question: str
    arguments: dict[str, Any]


class Open(msgspec.Struct, frozen=True):
    """A host wants the bytes of an image."""

    content: Content


class Opened(msgspec.Struct, frozen=True):
    """`handle`: for `Piece`; None: nobody has it, and nobody will."""

    handle: int | None
    size: int | None = None


class Piece(msgspec.Struct, frozen=True):
    handle: int
    offset: int
    length: int


class Close(msgspec.Struct, frozen=True):
    handle: int


class Renewal(msgspec.Struct, frozen=True):
    """A host's request for its next certificate, PEM; the answer is the certificate."""

    request: bytes
