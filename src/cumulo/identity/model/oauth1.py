"""OAuth 1.0a: programs (consumers) that a user lets act with some roles on a project.

The secrets are encrypted and not hashed: signatures are computed with them.
"""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


@table("identity_consumers")
class ConsumerRow(Row, frozen=True):
    id: Annotated[str, Key()]
    description: str | None
    encrypted_secret: str
    extra: dict[str, Any]
    created_at: Moment


@table("identity_request_tokens")
class RequestTokenRow(Row, frozen=True):
    """What a consumer asks for; the user's authorization adds verifier, user and roles."""

    id: Annotated[str, Key()]
    consumer_id: Annotated[str, Index(), References("identity_consumers.id", on_delete="CASCADE")]
    project_id: Annotated[str, Index(), References("identity_projects.id", on_delete="CASCADE")]
    encrypted_secret: str
    expires_at: Annotated[Moment, Index()]
    verifier: str | None = None
    user_id: Annotated[
        str | None, Index(), References("identity_users.id", on_delete="CASCADE")
    ] = None
    role_ids: list[str] = []


@table("identity_access_tokens")
class AccessTokenRow(Row, frozen=True):
    """What the consumer got for it, and logs in with."""

    id: Annotated[str, Key()]
    consumer_id: Annotated[str, Index(), References("identity_consumers.id", on_delete="CASCADE")]
    user_id: Annotated[str, Index(), References("identity_users.id", on_delete="CASCADE")]
    project_id: Annotated[str, Index(), References("identity_projects.id", on_delete="CASCADE")]
    encrypted_secret: str
    role_ids: list[str]
    expires_at: Annotated[Moment, Index()]
