"""Floating IPs on the wire: networking API v2.0, `floatingips`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.port import PortRow
from cumulo.network.model.port_forwarding import PortForwardingRow
from cumulo.network.service.floatingips import CREATE_ONLY, FloatingIpWishes
from cumulo.network.service.network import NetworkService

SHOWN = STANDARD | {
    "floating_network_id",
    "floating_ip_address",
    "router_id",
    "port_id",
    "fixed_ip_address",
    "status",
    "port_details",
    "dns_name",
    "dns_domain",
    "qos_policy_id",
    "port_forwardings",
}


def floatingips(network: NetworkService) -> Noun[FloatingIpRow]:
    def show(tx: Tx, rows: Sequence[FloatingIpRow]) -> list[dict[str, Any]]:
        ids = [row.port_id for row in rows if row.port_id is not None]
        inner = network.ports.by_ids(tx, ids)
        forwarded = network.port_forwardings.of_floatingips(tx, [row.id for row in rows])
        return [
            {
                **_body(row, inner.get(row.port_id or "")),
                "port_forwardings": [_forwarded(each) for each in forwarded.get(row.id, ())],
            }
            for row in rows
        ]

    return Noun(
        name="floatingip",
        plural="floatingips",
        path="floatingips",
        verbs=network.floatingips,
        show=show,
        shown=SHOWN,
        wishes=FloatingIpWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        bulk=False,
    )


def _forwarded(row: PortForwardingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "protocol": row.protocol,
        "external_port": row.external_port,
        "internal_port": row.internal_port,
        "internal_ip_address": row.internal_ip_address,
        "internal_port_id": row.internal_port_id,
    }


def _body(row: FloatingIpRow, port: PortRow | None) -> dict[str, Any]:
    details = None
    if port is not None:
        details = {
            "name": port.name,
            "network_id": port.network_id,
            "mac_address": port.mac_address,
            "admin_state_up": port.admin_state_up,
            "status": port.status,
            "device_id": port.device_id,
            "device_owner": port.device_owner,
        }
    return {
        **standard_body(row),
        "floating_network_id": row.floating_network_id,
        "floating_ip_address": row.floating_ip_address,
        "router_id": row.router_id,
        "port_id": row.port_id,
        "fixed_ip_address": row.fixed_ip_address,
        "status": row.status,
        "port_details": details,
        "dns_name": row.dns_name,
        "dns_domain": row.dns_domain,
        "qos_policy_id": row.qos_policy_id,
    }
