"""Wrong guesses at secrets, counted for all processes of a cloud together."""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, Row, table


@table("identity_guesses")
class GuessRow(Row, frozen=True):
    id: Annotated[str, Key()]
    """SHA-256 of whose secret it was and the network that tried, or of one of them alone."""
    failures: int
    last: Annotated[float, Index()]
    """Seconds since the epoch of the newest one."""
    free_at: float
    """When the next try may begin; tries queue up behind one another."""
