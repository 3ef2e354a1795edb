"""What is good once: SAML assertions, signed requests of OAuth 1.0a, one-time passwords."""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, Row, table


@table("identity_used_once")
class UsedOnceRow(Row, frozen=True):
    """It was used, and is not taken again."""

    id: Annotated[str, Key()]
    """SHA-256 of what it is."""
    expires: Annotated[float, Index()]
    """Seconds since the epoch; after that it would be refused for its age."""
