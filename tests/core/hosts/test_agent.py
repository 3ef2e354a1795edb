"""The agent: a worker for each kind, questions, and telling one kind that another made progress."""

import asyncio
from typing import Any

from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.messages import Ask
from cumulo.core.hosts.set_worker import SetWorker
from cumulo.core.hosts.work import NotYet
from cumulo.core.hosts.worker import Worker
from tests.core.hosts.test_set_worker import Streets
from tests.core.hosts.test_worker import Lamps
from tests.support.items import Desk, until


class House(Desk):
    """Two kinds: lamps need streets."""

    def __init__(self) -> None:
        super().__init__()
        self.desks = {"lamp": Desk(), "street": Desk()}
        self.beats = 0

    async def fetch(self, message: Any) -> Any:
        return await self.desks[message.kind].fetch(message)

    async def report(self, message: Any) -> Any:
        return await self.desks[message.kind].report(message)

    async def heartbeat(self) -> None:
        self.beats += 1


def test_what_one_kind_made_another_waits_for() -> None:
    async def main() -> None:
        house, lamps, streets = House(), Lamps(), Streets()
        agent = Agent("h1", house, [lamps, streets], sweep=30.0)
        assert isinstance(agent.workers["lamp"], Worker)
        assert isinstance(agent.workers["street"], SetWorker)
        lamps.trouble["a"] = NotYet("no street", patience=None)
        house.desks["lamp"].order("a", 1)
        task = asyncio.create_task(agent.run())
        await until(lambda: len(lamps.calls) > 3)
        del lamps.trouble["a"]
        house.desks["street"].order("main", "Main Street")
        agent.bells["street"].ring()
        await until(lambda: streets.laid == {"main": "Main Street"} and lamps.lit == {"a": 1}, 1)
        assert house.beats == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_questions() -> None:
    async def main() -> None:
        agent = Agent("h1", House(), [Lamps(), Streets()])
        assert (await agent.ask(Ask("street", "names", {}))).value == []
        assert (await agent.ask(Ask("lamp", "size", {}))).refused == "size"
        assert (await agent.ask(Ask("other", "size", {}))).refused is not None

    asyncio.run(main())
