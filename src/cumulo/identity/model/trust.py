"""Trusts: a part of the rights of one user, lent to another."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


@table("identity_trusts")
class TrustRow(Row, frozen=True):
    """Goes with its users, its project and the trust that it was lent from."""

    id: Annotated[str, Key()]
    trustor_user_id: Annotated[str, Index(), References("identity_users.id", on_delete="CASCADE")]
    trustee_user_id: Annotated[str, Index(), References("identity_users.id", on_delete="CASCADE")]
    project_id: Annotated[
        str | None, Index(), References("identity_projects.id", on_delete="CASCADE")
    ]
    impersonation: bool
    """Tokens of the trust are the trustor's, not the trustee's."""
    role_ids: list[str]
    expires_at: Annotated[Moment | None, Index()]
    remaining_uses: int | None
    """Tokens that may still be had; None: any number."""
    redelegated_trust_id: Annotated[
        str | None, Index(), References("identity_trusts.id", on_delete="CASCADE")
    ]
    redelegation_count: int
    """How often it may be lent on."""
    created_at: Moment
