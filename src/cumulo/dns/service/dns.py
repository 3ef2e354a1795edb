"""DNS as a whole: its nouns, and what stands behind them."""

from cumulo.dns.service.changes import Changes
from cumulo.dns.service.recordsets import Recordsets
from cumulo.dns.service.serving import Serving
from cumulo.dns.service.zones import Rules, Zones


class DnsService:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.changes = Changes()
        self.zones = Zones(rules, self.changes)
        self.recordsets = Recordsets(self.zones)
        self.serving = Serving(self.zones, self.changes)
