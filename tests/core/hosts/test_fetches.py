"""Fetches that come together: one transaction, and nobody waits for who left or failed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cumulo.core.hosts.fetches import AT_ONCE, Fetches, Wish
from cumulo.core.hosts.messages import Fetch, Items, Mark


class Reads:
    """A database whose read transactions are counted, and wait for a moment where told so."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.pause: asyncio.Event | None = None

    async def read(self, function: Callable[[Any], Any]) -> Any:
        if self.pause is not None:
            await self.pause.wait()
        return function(None)

    def answer(self, tx: Any, wishes: Sequence[Wish]) -> list[Items | str]:
        self.told.append([wish.host_id for wish in wishes])
        if any(wish.host_id == "bad" for wish in wishes):
            raise KeyError("bad")
        return [f"for {wish.host_id}" for wish in wishes]


MESSAGE = Fetch("lamp", None, Mark())


def play(story: Callable[[Reads, Fetches], Any]) -> None:
    async def main() -> None:
        reads = Reads()
        async with asyncio.timeout(10):
            await story(reads, Fetches(reads, reads.answer))  # type: ignore[arg-type]

    asyncio.run(main())


def test_those_of_one_turn_share_a_transaction() -> None:
    async def story(reads: Reads, fetches: Fetches) -> None:
        names = [f"h{number}" for number in range(2 * AT_ONCE + 5)]
        found = await asyncio.gather(*(fetches.ask(name, MESSAGE) for name in names))
        assert found == [f"for {name}" for name in names]
        assert [len(told) for told in reads.told] == [AT_ONCE, AT_ONCE, 5]
        assert await fetches.ask("late", MESSAGE) == "for late"

    play(story)


def test_one_that_cannot_be_answered_harms_no_other() -> None:
    async def story(reads: Reads, fetches: Fetches) -> None:
        asked = [fetches.ask(name, MESSAGE) for name in ("a", "bad", "c")]
        first, second, third = await asyncio.gather(*asked, return_exceptions=True)
        assert (first, third) == ("for a", "for c")
        assert isinstance(second, KeyError)

    play(story)


@pytest.mark.parametrize("gone", [[0], [1], [0, 1], [0, 2], [1, 2, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("slow", [False, True])
def test_who_leaves_is_not_waited_for(gone: list[int], turns: int, slow: bool) -> None:
    """At any moment: in the turn of the first question, while it is read, when others lead."""

    async def story(reads: Reads, fetches: Fetches) -> None:
        if slow:
            reads.pause = asyncio.Event()
        names = [f"h{number}" for number in range(AT_ONCE + 4)]
        tasks = [asyncio.ensure_future(fetches.ask(name, MESSAGE)) for name in names]
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving = [tasks[at] for at in gone] + [tasks[AT_ONCE + at] for at in gone]
        for task in leaving:
            task.cancel()
        await asyncio.sleep(0)
        if reads.pause is not None:
            reads.pause.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        for name, task, each in zip(names, tasks, found, strict=True):
            assert each == f"for {name}" or (task in leaving and task.cancelled()), (name, each)
        assert await fetches.ask("later", MESSAGE) == "for later"

    play(story)
