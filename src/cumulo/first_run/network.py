"""The first networks: `public` to the outside, and the demo project's own behind a router."""

import ipaddress

from cumulo.core.db.transaction import Tx
from cumulo.first_run.accounts import project_of
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.orders import AllocationRange
from cumulo.network.service.networks import NetworkWishes
from cumulo.network.service.routers import GatewayWish, InterfaceWish, RouterWishes
from cumulo.network.service.subnets import SubnetWishes
from cumulo.wiring import Cloud


async def make(cloud: Cloud) -> None:
    await cloud.database.write(lambda tx: _networks(tx, cloud), name="first run: networks")


def _networks(tx: Tx, cloud: Cloud) -> None:
    """The external network, and the demo project's network behind a router."""
    network = cloud.services.network
    admin, demo = project_of(tx, cloud, "admin"), project_of(tx, cloud, "demo")
    if admin is None or demo is None:
        return  # Somebody renamed or removed them: their networks are theirs to make.
    found = network.networks.listing.page(tx, where={"name": ["public"], "external": [True]})
    public = found[0] if found else _public(tx, cloud, admin.id)
    mine = {"name": ["private"], "project_id": [demo.id]}
    private = network.networks.listing.page(tx, where=mine)
    if private:
        return
    made = network.networks.create(tx, NetworkWishes(name="private"), None, demo.id)
    wishes = SubnetWishes(name="private-subnet", network_id=made.id, cidr="10.0.0.0/24")
    subnet = network.subnets.create(tx, wishes, None, demo.id)
    gateway = GatewayWish(network_id=public.id)
    router = network.routers.create(
        tx, RouterWishes(name="demo-router", external_gateway_info=gateway), None, demo.id
    )
    network.routers.add_interface(tx, router, InterfaceWish(subnet_id=subnet.id), None)


def _public(tx: Tx, cloud: Cloud, project_id: str) -> NetworkRow:
    network = cloud.services.network
    cidr = ipaddress.ip_network(cloud.settings.networks.external_cidr)
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
