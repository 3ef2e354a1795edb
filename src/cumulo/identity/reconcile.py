"""What moves in identity: rows that end by themselves, and directories that are followed."""

import asyncio
from collections.abc import Sequence

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.service.directories import Directories
from cumulo.identity.service.expiring import Expiring

BATCH = 200
"""Rows forgotten in one transaction."""


class Expired:
    """Forgets what has ended: memberships, trusts, tokens of OAuth, revocations, sign-ons, guesses.

    Expired application credentials stay until their owner deletes them, as in the real service.
    """

    name = "expired"

    def __init__(self, database: Database, kinds: Sequence[Expiring]) -> None:
        self._database = database
        self._kinds = {kind.what: kind for kind in kinds}

    def due(self, tx: Tx, most: int) -> list[str]:
        return [what for what, kind in self._kinds.items() if kind.expired(tx, 1)]

    async def step(self, id: str) -> None:
        kind = self._kinds[id]

        def forget(tx: Tx) -> int:
            rows = kind.expired(tx, BATCH)
            for row in rows:
                kind.forget_expired(tx, row)
            return len(rows)

        forgotten = BATCH
        while forgotten == BATCH:
            # A transaction of SQLite does not give way to others by itself.
            await asyncio.sleep(0)
            forgotten = await self._database.write(forget, name=f"expired {id}")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """Nothing to note: the rows themselves are the work."""


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
