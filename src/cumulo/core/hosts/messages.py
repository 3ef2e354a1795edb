"""What the control plane and a host's agent say to each other.

State is exchanged, not commands: the agent asks for the whole desired state of its host for one
kind of work (network, block_storage, compute …), makes it so, and reports what it sees. The only
push is a wake-up, and losing it costs time, never correctness. Desired and observed states are
the msgspec Structs of the service that owns the kind (`Part.desired_type`, `observed_type`):
in process they are passed as they are, on a websocket they travel as msgpack.
"""

from typing import Any

import msgspec


class Wake(msgspec.Struct, tag="wake", frozen=True):
    """Control plane to agent: there is newer desired state of this kind."""

    kind: str


class Fetch(msgspec.Struct, tag="fetch", frozen=True):
    """Agent to control plane: tell me the whole desired state of this kind."""

    kind: str


class Desired(msgspec.Struct, tag="desired", frozen=True):
    """The answer to Fetch. An agent refuses a lower (epoch, generation) than it has applied."""

    kind: str
    epoch: int
    generation: int
    state: Any


class Report(msgspec.Struct, tag="report", frozen=True):
    """Agent to control plane: having applied that generation, this is what I see."""

    kind: str
    epoch: int
    generation: int
    state: Any


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """Control plane to agent: a question that needs the host (the console log of a guest)."""

    kind: str
    question: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, tag="answer", frozen=True):
    """The answer to Ask; `refused` says why there is none."""

    value: Any = None
    refused: str | None = None
