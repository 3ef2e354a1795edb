"""What the control plane and a host's agent say to each other.

What a host shall be is a set of *items* for each kind of work (network, block_storage, compute …);
each has an id and the version of its newest change. The agent asks for what is newer than what
it has, makes it so, and reports item by item what it sees. The only push is a wake-up, and losing
it costs time, never correctness. An item's state, and what is seen of it, are msgspec Structs of
the service that owns the kind (`Part.item_type`, `seen_type`, `host_type`): in process they are
passed as they are, on a websocket they travel as msgpack.
"""

from typing import Any

import msgspec


class Wake(msgspec.Struct, tag="wake", frozen=True):
    """Control plane to agent: there is something newer of this kind."""

    kind: str


class Mark(msgspec.Struct, frozen=True):
    """The newest order that a host has accepted; what it keeps on its disk."""

    cloud: str = ""
    epoch: int = 0
    version: int = 0


class Fetch(msgspec.Struct, tag="fetch", frozen=True):
    """Agent to control plane: what is newer than `since`? None: tell me the whole set.

    `digest` (see `digest_of`): of all that the agent has at `since`; when it is not what the
    control plane has, the whole set is the answer. `rewound`: orders came that were older than
    what `mark` says: the control plane speaks out of an old copy of its database. `again`: tell me
    all of these once more: a change came of a list that the host does not have. `has`: of items
    that are long lists, which list the host has (`Long.stamp`): it may be told the change.
    """

    kind: str
    since: int | None = None
    mark: Mark = Mark()
    digest: str | None = None
    rewound: bool = False
    again: list[str] = []
    has: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True):
    """`state`: a `Part.item_type`; of a `Long` one maybe only the change."""

    id: str
    version: int
    state: Any


class Gone(msgspec.Struct, frozen=True):
    """The explicit order to remove a thing: nothing else removes one."""

    id: str
    version: int


class Items(msgspec.Struct, tag="items", frozen=True):
    """The answer to Fetch: what changed up to the version `upto`. `whole`: together with the
    pages before it this is all there is. `more`: ask again from `upto`."""

    kind: str
    cloud: str
    epoch: int
    upto: int
    whole: bool
    changed: list[Item]
    gone: list[Gone]
    more: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a host sees of one item, whose order it has in this version.

    `done`: it is as ordered. `gone`: nothing of it is left. `state`: a `Part.seen_type`, or None
    when it could not be looked at. `fault`: why the last attempt failed, `failures` how many did
    in a row; `final`: it is not tried again before there is another order. `step`: what it waits
    for, or what is being done.
    """

    id: str
    version: int
    done: bool = False
    gone: bool = False
    state: Any = None
    fault: str | None = None
    failures: int = 0
    final: bool = False
    step: str | None = None


class Stranger(msgspec.Struct, frozen=True):
    """Something on the host that no item speaks of."""

    id: str
    facts: dict[str, Any]


class Report(msgspec.Struct, tag="report", frozen=True, kw_only=True):
    """Agent to control plane: what changed on the host. `upto`: the newest version that it has.
    `host`: a `Part.host_type`, when that changed. `unknown`: all of them, when they changed.
    `trouble`: why nothing of this kind can be done there at present."""

    kind: str
    cloud: str
    epoch: int
    upto: int
    items: list[Seen] = []
    host: Any = None
    unknown: list[Stranger] | None = None
    trouble: str | None = None


class Taken(msgspec.Struct, tag="taken", frozen=True):
    """The answer to Report. `refused`: id → why this one was not taken over. `stale`: none was,
    since it is of another cloud or epoch."""

    refused: dict[str, str] = {}
    stale: bool = False


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """Control plane to agent: a question that needs the host (the console log of a guest)."""

    kind: str
    question: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, tag="answer", frozen=True):
    """The answer to Ask; `refused` says why there is none. `away`: it was not heard, so the same
    may be asked later."""

    value: Any = None
    refused: str | None = None
    away: bool = False
