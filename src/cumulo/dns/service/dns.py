"""DNS as a whole: its nouns, and what stands behind them."""

import time
from collections.abc import Callable

from cumulo.core.db.transaction import Tx
from cumulo.dns.service.blacklists import Blacklists
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.mirrors import Mirrors
from cumulo.dns.service.places import Places
from cumulo.dns.service.pools import Pools
from cumulo.dns.service.published import Published
from cumulo.dns.service.recordsets import Recordsets
from cumulo.dns.service.reverses import Reverses
from cumulo.dns.service.secondaries import Secondaries
from cumulo.dns.service.serving import Serving
from cumulo.dns.service.shares import Shares
from cumulo.dns.service.tasks import Tasks
from cumulo.dns.service.tlds import Tlds
from cumulo.dns.service.transfers import Transfers
from cumulo.dns.service.tsigkeys import Seal, Tsigkeys
from cumulo.dns.service.zones import Rules, Zones
from cumulo.identity.interface import Identity
from cumulo.network.interface import Network


class DnsService:
    def __init__(
        self,
        rules: Rules,
        pools: Pools,
        identity: Identity,
        network: Network,
        seal: Seal,
        *,
        hostname: str,
        forward_to: str = "",
        cloud_id: Callable[[Tx], str],
    ) -> None:
        self._cloud_id = cloud_id
        self.hostname = hostname
        self.started = time.time()
        self.rules = rules
        self.pools = pools
        self.identity = identity
        self.changes = Changes()
        self.tlds = Tlds()
        self.blacklists = Blacklists()
        self.tsigkeys = Tsigkeys(seal, self.changes, pools)
        self.zones = Zones(
            rules, self.changes, Places(self.tlds, self.blacklists, pools, network), pools
        )
        self.recordsets = Recordsets(self.zones)
        self.shares = Shares(self.zones, identity)
        self.transfers = Transfers(self.zones)
        self.tasks = Tasks(self.zones, self.recordsets)
        self.reverses = Reverses(self.zones, self.recordsets, network)
        self.published = Published(self.zones, self.recordsets, forward_to)
        self.secondaries = Secondaries(self.zones)
        self.mirrors = Mirrors(self.zones)
        self.serving = Serving(self.zones, self.secondaries, self.changes, self.tsigkeys)

    def mark(self, tx: Tx) -> str:
        """Of zones of this cloud on others' servers: 40 signs at the most."""
        return f"cumulo-{self._cloud_id(tx)[:32]}"
