"""Revocations. Tokens themselves are not stored: they are signed and carry what they say."""

from typing import Annotated

from cumulo.core.db.rows import Key, Row, table


@table("identity_revocations")
class RevocationRow(Row, frozen=True):
    """The token with this audit id is refused, until it would have expired anyway."""

    audit_id: Annotated[str, Key()]
    expires: float
    """Seconds since the epoch."""
