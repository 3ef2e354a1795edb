"""Long lists of members: changes, and what becomes of them at a host."""

import asyncio
from typing import Any

from cumulo.core.hosts.follower import Follower
from cumulo.core.hosts.journal import Journal
from cumulo.core.hosts.messages import Fetch, Items
from cumulo.network.model.orders import GroupChange, GroupMembers, NetworkItem
from cumulo.network.service.member_lists import LISTS, Lists, of_members
from tests.support.items import Desk


def many(*numbers: int) -> list[str]:
    return [f"10.0.{number // 250}.{number % 250}" for number in numbers]


def noted(lists: Lists[GroupMembers, Any], number: int, members: list[str]) -> GroupMembers:
    return lists.note(GroupMembers("g", lists.stamp("g", number), tuple(sorted(members))))


def test_a_change_leads_from_one_list_to_another() -> None:
    lists = of_members()
    first = noted(lists, 1, many(*range(100)))
    second = noted(lists, 2, many(*range(1, 102)))
    assert lists.find("g", 1) is first and lists.find("g", 3) is None
    change = lists.change(first.stamp, second)
    assert change is not None and (change.added, change.removed) == (
        tuple(many(100, 101)),
        tuple(many(0)),
    )
    assert first.changed_by(change) == second
    assert lists.change("another process/g/1", second) is None
    other = noted(lists, 3, many(*range(500, 600)))
    assert lists.change(second.stamp, other) is None, "nearly all is new: all of it is told"
    for number in range(4, 4 + LISTS):
        last = noted(lists, number, many(*range(100)))
    assert lists.change(first.stamp, last) is None, "too long ago"


class Changing(Desk):
    """Tells changes to who has a list."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = of_members()
        self.told: list[Any] = []

    def members(self, number: int, *members: int) -> None:
        self.order("members/g", noted(self.lists, number, many(*members)))

    async def fetch(self, message: Fetch) -> Items:
        answer = await super().fetch(message)
        for number, item in enumerate(answer.changed):
            base = message.has.get(item.id)
            change = None if base is None else self.lists.change(base, item.state)
            if change is not None:
                answer.changed[number] = type(item)(item.id, item.version, change)
            self.told.append(answer.changed[number].state)
        return answer


def test_a_host_is_told_additions_and_removals(tmp_path: Any) -> None:
    async def main() -> None:
        desk, path = Changing(), tmp_path / "network.journal"
        follower = Follower("network", lambda: desk, Journal(path, NetworkItem), lambda new: None)
        desk.members(1, *range(100))
        await follower.follow()
        desk.members(2, *range(1, 101))
        await follower.follow()
        assert isinstance(desk.told[-1], GroupChange)
        kept = follower.journal.orders["members/g"].item
        assert kept == desk.lists.find("g", 2)
        assert Journal(path, NetworkItem).orders["members/g"].item == kept
        # Another control plane process, whose lists of the same numbers may differ.
        desk.lists = of_members()
        desk.members(3, *range(1, 101))
        desk.lists.change = lambda base, now: GroupChange("g", "x/g/2", now.stamp)  # type: ignore[method-assign]
        asked = len(desk.fetched)
        plain = Desk.fetch

        async def fetch(message: Fetch) -> Items:
            # The second time it is asked without a stamp: all of it.
            desk.fetched.append(message)
            if message.again:
                desk.told.append("all")
                return await plain(desk, message)
            return await Changing.fetch(desk, message)

        desk.fetch = fetch  # type: ignore[method-assign]
        await follower.follow()
        assert desk.told[-1] == "all" and len(desk.fetched) > asked
        found = follower.journal.orders["members/g"].item
        assert isinstance(found, GroupMembers) and found == desk.lists.find("g", 3)

    asyncio.run(main())
