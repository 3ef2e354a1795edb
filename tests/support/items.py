"""A control plane of a few lines, for the agents of all services: it orders, and notes reports."""

import asyncio
from typing import Any

from cumulo.core.hosts.journal import Journal
from cumulo.core.hosts.messages import Fetch, Gone, Item, Items, Report, Seen, Taken
from cumulo.core.hosts.work import ItemWork
from cumulo.core.hosts.worker import Worker


class Desk:
    """A link. `order(id, state)` orders, `remove(id)` orders to remove."""

    def __init__(self, *, cloud: str = "cloud", epoch: int = 1) -> None:
        self.cloud, self.epoch, self.version = cloud, epoch, 0
        self.items: dict[str, tuple[int, Any]] = {}
        self.gone: dict[str, int] = {}
        self.seen: dict[str, Seen] = {}
        self.host: Any = None
        self.unknown: dict[str, dict[str, Any]] = {}
        self.reports: list[Report] = []
        self.fetched: list[Fetch] = []
        self.troubles: list[str] = []
        self.refuse: dict[str, str] = {}

    def order(self, id: str, state: Any) -> int:
        self.version += 1
        self.items[id] = (self.version, state)
        self.gone.pop(id, None)
        return self.version

    def remove(self, id: str) -> int:
        self.version += 1
        self.items.pop(id, None)
        self.gone[id] = self.version
        return self.version

    async def fetch(self, message: Fetch) -> Items:
        self.fetched.append(message)
        since = message.since
        if (message.mark.cloud, message.mark.epoch) != (self.cloud, self.epoch):
            since = None
        least = since or 0
        return Items(
            kind=message.kind,
            cloud=self.cloud,
            epoch=self.epoch,
            upto=max(self.version, least),
            whole=since is None,
            changed=[
                Item(id, v, state)
                for id, (v, state) in self.items.items()
                if v > least or id in message.again
            ],
            gone=[Gone(id, v) for id, v in self.gone.items() if v > least],
        )

    async def report(self, message: Report) -> Taken:
        if (message.cloud, message.epoch) != (self.cloud, self.epoch):
            return Taken(stale=True)
        self.reports.append(message)
        for seen in message.items:
            if seen.id not in self.refuse:
                self.seen[seen.id] = seen
                if seen.gone:
                    self.gone.pop(seen.id, None)
        if message.host is not None:
            self.host = message.host
        if message.unknown is not None:
            self.unknown = {each.id: each.facts for each in message.unknown}
        return Taken({id: why for id, why in self.refuse.items() if id in self.ids(message)})

    @staticmethod
    def ids(message: Report) -> set[str]:
        return {seen.id for seen in message.items}

    async def failed(self, kind: str, generation: int, reason: str) -> None:
        self.troubles.append(reason)

    async def heartbeat(self) -> None:
        raise AssertionError("a worker has none")

    async def samples(self, samples: Any) -> None:
        raise AssertionError("a worker has none")


def worker_at(desk: Desk, work: ItemWork, journal: Journal | None = None) -> Worker:
    """Its `once()` follows, works until all is settled or waits, and reports."""
    return Worker(work, lambda: desk, journal or Journal(None, work.item_type), sweep=0.2)


async def until(check: Any, seconds: float = 10.0) -> None:
    """Look every few milliseconds until it is so."""
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.005)
