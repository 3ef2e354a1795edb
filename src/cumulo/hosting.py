"""The hosts of this process: their drivers, their agents, and how to take them away.

On a machine with a data plane that is one host with real drivers. With `--fake` it is as many
simulated hosts as the settings ask for, the first of which also routes and stores.
"""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cumulo.block_storage.agent import StorageAgent
from cumulo.block_storage.drivers.fake import FakeDriver as FakeVolumes
from cumulo.block_storage.drivers.file import FileDriver as VolumeFiles
from cumulo.compute.agent import ComputeAgent, simulated_host
from cumulo.compute.drivers.driver import ComputeDriver
from cumulo.compute.drivers.image_cache import ImageCache
from cumulo.compute.drivers.machine import resources_of
from cumulo.core.hosts.work import HostPart
from cumulo.network.agent import NetworkHostPart
from cumulo.network.drivers.driver import NetworkDriver
from cumulo.network.drivers.make import make_driver
from cumulo.network.model.metadata import MetadataHandler
from cumulo.settings import Settings, instance_prefix

SWEEPS: Mapping[str, float] = {"compute": 10.0, "block_storage": 30.0, "network": 60.0}
"""Seconds between two looks at the machine when nobody asked for anything."""
FAKE_SWEEPS = dict.fromkeys(SWEEPS, 60.0)


@dataclass
class Host:
    """One host: the agent's side of each kind of work, and how often it looks around."""

    id: str
    parts: list[HostPart]
    sweeps: Mapping[str, float]
    journals: Path
    """Where it keeps what it was told."""


def hosts(settings: Settings, metadata: MetadataHandler | None = None) -> list[Host]:
    return fake_hosts(settings) if settings.fake else [real_host(settings, metadata)]


def run_dir(settings: Settings) -> Path:
    """Where other users' processes (dnsmasq runs as nobody) find what they need."""
    return Path("/run/cumulo") / instance_prefix(settings)


def real_host(settings: Settings, metadata: MetadataHandler | None) -> Host:
    """This machine."""
    network = network_driver(settings, metadata)
    agents: list[ComputeAgent] = []

    def guest_changed(guest_id: str) -> None:
        for agent in agents:
            agent.guest_changed(guest_id)

    cache = ImageCache(settings.data_dir / "cache")
    compute = compute_driver(settings, guest_changed)
    agents.append(ComputeAgent(compute, resources_of(settings.data_dir), cache))
    volumes = StorageAgent(VolumeFiles(settings.data_dir))
    name = socket.gethostname() or "localhost"
    parts: list[HostPart] = [NetworkHostPart(network), volumes, agents[0]]
    return Host(name, parts, SWEEPS, settings.data_dir / "agent")


def compute_driver(
    settings: Settings, on_change: Callable[[str], None] | None = None
) -> ComputeDriver:
    from cumulo.compute.drivers.qemu.driver import QemuDriver

    return QemuDriver(
        settings.data_dir,
        namespace=f"{instance_prefix(settings)}-host",
        on_change=on_change,
    )


def network_driver(settings: Settings, metadata: MetadataHandler | None = None) -> NetworkDriver:
    state = run_dir(settings)
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    return make_driver(
        "linux",
        prefix=instance_prefix(settings),
        state=state,
        metadata=metadata,
        nat_to_outside=settings.networks.nat_to_outside,
        forwarders=_resolvers(),
    )


def _resolvers() -> list[str]:
    """The machine's own name servers, which guests' networks forward to."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"][:3]


def fake_hosts(settings: Settings) -> list[Host]:
    """Simulated hosts; their guests and volumes outlive the process as real ones do. The first
    one also keeps the volumes."""
    count = settings.compute.fake_hosts
    made = []
    for number in range(count):
        name = "fake-host" if count == 1 else f"fake-{number + 1:04}"
        folder = settings.data_dir / "fake" / name
        parts: list[HostPart] = [NetworkHostPart(make_driver("fake")), simulated_host(folder)]
        if number == 0:
            files = settings.data_dir / "fake" / "volumes"
            simulated = settings.compute.fake_volumes
            parts.append(StorageAgent(FakeVolumes(files) if simulated else VolumeFiles(files)))
        made.append(Host(name, parts, FAKE_SWEEPS, folder / "agent"))
    return made


async def stop(settings: Settings, *, remove: bool) -> int:
    """Stop the guests of this machine while no control plane runs; how many there were. With
    `remove` their disks and all networks that Cumulo made go too."""
    if settings.fake:
        return 0
    compute = compute_driver(settings)
    guests = [guest.id for guest in await compute.list()]
    work = compute.remove if remove else compute.stop
    await asyncio.gather(*(work(guest_id) for guest_id in guests))
    await compute.close()
    if remove:
        network = network_driver(settings)
        await network.remove_all()
        shutil.rmtree(run_dir(settings), ignore_errors=True)
        with contextlib.suppress(OSError):  # other clouds of this machine are still in there
            run_dir(settings).parent.rmdir()
    return len(guests)
