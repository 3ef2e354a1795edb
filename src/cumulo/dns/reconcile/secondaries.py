"""Secondary zones, fetched from their masters when they are new and when they are due."""

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work import pools
from cumulo.core.work.lanes import Lanes
from cumulo.dns.model.transferred import Fetch, Received
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.service.dns import DnsService

AT_ONCE = 8
"""Each of them may take a thread for as long as masters are silent."""


class SecondaryTransfers:
    """Fetches secondary zones from their masters, when they are new and when they are due."""

    name = "secondary zones"
    overlaps = AT_ONCE

    def __init__(self, database: Database, dns: DnsService, fetch: Fetch) -> None:
        self._database = database
        self._dns = dns
        self._fetch = fetch
        self._lanes = Lanes(self.overlaps, each=1)
        """One zone of a project at a time: whose masters hang keeps nobody else waiting."""

    def due(self, tx: Tx, most: int) -> list[str]:
        return self._lanes.chosen(lambda but, most: self._dns.secondaries.due(tx, most, but), most)

    async def step(self, id: str) -> None:
        row = await self._database.read(lambda tx: tx.get(ZoneRow, id))
        if row is None or not row.wanted:
            return
        serial = row.serial if row.transferred_at is not None and not row.anew else None
        with self._lanes.taken(row.project_id) as there:
            if not there:
                return  # It is asked for again when one ends.
            received = await pools.STRANGERS(self._fetch, row.name, row.masters, serial)
        await self._database.write(
            lambda tx: self._taken(tx, row, received), name="secondary zone transferred"
        )

    def _taken(self, tx: Tx, asked: ZoneRow, received: Received | None) -> None:
        row = tx.get(ZoneRow, asked.id)
        if row is None or not row.wanted or row.masters != asked.masters:
            return  # Others are to be asked by now.
        if received is None:
            self._dns.secondaries.current(tx, row, asked)
        else:
            self._dns.secondaries.take(tx, row, asked, received)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(ZoneRow, id)
        if row is not None:
            self._dns.secondaries.put_off(tx, row, reason)
