"""How long the first looks at a directory of 20,000 users hold up the event loop.

    python -m bench.directory [postgresql://…]

A task wakes every millisecond and notes how late it is, and how much of that the loop itself has
worked: the rest is other threads' and the machine's.
"""

import asyncio
import contextlib
import gc
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path

import uvloop

from cumulo import settings, wiring
from cumulo.core.db.transaction import Tx
from cumulo.identity.drivers.fake_directory import simulated

USERS, GROUPS = 20_000, 40
BUDGET = 0.050


class Lag:
    def __init__(self) -> None:
        self.late: list[float] = []
        self.worked: list[float] = []

    async def watch(self) -> None:
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            self.late.append(time.perf_counter() - wall - 0.001)
            self.worked.append(time.thread_time() - cpu)

    def told(self, what: str, seconds: float) -> str:
        over = sum(late > BUDGET for late in self.late)
        worst, worked = max(self.late) * 1000, max(self.worked) * 1000
        return f"| {what} | {seconds:.1f} | {worst:.0f} | {worked:.0f} | {over} |"


async def measured(what: str, sync: Coroutine[None, None, None]) -> None:
    lag = Lag()
    watching = asyncio.create_task(lag.watch())
    began = time.perf_counter()
    await sync
    seconds = time.perf_counter() - began
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    print(lag.told(what, seconds), flush=True)


async def run(url: str, folder: Path) -> None:
    wanted = {"listen": "127.0.0.1:1", "fake": True, "database": {"url": url}}
    cloud = wiring.build(settings.load(folder, **wanted))
    await cloud.first_run()
    # As `cumulo serve` does before it listens.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    identity = cloud.services.identity
    address = f"fake://firm?users={USERS}&groups={GROUPS}"

    def prepare(tx: Tx) -> str:
        who = identity.principals(tx, "admin")[0]
        domain = identity.domains.create(tx, {"name": f"bench-{time.time_ns():x}"}, who)
        told = {"identity": {"driver": "ldap"}, "ldap": {"url": address}}
        identity.domain_configs.replace(tx, domain.id, told, who)
        return domain.id

    domain_id = await cloud.database.write(prepare)
    world = simulated(address)
    identity.directories.open = lambda options: world
    print("| look | seconds | latest wake-up, ms | most work at once, ms | over 50 ms |")
    print("|---|---|---|---|---|")
    await measured("the first", identity.directories.sync(domain_id))
    await measured("again, all the same", identity.directories.sync(domain_id))
    for name in list(world.people)[: USERS // 2]:
        world.remove_person(name)
    await measured("half of them gone", identity.directories.sync(domain_id))
    cloud.close()


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(url, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
