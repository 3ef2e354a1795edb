"""The first flavors, and what this process's hosts have to offer."""

from cumulo.compute.agent import ComputeAgent
from cumulo.core.db.transaction import Tx
from cumulo.wiring import Cloud

# (name, id, VCPUs, MiB, GiB); the ids are devstack's: scripts know them
FLAVORS = (
    ("m1.nano", "42", 1, 128, 1),
    ("m1.micro", "84", 1, 192, 1),
    ("m1.tiny", "1", 1, 512, 1),
    ("m1.small", "2", 1, 2048, 20),
    ("m1.medium", "3", 2, 4096, 40),
    ("m1.large", "4", 4, 8192, 80),
)


async def make(cloud: Cloud) -> None:
    await cloud.database.write(lambda tx: _compute(tx, cloud), name="first run: compute")


def _compute(tx: Tx, cloud: Cloud) -> None:
    compute = cloud.services.compute
    for name, flavor_id, vcpus, ram, disk in FLAVORS:
        if compute.flavors.find(tx, name) is None:
            wishes = {"id": flavor_id, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}
            compute.flavors.create(tx, wishes, None)
    for agent in cloud.agents:
        part = agent.parts.get("compute")
        if isinstance(part, ComputeAgent):
            compute.hosts.register(tx, agent.host_id, part.resources)
