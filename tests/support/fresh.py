"""Every server that a test's cloud shows from memory is made anew beside it, and compared: what is
kept can not be stale without a test that says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cumulo.compute.api.views import Views

_encoded = Views._encoded
_off = 0


def _compared(self: Views, call: Any, tx: Any, heads: Any, load: Any, **more: Any) -> Any:
    kept = _encoded(self, call, tx, heads, load, **more)
    if not _off:
        anew = _encoded(Views(self._compute), call, tx, heads, load, **more)
        for was, now in zip(kept, anew, strict=True):
            assert bytes(was) == bytes(now), f"shown: {bytes(was)!r}; it is: {bytes(now)!r}"
    return kept


def install() -> None:
    Views._encoded = _compared  # type: ignore[method-assign]


@contextmanager
def uncompared() -> Iterator[None]:
    """For tests that count."""
    global _off
    _off += 1
    try:
        yield
    finally:
        _off -= 1
