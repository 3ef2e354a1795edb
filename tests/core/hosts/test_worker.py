"""The worker of items: orders, waits, failures, hangs, and what is never done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.hosts.journal import Journal, Order
from cumulo.core.hosts.messages import Mark
from cumulo.core.hosts.work import Failed, Look, NotYet, Slots
from cumulo.core.hosts.worker import Worker
from tests.support.items import Desk, until, worker_at


class Lamps:
    """Lamps on a host: an item is a brightness, what is seen is the brightness."""

    kind = "lamp"
    item_type = int
    slots = {"short": Slots(2, 0.2)}

    def __init__(self) -> None:
        self.lit: dict[str, int] = {}
        self.calls: list[str] = []
        self.trouble: dict[str, Exception] = {}
        self.hang: dict[str, asyncio.Event] = {}
        self.running: dict[str, int] = {}
        self.ring: Callable[[str | None], None]
        self.broken: str | None = None

    def slot(self, order: Order) -> str:
        return "short"

    async def ensure(self, order: Order, tell: Callable[[str], None]) -> int:
        self.calls.append(order.id)
        self.running[order.id] = self.running.get(order.id, 0) + 1
        assert self.running[order.id] == 1, "never twice at once"
        try:
            if order.id in self.hang:
                tell("hanging")
                await self.hang[order.id].wait()
            if order.id in self.trouble:
                raise self.trouble[order.id]
        finally:
            self.running[order.id] -= 1
        self.lit[order.id] = order.item
        return int(order.item)

    async def remove(self, order: Order) -> None:
        if order.id in self.trouble:
            raise self.trouble[order.id]
        self.lit.pop(order.id, None)

    async def look(self, order: Order) -> Look:
        return Look(self.lit.get(order.id, 0), self.lit.get(order.id) == order.item)

    async def names(self) -> Iterable[str]:
        if self.broken:
            raise OSError(self.broken)
        return list(self.lit)

    async def describe(self, id: str) -> dict[str, Any]:
        return {"lit": self.lit[id]}

    async def host(self) -> None:
        return None

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        raise ValueError(question)

    def on_change(self, ring: Callable[[str | None], None]) -> None:
        self.ring = ring


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))  # type: ignore[arg-type]


@asynccontextmanager
async def running(worker: Worker) -> Any:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_one_change_is_one_item_however_many_there_are() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        for number in range(50):
            desk.order(f"lamp{number}", 1)
        worker = worker_at(desk, lamps)
        async with running(worker):
            await until(lambda: len(desk.seen) == 50 and all(s.done for s in desk.seen.values()))
            calls, reports = len(lamps.calls), len(desk.reports)
            desk.order("lamp7", 2)
            worker.bell.ring()
            await until(lambda: desk.seen["lamp7"].state == 2)
            assert lamps.calls[calls:] == ["lamp7"]
            assert [len(report.items) for report in desk.reports[reports:]] == [1]
            assert desk.fetched[-1].since == 50

    run(story)


def test_only_an_explicit_order_removes(tmp_path: Path) -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("kept", 1)
        desk.order("old", 1)
        lamps.lit["stranger"] = 5
        journal = tmp_path / "lamp.journal"
        await worker_at(desk, lamps, Journal(journal, int)).once()
        assert desk.unknown == {"stranger": {"lit": 5}}
        # An older copy of the control plane, which knows of neither: nothing happens to them.
        other = Desk(epoch=2)
        await worker_at(other, lamps, Journal(journal, int)).once()
        assert lamps.lit == {"kept": 1, "old": 1, "stranger": 5}
        assert set(other.unknown) == {"kept", "old", "stranger"}
        # An operator decides.
        other.remove("old")
        other.remove("stranger")
        other.order("kept", 3)
        await worker_at(other, lamps, Journal(journal, int)).once()
        assert lamps.lit == {"kept": 3} and other.unknown == {} and other.gone == {}
        assert set(Journal(journal, int).orders) == {"kept"}

    run(story)


def test_a_new_agent_works_at_all_that_was_ordered_before(tmp_path: Path) -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        path = tmp_path / "lamp.journal"
        killed = worker_at(desk, lamps, Journal(path, int))
        await killed.follower.follow()
        await killed.stop()
        assert lamps.calls == [] and Journal(path, int).mark.version == 1
        await worker_at(desk, lamps, Journal(path, int)).once()
        assert lamps.lit == {"a": 1} and desk.seen["a"].done

    run(story)


def test_older_orders_are_refused_and_said_to_be(tmp_path: Path) -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        desk.order("a", 2)
        path = tmp_path / "lamp.journal"
        await worker_at(desk, lamps, Journal(path, int)).once()
        assert Journal(path, int).mark == Mark("cloud", 1, 2)
        stale = Desk()
        stale.order("a", 9)
        worker = worker_at(stale, lamps, Journal(path, int))
        await worker.once()
        assert lamps.lit == {"a": 2}, "version 1 is older than 2"
        await worker.follower.follow()
        assert stale.fetched[-1].rewound
        stale.epoch = 2  # what the control plane answers to that
        await worker.once()
        assert lamps.lit == {"a": 9}
        lower = Desk(epoch=1)
        lower.order("a", 4)
        worker = worker_at(lower, lamps, Journal(path, int))
        await worker.once()
        assert lamps.lit == {"a": 9}
        assert (await lower_fetch(worker, lower)).rewound

    async def lower_fetch(worker: Worker, desk: Desk) -> Any:
        await worker.follower.follow()
        return desk.fetched[-1]

    run(story)


def test_orders_of_another_cloud() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        worker = worker_at(desk, lamps)
        await worker.once()
        desk.cloud = "another"
        desk.remove("a")
        await worker.follower.follow()
        await worker.idle()
        assert lamps.lit == {"a": 1}, "in the middle of a session it is refused"

    run(story)


def test_what_hangs_holds_up_nobody_and_is_never_begun_twice() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        worker = worker_at(desk, lamps)
        for number in range(5):
            lamps.hang[f"frozen{number}"] = asyncio.Event()
            desk.order(f"frozen{number}", 1)
        async with running(worker):
            await until(lambda: len(lamps.calls) == 5, 5)
            desk.order("good", 1)
            worker.bell.ring()
            await until(lambda: "good" in desk.seen and desk.seen["good"].done, 3)
            await until(lambda: all(desk.seen[f"frozen{n}"].fault for n in range(5)))
            assert desk.seen["frozen0"].step == "hanging"
            desk.order("frozen0", 2)
            worker.bell.ring()
            await asyncio.sleep(0.2)
            assert lamps.calls.count("frozen0") == 1
            lamps.hang.pop("frozen0").set()
            await until(lambda: desk.seen["frozen0"].done and lamps.lit["frozen0"] == 2)
            assert desk.seen["frozen0"].fault is None

    run(story)


def test_a_wait_is_no_failure_and_news_end_it() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        worker = worker_at(desk, lamps)
        lamps.trouble["a"] = NotYet("no socket", step="networking", patience=None, state=0)
        desk.order("a", 1)
        async with running(worker):
            await until(lambda: "a" in desk.seen and desk.seen["a"].step == "networking")
            assert desk.seen["a"].fault is None and not desk.seen["a"].done
            del lamps.trouble["a"]
            worker.nudge()
            await until(lambda: desk.seen["a"].done, 1)

    run(story)


def test_a_wait_in_vain_is_a_failure() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        lamps.trouble["a"] = NotYet("no socket", patience=0.1)
        desk.order("a", 1)
        async with running(worker_at(desk, lamps)):
            await until(lambda: "a" in desk.seen and desk.seen["a"].fault is not None)
            assert "in vain: no socket" in str(desk.seen["a"].fault)

    run(story)


@pytest.mark.parametrize("error", [OSError("no current"), Failed("no current")])
def test_failures_are_tried_again_and_a_new_order_at_once(error: Exception) -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        lamps.trouble["a"] = error
        desk.order("a", 1)
        worker = worker_at(desk, lamps)
        async with running(worker):
            await until(lambda: "a" in desk.seen and desk.seen["a"].failures == 2)
            assert "no current" in str(desk.seen["a"].fault)
            del lamps.trouble["a"]
            desk.order("a", 2)
            worker.bell.ring()
            await until(lambda: desk.seen["a"].done and desk.seen["a"].state == 2, 1)
            assert desk.seen["a"].failures == 0 and desk.seen["a"].fault is None

    run(story)


def test_what_failed_for_good_waits_for_another_order() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        lamps.trouble["a"] = Failed("burnt out", final=True)
        desk.order("a", 1)
        worker = worker_at(desk, lamps)
        async with running(worker):
            await until(lambda: "a" in desk.seen and desk.seen["a"].final)
            await asyncio.sleep(0.8)
            assert lamps.calls == ["a"]
            del lamps.trouble["a"]
            desk.order("a", 2)
            worker.bell.ring()
            await until(lambda: desk.seen["a"].done)

    run(story)


def test_a_removal_that_fails_is_tried_again() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        worker = worker_at(desk, lamps)
        async with running(worker):
            await until(lambda: "a" in desk.seen and desk.seen["a"].done)
            lamps.trouble["a"] = OSError("hot")
            desk.remove("a")
            worker.bell.ring()
            await until(lambda: desk.seen["a"].fault is not None)
            assert not desk.seen["a"].gone and desk.gone
            del lamps.trouble["a"]
            await until(lambda: not desk.gone, 5)
            assert desk.seen["a"].gone and lamps.lit == {}

    run(story)


def test_what_changes_by_itself_is_mended() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        async with running(worker_at(desk, lamps)):
            await until(lambda: "a" in desk.seen and desk.seen["a"].done)
            del lamps.lit["a"]
            lamps.ring("a")
            await until(lambda: lamps.lit == {"a": 1}, 2)

    run(story)


def test_a_refused_report_is_told_again_and_the_others_count() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        desk.order("a", 1)
        desk.order("b", 1)
        desk.refuse["a"] = "a mistake"
        async with running(worker_at(desk, lamps)):
            await until(lambda: "b" in desk.seen and desk.seen["b"].done)
            assert "a" not in desk.seen
            desk.refuse.clear()
            await until(lambda: "a" in desk.seen and desk.seen["a"].done, 3)

    run(story)


def test_a_host_that_cannot_look_says_so_and_works_again() -> None:
    async def story() -> None:
        desk, lamps = Desk(), Lamps()
        lamps.broken = "no eyes"
        desk.order("a", 1)
        async with running(worker_at(desk, lamps)):
            await until(lambda: desk.troubles == ["OSError: no eyes"])
            await until(lambda: "a" in desk.seen and desk.seen["a"].done)
            lamps.broken = None
            await until(lambda: desk.reports[-1].items == [], 3)

    run(story)


def test_a_journal_outlives_what_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "lamp.journal"
    journal = Journal(path, int)
    for number in range(1, 400):
        order = Order(id=f"l{number % 3}", cloud="c", epoch=1, version=number, item=number)
        journal.note([order], Mark("c", 1, number))
    assert path.stat().st_size < 30_000, "it is written anew when most of it is past"
    with path.open("ab") as file:
        file.write(b"\x40\x00\x00\x00half a frame")
    again = Journal(path, int)
    assert again.mark == Mark("c", 1, 399) and again.complete
    assert {id: order.item for id, order in again.orders.items()} == {
        "l0": 399,
        "l1": 397,
        "l2": 398,
    }
    again.note([], Mark("c", 1, 400), dropped=["l1"])
    assert set(Journal(path, int).orders) == {"l0", "l2"}
    other = Journal(path, dict[str, int])
    assert not other.complete, "states of another release are told anew"
