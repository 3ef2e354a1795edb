"""Deleted servers and cached images are forgotten; nodes become what their servers want."""

from collections.abc import Callable

from cumulo.compute.service.metal import Metal
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


class MetalServers:
    """Implements core.work.Reconciler: what a host's agent does for other servers."""

    name = "servers of bare metal"

    def __init__(self, database: Database, metal: Metal, report: Callable[..., None]) -> None:
        """`report`: how any host's report of a server is taken over."""
        self._database = database
        self._metal = metal
        self._report = report

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._metal.due(tx, most)

    async def step(self, id: str) -> None:
        await self._database.write(
            lambda tx: self._metal.step(tx, id, self._report), name="server of bare metal"
        )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It is due again at the next sweep."""
