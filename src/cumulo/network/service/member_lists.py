"""Long lists as this process has read them (a group's members, a network's ports): once for all
hosts that ask, and the last few of each, so that a host that has one of them is told the change
only.

What a list's change number stands for is read when the first host asks for it, and may have a
little more by then than had to be told. So two processes may have different lists of one number:
a list's stamp names the process, too.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from cumulo.network.model.orders import (
    GroupChange,
    GroupMembers,
    NeighbourChange,
    Neighbours,
)

MOST = 10_000
LISTS = 8
"""That are remembered of one thing: a host that is further behind is told all of it."""


class _Stamped(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def stamp(self) -> str: ...


L = TypeVar("L", bound=_Stamped)
C = TypeVar("C")


class Lists(Generic[L, C]):
    """`differ`: the change from one list to the next; None: as long as all of it."""

    def __init__(self, differ: Callable[[L, L], C | None]) -> None:
        self._process = secrets.token_hex(4)
        self._differ = differ
        self._lists: dict[str, OrderedDict[str, L]] = {}
        self._changes: dict[tuple[str, str], C | None] = {}

    def stamp(self, id: str, number: int) -> str:
        return f"{self._process}/{id}/{number}"

    def find(self, id: str, number: int) -> L | None:
        lists = self._lists.get(id)
        return None if lists is None else lists.get(self.stamp(id, number))

    def note(self, made: L) -> L:
        """A list that was read, with a stamp of ours."""
        if len(self._lists) > MOST:
            self._lists.clear()
        lists = self._lists.setdefault(made.id, OrderedDict())
        lists[made.stamp] = made
        while len(lists) > LISTS:
            lists.popitem(last=False)
        return made

    def change(self, base: str, now: L) -> C | None:
        """None where the list is not known any more, or is not much longer than the change."""
        lists = self._lists.get(now.id)
        before = None if lists is None else lists.get(base)
        if before is None:
            return None
        key = (base, now.stamp)
        if key not in self._changes:
            if len(self._changes) > MOST:
                self._changes.clear()
            self._changes[key] = self._differ(before, now)
        return self._changes[key]


def of_members() -> Lists[GroupMembers, GroupChange]:
    def differ(before: GroupMembers, now: GroupMembers) -> GroupChange | None:
        old, new = set(before.members), set(now.members)
        added, removed = tuple(sorted(new - old)), tuple(sorted(old - new))
        if 2 * (len(added) + len(removed)) >= len(now.members):
            return None
        return GroupChange(now.id, before.stamp, now.stamp, added, removed)

    return Lists(differ)


def of_neighbours() -> Lists[Neighbours, NeighbourChange]:
    def differ(before: Neighbours, now: Neighbours) -> NeighbourChange | None:
        old = {each.port_id: each for each in before.ports}
        new = {each.port_id for each in now.ports}
        added = tuple(each for each in now.ports if old.get(each.port_id) != each)
        removed = tuple(sorted(old.keys() - new))
        if 2 * (len(added) + len(removed)) >= len(now.ports):
            return None
        return NeighbourChange(now.id, before.stamp, now.stamp, added, removed)

    return Lists(differ)
