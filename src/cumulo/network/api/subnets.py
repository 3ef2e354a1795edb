"""Subnets on the wire: networking API v2.0, `subnets`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.api.networks import parent_target, seen_target
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.service.network import NetworkService
from cumulo.network.service.subnets import CREATE_ONLY, SubnetWishes

SHOWN = STANDARD | {
    "name",
    "network_id",
    "ip_version",
    "cidr",
    "gateway_ip",
    "enable_dhcp",
    "allocation_pools",
    "dns_nameservers",
    "host_routes",
    "ipv6_ra_mode",
    "ipv6_address_mode",
    "subnetpool_id",
    "service_types",
    "dns_publish_fixed_ip",
}


def subnets(network: NetworkService) -> Noun[SubnetRow]:
    return Noun(
        name="subnet",
        plural="subnets",
        path="subnets",
        verbs=network.subnets,
        show=show,
        shown=SHOWN,
        wishes=SubnetWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {
            **parent_target(tx, row.network_id),
            "project_id": row.project_id,
            "tenant_id": row.project_id,
        },
        parent=lambda tx, wishes, project: seen_target(network, tx, wishes.network_id, project),
        shared_with=lambda tx, rows, project: network.networks.shared_within(tx, rows, project),
    )


def show(tx: Tx, rows: Sequence[SubnetRow]) -> list[dict[str, Any]]:
    return [
        {
            **standard_body(row),
            "name": row.name,
            "network_id": row.network_id,
            "ip_version": row.ip_version,
            "cidr": row.cidr,
            "gateway_ip": row.gateway_ip,
            "enable_dhcp": row.enable_dhcp,
            "allocation_pools": msgspec.to_builtins(row.allocation_pools),
            "dns_nameservers": row.dns_nameservers,
            "host_routes": msgspec.to_builtins(row.host_routes),
            "ipv6_ra_mode": row.ipv6_ra_mode,
            "ipv6_address_mode": row.ipv6_address_mode,
            "subnetpool_id": row.subnetpool_id,
            "service_types": row.service_types,
            "dns_publish_fixed_ip": row.dns_publish_fixed_ip,
        }
        for row in rows
    ]
