"""What a service's `agent.py` brings to a host: how one thing is made, removed and looked at.

The worker of items (`worker.py`) calls it. All methods may be called again after a crash at any
point; doing something twice is doing it once. Two methods never run at once for the same thing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from cumulo.core.hosts.journal import Order


class Slots(NamedTuple):
    """How many at once, and after how many seconds one that has not ended gives its place to
    others (it is not interrupted, and not begun a second time)."""

    places: int
    seconds: float


class Look(NamedTuple):
    """What a thing is; `fits`: as it was ordered, there is nothing to do."""

    state: Any
    fits: bool


class Trouble(Exception):
    """`state`: what the thing is nevertheless; None: as it was when it was last seen."""

    def __init__(self, reason: str, *, state: Any = None) -> None:
        super().__init__(reason)
        self.state = state


class NotYet(Trouble):
    """Something that is needed is not there yet: a wait, no failure. `step`: what clients are told
    meanwhile. `patience`: seconds after which it counts as a failure; None: never (content that
    is still on its way)."""

    def __init__(
        self,
        reason: str,
        *,
        step: str | None = None,
        patience: float | None = 300.0,
        state: Any = None,
    ) -> None:
        super().__init__(reason, state=state)
        self.step = step
        self.patience = patience


class Failed(Trouble):
    """It did not succeed; it is tried again, later and later. `final`: not before another order."""

    def __init__(self, reason: str, *, final: bool = False, state: Any = None) -> None:
        super().__init__(reason, state=state)
        self.final = final


class HostPart(Protocol):
    """The host's side of one kind of work, as every agent knows it."""

    kind: str

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """Answer a question that the control plane asks of this host."""


class ItemWork(HostPart, Protocol):
    """The host's side of a kind whose things are made one by one."""

    item_type: Any
    slots: Mapping[str, Slots]
    """By the name that `slot` gives; work of one name never holds up that of another."""

    def slot(self, order: Order) -> str:
        """Of which sort the work is: `copy` for what takes long, say."""

    async def ensure(self, order: Order, tell: Callable[[str], None]) -> Any:
        """Make it so; what it is then, a `Part.seen_type`. `tell(step)`: what is being done.
        Raises NotYet, Failed; anything else is a failure, too."""

    async def remove(self, order: Order) -> None:
        """Nothing of it may be left; nothing to do is no error. `order.item` may be None."""

    async def look(self, order: Order) -> Look:
        """What it is now, without changing it."""

    async def names(self) -> Iterable[str]:
        """The ids of all things of this kind on this host, whoever made them. Cheap."""

    async def describe(self, id: str) -> dict[str, Any]:
        """Of something that nobody knows: a few facts for an operator, small and plain. Those
        that `Part.adopt` needs are among them."""

    async def host(self) -> Any:
        """What the host says of itself, a `Part.host_type`; None: nothing."""

    def on_change(self, ring: Callable[[str | None], None]) -> None:
        """Call `ring(id)` when a thing changed by itself (a guest ended); None: look at all."""


@runtime_checkable
class Tidies(Protocol):
    """Work that also keeps things which several items share (a cache)."""

    async def tidy(self, orders: Sequence[Order], unknown: Sequence[str]) -> None:
        """After a look around: what none of these orders needs may go. Lost orders are among
        them; `unknown` are all ids here that no order speaks of any more."""
