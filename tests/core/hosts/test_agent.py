"""The agent and the conductor: whole states by generation, nothing older, nothing lost."""

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cumulo.core.db.rows import METADATA
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.statements import DIALECTS
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.link import InProcessLink
from cumulo.core.hosts.messages import Ask, Desired, FetchAll, ReportAll
from cumulo.core.hosts.registry import HostRegistry


class Lamp:
    """The control plane's side: a wished number, and the number that the host reported."""

    kind = "lamp"
    desired_type = int
    observed_type = int

    def __init__(self) -> None:
        self.wished = 0
        self.seen: list[int] = []

    def desired(self, tx: Tx, host_id: str, generation: int) -> int:
        return self.wished

    def observed(self, tx: Tx, host_id: str, report: int) -> None:
        self.seen.append(report)


class Bulb:
    """The host's side."""

    kind = "lamp"

    def __init__(self) -> None:
        self.applied: list[int] = []
        self.broken = False

    async def apply(self, desired: int) -> int:
        if self.broken:
            raise OSError("no current")
        self.applied.append(desired)
        return desired * 10

    def unfinished(self) -> bool:
        return False

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        if question != "colour":
            raise ValueError(question)
        return {"colour": "red", **arguments}

    def on_change(self, ring: Any) -> None:
        self.ring = ring


def database(tmp_path: Path) -> SqliteDatabase:
    made = SqliteDatabase(tmp_path / "x.db")
    tables = [METADATA.tables[name] for name in ("hosts", "host_parts", "host_items")]
    made.run_script(
        [str(sa.schema.CreateTable(t).compile(dialect=DIALECTS["sqlite"])) for t in tables]
    )
    return made


def build(tmp_path: Path) -> tuple[SqliteDatabase, HostRegistry, Lamp, Bulb, Agent, Conductor]:
    db = database(tmp_path)
    registry, lamp, bulb = HostRegistry(), Lamp(), Bulb()
    conductor = Conductor(db, registry)
    conductor.add([lamp])
    db.write_now(lambda tx: registry.register(tx, "h1", ["lamp"]))
    agent = Agent("h1", InProcessLink(conductor, "h1"), [bulb], sweep=30.0)
    registry.on_wake("h1", "lamp", agent.bells["lamp"].ring)
    conductor.connect("h1", agent.ask)
    return db, registry, lamp, bulb, agent, conductor


def test_a_touch_wakes_the_agent_after_the_commit(tmp_path: Path) -> None:
    db, registry, lamp, bulb, agent, _ = build(tmp_path)

    async def main() -> None:
        work = asyncio.create_task(agent.run())
        while not lamp.seen:
            await asyncio.sleep(0.005)
        lamp.wished = 7
        await db.write(lambda tx: registry.touch(tx, "h1", "lamp"))
        while lamp.seen[-1] != 70:
            await asyncio.sleep(0.005)
        work.cancel()

    asyncio.run(asyncio.wait_for(main(), 5))
    part = db.read_now(lambda tx: registry.part(tx, "h1", "lamp"))
    assert part is not None and part.generation == part.applied == 2
    assert bulb.applied == [0, 7]
    db.close()


def test_an_older_order_is_refused(tmp_path: Path) -> None:
    db, registry, lamp, bulb, agent, conductor = build(tmp_path)

    class Delayed(InProcessLink):
        generation = 5

        async def fetch_all(self, message: FetchAll) -> Desired:
            return Desired("lamp", 1, self.generation, self.generation)

    link = Delayed(conductor, "h1")
    agent.link = link

    async def main() -> None:
        assert await agent.once("lamp")
        link.generation = 4
        assert await agent.once("lamp")

    asyncio.run(main())
    assert bulb.applied == [5]
    db.close()


def test_a_report_of_an_older_epoch_is_refused(tmp_path: Path) -> None:
    db, _, lamp, _, _, conductor = build(tmp_path)
    asyncio.run(conductor.report_all("h1", ReportAll("lamp", 0, 1, 3)))
    assert lamp.seen == []
    asyncio.run(conductor.report_all("h1", ReportAll("lamp", 1, 1, 3)))
    assert lamp.seen == [3]
    db.close()


def test_a_failure_is_recorded_and_forgotten_when_it_works_again(tmp_path: Path) -> None:
    db, registry, _, bulb, agent, _ = build(tmp_path)

    def fault() -> str | None:
        part = db.read_now(lambda tx: registry.part(tx, "h1", "lamp"))
        assert part is not None
        return part.fault

    bulb.broken = True
    assert asyncio.run(agent.once("lamp")) is False
    assert fault() == "OSError: no current"
    bulb.broken = False
    assert asyncio.run(agent.once("lamp")) is True
    assert fault() is None
    db.close()


def test_questions(tmp_path: Path) -> None:
    db, _, _, _, agent, conductor = build(tmp_path)
    answer = asyncio.run(conductor.ask("h1", "lamp", "colour", shade=1))
    assert answer == {"colour": "red", "shade": 1}
    assert asyncio.run(agent.ask(Ask("lamp", "size", {}))).refused == "size"
    assert asyncio.run(agent.ask(Ask("other", "size", {}))).refused is not None
    db.close()
