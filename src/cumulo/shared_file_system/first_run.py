"""The default share type."""

from collections.abc import Sequence

from cumulo.core.assembly import AgentParts
from cumulo.core.db.transaction import Database
from cumulo.shared_file_system.service.types import Types


class FirstType:
    def __init__(self, database: Database, types: Types) -> None:
        self._database = database
        self._types = types

    async def make(self, hosts: Sequence[AgentParts]) -> None:
        await self._database.write(self._types.ensure_default, name="first run: shares")
