"""Pools: the room for volumes on each host."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table

OVERSUBSCRIPTION = 20
"""Volumes are thin: so many times the real room may be promised (Cinder's default)."""


@table("volume_pools")
class PoolRow(Row, frozen=True):
    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    driver: str
    total_gb: int | None
    """None: the host has not reported yet."""
    free_gb: int
    allocated_gb: int
    """What volumes and snapshots on it may grow to."""
    updated_at: Moment
