"""How fast one account makes containers, and how fast a container is written to and listed: Swift's
rate limits. Who is too fast waits a little; who would wait too long is told so.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from cumulo.object_store.model.faults import TooFast

MOST = 100_000
"""Accounts and containers that are remembered; the oldest ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Size of a container → requests a second: between two sizes in between, below the smallest
    one without a limit."""

    points: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, float]) -> "Curve":
        """Raises ValueError for a size that is no number."""
        return cls(tuple(sorted((int(size), rate) for size, rate in given.items())))

    def at(self, size: int) -> float:
        """0: no limit."""
        before: tuple[int, float] | None = None
        for point in self.points:
            if size < point[0]:
                if before is None:
                    return 0.0
                part = (size - before[0]) / (point[0] - before[0])
                return before[1] + part * (point[1] - before[1])
            before = point
        return 0.0 if before is None else before[1]


@dataclass(slots=True)
class Rates:
    account: float = 0.0
    """Containers made or deleted a second in one account."""
    writes: Curve = Curve()
    listings: Curve = Curve()
    longest: float = 60.0
    """Seconds that somebody waits."""
    buffer: float = 5.0
    """Seconds of rest that may be made up for."""
    _next: "OrderedDict[tuple[str, ...], float]" = field(default_factory=OrderedDict)

    @property
    def on(self) -> bool:
        return bool(self.account or self.writes.points or self.listings.points)

    def delay(self, key: tuple[str, ...], rate: float, now: float) -> float:
        """How long a request has to wait. Raises TooFast."""
        if rate <= 0:
            return 0.0
        due = max(self._next.pop(key, 0.0), now - self.buffer)
        wait = due - now
        # What is refused does not count.
        self._next[key] = due if wait > self.longest else due + 1 / rate
        if len(self._next) > MOST:
            self._next.popitem(last=False)
        if wait > self.longest:
            raise TooFast("Slow down")
        return max(0.0, wait)
