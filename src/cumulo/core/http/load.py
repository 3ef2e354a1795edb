"""Load: inbound work is bounded, and under overload each caller has a bucket of requests.

Overload is when the event loop comes late: its lag, measured all the time, was above the limit in
each of the last looks. Only then do buckets bite, and those who asked for much in the last seconds
wait, by 429, while those who asked for little do not notice. What is called inside the process is
not counted. Work beyond `at_once`, and bodies beyond `body_bytes` in all, are 503 at once.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Iterator

import msgspec

from cumulo.core.faults import TooManyRequests, Unavailable

LOOK_SECONDS = 0.25
LOOKS = 6
"""So many looks in a row must find the loop late."""
KEPT = 20_000
"""Buckets; the one that was used longest ago goes first."""


class LoadLimits(msgspec.Struct, frozen=True):
    lag: float = 0.3
    """Seconds that the loop may be late before buckets bite."""
    per_second: float = 50.0
    """Requests that a bucket is refilled with."""
    burst: float = 500.0
    at_once: int = 1000
    """Requests at work."""
    body_bytes: int = 128 * 1024 * 1024
    """JSON bodies that are being read, all together."""


class Load:
    def __init__(self, limits: LoadLimits | None = None) -> None:
        self.limits = limits or LoadLimits()
        self.present = 0
        """Requests at work."""
        self.lag = 0.0
        """The loop's, in seconds, at the last look."""
        self.overloaded = False
        self.refused = 0
        self._reading = 0
        self._looks: deque[float] = deque(maxlen=LOOKS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def run(self) -> None:
        """Measure, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(LOOK_SECONDS)
            self.look(loop.time() - began - LOOK_SECONDS)

    def look(self, lag: float) -> None:
        self.lag = max(0.0, lag)
        self._looks.append(self.lag)
        full = len(self._looks) == LOOKS
        self.overloaded = full and min(self._looks) > self.limits.lag

    def count(self, who: str) -> None:
        """One more request of this caller. Raises TooManyRequests."""
        now = time.monotonic()
        limits = self.limits
        left, at = self._buckets.pop(who, (limits.burst, now))
        left = min(limits.burst, left + (now - at) * limits.per_second)
        bites = self.overloaded and left < 1.0
        self._buckets[who] = (left if bites else max(0.0, left - 1.0), now)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        if bites:
            self.refused += 1
            wait = max(1, round((1.0 - left) / limits.per_second))
            raise TooManyRequests(
                "The cloud is overloaded, and you have asked for much: try again later.",
                headers={"Retry-After": str(wait)},
            )

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A request at work. Raises Unavailable."""
        if self.present >= self.limits.at_once:
            self.refused += 1
            raise _full()
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    @contextlib.contextmanager
    def reading(self, most: int) -> Iterator[None]:
        """A body of that many bytes at the most is read. Raises Unavailable."""
        if self._reading + most > self.limits.body_bytes:
            self.refused += 1
            raise _full()
        self._reading += most
        try:
            yield
        finally:
            self._reading -= most


def _full() -> Unavailable:
    return Unavailable("Too much is asked for at once.", headers={"Retry-After": "1"})
