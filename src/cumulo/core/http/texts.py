"""Texts of resources, kept: the cost of a list is then what the database asks for.

A text is kept together with all that it was made of, and made anew when that is not equal. So
nobody has to tell of a change, and a text can not be stale.
"""

from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from cumulo.core.http.operations import Call
from cumulo.core.wire.shapes import trim

KEPT = 4000
"""Texts in memory for one noun, one to four kB each."""


class Texts:
    """JSON texts of one noun's resources, in the versions and for the kinds of reader that
    asked."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[Any, msgspec.Raw]] = {}

    def of(
        self, call: Call, id: str, source: Any, make: Callable[[], Any], *reader: Hashable
    ) -> msgspec.Raw:
        """The body that `make()` gives, as JSON in the call's version.

        It may depend on `source`, on `reader` (what this caller sees more than others), and of
        the call on `base_url` and `version`; on nothing else.
        """
        key = (id, call.version, call.base_url, *reader)
        kept = self._kept.get(key)
        if kept is None or kept[0] != source:
            body = make()
            if call.version is not None:
                trim(body, call.version)
            kept = source, msgspec.Raw(msgspec.json.encode(body))
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return kept[1]
