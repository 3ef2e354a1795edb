"""Scenarios of trunks: ports that carry other ports."""

from typing import Any

from cumulo.benchmark.actions import neutron, nova
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import Fit, number, scenario

Args = dict[str, Any] | None

_COUNT = {"subport_count": number(1, 4094, whole=True)}
_BOOT: Any = {
    "services": ("nova", "neutron"),
    "cleanup": ("nova", "neutron"),
    "finds": {"image": "image", "flavor": "flavor"},
    "fits": (Fit(),),
}


def _subports(ports: list[dict[str, Any]], first: int = 1) -> list[dict[str, Any]]:
    return [
        {"port_id": port["id"], "segmentation_type": "vlan", "segmentation_id": tag}
        for tag, port in enumerate(ports, first)
    ]


async def _ports(run: Run, count: int, args: Args) -> list[dict[str, Any]]:
    """Ports, each in a network of its own with a subnet."""
    made = []
    for _ in range(count):
        network, subnets, _ = await neutron.topology(
            run, network_args=args, subnet_args={"start_cidr": "1.0.0.0/24"}
        )
        fixed = [{"subnet_id": subnets[0]["id"]}]
        made.append(await neutron.create_port(run, network["id"], fixed_ips=fixed))
    return made


@scenario(
    "NeutronTrunks.create_and_list_trunks",
    services=("neutron",),
    cleanup=("neutron",),
    numbers=_COUNT,
)
async def create_and_list_trunks(
    run: Run, network_create_args: Args = None, subport_count: int = 10
) -> None:
    """Create a trunk with ports, list trunks and the ports of this one"""
    network = await neutron.create_network(run, **(network_create_args or {}))
    parent, *others = [
        await neutron.create_port(run, network["id"]) for _ in range(subport_count + 1)
    ]
    trunk = await neutron.create_trunk(run, port_id=parent["id"], sub_ports=_subports(others))
    await neutron.list_trunks(run)
    await neutron.list_subports(run, trunk["id"])


@scenario("NeutronTrunks.boot_server_with_subports", numbers=_COUNT, **_BOOT)
async def boot_server_with_subports(
    run: Run, image: str, flavor: str, network_create_args: Args = None, subport_count: int = 10
) -> None:
    """Boot a server on a trunk that has its ports already"""
    parent, *others = await _ports(run, subport_count + 1, network_create_args)
    await neutron.create_trunk(run, port_id=parent["id"], sub_ports=_subports(others))
    await nova.boot_server(run, image, flavor, nics=[{"port-id": parent["id"]}])


@scenario("NeutronTrunks.boot_server_and_add_subports", numbers=_COUNT, **_BOOT)
async def boot_server_and_add_subports(
    run: Run, image: str, flavor: str, network_create_args: Args = None, subport_count: int = 10
) -> None:
    """Boot a server on a trunk and add ports one by one"""
    parent, *others = await _ports(run, subport_count + 1, network_create_args)
    trunk = await neutron.create_trunk(run, port_id=parent["id"])
    await nova.boot_server(run, image, flavor, nics=[{"port-id": parent["id"]}])
    for subport in _subports(others):
        await neutron.add_subports(run, trunk["id"], [subport])


@scenario("NeutronTrunks.boot_server_and_batch_add_subports", **_BOOT)
async def boot_server_and_batch_add_subports(
    run: Run,
    image: str,
    flavor: str,
    network_create_args: Args = None,
    subports_per_batch: int = 10,
    batches: int = 5,
) -> None:
    """Boot a server on a trunk and add ports, several at a time"""
    count = subports_per_batch * batches + 1
    parent, *others = await _ports(run, count, network_create_args)
    trunk = await neutron.create_trunk(run, port_id=parent["id"])
    await nova.boot_server(run, image, flavor, nics=[{"port-id": parent["id"]}])
    subports = _subports(others)
    for start in range(0, len(subports), subports_per_batch):
        await neutron.add_subports(run, trunk["id"], subports[start : start + subports_per_batch])
