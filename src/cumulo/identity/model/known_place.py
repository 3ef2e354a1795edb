"""From where users have logged in before: those places do not suffer from guesses elsewhere."""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, Row, table


@table("identity_known_places")
class KnownPlaceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    """SHA-256 of whose secret it was and the network from which it came."""
    last: Annotated[float, Index()]
    """Seconds since the epoch of a right login, to the day."""
