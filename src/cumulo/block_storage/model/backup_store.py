"""The contract of what keeps the bytes of backups: small pieces by name, in one folder a backup.

The pieces of a backup are written once. Who reads them knows their sums and trusts nothing else.
"""

import re
from typing import Protocol

_CONTENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PIECE = re.compile(r"[0-9a-z][0-9a-z.-]{0,63}")


class BackupStore(Protocol):
    """Every method may be called again after a crash at any point."""

    async def put(self, content: str, piece: str, data: bytes) -> None:
        """It is there whole or not at all, also when the power fails. Raises OSError."""
        ...

    async def get(self, content: str, piece: str) -> bytes:
        """Raises KeyError when it is not there, OSError."""
        ...

    async def remove(self, content: str) -> None:
        """All pieces of a backup; nothing to do is no error. Raises OSError."""
        ...

    async def contents(self) -> list[str]:
        """The backups that something is kept of."""
        ...


def check_content(content: str) -> str:
    """A name that may become part of a path. Raises ValueError."""
    if not _CONTENT.fullmatch(content):
        raise ValueError(f"not the id of a backup: {content!r}")
    return content


def check_piece(piece: str) -> str:
    if not _PIECE.fullmatch(piece):
        raise ValueError(f"not the name of a piece: {piece!r}")
    return piece
