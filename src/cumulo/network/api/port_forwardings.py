"""Port forwardings on the wire: networking API v2.0, `floatingips/…/port_forwardings`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import Noun
from cumulo.network.model.port_forwarding import PortForwardingRow
from cumulo.network.service.network import NetworkService
from cumulo.network.service.port_forwardings import PortForwardingWishes

SHOWN = frozenset(
    {
        "id",
        "description",
        "protocol",
        "external_port",
        "internal_port",
        "internal_ip_address",
        "internal_port_id",
    }
)


def port_forwardings(network: NetworkService) -> Noun[PortForwardingRow]:
    return Noun(
        name="port_forwarding",
        plural="port_forwardings",
        path="floatingips/{holder}/port_forwardings",
        verbs=network.port_forwardings,
        show=show,
        shown=SHOWN,
        wishes=PortForwardingWishes,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        bulk=False,
        tags=False,
        policy="floatingip_port_forwarding",
        within="floatingip_id",
    )


def show(tx: Tx, rows: Sequence[PortForwardingRow]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in sorted(SHOWN)} for row in rows]
