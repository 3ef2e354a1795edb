"""Content by reference: an order says what bytes a thing is made of, never where they are.

A host takes them from its shelf (`shelf`), and a shelf gets them from whoever has them: the control
plane of this process, or another machine's by a ticket (`tickets`, `remote`).
"""

from typing import Literal, Protocol

import msgspec

from cumulo.core.blobs.streams import Reader


class Content(msgspec.Struct, frozen=True):
    """What an image holds."""

    id: str
    """The image's."""
    sha512: str = ""
    """Empty: nobody has summed it up, so nothing can be checked."""
    size: int = 0
    """Bytes; 0: not known yet."""
    format: Literal["raw", "qcow2"] = "raw"

    @property
    def name(self) -> str:
        """The same for the same bytes."""
        return self.sha512 or self.id


class Missing(Exception):
    """Nobody has it, and nobody will."""


class Contents(Protocol):
    """Whoever can open content by its reference; image gives it."""

    async def open(self, content: Content) -> Reader:
        """Raises Missing, and OSError when it cannot be had just now."""
