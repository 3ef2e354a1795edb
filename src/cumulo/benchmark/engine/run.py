"""One iteration, as its scenario sees it: whose turn, which clouds, and the stop-watch."""

import asyncio
import random
import time
from types import TracebackType
from typing import Any

from cumulo.benchmark import names
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.model.charts import fits
from cumulo.benchmark.model.result import Action


class CheckFailed(AssertionError):
    """The cloud answered, but not what it should have."""


class _Timed:
    """A timed action: begins and ends with its block, and belongs to the action around it."""

    __slots__ = ("_action", "_around", "_run")

    def __init__(self, run: "Run", name: str) -> None:
        self._run = run
        self._action = Action(name, 0.0, children=[])

    def __enter__(self) -> None:
        run = self._run
        self._around = run._open
        run._open.append(self._action)
        run._open = self._action.children
        self._action.started_at = time.time()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._action.finished_at = time.time()
        self._action.failed = kind is not None
        self._run._open = self._around


class Run:
    """What a scenario's coroutine gets as its first argument."""

    __slots__ = ("_open", "actions", "idle", "kind", "number", "outputs", "surroundings", "user")

    def __init__(
        self,
        surroundings: Surroundings,
        number: int,
        *,
        user: User | None = None,
        kind: str = "s",
    ) -> None:
        """`user` and `kind`: contexts use the same actions, for each tenant, with own names."""
        self.surroundings = surroundings
        self.number = number
        """From 0."""
        self.user: User | None = user or surroundings.user_for(number)
        self.kind = kind
        self.actions: list[Action] = []
        self._open = self.actions
        self.idle = 0.0
        self.outputs: dict[str, list[Any]] = {}

    @property
    def cloud(self) -> Session:
        """The cloud as this iteration's user."""
        if self.user is None:
            raise CheckFailed("no user: the scenario needs the `users` context")
        return self.user.cloud

    @property
    def admin(self) -> Session:
        """The cloud as its administrator."""
        if self.surroundings.admin is None:
            raise CheckFailed("No admin credentials for openstack")
        return self.surroundings.admin

    @property
    def tenant(self) -> dict[str, Any]:
        if self.user is None:
            raise CheckFailed("no tenant: the scenario needs the `users` context")
        return self.surroundings.tenants[self.user.tenant_id]

    def action(self, name: str) -> _Timed:
        """A block that is timed: `with run.action("nova.boot_server"): …`. Blocks may nest, and
        must not be used by two tasks of one iteration at once."""
        return _Timed(self, name)

    def name(self) -> str:
        """A new name for what the scenario makes."""
        return self.surroundings.name(self.kind)

    def plain_name(self) -> str:
        """The same without underscores and capitals: for names in DNS and in URLs."""
        return names.generate_plain(self.kind, self.surroundings.task_uuid)

    def timeout(self, name: str) -> float:
        """How many seconds a step waits; `name` is Rally's of the option."""
        return self.surroundings.timeout(name)

    async def sleep(self, seconds: float) -> None:
        """Sleep as a part of the work: it counts."""
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def sleep_between(self, least: float, most: float | None = None) -> None:
        """Sleep between steps: taken out of the duration."""
        most = least if most is None else most
        if not 0 <= least <= most:
            raise ValueError(f"0 <= min_sleep <= max_sleep is wanted, not {least}, {most}")
        seconds = random.uniform(least, most)
        if seconds > 0:
            self.idle += seconds
            await asyncio.sleep(seconds)

    def output(self, *, additive: object = None, complete: object = None) -> None:
        """A chart or table of the scenario's own for the report."""
        for kind, chart in (("additive", additive), ("complete", complete)):
            if chart is not None:
                self.check(
                    fits(kind, chart), f"no {kind} chart that a report can show: {chart!r:.200}"
                )
                self.outputs.setdefault(kind, []).append(chart)

    def check(self, fine: object, words: str) -> None:
        """Raises CheckFailed unless the first argument is true."""
        if not fine:
            raise CheckFailed(words)
