"""The worker of sets: all in one pass, only what has to goes, failures are tried again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cumulo.core.hosts.journal import Journal, Order
from cumulo.core.hosts.messages import Stranger
from cumulo.core.hosts.set_worker import Made, SetWorker
from tests.support.items import Desk, until


class Streets:
    """An item is a street's name, what is seen of it is its length."""

    kind = "street"
    item_type = str

    def __init__(self) -> None:
        self.laid: dict[str, str] = {}
        self.passes: list[tuple[list[str], list[str], bool]] = []
        self.broken: list[Exception] = []
        self.bad: set[str] = set()

    async def apply_set(
        self, orders: Mapping[str, Order], gone: Sequence[str], *, audit: bool
    ) -> Mapping[str, Made]:
        self.passes.append((sorted(orders), sorted(gone), audit))
        if self.broken:
            raise self.broken.pop()
        for id in gone:
            self.laid.pop(id, None)
        self.laid |= {id: order.item for id, order in orders.items() if order.item is not None}
        return {
            id: Made(len(name), "no asphalt" if id in self.bad else None)
            for id, name in self.laid.items()
            if id in orders
        }

    async def strangers(self) -> Sequence[Stranger]:
        last = self.passes[-1][0]
        return [Stranger(id, {"found": name}) for id, name in self.laid.items() if id not in last]

    def describe_order(self, order: Order) -> dict[str, Any]:
        return {"name": order.item}

    async def host(self) -> None:
        return None

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        return sorted(self.laid)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))  # type: ignore[arg-type]


def worker_at(desk: Desk, work: Streets, journal: Path | None = None) -> SetWorker:
    return SetWorker(work, lambda: desk, Journal(journal, str), sweep=0.2)


def test_only_what_has_to_goes(tmp_path: Path) -> None:
    async def story() -> None:
        desk, streets, journal = Desk(), Streets(), tmp_path / "street.journal"
        streets.laid["old"] = "Old Street"
        desk.order("main", "Main Street")
        desk.order("side", "Side Street")
        await worker_at(desk, streets, journal).once()
        assert desk.seen["main"].done and desk.seen["main"].state == 11
        assert set(desk.unknown) == {"old"}
        # A copy of the control plane that knows of neither.
        other = Desk(epoch=2)
        other.order("new", "New Street")
        await worker_at(other, streets, journal).once()
        assert set(streets.laid) == {"old", "main", "side", "new"}
        assert set(other.unknown) == {"old", "main", "side"}
        assert other.unknown["main"] == {"name": "Main Street"}
        other.remove("old")
        other.remove("main")
        await worker_at(other, streets, journal).once()
        assert set(streets.laid) == {"side", "new"} and set(other.unknown) == {"side"}
        assert other.gone == {} and set(Journal(journal, str).orders) == {"side", "new"}

    run(story)


def test_a_burst_is_one_pass_and_a_sweep_looks_at_all() -> None:
    async def story() -> None:
        desk, streets = Desk(), Streets()
        worker = worker_at(desk, streets)
        desk.order("main", "Main Street")
        task = asyncio.create_task(worker.run())
        await until(lambda: "main" in desk.seen)
        passes = len(streets.passes)
        for number in range(20):
            desk.order(f"s{number}", "Side Street")
            worker.bell.ring()
        await until(lambda: len(desk.seen) == 21)
        assert len([p for p in streets.passes[passes:] if not p[2]]) <= 2
        reports = len(desk.reports)
        await until(lambda: streets.passes[-1][2])
        assert len(desk.reports) == reports, "nothing changed"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(story)


def test_failures_of_one_and_of_all() -> None:
    async def story() -> None:
        desk, streets = Desk(), Streets()
        worker = worker_at(desk, streets)
        streets.broken = [OSError("no road crew")]
        streets.bad.add("side")
        desk.order("main", "Main Street")
        desk.order("side", "Side Street")
        task = asyncio.create_task(worker.run())
        await until(lambda: desk.troubles == ["OSError: no road crew"])
        await until(lambda: "main" in desk.seen and desk.seen["main"].done)
        assert desk.seen["main"].done and desk.seen["side"].fault == "no asphalt"
        streets.bad.clear()
        await until(lambda: desk.seen["side"].done)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(story)


def test_what_could_not_be_made_is_not_believed_to_be_there() -> None:
    async def story() -> None:
        desk, streets = Desk(), Streets()
        worker = worker_at(desk, streets)
        desk.order("main", "Main Street")
        await worker.once()
        assert desk.seen["main"].done
        streets.broken = [OSError("no road crew")] * 3
        desk.order("new", "New Street")
        task = asyncio.create_task(worker.run())
        await until(lambda: "new" in desk.seen)
        assert (desk.seen["new"].done, desk.seen["new"].fault) == (False, "no road crew")
        # What was there as it is ordered is there.
        assert desk.seen["main"].done
        await until(lambda: desk.seen["new"].done)
        assert desk.seen["new"].fault is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(story)
