"""What a store of blobs does. A blob is written once, under an id, and never changed."""

from typing import Protocol


class Writer(Protocol):
    """One blob on its way. Everything runs in a thread; only one call at a time."""

    def write(self, block: bytes) -> None:
        """Raises OSError (no room)."""

    def keep(self) -> None:
        """After it returns, the blob survives a power cut. Raises OSError."""

    def drop(self) -> None:
        """Forget what was written; never raises."""


class Blobs(Protocol):
    """Every method may block: call it in a thread."""

    def writer(self, blob: str) -> Writer: ...

    def open(self, blob: str) -> int:
        """A descriptor of its bytes, the caller's to close. Raises FileNotFoundError."""

    def remove(self, blob: str) -> None:
        """Gone afterwards, whether or not it was there."""

    def sweep(self, partition: int) -> list[str]:
        """The ids of what is in a partition that was there before this process; unfinished
        leftovers of earlier processes are removed."""

    @property
    def partitions(self) -> int: ...
