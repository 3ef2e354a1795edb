"""Power that nobody asked for: machines are switched by hand, and BMCs fall silent.

What a BMC says counts: the node's `power_state` follows. One that does not answer three times
running puts its node into maintenance with the fault `power failure`; when it answers again, the
node leaves it by itself.
"""

import asyncio
import logging
from collections import Counter

from cumulo.baremetal.model.hardware import Rejected
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.baremetal.service.work import POWER_FAILURE
from cumulo.core.db.transaction import Database
from cumulo.core.faults import Fault

log = logging.getLogger("cumulo.baremetal")

AT_ONCE = 8
PAGE = 100
MOST_SILENCES = 3


class PowerWatch:
    def __init__(self, database: Database, service: BareMetalService, seconds: float) -> None:
        self._database = database
        self._service = service
        self._seconds = seconds
        self._silences: Counter[str] = Counter()
        """Node → how often running its BMC did not answer."""

    async def run(self) -> None:
        """Until it is cancelled; at once where it shall never ask."""
        while self._seconds > 0:
            await asyncio.sleep(self._seconds)
            try:
                await self.once()
            except Exception:
                log.exception("the power of nodes could not be looked at")

    async def once(self) -> None:
        """Every node that nobody is at."""
        marker: NodeRow | None = None
        places = asyncio.Semaphore(AT_ONCE)
        listing = self._service.nodes.listing
        while True:
            after = marker
            rows = await self._database.read(
                lambda tx, after=after: listing.page(  # type: ignore[misc]
                    tx, where={}, sort=(("id", "asc"),), marker=after, limit=PAGE
                )
            )
            if not rows:
                return
            await asyncio.gather(*(self._look(row, places) for row in rows if _watched(row)))
            marker = rows[-1]

    async def _look(self, row: NodeRow, places: asyncio.Semaphore) -> None:
        work, nodes = self._service.work, self._service.nodes
        async with places:
            try:
                power = await nodes.driver(row).power(nodes.machine(row))
            except (Fault, Rejected, OSError) as error:
                self._silences[row.id] += 1
                if self._silences[row.id] < MOST_SILENCES or row.fault == POWER_FAILURE:
                    return
                told = str(error)
                await self._database.write(
                    lambda tx: work.silent(tx, row.id, told), name="baremetal power unknown"
                )
                return
        self._silences.pop(row.id, None)
        if power != row.power_state or row.fault == POWER_FAILURE:
            await self._database.write(
                lambda tx: work.seen_power(tx, row.id, power), name="baremetal power seen"
            )


def _watched(row: NodeRow) -> bool:
    if row.job is not None or row.provision_state == "enroll":
        return False
    return not row.maintenance or row.fault == POWER_FAILURE
