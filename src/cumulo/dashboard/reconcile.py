"""Sessions that have ended are forgotten."""

from cumulo.core.db.transaction import Database, Tx
from cumulo.dashboard.service.sessions import Sessions


class EndedSessions:
    """Implements core.work.Reconciler."""

    name = "ended sessions"

    def __init__(self, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._sessions.ended(tx, most)

    async def step(self, id: str) -> None:
        await self._database.write(lambda tx: self._sessions.forget(tx, id), name="ended session")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It stays: the next sweep finds it again."""
