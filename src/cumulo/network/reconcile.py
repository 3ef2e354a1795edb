"""Network's loops: finding hosts for what has none, and telling hosts of new members of groups."""

import asyncio
import logging

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.work.wakeups import Wakeup
from cumulo.network.model.port import DHCP, PortRow
from cumulo.network.model.router import RouterRow
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import router as router_queries
from cumulo.network.service.placing import Hosts
from cumulo.network.service.ports import Ports

log = logging.getLogger("cumulo.network")

SPREAD_SECONDS = 0.2
"""Between two messages to hosts about new members: one serves all that came meanwhile."""
SWEEP_SECONDS = 10.0


class Unplaced:
    """Routers and DHCP servers that were made when there was no host for them."""

    name = "unplaced"

    def __init__(self, database: Database, hosts: Hosts, ports: Ports) -> None:
        self._database = database
        self._hosts = hosts
        self._ports = ports

    def due(self, tx: Tx, most: int) -> list[str]:
        found = [f"router/{row.id}" for row in tx.all(router_queries.UNPLACED)]
        found += [f"port/{row.id}" for row in tx.all(port_queries.UNPLACED_DHCP)]
        return found[:most] if found and self._hosts.choose(tx) is not None else []

    async def step(self, id: str) -> None:
        noun, _, name = id.partition("/")
        place = self._router if noun == "router" else self._server
        await self._database.write(lambda tx: place(tx, name), name="place")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It stays without a host, and is looked at again at the next sweep."""

    def _router(self, tx: Tx, router_id: str) -> None:
        router, host_id = tx.get(RouterRow, router_id), self._hosts.choose(tx)
        if router is None or router.host_id is not None or host_id is None:
            return
        router = tx.update(router, host_id=host_id)
        for port in tx.all(port_queries.OF_HOLDERS, ids=[router_id]):
            self._ports.bind(tx, port, host_id)
        self._hosts.touch_router(tx, router)

    def _server(self, tx: Tx, port_id: str) -> None:
        port, host_id = tx.get(PortRow, port_id), self._hosts.choose(tx)
        if port is not None and port.host_id is None and port.role == DHCP and host_id is not None:
            self._ports.bind(tx, port, host_id)


class MemberSpread:
    """Tells hosts which groups have other members now: at once, then every SPREAD_SECONDS."""

    def __init__(self, database: Database, hosts: Hosts) -> None:
        self._database = database
        self._hosts = hosts
        self._bell = Wakeup()
        hosts.on_members = self._bell.ring

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                more = await self.once()
            except Exception:  # the database is away: the next sweep finds the same work
                log.exception("changes of groups could not be told")
                more = False
            await asyncio.sleep(SPREAD_SECONDS)
            if not more:
                await self._bell.wait(SWEEP_SECONDS)

    async def once(self) -> bool:
        """True when there may be more at once."""
        return await self._database.write(self._hosts.spread, name="spread members") == 100
