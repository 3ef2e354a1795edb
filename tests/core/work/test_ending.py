"""Work that is brought to its end, however often whoever waits is cancelled."""

import asyncio

import pytest

from cumulo.core.work.ending import to_its_end


def test_a_cancelled_waiter_waits_for_the_end() -> None:
    async def main() -> None:
        steps: list[str] = []
        go = asyncio.Event()

        async def work() -> int:
            steps.append("begun")
            await go.wait()
            steps.append("ended")
            return 7

        waiter = asyncio.create_task(to_its_end(work()))
        await asyncio.sleep(0)
        for _ in range(3):
            waiter.cancel()
            await asyncio.sleep(0)
        assert steps == ["begun"] and not waiter.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert steps == ["begun", "ended"]
        assert await to_its_end(work()) == 7

    asyncio.run(main())


@pytest.mark.parametrize("cancel", [False, True])
def test_what_the_work_raises(cancel: bool) -> None:
    async def main() -> None:
        async def work() -> None:
            await asyncio.sleep(0.01)
            raise OSError("broken")

        waiter = asyncio.create_task(to_its_end(work()))
        await asyncio.sleep(0)
        if cancel:
            waiter.cancel()
        with pytest.raises(asyncio.CancelledError if cancel else OSError):
            await waiter

    asyncio.run(main())


def test_work_that_is_cancelled_itself() -> None:
    async def main() -> None:
        async def work() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(to_its_end(work()), 1)

    asyncio.run(main())
