"""How long a heavy read may take, and how it is ended before its time."""

import time
from collections.abc import Callable
from typing import Any

from cumulo.core.db.transaction import Cursor


class TooSlow(Exception):
    """A read took longer than it may, or nobody waits for it any more."""


class Patience:
    """Made where the read is asked for, looked at in the thread that does it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self._given_up = False

    def give_up(self) -> None:
        """Nobody waits any more. From any thread."""
        self._given_up = True

    @property
    def left(self) -> float:
        return 0.0 if self._given_up else self.end - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.left <= 0

    def check(self) -> None:
        """Raises TooSlow."""
        if self.is_over:
            raise TooSlow(f"It took longer than {self.seconds:g} seconds.")


def patient(
    execute: Callable[[str, dict[str, Any]], Cursor], patience: Patience
) -> Callable[[str, dict[str, Any]], Cursor]:
    """Each statement begins within the time, or not at all."""

    def run(text: str, parameters: dict[str, Any]) -> Cursor:
        patience.check()
        return execute(text, parameters)

    return run
