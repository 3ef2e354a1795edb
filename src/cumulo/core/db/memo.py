"""Rows that were read lately, kept: of the same values the same object is made.

A list that is asked for again and again mostly finds what it found before. What the database gives
is compared with what it gave, value by value as the driver has them; only what differs is decoded.
So nothing here can be stale, and who keeps something made of a row sees by its identity that it is
as it was. Rows are frozen, so it does not matter who else has them.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import to_rows

R = TypeVar("R", bound=Row)
KEPT = 2000
"""Of one noun; a few kB each."""


class Memo(Generic[R]):
    """Of a noun whose key is its first column."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._kept: dict[Any, tuple[tuple[Any, ...], R]] = {}

    def rows(self, found: Sequence[tuple[Any, ...]]) -> list[R]:
        kept, made = self._kept, []
        for values in found:
            known = kept.get(values[0])
            if known is None or known[0] != values:
                known = values, to_rows(self._kind, [values])[0]
                if len(kept) >= KEPT:
                    kept.clear()
                kept[values[0]] = known
            made.append(known[1])
        return made
