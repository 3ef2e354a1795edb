"""Places for steps that wait for somebody else's servers, shared by lanes: projects, or pools.

A lane has few of them, so that whose servers hang keeps nobody else waiting; those beyond the
first one of each are half of all at the most. Who has many lanes gains nothing by it, either: those
in which steps have waited of late have half of all places together.

Asked by threads of the database, too.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator

SLOW_SECONDS = 2.0
"""A step that takes so long is one that waits."""
REMEMBERED_SECONDS = 600.0
MOST_REMEMBERED = 1000

Due = tuple[str, str]
"""(id, lane)"""


class Lanes:
    def __init__(
        self,
        most: int,
        each: int,
        now: Callable[[], float] = time.monotonic,
        *,
        patient: bool = False,
    ) -> None:
        """`most`: places in all; `each`: of one lane. `patient`: a step that took long and was done
        in the end has not waited: whose servers these are does not make them slow on purpose."""
        self._patient = patient
        self.most = most
        self.each = each
        self._now = now
        self._begun: dict[str, list[float]] = {}
        """When what is at work in a lane began."""
        self._slow: dict[str, float] = {}
        """When lanes were slow."""
        self._good: dict[str, float] = {}
        """When a step was done in them."""
        self._lock = threading.Lock()

    def full(self) -> set[str]:
        """Lanes in which nothing may begin now."""
        with self._lock:
            return self._full()

    def _full(self) -> set[str]:
        slow = self._slow_lanes()
        waiting = sum(len(begun) for lane, begun in self._begun.items() if lane in slow)
        found = {lane for lane, begun in self._begun.items() if len(begun) >= self.each}
        if sum(len(begun) - 1 for begun in self._begun.values()) >= self.most // 2:
            found |= self._begun.keys()
        return found | slow if waiting >= self.most // 2 else found

    @contextlib.contextmanager
    def taken(self, lane: str) -> Iterator[bool]:
        """A place in a lane, given back in the end; False: there is none."""
        begin = self._now()
        with self._lock:
            there = lane not in self._full()
            if there:
                self._begun.setdefault(lane, []).append(begin)
        good = False
        try:
            yield there
            good = True
        finally:
            if there:
                with self._lock:
                    self._ended(lane, begin, good=good)

    def _ended(self, lane: str, begin: float, *, good: bool) -> None:
        self._begun[lane].remove(begin)
        if not self._begun[lane]:
            del self._begun[lane]
        now = self._now()
        if good and (self._patient or now - begin < SLOW_SECONDS):
            self._slow.pop(lane, None)
            _note(self._good, lane, now)
        elif now - begin >= SLOW_SECONDS:
            self._good.pop(lane, None)
            _note(self._slow, lane, now)

    def chosen(self, due: Callable[[Collection[str], int], list[Due]], most: int) -> list[str]:
        """Of what is due (`due`: the oldest of those that are not in these lanes) what has a place:
        of a lane with endless work no more than that."""
        full = self.full()
        count: dict[str, int] = {}
        found: dict[str, None] = {}
        while len(found) < most:
            rows = due(full, most)
            for id, lane in rows:
                if id not in found and lane not in full:
                    found[id] = None
                    count[lane] = count.get(lane, 0) + 1
                    if count[lane] >= self.each:
                        full.add(lane)
            if len(rows) < most:
                break
        return list(found)[:most]

    def _slow_lanes(self) -> set[str]:
        now = self._now()
        for known in (self._slow, self._good):
            for lane in [each for each, at in known.items() if now - at > REMEMBERED_SECONDS]:
                del known[lane]
        at_work = {lane for lane, begun in self._begun.items() if now - min(begun) >= SLOW_SECONDS}
        return (at_work - self._good.keys()) | self._slow.keys()


def _note(known: dict[str, float], lane: str, now: float) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[lane] = now
