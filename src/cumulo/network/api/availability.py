"""Addresses of networks, counted; and where floating IPs come from: networking API v2.0,
`network-ip-availabilities`, `floatingip_pools`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import Noun, admin_or_self
from cumulo.network.model.network import NetworkRow
from cumulo.network.service.network import NetworkService

SHOWN = frozenset(
    {
        "network_id",
        "network_name",
        "project_id",
        "tenant_id",
        "total_ips",
        "used_ips",
        "subnet_ip_availability",
    }
)


class NoWishes(msgspec.Struct):
    """Nobody makes one."""


def availabilities(network: NetworkService) -> Noun[NetworkRow]:
    def show(tx: Tx, rows: Sequence[NetworkRow]) -> list[dict[str, Any]]:
        subnets = network.availabilities.of(tx, rows)
        return [_body(row, subnets.get(row.id, [])) for row in rows]

    return Noun(
        name="network_ip_availability",
        plural="network_ip_availabilities",
        path="network-ip-availabilities",
        verbs=network.availabilities,
        show=show,
        shown=SHOWN,
        wishes=NoWishes,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        tags=False,
        read_only=True,
        filters={"ip_version": int},
    )


def _body(row: NetworkRow, subnets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "network_id": row.id,
        "network_name": row.name,
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "total_ips": sum(each["total_ips"] for each in subnets),
        "used_ips": sum(each["used_ips"] for each in subnets),
        "subnet_ip_availability": subnets,
    }


class PoolsApi:
    """Subnets that floating IPs can be taken from."""

    def __init__(self, network: NetworkService) -> None:
        self._network = network

    def operations(self) -> list[Operation]:
        path = "/v2.0/floatingip_pools"
        return [Operation("GET", path, self.index, policy="get_floatingip_pool", early=False)]

    def index(self, call: Call, tx: Tx) -> Any:
        found = self._network.floatingips.pools(tx, admin_or_self(call))
        bodies = [
            {
                "subnet_id": subnet.id,
                "subnet_name": subnet.name,
                "network_id": subnet.network_id,
                "cidr": subnet.cidr,
                "project_id": subnet.project_id,
                "tenant_id": subnet.project_id,
            }
            for subnet in found
        ]
        for name in ("subnet_id", "subnet_name", "network_id", "cidr", "project_id"):
            wanted = call.query.all(name)
            if wanted:
                bodies = [body for body in bodies if body[name] in wanted]
        return {"floatingip_pools": bodies}
