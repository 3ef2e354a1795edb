"""Networks on the wire: networking API v2.0, `networks`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.model.network import NetworkRow, network_status
from cumulo.network.service.network import NetworkService
from cumulo.network.service.networks import CREATE_ONLY, NetworkWishes

SHOWN = STANDARD | {
    "name",
    "admin_state_up",
    "status",
    "shared",
    "router:external",
    "subnets",
    "mtu",
    "is_default",
    "port_security_enabled",
    "provider:network_type",
    "provider:physical_network",
    "provider:segmentation_id",
    "availability_zone_hints",
    "availability_zones",
    "ipv4_address_scope",
    "ipv6_address_scope",
    "dns_domain",
    "qos_policy_id",
}


def networks(network: NetworkService) -> Noun[NetworkRow]:
    def show(tx: Tx, rows: Sequence[NetworkRow]) -> list[dict[str, Any]]:
        subnets = network.networks.subnet_ids(tx, [row.id for row in rows])
        scopes = network.networks.scopes_of(tx, [row.id for row in rows])
        return [_body(row, subnets.get(row.id, []), scopes) for row in rows]

    return Noun(
        name="network",
        plural="networks",
        path="networks",
        verbs=network.networks,
        show=show,
        shown=SHOWN,
        wishes=NetworkWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: network_target(row),
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
    )


def network_target(row: NetworkRow) -> dict[str, Any]:
    return {
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "shared": row.shared,
        "router:external": row.external,
        "network:project_id": row.project_id,
    }


def parent_target(tx: Tx, network_id: object) -> dict[str, Any]:
    """What a policy may ask about the network that something is in."""
    row = tx.get(NetworkRow, network_id) if isinstance(network_id, str) else None
    if row is None:
        return {}
    return {
        "shared": row.shared,
        "router:external": row.external,
        "network:project_id": row.project_id,
        "network:tenant_id": row.project_id,
    }


def _body(
    row: NetworkRow, subnets: list[str], scopes: dict[tuple[str, int], str]
) -> dict[str, Any]:
    body = {
        **standard_body(row),
        "name": row.name,
        "admin_state_up": row.admin_state_up,
        "status": network_status(row),
        "shared": row.shared,
        "router:external": row.external,
        "subnets": subnets,
        "mtu": row.mtu,
        "port_security_enabled": row.port_security_enabled,
        "provider:network_type": row.network_type,
        "provider:physical_network": row.physical_network,
        "provider:segmentation_id": row.segmentation_id,
        "availability_zone_hints": row.availability_zone_hints,
        "availability_zones": ["nova"],
        "ipv4_address_scope": scopes.get((row.id, 4)),
        "ipv6_address_scope": scopes.get((row.id, 6)),
        "dns_domain": row.dns_domain,
        "qos_policy_id": row.qos_policy_id,
    }
    if row.external:
        body["is_default"] = row.is_default
    return body
