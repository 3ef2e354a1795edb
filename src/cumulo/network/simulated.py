"""What users of networks do in a simulated world."""

from cumulo.core.sim.player import Invariant, Player, Verb

BASE = "/network/v2.0"


async def create_network(player: Player) -> None:
    network = await player.make("network", f"{BASE}/networks", {"network": {"name": player.name()}})
    octet = player.chance.randrange(250)
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": f"10.{octet}.0.0/24"}
    await player.make("subnet", f"{BASE}/subnets", {"subnet": subnet})


async def delete_network(player: Player) -> None:
    path = player.any_of("network")
    found = await player.done("GET", path)
    subnets = [f"{BASE}/subnets/{each}" for each in found["network"]["subnets"]]
    player.ledger.unsure.update(subnets)
    await player.remove(path)
    for subnet in subnets:
        player.ledger.removed(subnet)


async def create_port(player: Player) -> None:
    wish = {"network_id": player.id_of("network"), "name": player.name()}
    await player.make("port", f"{BASE}/ports", {"port": wish})


async def delete_port(player: Player) -> None:
    await player.remove(player.any_of("port"))


async def create_router(player: Player) -> None:
    found = await player.done("GET", f"{BASE}/networks?name=public")
    gateway = {"network_id": found["networks"][0]["id"]}
    wish = {"name": player.name(), "external_gateway_info": gateway}
    router = await player.make("router", f"{BASE}/routers", {"router": wish})
    path = f"{BASE}/routers/{router['id']}/add_router_interface"
    await player.done("PUT", path, {"subnet_id": player.id_of("subnet")})


async def delete_router(player: Player) -> None:
    path = player.any_of("router")
    found = await player.done("GET", f"{BASE}/ports?device_id={path.rpartition('/')[2]}")
    for port in found["ports"]:
        for fixed in port["fixed_ips"] if "interface" in port["device_owner"] else ():
            wish = {"subnet_id": fixed["subnet_id"]}
            await player.call("PUT", f"{path}/remove_router_interface", wish)
    await player.remove(path)


async def floating_ip(player: Player) -> None:
    found = await player.done("GET", f"{BASE}/networks?name=public")
    wish = {"floating_network_id": found["networks"][0]["id"]}
    await player.make("floating IP", f"{BASE}/floatingips", {"floatingip": wish})


async def associate(player: Player) -> None:
    path = player.any_of("floating IP")
    await player.done("PUT", path, {"floatingip": {"port_id": player.id_of("port")}})


async def release(player: Player) -> None:
    await player.remove(player.any_of("floating IP"))


VERBS = [
    Verb("create network", create_network, 2),
    Verb("delete network", delete_network),
    Verb("create port", create_port, 2),
    Verb("delete port", delete_port),
    Verb("create router", create_router),
    Verb("delete router", delete_router),
    Verb("floating IP", floating_ip),
    Verb("associate floating IP", associate),
    Verb("release floating IP", release),
]
INVARIANTS: list[Invariant] = []
