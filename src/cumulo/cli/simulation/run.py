"""One seed: a random workload, random faults, and what must hold when all has come to rest."""

import asyncio
import hashlib
import importlib
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cumulo import order
from cumulo.cli.simulation import rest
from cumulo.cli.simulation.plane import Plane, settings_of
from cumulo.core.db.transaction import DatabaseAway
from cumulo.core.sim import points
from cumulo.core.sim.faults import Chances, PowerCut
from cumulo.core.sim.neighbours import Neighbours
from cumulo.core.sim.player import AtRest, Invariant, Ledger, Lost, Player, Refused, Verb
from cumulo.core.sim.world import World

PLAYERS = 3
PLAY_SECONDS = 150.0
"""Of the simulated clock."""
REST_SECONDS = 3600.0
"""Within which all must have come to rest, once nothing goes wrong any more."""
THINK_SECONDS = 2.0


@dataclass
class Outcome:
    seed: int
    wrong: list[str]
    trace: list[str]
    calls: int = 0
    deaths: int = 0
    turns: int = 0

    @property
    def digest(self) -> str:
        """The same for the same run."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]


def prepare(folder: Path, hosts: int) -> None:
    """A cloud after its first start, which each seed begins with a copy of: the same each time, ids
    and all."""
    from cumulo import wiring

    world = World(0)

    async def first_start() -> None:
        cloud = wiring.build(settings_of(folder, hosts))
        try:
            await cloud.first_run()
        finally:
            cloud.close()

    with world.rules(), asyncio.Runner(loop_factory=lambda: world.loop) as runner:
        runner.run(first_start())


def play(seed: int, prepared: Path, folder: Path, hosts: int, nodes: int = 0) -> Outcome:
    """Run one seed in `folder`, which is removed afterwards. `nodes`: control planes; 0: one or
    two, as the seed is odd or even."""
    shutil.copytree(prepared, folder)
    world = World(seed)
    outcome = Outcome(seed, [], [])
    with world.rules():
        try:
            runner = asyncio.Runner(loop_factory=lambda: world.loop)
            with runner:
                runner.run(_Play(world, folder, hosts, nodes or 2 - seed % 2, outcome).run())
        finally:
            points.instead(None)
            shutil.rmtree(folder, ignore_errors=True)
    outcome.turns = world.loop.turns
    return outcome


class _Play:
    def __init__(
        self, world: World, folder: Path, hosts: int, nodes: int, outcome: Outcome
    ) -> None:
        self._world = world
        self._outcome = outcome
        self._chances = Chances(random.Random(world.seed ^ 0xFA17))
        neighbours = Neighbours(self._chances) if nodes > 1 else None
        first = Plane(folder, hosts, self._chances, self._tell, neighbours=neighbours)
        self._planes = [first]
        for number in range(1, nodes):
            place = folder / f"node-{number}"
            self._planes.append(
                Plane(place, hosts, self._chances, self._tell, neighbours=neighbours, first=first)
            )
        self._plane = first
        self._ledger = Ledger()
        self._ended = False
        self._verbs, self._invariants = parts()

    def _tell(self, text: str) -> None:
        self._outcome.trace.append(f"{self._world.loop.clock.now:10.3f} {text}")

    async def run(self) -> None:
        points.instead(self._chances.reach)
        directors = [asyncio.create_task(self._look_after(plane)) for plane in self._planes]
        directors.append(asyncio.create_task(self._break_things()))
        playing = [asyncio.create_task(self._play(number)) for number in range(PLAYERS)]
        await asyncio.sleep(PLAY_SECONDS)
        self._ended = True
        await asyncio.wait(playing)
        for task in playing:
            self._wrong_of(task)
        self._chances.calm = True
        for faults in self._driver_faults():
            faults.clear()
        await self._come_to_rest()
        for director in directors:
            director.cancel()
        await asyncio.wait(directors)
        for director in directors:
            self._wrong_of(director)
        for plane in reversed(self._planes):
            if plane.cloud is not None:
                await plane.stop()
            self._outcome.deaths += plane.deaths
            self._outcome.wrong += plane.wrong

    def _wrong_of(self, task: "asyncio.Task[Any]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._outcome.wrong.append(f"{type(error).__name__}: {error}"[:2000])

    # --- who plays ----------------------------------------------------------------------------

    async def _play(self, number: int) -> None:
        chance = random.Random(self._world.seed * 31 + number)
        weights = [verb.weight for verb in self._verbs]

        async def ask(method: str, path: str, body: Any, user: str) -> Any:
            plane = self._plane if len(self._planes) == 1 else chance.choice(self._planes)
            return await plane.ask(method, path, body, user)

        player = Player(ask, chance, self._ledger, "")
        while not self._ended:
            await asyncio.sleep(chance.expovariate(1 / THINK_SECONDS))
            [verb] = chance.choices(self._verbs, weights)
            self._outcome.calls += 1
            try:
                await verb.do(player)
                self._tell(f"{number} {verb.name}: done")
            except (Refused, Lost) as error:
                self._tell(f"{number} {verb.name}: {type(error).__name__} {error}")

    # --- what goes wrong ----------------------------------------------------------------------

    async def _look_after(self, plane: Plane) -> None:
        """Bury the dead and start them again."""
        chance = random.Random(self._world.seed ^ 0xD1EC + self._planes.index(plane))
        while True:
            await self._start(plane)
            await plane.died.wait()
            await plane.bury()
            await asyncio.sleep(chance.uniform(0.0, 20.0))

    async def _start(self, plane: Plane) -> None:
        while True:
            try:
                await plane.start()
                self._tell(f"{plane.name} starts")
                return
            except (PowerCut, DatabaseAway) as error:
                # Whoever looks after it tries again.
                self._tell(f"{plane.name} does not start: {type(error).__name__}")
                await plane.bury()
                await asyncio.sleep(1.0)

    async def _break_things(self) -> None:
        """Drivers fail for a while; clocks are put forward and back."""
        chance = random.Random(self._world.seed ^ 0xB4EA)
        while True:
            await asyncio.sleep(chance.expovariate(1 / 15.0) + 0.5)
            if not self._chances.calm:
                self._break_something(chance)

    def _break_something(self, chance: random.Random) -> None:
        broken = self._driver_faults()
        if chance.random() < 0.2:
            self._world.shift += chance.uniform(-5.0, 30.0)
            self._tell(f"the clock is {self._world.shift:.1f} s off")
        elif broken:
            faults = chance.choice(broken)
            effect = faults.any_effect(chance)
            self._tell(f"{effect} will fail")

    def _driver_faults(self) -> "list[rest.Breakable]":
        if self._plane.cloud is None:
            return []
        return rest.breakable(self._plane.hosts)

    # --- at rest ------------------------------------------------------------------------------

    async def _come_to_rest(self) -> None:
        end = self._world.loop.clock.now + REST_SECONDS
        wrong, pause = ["it has not started"], 10.0
        while wrong and self._world.loop.clock.now < end:
            await asyncio.sleep(pause)
            pause *= 2
            if all(each.cloud is not None and not each.died.is_set() for each in self._planes):
                wrong = await self._looks_wrong()
        self._outcome.wrong += wrong

    async def _looks_wrong(self) -> list[str]:
        cloud = self._plane.cloud
        assert cloud is not None
        at_rest = AtRest(self._plane.hosts, self._plane.orders, self._plane.wanted, self._ledger)
        wrong: list[str] = []
        for check in (*rest.INVARIANTS, *self._invariants):
            wrong += await cloud.database.read(lambda tx, check=check: list(check(tx, at_rest)))  # type: ignore[misc]
        makers = self._ledger.makers
        for path, noun in list(self._ledger.there.items()):
            answer = await self._plane.ask("GET", path, None, makers[path])
            if answer.status != 200 and path not in self._ledger.unsure:
                wrong.append(f"{noun} {path} was acknowledged: {answer.status}")
        for path in self._ledger.gone:
            # Of some nobody knows who made them: the answer was lost.
            answer = await self._plane.ask("GET", path, None, makers.get(path, "demo"))
            if answer.status != 404:
                wrong.append(f"{path} was deleted: {answer.status} {answer.raw[:300]!r}")
        return wrong


def parts() -> tuple[Sequence[Verb], Sequence[Invariant]]:
    """Of all services that have a `simulated.py`."""
    verbs: list[Verb] = []
    invariants: list[Invariant] = []
    for name in order.services():
        if (order.ROOT / name / "simulated.py").exists():
            module = importlib.import_module(f"cumulo.{name}.simulated")
            verbs += module.VERBS
            invariants += module.INVARIANTS
    return verbs, invariants
