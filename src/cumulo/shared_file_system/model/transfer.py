"""Transfers: a share on its way from one project to another, which must know the key."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table

KEPT_SECONDS = 300.0
"""Manila's default."""


@table("share_transfers", Unique("share_id"), IndexOn("project_id", "created_at"))
class TransferRow(Row, frozen=True):
    id: Annotated[str, Key()]
    share_id: Annotated[str, References("share_shares.id", on_delete="CASCADE")]
    project_id: str
    """Who gives it away."""
    name: str | None
    salt: str
    key_hash: str
    created_at: Annotated[Moment, Index()]
    expires_at: Annotated[Moment, Index()]
