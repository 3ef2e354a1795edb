"""Scenarios of networking: networks, subnets, routers, ports, floating IPs."""

from typing import Any

from cumulo.benchmark.actions import neutron
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.registry import number, scenario

Args = dict[str, Any] | None

_OWN: Any = {"services": ("neutron",), "cleanup": ("neutron",)}
_SUBNETS = {"subnets_per_network": number(1, 1000, whole=True)}
_PORTS = {"ports_per_network": number(1, 10_000, whole=True)}


@scenario("NeutronNetworks.create_and_list_networks", **_OWN)
async def create_and_list_networks(run: Run, network_create_args: Args = None) -> None:
    """Create a network and list all of them"""
    await neutron.create_network(run, **(network_create_args or {}))
    await neutron.list_networks(run)


@scenario("NeutronNetworks.create_and_show_network", **_OWN)
async def create_and_show_network(run: Run, network_create_args: Args = None) -> None:
    """Create a network and show it"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    await neutron.get_network(run, network["id"])


@scenario("NeutronNetworks.create_and_update_networks", **_OWN)
async def create_and_update_networks(
    run: Run, network_update_args: dict[str, Any], network_create_args: Args = None
) -> None:
    """Create a network and change it"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    await neutron.update_network(run, network["id"], **network_update_args)


@scenario("NeutronNetworks.create_and_delete_networks", **_OWN)
async def create_and_delete_networks(run: Run, network_create_args: Args = None) -> None:
    """Create a network and delete it"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    await neutron.delete_network(run, network["id"])


async def _network(run: Run, args: Args) -> dict[str, Any]:
    """One of the context's networks, by turns; without them: a new one."""
    made: list[dict[str, Any]] = run.tenant.get("networks") or []
    if made:
        return made[run.number % len(made)]
    return await neutron.create_network(run, **(args or {}))


async def _subnets(
    run: Run, network: dict[str, Any], args: Args, start: str | None, count: int
) -> list[dict[str, Any]]:
    return [
        await neutron.create_subnet(run, network["id"], start_cidr=start, **(args or {}))
        for _ in range(count)
    ]


@scenario("NeutronNetworks.create_and_list_subnets", numbers=_SUBNETS, **_OWN)
async def create_and_list_subnets(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
) -> None:
    """Create a network with subnets and list all subnets"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    await _subnets(run, network, subnet_create_args, subnet_cidr_start, subnets_per_network)
    await neutron.list_subnets(run)


@scenario("NeutronNetworks.create_and_show_subnets", numbers=_SUBNETS, **_OWN)
async def create_and_show_subnets(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
) -> None:
    """Create subnets in a network and show each"""
    network = await _network(run, network_create_args)
    made = await _subnets(run, network, subnet_create_args, subnet_cidr_start, subnets_per_network)
    for subnet in made:
        await neutron.get_subnet(run, subnet["id"])


@scenario("NeutronNetworks.create_and_update_subnets", numbers=_SUBNETS, **_OWN)
async def create_and_update_subnets(
    run: Run,
    subnet_update_args: dict[str, Any],
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
) -> None:
    """Create a network with subnets and change each"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    made = await _subnets(run, network, subnet_create_args, subnet_cidr_start, subnets_per_network)
    for subnet in made:
        await neutron.update_subnet(run, subnet["id"], **subnet_update_args)


@scenario("NeutronNetworks.create_and_delete_subnets", numbers=_SUBNETS, **_OWN)
async def create_and_delete_subnets(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
) -> None:
    """Create subnets in a network and delete each"""
    network = await _network(run, network_create_args)
    made = await _subnets(run, network, subnet_create_args, subnet_cidr_start, subnets_per_network)
    for subnet in made:
        await neutron.delete_subnet(run, subnet["id"])


