"""How many at once: of long-lived work (feeds, sockets), for each principal and in all."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from cumulo.core.faults import TooManyRequests, Unavailable


class Crowd:
    def __init__(self, what: str, most: int, most_each: int) -> None:
        self.what = what
        self.most = most
        self.most_each = most_each
        self._present: Counter[str] = Counter()
        self._all = 0

    def __len__(self) -> int:
        return self._all

    def enter(self, who: str) -> None:
        """Raises TooManyRequests, or Unavailable when the house is full; else `leave` follows."""
        if self._present[who] >= self.most_each:
            raise TooManyRequests(
                f"You have {self.most_each} {self.what} already.", headers={"Retry-After": "10"}
            )
        if self._all >= self.most:
            raise Unavailable(f"Too many {self.what}.", headers={"Retry-After": "10"})
        self._present[who] += 1
        self._all += 1

    def leave(self, who: str) -> None:
        self._all -= 1
        self._present[who] -= 1
        if not self._present[who]:
            del self._present[who]

    @contextlib.contextmanager
    def place(self, who: str) -> Iterator[None]:
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)
