"""Texts of resources, kept: the cost of a list is then what the database asks for.

A text is kept together with all that it was made of, and made anew when that is not equal. So
nobody has to tell of a change, and a text can not be stale.
"""

import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import msgspec

from cumulo.core.http.operations import Call
from cumulo.core.wire.shapes import trim

KEPT = 4000
"""Texts in memory for one noun, one to four kB each."""
LARGEST = 16 * 1024
"""Bytes; larger ones (tenants may write much into metadata) are made anew each time."""
_NOTHING: dict[str, tuple[Any, msgspec.Raw]] = {}
_ALL: "weakref.WeakSet[Texts]" = weakref.WeakSet()


def forget_all() -> None:
    """The database went back: sources by which texts are known may come again, for other ones."""
    for each in list(_ALL):
        each.forget()


class _Keeping:
    """Whether texts are kept: a source may say that it is the same though somebody has changed the
    thing, as long as a control node of an older release writes rows without telling so."""

    on = True


def keep_any(on: bool) -> None:
    """From now on, in this process."""
    _Keeping.on = on
    if not on:
        forget_all()


class Texts:
    """JSON texts of one noun's resources, in the versions and for the kinds of reader that
    asked."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], dict[str, tuple[Any, msgspec.Raw]]] = {}
        """By kind of reader, then by id."""
        self._count = 0
        _ALL.add(self)

    def forget(self) -> None:
        self._kept.clear()
        self._count = 0

    def of(
        self, call: Call, id: str, source: Any, make: Callable[[], Any], *reader: Hashable
    ) -> msgspec.Raw:
        """The body that `make()` gives, as JSON in the call's version.

        It may depend on `source`, on `reader` (what this caller sees more than others), and of
        the call on `base_url` and `version`; on nothing else.
        """
        kept = self._kept.get((call.version, call.base_url, *reader), _NOTHING).get(id)
        if kept is not None and kept[0] == source:
            return kept[1]
        return self.keep(call, id, source, make(), *reader)

    def find(
        self, call: Call, sources: Sequence[tuple[str, Any]], *reader: Hashable
    ) -> list[msgspec.Raw | None]:
        """Those that are kept, of (id, source); for who must read more to make the others."""
        get = self._kept.get((call.version, call.base_url, *reader), _NOTHING).get
        found: list[msgspec.Raw | None] = []
        for id, source in sources:
            kept = get(id)
            found.append(kept[1] if kept is not None and kept[0] == source else None)
        return found

    @staticmethod
    def made(call: Call, body: Any) -> msgspec.Raw:
        """The text alone: for who may yet undo what it tells of."""
        if call.version is not None:
            trim(body, call.version)
        return msgspec.Raw(msgspec.json.encode(body))

    def keep(self, call: Call, id: str, source: Any, body: Any, *reader: Hashable) -> msgspec.Raw:
        """The text of a body that was made anew, of this source."""
        text = self.made(call, body)
        if memoryview(text).nbytes > LARGEST or not _Keeping.on:
            return text
        if self._count >= KEPT:
            self.forget()
        mine = self._kept.setdefault((call.version, call.base_url, *reader), {})
        self._count += id not in mine
        mine[id] = source, text
        return text
