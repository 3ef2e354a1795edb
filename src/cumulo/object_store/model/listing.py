"""Pages of names: prefix, delimiter, markers, both directions. No database in here.

A page asks for rows by bounds (`wanted`), is fed what was found (`feed`), and asks again until it
is full or there is no more. Names that share a directory (up to the delimiter) are rolled up into
one entry, and the next question begins behind them: a page of directories costs as many questions
as it has entries, however many objects they hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cumulo.object_store.model import limits

END = b"\xff"
"""Above every name: no UTF-8 begins like this."""
CHUNK = 1000
"""Rows of one question: what a listing takes of the loop at a time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks of a list; names are text, the bounds are excluded."""

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    end_marker: str = ""
    reverse: bool = False
    limit: int = limits.LISTING_LIMIT
    only_objects: bool = False
    """Of `path=`: what is directly in it, without directories."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows with low <= name < high, in the page's direction."""

    low: bytes
    high: bytes
    reverse: bool
    most: int


def behind(prefix: bytes) -> bytes:
    """The first name after all those that begin with a prefix."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,)) if trimmed else END


Entry = tuple[Any, ...]
"""A row as it was fed, its name first; or a directory: its name alone."""


class Page:
    """`more`: the list goes on behind the last entry."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._prefix = wish.prefix.encode()
        self._delimiter = wish.delimiter.encode()
        self._marker = wish.marker.encode()
        low, high = self._prefix, behind(self._prefix) if self._prefix else END
        marker, end = self._marker, wish.end_marker.encode()
        first, last = (end, marker) if wish.reverse else (marker, end)
        if first:
            low = max(low, first + b"\0")
        if last:
            high = min(high, last)
        self._low, self._high = low, high
        self.entries: list[Entry] = []
        self.more = False
        self._done = False

    def wanted(self) -> Wanted | None:
        """One more than the page has room for, to know whether it is the last one."""
        if self._done or self._low >= self._high:
            return None
        room = self._wish.limit + 1 - len(self.entries)
        return Wanted(self._low, self._high, self._wish.reverse, min(CHUNK, room))

    def feed(self, rows: Sequence[Entry], asked: Wanted) -> None:
        skip: bytes | None = None
        name = b""
        for row in rows:
            name = row[0]
            if skip is not None and name.startswith(skip):
                continue
            folder = self._folder(name)
            skip = folder
            if folder is not None and self._wish.only_objects and name == folder != self._prefix:
                # With `path`, an object that is named as a directory stands for it.
                folder = None
            elif folder is not None and (self._wish.only_objects or folder == self._marker):
                continue
            if self._wish.only_objects and name == self._prefix:
                continue
            if len(self.entries) == self._wish.limit:
                self.more = True
                self._done = True
                return
            self.entries.append(row if folder is None else (folder,))
        if len(rows) < asked.most:
            self._done = True
        elif self._wish.reverse:
            self._high = skip if skip is not None else name
        else:
            self._low = behind(skip) if skip is not None else name + b"\0"

    def _folder(self, name: bytes) -> bytes | None:
        if not self._delimiter:
            return None
        at = name.find(self._delimiter, len(self._prefix))
        return None if at < 0 else name[: at + len(self._delimiter)]
