"""The first flavors, and what this process's hosts have to offer."""

from collections.abc import Sequence

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.service.compute import ComputeService
from cumulo.core.assembly import AgentParts
from cumulo.core.db.transaction import Database, Tx

# (name, id, VCPUs, MiB, GiB); the ids are devstack's: scripts know them
FLAVORS = (
    ("m1.nano", "42", 1, 128, 1),
    ("m1.micro", "84", 1, 192, 1),
    ("m1.tiny", "1", 1, 512, 1),
    ("m1.small", "2", 1, 2048, 20),
    ("m1.medium", "3", 2, 4096, 40),
    ("m1.large", "4", 4, 8192, 80),
)


class FirstFlavors:
    def __init__(self, database: Database, compute: ComputeService) -> None:
        self._database = database
        self._compute = compute

    async def make(self, hosts: Sequence[AgentParts]) -> None:
        await self._database.write(lambda tx: self._make(tx, hosts), name="first run: compute")

    def _make(self, tx: Tx, hosts: Sequence[AgentParts]) -> None:
        compute = self._compute
        for name, flavor_id, vcpus, ram, disk in FLAVORS:
            if compute.flavors.find(tx, name) is None:
                wishes = {"id": flavor_id, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}
                compute.flavors.create(tx, wishes, None)
        for host in hosts:
            part = host.parts.get("compute")
            if isinstance(part, ComputeAgent):
                compute.hosts.register(tx, host.host_id, part.resources)
