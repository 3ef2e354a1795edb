"""Items that are long lists (a group's members): told as additions and removals where possible.

A list has a stamp. A host says which stamps it has; the control plane answers with the change from
that list to today's, if it still knows that list, or with all of it. What a host keeps, and works
with, is always the whole list.
"""

from typing import Any, Protocol, TypeGuard, TypeVar, runtime_checkable

P = TypeVar("P")


@runtime_checkable
class Long(Protocol):
    """An item's state that is a long list."""

    @property
    def stamp(self) -> str:
        """Which list this is; the same stamp is never another list."""

    def changed_by(self, change: Any) -> Any:
        """The whole list after a change."""


@runtime_checkable
class Change(Protocol):
    """The way from one list to the next, in the place of an item's state."""

    @property
    def base(self) -> str:
        """The stamp of the list that is changed."""


@runtime_checkable
class TellsChanges(Protocol):
    """A `Part` that has such items."""

    def change(self, base: str, state: Any) -> Any:
        """The change from the list of that stamp to this one; None: tell all of it."""


_known: dict[tuple[type, type], bool] = {}


def does(thing: object, protocol: type[P]) -> TypeGuard[P]:
    """`isinstance` for these protocols, which takes 70 times as long as to remember its answer:
    things of a class do the same, and each item is asked about."""
    key = type(thing), protocol
    found = _known.get(key)
    if found is None:
        found = _known[key] = isinstance(thing, protocol)
    return found
