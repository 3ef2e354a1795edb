"""What other services may ask of identity.

Events emitted: identity.{domain,project,user,role,region,service,endpoint}.{create,update,delete},
identity.assignment.{create,delete}, identity.token.revoke.
"""

from typing import Protocol

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx


class Identity(Protocol):
    """Identity as the other services see it."""

    def cached(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and is still good."""

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token; raises core.faults.Unauthorized."""

    def project_exists(self, tx: Tx, project_id: str) -> bool: ...
