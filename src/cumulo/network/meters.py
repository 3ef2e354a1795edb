"""What network is paid for: floating IPs and routers."""

from cumulo.core.usage import Metered
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.router import RouterRow

FLOATING_IPS: Metered[FloatingIpRow] = Metered(
    "floating_ip",
    "network.floatingip.usage",
    lambda row: {"floating_network_id": row.floating_network_id},
    lambda row: row.floating_ip_address,
)
ROUTERS: Metered[RouterRow] = Metered(
    "router", "network.router.usage", lambda row: {}, lambda row: row.name
)
METERS = (FLOATING_IPS, ROUTERS)
