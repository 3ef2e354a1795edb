"""How many addresses networks have, and how many of them are given out."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.network.model.ipam import ranges_of
from cumulo.network.model.network import NetworkRow
from cumulo.network.queries import availability as queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.service.networks import Networks


class Availabilities:
    listing = queries.AVAILABILITIES

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def get(self, tx: Tx, network_id: str, who: Principal | None) -> NetworkRow:
        return self._networks.get(tx, network_id, who)

    def of(self, tx: Tx, rows: Sequence[NetworkRow]) -> dict[str, list[dict[str, Any]]]:
        """Network → its subnets' counts. Two statements, however many networks there are."""
        ids = [row.id for row in rows]
        used = {str(id): int(count) for id, count in tx.tuples(queries.USED, ids=ids)}
        found: dict[str, list[dict[str, Any]]] = {}
        for subnet in tx.all(subnet_queries.OF_NETWORKS, ids=ids):
            pools = ranges_of(subnet.allocation_pools)
            found.setdefault(subnet.network_id, []).append(
                {
                    "subnet_id": subnet.id,
                    "subnet_name": subnet.name,
                    "cidr": subnet.cidr,
                    "ip_version": subnet.ip_version,
                    "total_ips": sum(last - first + 1 for first, last in pools),
                    "used_ips": used.get(subnet.id, 0),
                }
            )
        return found
