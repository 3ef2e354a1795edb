"""What ends by itself in identity: group memberships that a foreign provider vouched for."""

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.service.groups import Groups


class ExpiredMemberships:
    """Takes users out of groups when their provider's word has run out.

    Roles and tokens read memberships as they are; so nothing else needs to know of the time.
    """

    name = "expired memberships"

    def __init__(self, database: Database, groups: Groups) -> None:
        self._database = database
        self._groups = groups

    def due(self, tx: Tx, most: int) -> list[str]:
        return [f"{row.user_id} {row.group_id}" for row in self._groups.expired(tx, most)]

    async def step(self, id: str) -> None:
        user_id, group_id = id.split(" ")
        await self._database.write(
            lambda tx: self._groups.forget_expired(tx, user_id, group_id), name="membership ended"
        )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Nothing to note: the row itself is the work."""
