"""Revocations. Tokens themselves are not stored: they are signed and carry what they say."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, table


@table("identity_revocations")
class RevocationRow(Row, frozen=True):
    """Tokens that fit this are refused, until they would have expired anyway.

    With an audit id: that token. With a user alone: all of the user's tokens issued before; these
    rows only tell the story, since `revoked_before` of the user is what is enforced.
    """

    id: Annotated[str, Key()]
    audit_id: Annotated[str | None, Index()]
    user_id: str | None
    issued_before: Moment
    revoked_at: Annotated[Moment, Index()]
    expires: Annotated[float, Index()]
    """Seconds since the epoch."""
