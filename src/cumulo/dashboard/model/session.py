"""Sessions of browsers. Of the cookie only a hash is kept: who reads the database signs in as
nobody. A session holds no token: what the user may do is asked of identity at each request."""

from typing import Annotated

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, table


@table("dashboard_sessions")
class SessionRow(Row, frozen=True):
    id: Annotated[str, Key()]
    """SHA-256 of the cookie."""
    user_id: Annotated[str, Index()]
    user_name: str
    project_id: str
    roles: list[str]
    """Those of the sign-in: a session never has more."""
    csrf: str
    """What forms must bring back."""
    made_at: Moment
    seen_at: Annotated[Moment, Index()]
    ends_at: Annotated[Moment, Index()]
    lent: dict[str, str] = msgspec.field(default_factory=dict)
    """The application credential that the right is of (`Principal.lent`); empty: the user's own."""
    signed_on: dict[str, str] = msgspec.field(default_factory=dict)
    """The foreign provider's word that began it; empty for what was proved here. The session ends
    when the token of the sign-on is revoked, or when its provider is believed no more."""
