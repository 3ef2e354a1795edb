"""Transfers: a volume that its project offers to another one, which has to know the key."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table


@table("volume_transfers", Unique("volume_id"))
class TransferRow(Row, frozen=True):
    """It ends when it is accepted, or taken back."""

    id: Annotated[str, Key()]
    volume_id: Annotated[str, References("volumes.id", on_delete="CASCADE")]
    project_id: Annotated[str, Index()]
    """Whose volume it is."""
    name: str | None
    salt: str
    hash: str
    """Of the key, which is shown once."""
    no_snapshots: bool
    """The volume's snapshots stay where they are."""
    created_at: Moment
