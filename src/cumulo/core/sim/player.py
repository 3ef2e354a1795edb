"""What a simulated user does, and what must hold afterwards.

A service's `simulated.py` has both:

    VERBS = [Verb("create network", create_network, weight=3), …]
    INVARIANTS = [ports_are_of_networks, …]

A verb is a coroutine that makes calls for a user, and writes down what the cloud has acknowledged.
An invariant looks at the rows (and at what simulated hosts have) when all has come to rest, and
says what is wrong.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.caller import Result


class Lost(Exception):
    """The control plane died in the middle of a call: nobody knows what became of it."""


class Refused(Exception):
    """The cloud said no, which it may: quota, conflict, overload."""


@dataclass
class Ledger:
    """What the cloud has acknowledged, by the path of the thing."""

    there: dict[str, str] = field(default_factory=dict)
    """Path → noun."""
    gone: set[str] = field(default_factory=set)
    makers: dict[str, str] = field(default_factory=dict)
    """Path → who made it, and may look."""
    unsure: set[str] = field(default_factory=set)
    """A deletion that was asked for, and not answered."""

    def made(self, noun: str, path: str, *, by: str) -> None:
        self.there[path] = noun
        self.makers[path] = by

    def removed(self, path: str) -> None:
        self.there.pop(path, None)
        self.unsure.discard(path)
        self.gone.add(path)


Ask = Callable[[str, str, Any, str], Awaitable[Result]]
"""Method, path, body, user → the answer. Raises Lost."""


class Player:
    def __init__(self, ask: Ask, chance: random.Random, ledger: Ledger, project: str) -> None:
        self._ask = ask
        self.chance = chance
        self.ledger = ledger
        self.project = project
        """Its id."""

    async def call(self, method: str, path: str, body: Any = None, *, user: str = "demo") -> Result:
        """Whatever the answer. Raises Lost; AssertionError for a fault of the program."""
        found = await self._ask(method, path, body, user)
        assert found.status != 500, (method, path, body, found.raw[:500])
        return found

    async def done(self, method: str, path: str, body: Any = None, *, user: str = "demo") -> Any:
        """The body of an answer that is no refusal. Raises Refused, Lost."""
        found = await self.call(method, path, body, user=user)
        if found.status >= 400:
            raise Refused(f"{method} {path}: {found.status}")
        return found.body

    async def make(
        self, noun: str, path: str, body: Any, *, shown: str = "", user: str = "demo"
    ) -> dict[str, Any]:
        """POST; its answer's only object, which has an id, is noted. `shown`: where members are, if
        not below the collection."""
        answer = await self.done("POST", path, body, user=user)
        item: dict[str, Any] = answer if "id" in answer else next(iter(answer.values()))
        self.ledger.made(noun, f"{shown or path}/{item['id']}", by=user)
        return item

    async def remove(self, path: str, *, user: str = "demo") -> None:
        """DELETE; it is gone, sooner or later. Raises Refused, Lost."""
        try:
            found = await self.call("DELETE", path, user=user)
        except Lost:
            self.ledger.unsure.add(path)
            raise
        if found.status >= 400 and found.status != 404:
            raise Refused(f"DELETE {path}: {found.status}")
        self.ledger.removed(path)

    def any_of(self, noun: str) -> str:
        """The path of one of them. Raises Refused where there is none."""
        known = [path for path, kind in self.ledger.there.items() if kind == noun]
        if not known:
            raise Refused(f"no {noun}")
        return self.chance.choice(known)

    def id_of(self, noun: str) -> str:
        return self.any_of(noun).rpartition("/")[2]

    def name(self) -> str:
        return f"sim-{self.chance.getrandbits(32):08x}"


@dataclass(frozen=True)
class Verb:
    name: str
    do: Callable[[Player], Awaitable[None]]
    weight: int = 1


@dataclass(frozen=True)
class AtRest:
    """What an invariant is told."""

    hosts: Mapping[str, Mapping[str, Any]]
    """Each host's parts, by the kind of work: with the drivers."""
    orders: Mapping[str, Mapping[str, Mapping[str, int]]]
    """What each host was told, by the kind of work: the thing's id → version."""
    wanted: Callable[[Tx, str, str, Sequence[str]], Iterable[str]]
    """Of a kind, a host and ids: those that it has to make something of."""
    ledger: Ledger


Invariant = Callable[[Tx, AtRest], Iterable[str]]
