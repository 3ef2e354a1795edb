"""What the cloud tells its name server: steps in MessagePack, in frames, over a socket.

A frame is its length in four bytes and a list of steps. What was said since the last Commit is
answered from all at once when the next one comes; the server says back the Commit's number.
"""

import asyncio

import msgspec

MOST_FRAME = 64 * 1024 * 1024


class Base(msgspec.Struct, frozen=True, array_like=True, tag_field="kind"):
    """The base of all steps. Names and records are as on the wire, names in lower case."""


class Whole(Base, frozen=True, tag="whole"):
    """A zone from nothing: what follows for it is all that it has."""

    zone_id: str
    name: bytes
    pool_id: str
    project_id: str = ""
    """Whose it is: nobody else's zones have a say in what is answered from it."""
    masters: list[str] = []
    """Addresses of those whose word that it has changed counts; an empty one: anybody's."""


class Put(Base, frozen=True, tag="put"):
    """All records of one name and type. `records`: each after its length in two bytes."""

    zone_id: str
    name: bytes
    type: int
    ttl: int
    records: bytes


class Drop(Base, frozen=True, tag="drop"):
    """There are none of this name and type any more."""

    zone_id: str
    name: bytes
    type: int


class Gone(Base, frozen=True, tag="gone"):
    """The zone is not served any more."""

    zone_id: str


class Secret(msgspec.Struct, frozen=True, array_like=True):
    """A key with which others sign (TSIG); `scope` ZONE or POOL: good for what `resource_id` is."""

    name: bytes
    algorithm: str
    secret: bytes
    scope: str
    resource_id: str


class Secrets(Base, frozen=True, tag="secrets"):
    """All keys that there are."""

    secrets: list[Secret]


class All(Base, frozen=True, tag="all"):
    """What follows until the next Commit is all that there is: zones that are not named are gone,
    and are answered from until then."""


class Commit(Base, frozen=True, tag="commit"):
    number: int


class Notified(Base, frozen=True, tag="notified"):
    """From the server to the cloud: a master says that a zone has changed (RFC 1996)."""

    name: bytes
    address: str


Step = All | Whole | Put | Drop | Gone | Secrets | Commit | Notified
Steps = list[Step]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Steps)


def frame(steps: list[Step]) -> bytes:
    body = _ENCODER.encode(steps)
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> Steps:
    """The next steps. Raises IncompleteReadError at the end of the feed."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > MOST_FRAME:
        raise ValueError(f"a frame of {length} bytes")
    return _DECODER.decode(await reader.readexactly(length))
