"""Networks: one layer-2 segment each."""

from typing import Annotated

from cumulo.core.db.rows import Index, References, Unique, table
from cumulo.network.model.standard import Standard

TENANT_MTU = 1450
EXTERNAL_MTU = 1500


@table("network_networks", Unique("number"))
class NetworkRow(Standard, frozen=True):
    number: int
    """Unique in the cloud; also the segmentation id unless an administrator named one."""
    admin_state_up: bool = True
    shared: bool = False
    external: Annotated[bool, Index()] = False
    """`router:external`: routers may have a gateway here."""
    is_default: bool = False
    port_security_enabled: bool = True
    mtu: int = TENANT_MTU
    network_type: str = "vxlan"
    physical_network: str | None = None
    segmentation_id: int | None = None
    availability_zone_hints: list[str] = []
    qos_policy_id: Annotated[str | None, Index(), References("network_qos_policies.id")] = None
    dns_domain: str = ""
    """Where the names of its ports are, with the last dot; empty: they have none."""


def network_status(row: NetworkRow) -> str:
    """A network is made where something is plugged into it, so nothing can be wrong with it as
    such: what its hosts cannot do shows at the ports."""
    return "ACTIVE"
