"""The members of groups as this process has read them: once for all hosts that ask, and the last
few lists of each group, so that a host that has one of them is told the change only.

What a group's change number stands for is read when the first host asks for it, and may have a
little more by then than had to be told. So two processes may have different lists of one number:
a list's stamp names the process, too.
"""

import secrets
from collections import OrderedDict
from collections.abc import Iterable

from cumulo.network.model.orders import GroupChange, GroupMembers

MOST_GROUPS = 10_000
LISTS = 8
"""That are remembered of a group: a host that is further behind is told all of it."""


class MemberLists:
    def __init__(self) -> None:
        self._process = secrets.token_hex(4)
        self._lists: dict[str, OrderedDict[str, GroupMembers]] = {}
        self._changes: dict[tuple[str, str], GroupChange] = {}

    def find(self, group_id: str, number: int) -> GroupMembers | None:
        lists = self._lists.get(group_id)
        return None if lists is None else lists.get(f"{self._process}/{group_id}/{number}")

    def note(self, group_id: str, number: int, members: Iterable[str]) -> GroupMembers:
        stamp = f"{self._process}/{group_id}/{number}"
        if len(self._lists) > MOST_GROUPS:
            self._lists.clear()
        lists = self._lists.setdefault(group_id, OrderedDict())
        lists[stamp] = GroupMembers(group_id, stamp, tuple(sorted(set(members))))
        while len(lists) > LISTS:
            lists.popitem(last=False)
        return lists[stamp]

    def change(self, base: str, now: GroupMembers) -> GroupChange | None:
        """None where the list is not known any more, or is not much longer than the change."""
        lists = self._lists.get(now.id)
        before = None if lists is None else lists.get(base)
        if before is None:
            return None
        found = self._changes.get((base, now.stamp))
        if found is None:
            old, new = set(before.members), set(now.members)
            added, removed = tuple(sorted(new - old)), tuple(sorted(old - new))
            found = GroupChange(now.id, base, now.stamp, added, removed)
            if len(self._changes) > MOST_GROUPS:
                self._changes.clear()
            self._changes[(base, now.stamp)] = found
        return found if 2 * (len(found.added) + len(found.removed)) < len(now.members) else None