async def _routed(
    run: Run, network: Args, subnet: Args, start: str | None, count: int, router: Args
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(subnets, routers): a network with so many subnets, each with a router of its own."""
    _, subnets, routers = await neutron.topology(
        run,
        network_args=network,
        router_args=dict(router or {}),
        router_per_subnet=True,
        subnet_args={**(subnet or {}), "start_cidr": start},
        subnets=count,
    )
    return subnets, routers


@scenario("NeutronNetworks.create_and_list_routers", numbers=_SUBNETS, **_OWN)
async def create_and_list_routers(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
    router_create_args: Args = None,
) -> None:
    """Create a network with subnets and routers, and list all routers"""
    await _routed(
        run,
        network_create_args,
        subnet_create_args,
        subnet_cidr_start,
        subnets_per_network,
        router_create_args,
    )
    await neutron.list_routers(run)


@scenario("NeutronNetworks.create_and_show_routers", numbers=_SUBNETS, **_OWN)
async def create_and_show_routers(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
    router_create_args: Args = None,
) -> None:
    """Create a network with subnets and routers, and show each router"""
    _, routers = await _routed(
        run,
        network_create_args,
        subnet_create_args,
        subnet_cidr_start,
        subnets_per_network,
        router_create_args,
    )
    for router in routers:
        await neutron.get_router(run, router["id"])


@scenario("NeutronNetworks.create_and_update_routers", numbers=_SUBNETS, **_OWN)
async def create_and_update_routers(
    run: Run,
    router_update_args: dict[str, Any],
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
    router_create_args: Args = None,
) -> None:
    """Create a network with subnets and routers, and change each router"""
    _, routers = await _routed(
        run,
        network_create_args,
        subnet_create_args,
        subnet_cidr_start,
        subnets_per_network,
        router_create_args,
    )
    for router in routers:
        await neutron.update_router(run, router["id"], **router_update_args)


@scenario("NeutronNetworks.create_and_delete_routers", numbers=_SUBNETS, **_OWN)
async def create_and_delete_routers(
    run: Run,
    network_create_args: Args = None,
    subnet_create_args: Args = None,
    subnet_cidr_start: str | None = None,
    subnets_per_network: int = 1,
    router_create_args: Args = None,
) -> None:
    """Create a network with subnets and routers, and delete the routers"""
    subnets, routers = await _routed(
        run,
        network_create_args,
        subnet_create_args,
        subnet_cidr_start,
        subnets_per_network,
        router_create_args,
    )
    for subnet, router in zip(subnets, routers, strict=True):
        await neutron.remove_interface(run, router["id"], subnet["id"])
        await neutron.delete_router(run, router["id"])


@scenario("NeutronNetworks.set_and_clear_router_gateway", **_OWN)
async def set_and_clear_router_gateway(
    run: Run,
    enable_snat: bool = True,
    network_create_args: Args = None,
    router_create_args: Args = None,
) -> None:
    """Give a router a gateway and take it away"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    router = await neutron.create_router(run, **(router_create_args or {}))
    await neutron.add_gateway(run, router["id"], network["id"], enable_snat)
    await neutron.remove_gateway(run, router["id"])


@scenario("NeutronNetworks.create_and_list_ports", numbers=_PORTS, **_OWN)
async def create_and_list_ports(
    run: Run,
    network_create_args: Args = None,
    port_create_args: Args = None,
    ports_per_network: int = 1,
) -> None:
    """Create ports in a network and list all ports"""
    network = await _network(run, network_create_args)
    for _ in range(ports_per_network):
        await neutron.create_port(run, network["id"], **(port_create_args or {}))
    await neutron.list_ports(run)


@scenario("NeutronNetworks.create_and_update_ports", numbers=_PORTS, **_OWN)
async def create_and_update_ports(
    run: Run,
    port_update_args: dict[str, Any],
    network_create_args: Args = None,
    port_create_args: Args = None,
    ports_per_network: int = 1,
) -> None:
    """Create ports in a network and change each"""
    network = await _network(run, network_create_args)
    for _ in range(ports_per_network):
        port = await neutron.create_port(run, network["id"], **(port_create_args or {}))
        await neutron.update_port(run, port["id"], **port_update_args)


@scenario("NeutronNetworks.create_and_show_ports", numbers=_PORTS, **_OWN)
async def create_and_show_ports(
    run: Run,
    network_create_args: Args = None,
    port_create_args: Args = None,
    ports_per_network: int = 1,
) -> None:
    """Create ports in a network and show each"""
    network = await _network(run, network_create_args)
    for _ in range(ports_per_network):
        port = await neutron.create_port(run, network["id"], **(port_create_args or {}))
        await neutron.get_port(run, port["id"])


@scenario("NeutronNetworks.create_and_delete_ports", numbers=_PORTS, **_OWN)
async def create_and_delete_ports(
    run: Run,
    network_create_args: Args = None,
    port_create_args: Args = None,
    ports_per_network: int = 1,
) -> None:
    """Create ports in a network and delete each"""
    network = await _network(run, network_create_args)
    for _ in range(ports_per_network):
        port = await neutron.create_port(run, network["id"], **(port_create_args or {}))
        await neutron.delete_port(run, port["id"])


_BINDS = ("Open vSwitch agent", "Linux bridge agent", "OVN Controller agent", "Cumulo agent")


@scenario(
    "NeutronNetworks.create_and_bind_ports",
    admin=True,
    brings={"networking_agents": {}, "network": {}},
    numbers=_PORTS,
    **_OWN,
)
async def create_and_bind_ports(run: Run, ports_per_network: int = 1) -> None:
    """Create ports in the context's networks and bind each to a host"""
    hosts = [
        agent["host"]
        for agent in run.surroundings.data.get("networking_agents", ())
        if agent["alive"] and agent["admin_state_up"] and agent["agent_type"] in _BINDS
    ]
    if not hosts:
        raise CheckFailed(f"No live agent of type(s) to bind was found: {', '.join(_BINDS)}")
    for network in run.tenant["networks"]:
        await neutron.create_subnet(run, network["id"], ip_version=4)
        await neutron.create_subnet(run, network["id"], ip_version=6)
        for _ in range(ports_per_network):
            port = await neutron.create_port(run, network["id"])
            changes = {
                "device_owner": "compute:nova",
                "device_id": "ba805478-85ff-11e9-a2e4-2b8dea218fc8",
                "binding:host_id": hosts[-1],
            }
            await neutron.update_port(run, port["id"], admin=True, **changes)


@scenario("NeutronNetworks.create_and_list_floating_ips", **_OWN)
async def create_and_list_floating_ips(
    run: Run, floating_network: str | None = None, floating_ip_args: Args = None
) -> None:
    """Create a floating IP and list all of them"""
    await neutron.create_floating_ip(run, floating_network, **(floating_ip_args or {}))
    await neutron.list_floating_ips(run)


@scenario("NeutronNetworks.create_and_delete_floating_ips", **_OWN)
async def create_and_delete_floating_ips(
    run: Run, floating_network: str | None = None, floating_ip_args: Args = None
) -> None:
    """Create a floating IP and delete it"""
    made = await neutron.create_floating_ip(run, floating_network, **(floating_ip_args or {}))
    await neutron.delete_floating_ip(run, made["id"])


@scenario("NeutronNetworks.associate_and_dissociate_floating_ips", **_OWN)
async def associate_and_dissociate_floating_ips(
    run: Run, floating_network: str | None = None
) -> None:
    """Give a port behind a router a floating IP and take it away"""
    outside = await neutron.find_network(run, floating_network, external=True)
    floating_ip = await neutron.create_floating_ip(run, outside)
    network = await neutron.create_network(run)
    subnet = await neutron.create_subnet(run, network["id"])
    port = await neutron.create_port(run, network["id"])
    router = await neutron.create_router(run)
    await neutron.add_gateway(run, router["id"], outside["id"])
    await neutron.add_interface(run, router["id"], subnet["id"])
    await neutron.associate_floating_ip(run, floating_ip["id"], port["id"])
    await neutron.dissociate_floating_ip(run, floating_ip["id"])


@scenario("NeutronNetworks.list_agents", admin=True, services=("neutron",))
async def list_agents(run: Run, agent_args: Args = None) -> None:
    """List the agents of networking"""
    await neutron.list_agents(run, **(agent_args or {}))


@scenario("NeutronSubnets.delete_subnets", contexts=("network",), **_OWN)
async def delete_subnets(run: Run) -> None:
    """Delete a subnet of each of the context's networks, each user another one"""
    assert run.user is not None
    mine = [u for u in run.surroundings.users if u.tenant_id == run.user.tenant_id]
    place = mine.index(run.user)
    for network in run.tenant["networks"]:
        await neutron.delete_subnet(run, network["subnets"][place])
