"""The live feed: what happens, to those whom it concerns; gone on with where somebody was."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from cumulo.core.events import feed as feed_module
from cumulo.core.events.feed import Feed
from cumulo.core.events.model import START, EventRow
from tests.core.events.support import database, make


async def take(events: AsyncIterator[EventRow], count: int) -> list[EventRow]:
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


def numbers(events: list[EventRow]) -> list[int]:
    return [event.detail["n"] for event in events]


def test_as_it_happens_and_resumed(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        with database(tmp_path, database_url) as db:
            feed = Feed(db)
            await db.write(lambda tx: make(tx, 1))
            mine, all_of_them = feed.follow("p"), feed.follow(None)
            waiting = [asyncio.create_task(take(each, 2)) for each in (mine, all_of_them)]
            await asyncio.sleep(0.1)
            await db.write(lambda tx: make(tx, 2, project="q"))
            await db.write(lambda tx: make(tx, 3, 4))
            seen = [await each for each in waiting]
            assert [numbers(each) for each in seen] == [[3, 4], [2, 3]]
            await db.write(lambda tx: make(tx, *range(5, 400)))
            # Nothing is lost for who went away, or was never there.
            for after, wanted in ((seen[0][0].position, list(range(4, 400))), (START, [1])):
                again = feed.follow("p", after)
                assert numbers(await take(again, len(wanted))) == wanted
                await again.aclose()
            assert numbers(await take(all_of_them, 2)) == [4, 5]
            await mine.aclose()
            await all_of_them.aclose()

    asyncio.run(main())


def test_who_is_too_slow_misses_nothing(tmp_path: Path, monkeypatch: object) -> None:
    async def main() -> None:
        with database(tmp_path) as db:
            feed = Feed(db)
            slow = feed.follow("p")
            first = asyncio.create_task(take(slow, 1))
            await asyncio.sleep(0.1)
            for start in range(0, 3 * feed_module.WAITING, 100):
                await db.write(lambda tx, start=start: make(tx, *range(start, start + 100)))
                await asyncio.sleep(0.01)
            found = await first + await take(slow, 3 * feed_module.WAITING - 1)
            assert numbers(found) == list(range(3 * feed_module.WAITING))
            await slow.aclose()

    asyncio.run(main())
