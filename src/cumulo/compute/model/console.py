"""Consoles: who has asked for one may open it for a while."""

from typing import Annotated

import msgspec

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
    user_id: str = ""
    """Who has asked; with the project, the roles and what the right was lent by."""
    project_id: str | None = None
    roles: list[str] = msgspec.field(default_factory=list)
    lent: dict[str, str] = msgspec.field(default_factory=dict)
