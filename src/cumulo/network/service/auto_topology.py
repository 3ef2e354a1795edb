"""Get me a network: what a project needs to have guests that reach the outside, made at once out
of what administrators have marked as default (networking API v2.0, `auto-allocated-topology`)."""

from collections.abc import Sequence

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, NotFound
from cumulo.network.model.auto_topology import AutoTopologyRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.router import RouterRow
from cumulo.network.model.subnetpool import SubnetPoolRow
from cumulo.network.queries import network as network_queries
from cumulo.network.queries import subnetpool as pool_queries
from cumulo.network.service.networks import Networks, NetworkWishes
from cumulo.network.service.routers import GatewayWish, InterfaceWish, Routers, RouterWishes
from cumulo.network.service.subnets import Subnets, SubnetWishes

NAME = "auto_allocated_"


class AutoTopologies:
    def __init__(self, networks: Networks, subnets: Subnets, routers: Routers) -> None:
        self._networks = networks
        self._subnets = subnets
        self._routers = routers

    def check(self, tx: Tx) -> tuple[NetworkRow, Sequence[SubnetPoolRow]]:
        """(the default external network, the default subnet pools). Raises Conflict."""
        outside = tx.all(network_queries.DEFAULT_EXTERNAL)
        pools = [
            pool for version in (4, 6) if (pool := tx.one(pool_queries.DEFAULT, version=version))
        ]
        for found, missing in (
            (outside, "No default router:external network"),
            (pools, "No default subnetpools defined"),
        ):
            if not found:
                raise Conflict(f"Deployment error: {missing}.", kind="AutoAllocationFailure")
        return outside[0], pools

    def ensure(self, tx: Tx, project_id: str, who: Principal | None) -> str:
        """The project's network, made when there is none."""
        found = tx.get(AutoTopologyRow, project_id)
        if found is not None:
            return found.network_id
        outside, pools = self.check(tx)
        network = self._networks.create(tx, NetworkWishes(name=f"{NAME}network"), who, project_id)
        gateway = GatewayWish(network_id=outside.id)
        wishes = RouterWishes(name=f"{NAME}router", external_gateway_info=gateway)
        router = self._routers.create(tx, wishes, who, project_id)
        for pool in pools:
            subnet = self._subnets.create(
                tx,
                SubnetWishes(
                    name=f"{NAME}subnet_v{pool.ip_version}",
                    network_id=network.id,
                    ip_version=pool.ip_version,
                    subnetpool_id=pool.id,
                ),
                who,
                project_id,
            )
            self._routers.add_interface(tx, router, InterfaceWish(subnet.id), who)
            router = self._routers.get(tx, router.id, None)
        tx.insert(AutoTopologyRow(project_id, network.id, router.id))
        return network.id

    def remove(self, tx: Tx, project_id: str, who: Principal | None) -> None:
        """Raises Conflict while something else is on the network."""
        found = tx.get(AutoTopologyRow, project_id)
        if found is None:
            raise NotFound(
                f"No auto-allocated topology for project {project_id}.", kind="HTTPNotFound"
            )
        router = tx.get(RouterRow, found.router_id)
        if router is not None:
            for port in self._routers.interfaces_of(tx, router.id):
                self._routers.remove_interface(tx, router, InterfaceWish(port_id=port.id), who)
                router = self._routers.get(tx, router.id, None)
            self._routers.delete(tx, router, who)
        network = self._networks.get(tx, found.network_id, None)
        tx.delete(found)
        self._networks.delete(tx, network, who)
