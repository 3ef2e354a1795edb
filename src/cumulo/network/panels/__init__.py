"""Network in the dashboard: networks, routers, addresses, security groups, and how they hang
together."""

from cumulo.core.panels import Gauge
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import BASE
from cumulo.network.panels.floatingips import FLOATING_IPS
from cumulo.network.panels.networks import NETWORKS, SUBNETS
from cumulo.network.panels.ports import PORTS
from cumulo.network.panels.quotas import QUOTAS
from cumulo.network.panels.routers import ROUTERS
from cumulo.network.panels.security_groups import SECURITY_GROUPS
from cumulo.network.panels.topology import TOPOLOGY

PANELS = (NETWORKS, SUBNETS, PORTS, ROUTERS, FLOATING_IPS, SECURITY_GROUPS, QUOTAS)
DRAWINGS = (TOPOLOGY,)
_USED = Request("GET", f"{BASE}/quotas/{{project}}/details")


def _gauge(title: str, name: str) -> Gauge:
    return Gauge(
        title,
        _USED,
        lambda body: body["quota"][name]["used"],
        lambda body: body["quota"][name]["limit"],
    )


GAUGES = (_gauge("Networks", "network"), _gauge("Floating IPs", "floatingip"))
