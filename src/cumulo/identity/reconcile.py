"""What moves in identity: memberships that end by themselves, and directories that are followed."""

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.service.directories import Directories
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


class DirectorySync:
    """Follows the directories of domains: at once when their configuration changes, then at times.

    Reading a directory has no effect on it, and writing down the same twice changes nothing.
    """

    name = "directories"

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._directories.due(tx, most)

    async def step(self, id: str) -> None:
        await self._directories.sync(id)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        self._directories.failed(tx, id, reason)
