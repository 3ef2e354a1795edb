"""Servers that were deleted long ago, and images that hosts keep for nobody, are forgotten."""

from cumulo.compute.service.precaching import Precaching
from cumulo.compute.service.servers import Servers
from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx

DAY = 86_400.0


class ForgottenServers:
    """Implements core.work.Reconciler. Until then they are there for `changes-since`, for usage and
    for who asks what was done to them."""

    name = "forgotten servers"

    def __init__(self, database: Database, servers: Servers, days: float) -> None:
        self._database = database
        self._servers = servers
        self._days = days

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._servers.forgotten(tx, later(tx.now, -self._days * DAY), most)

    async def step(self, id: str) -> None:
        await self._database.write(lambda tx: self._servers.forget(tx, id), name="forgotten server")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It stays: the next sweep finds it again."""


class ForgottenImages:
    """Implements core.work.Reconciler. What was cached ahead stays no longer than its day."""

    name = "cached images"

    def __init__(self, database: Database, precaching: Precaching) -> None:
        self._database = database
        self._precaching = precaching

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._precaching.expired(tx, most)

    async def step(self, id: str) -> None:
        await self._database.write(
            lambda tx: self._precaching.forget(tx, id), name="forgotten image"
        )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It stays: the next sweep finds it again."""
