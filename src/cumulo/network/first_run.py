"""The first networks: `public` to the outside, and the demo project's own behind a router."""

import ipaddress

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.interface import FirstUsers
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.orders import AllocationRange
from cumulo.network.service.network import NetworkService
from cumulo.network.service.networks import NetworkWishes
from cumulo.network.service.routers import GatewayWish, InterfaceWish, RouterWishes
from cumulo.network.service.subnets import SubnetWishes
from cumulo.settings import Settings


class FirstNetworks:
    def __init__(
        self, settings: Settings, database: Database, network: NetworkService, users: FirstUsers
    ) -> None:
        self._settings = settings
        self._database = database
        self._network = network
        self._users = users

    async def make(self, _hosts: object) -> None:
        await self._database.write(self._make, name="first run: networks")

    def _make(self, tx: Tx) -> None:
        """The external network, and the demo project's network behind a router."""
        network = self._network
        admin = self._users.project_id(tx, "admin")
        demo = self._users.project_id(tx, "demo")
        if admin is None or demo is None:
            return  # Somebody renamed or removed them: their networks are theirs to make.
        found = network.networks.listing.page(tx, where={"name": ["public"], "external": [True]})
        public = found[0] if found else self._public(tx, admin)
        mine = {"name": ["private"], "project_id": [demo]}
        private = network.networks.listing.page(tx, where=mine)
        if private:
            return
        made = network.networks.create(tx, NetworkWishes(name="private"), None, demo)
        wishes = SubnetWishes(name="private-subnet", network_id=made.id, cidr="10.0.0.0/24")
        subnet = network.subnets.create(tx, wishes, None, demo)
        gateway = GatewayWish(network_id=public.id)
        router = network.routers.create(
            tx, RouterWishes(name="demo-router", external_gateway_info=gateway), None, demo
        )
        network.routers.add_interface(tx, router, InterfaceWish(subnet_id=subnet.id), None)

    def _public(self, tx: Tx, project_id: str) -> NetworkRow:
        network = self._network
        cidr = ipaddress.ip_network(self._settings.networks.external_cidr)
        made = network.networks.create(
            tx, NetworkWishes(name="public", external=True, is_default=True), None, project_id
        )
        wishes = SubnetWishes(
            name="public-subnet",
            network_id=made.id,
            cidr=str(cidr),
            gateway_ip=str(cidr[1]),
            enable_dhcp=False,
        )
        if cidr.num_addresses >= 256:
            wishes.allocation_pools = [AllocationRange(str(cidr[10]), str(cidr[254]))]
        network.subnets.create(tx, wishes, None, project_id)
        return made
