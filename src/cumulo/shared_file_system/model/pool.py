"""Pools: the room for shares on each host."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table

OVERSUBSCRIPTION = 20
"""Shares are thin: so many times the real room may be promised (Manila's default)."""


@table("share_pools")
class PoolRow(Row, frozen=True):
    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    driver: str
    total_gb: int | None
    """None: the host has not reported yet."""
    free_gb: int
    allocated_gb: int
    """What shares on it may grow to."""
    fault: str | None
    """Why it keeps no shares."""
    disabled_reason: str | None
    """Why somebody has disabled its host."""
    updated_at: Moment
