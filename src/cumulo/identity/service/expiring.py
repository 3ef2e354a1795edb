"""Rows that end by themselves."""

from collections.abc import Sequence
from typing import Any, Protocol

from cumulo.core.db.transaction import Tx


class Expiring(Protocol):
    """A service of such rows. Nothing waits for them to go: what has ended does not count."""

    what: str
    """What they are, for logs."""

    def expired(self, tx: Tx, most: int) -> Sequence[Any]:
        """Those that have ended, the oldest first."""

    def forget_expired(self, tx: Tx, row: Any) -> None:
        """Take one of them away, with what hangs from it."""
