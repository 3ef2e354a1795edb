"""Everything that would make two runs of one seed differ comes from the seed: time, ids, chance.

The house takes its time from `time` and `core.clock`, its ids and secrets from `uuid`, `os.urandom`
and `secrets`: in here these are the world's. Python's own order of sets and dictionaries is fixed
by `PYTHONHASHSEED`, before the process starts.
"""

import contextlib
import datetime
import os
import random
import time
import uuid
from collections.abc import Iterator
from typing import Any

from cumulo.core import clock
from cumulo.core.sim.loop import SeededLoop

BEGINNING = 1_800_000_000.0
"""Seconds since 1970: 2027-01-15."""
TICK = 1e-6
"""No two looks at the clock show the same moment."""


class World:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.loop = SeededLoop(random.Random(seed ^ 0x5EED))
        self.shift = 0.0
        """By how much the wall's clock was put forward or back."""
        self._looks = 0

    def monotonic(self) -> float:
        self._looks += 1
        return self.loop.clock.now + self._looks * TICK * 1e-3

    def wall(self) -> float:
        self._looks += 1
        return BEGINNING + self.loop.clock.now + self.shift + self._looks * TICK

    @contextlib.contextmanager
    def rules(self) -> Iterator[None]:
        """While this lasts the process lives in here."""
        world, entropy = self, random.Random(self.seed ^ 0xE17)

        class Datetime(datetime.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.datetime.fromtimestamp(world.wall(), tz)

        ours: list[tuple[Any, str, Any]] = [
            (time, "time", self.wall),
            (time, "time_ns", lambda: int(self.wall() * 1e9)),
            (time, "monotonic", self.monotonic),
            (time, "perf_counter", self.monotonic),
            (time, "sleep", lambda seconds: None),
            (clock, "datetime", Datetime),
            (uuid, "uuid4", lambda: uuid.UUID(int=entropy.getrandbits(128), version=4)),
            (os, "urandom", entropy.randbytes),
            (random, "_urandom", entropy.randbytes),
        ]
        before = [getattr(module, name) for module, name, _ in ours]
        state = random.getstate()
        random.seed(self.seed)
        try:
            for module, name, value in ours:
                setattr(module, name, value)
            yield
        finally:
            for (module, name, _), value in zip(ours, before, strict=True):
                setattr(module, name, value)
            random.setstate(state)
