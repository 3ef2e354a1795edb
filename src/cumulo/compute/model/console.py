"""Consoles: who has asked for one may open it for a while."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, table


@table("console_tokens")
class ConsoleRow(Row, frozen=True):
    id: Annotated[str, Key()]
    """SHA-256 of the token."""
    server_id: Annotated[str, Index()]
    kind: str
    """vnc, serial or spice"""
    ends_at: Annotated[Moment, Index()]
