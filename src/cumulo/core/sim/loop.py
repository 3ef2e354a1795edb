"""An event loop on a clock of its own, whose order comes from a seed.

Nothing waits: when nothing is ready, the clock jumps to the next thing that is due. What is ready
at the same time is taken in an order that the seed shuffles, so that each seed is another way in
which the same program could have run. Threads are not used: what would go to one is done at once.
"""

import asyncio
import itertools
import random
import selectors
from collections.abc import Callable, Iterator
from typing import Any


class Stuck(Exception):
    """Nothing is ready, and nothing is due: the program would wait for ever."""


class _Clock(selectors.BaseSelector):
    """Where a loop waits for sockets, of which there are none: time goes by instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck
        if timeout > 0:
            self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Any:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


class _Numbered:
    """Sets of tasks and futures are in the order of their numbers, not of places in memory."""

    numbers: Iterator[int] = itertools.count(1)
    number: int

    def __new__(cls, *_: Any, **__: Any) -> Any:
        made = super().__new__(cls)
        made.number = next(_Numbered.numbers)
        return made

    def __hash__(self) -> int:
        return self.number


class _Task(_Numbered, asyncio.Task[Any]):
    pass


class _Future(_Numbered, asyncio.Future[Any]):
    pass


class SeededLoop(asyncio.SelectorEventLoop):
    def __init__(self, chance: random.Random) -> None:
        self.clock = _Clock()
        super().__init__(self.clock)
        self._chance = chance
        self.turns = 0
        _Numbered.numbers = itertools.count(1)
        self.set_task_factory(lambda loop, coroutine, **more: _Task(coroutine, loop=loop, **more))

    def create_future(self) -> "asyncio.Future[Any]":
        made: asyncio.Future[Any] = _Future(loop=self)
        return made

    def time(self) -> float:
        return self.clock.now

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]
        if len(ready) > 1:
            order = list(ready)
            self._chance.shuffle(order)
            ready.clear()
            ready.extend(order)
        self.turns += 1
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, function: Callable[..., Any], *arguments: Any
    ) -> "asyncio.Future[Any]":
        """Done at once; whoever waits goes on in its turn."""
        done = self.create_future()
        try:
            done.set_result(function(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done
