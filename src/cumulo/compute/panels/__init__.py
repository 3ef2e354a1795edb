"""Compute in the dashboard: servers, what they are made of, and the hosts that they run on."""

from cumulo.compute.panels.cloud import AGGREGATES, HOSTS, MIGRATIONS, QUOTAS, SERVICES
from cumulo.compute.panels.common import BASE, VERSION
from cumulo.compute.panels.flavors import FLAVORS
from cumulo.compute.panels.keys import GROUPS, KEY_PAIRS
from cumulo.compute.panels.servers import SERVERS
from cumulo.core.panels import Gauge
from cumulo.core.resource_types import Request

PANELS = (
    SERVERS,
    KEY_PAIRS,
    GROUPS,
    FLAVORS,
    HOSTS,
    AGGREGATES,
    MIGRATIONS,
    SERVICES,
    QUOTAS,
)
_LIMITS = Request("GET", f"{BASE}/limits", None, VERSION)


def _gauge(title: str, used: str, most: str, unit: str = "") -> Gauge:
    return Gauge(
        title,
        _LIMITS,
        lambda body: body["limits"]["absolute"][used],
        lambda body: body["limits"]["absolute"][most],
        unit,
        order=10,
    )


GAUGES = (
    _gauge("Servers", "totalInstancesUsed", "maxTotalInstances"),
    _gauge("Processors", "totalCoresUsed", "maxTotalCores"),
    _gauge("Memory", "totalRAMUsed", "maxTotalRAMSize", "MiB"),
)
