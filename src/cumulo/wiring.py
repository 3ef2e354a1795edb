"""The only file that knows every service: builds them and connects them.

`build` makes the services on top of a database; `Cloud.run` starts what moves: the agent of this
host, the reconcilers, the HTTP server.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cumulo import __version__
from cumulo.block_storage.interface import BlockStorage
from cumulo.compute.agent import ComputeAgent, qemu_host, simulated_host
from cumulo.compute.api.face import compute_faces
from cumulo.compute.policy import RULES as COMPUTE_RULES
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.hosts import Ratios
from cumulo.core.auth.passwords import Passwords
from cumulo.core.auth.policy import Rules
from cumulo.core.auth.tokens import TokenKeys
from cumulo.core.db import migrations
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.hosts.agent import Agent, HostPart, InProcessLink
from cumulo.core.hosts.conductor import Conductor, Part
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.http.application import Application
from cumulo.core.http.operations import Face
from cumulo.core.http.operator import operator_face
from cumulo.core.http.root import root_face
from cumulo.core.work.reconciler import Reconciler, ReconcilerLoop
from cumulo.identity.api.face import identity_face
from cumulo.identity.policy import RULES as IDENTITY_RULES
from cumulo.identity.service.identity import IdentityService
from cumulo.image.api.face import image_face
from cumulo.image.drivers.file import FileDriver as ImageFiles
from cumulo.image.interface import Images
from cumulo.image.policy import RULES as IMAGE_RULES
from cumulo.image.reconcile import ImageRemovals, InterruptedUploads
from cumulo.image.service.image import ImageService
from cumulo.network.interface import Network
from cumulo.placement.api.face import placement_face
from cumulo.placement.policy import RULES as PLACEMENT_RULES
from cumulo.placement.service.placement import PlacementService
from cumulo.settings import Settings

log = logging.getLogger("cumulo")


@dataclass
class Services:
    """The services, by their names."""

    identity: IdentityService
    image: ImageService
    placement: PlacementService
    compute: ComputeService | None = None


@dataclass
class Neighbours:
    """What compute needs of the services beside it."""

    network: Network
    volumes: BlockStorage
    images: Images | None = None
    """None: this cloud's own image service."""


@dataclass
class Cloud:
    """One control plane process."""

    settings: Settings
    database: Database
    registry: HostRegistry
    conductor: Conductor
    services: Services
    application: Application
    reconcilers: list[ReconcilerLoop] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)

    async def work(self) -> None:
        """Agents and reconcilers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for agent in self.agents:
                group.create_task(agent.run())
            for loop in self.reconcilers:
                group.create_task(loop.run())

    def close(self) -> None:
        self.services.identity.passwords.close()
        self.database.close()


def engine_of(settings: Settings) -> Any:
    """The engine that the settings name."""
    url = settings.database.url
    if not url:
        path = settings.data_dir / "cumulo.db"
        return SqliteDatabase(path, durable=settings.database.durable_commits)
    from cumulo.core.db.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(url, threads=settings.database.threads)


def open_database(settings: Settings) -> Any:
    """The same, with this release's schema."""
    database = engine_of(settings)
    migrations.prepare(database)
    return database


def build(
    settings: Settings, *, host_id: str = "localhost", neighbours: Neighbours | None = None
) -> Cloud:
    """All services on the settings' database; nothing moves yet."""
    database = open_database(settings)
    registry = HostRegistry()
    identity = IdentityService(
        TokenKeys(settings.secrets_dir / "token-keys"),
        Passwords(rounds=settings.identity.password_rounds),
        token_lifetime=settings.identity.token_lifetime,
    )
    placement = PlacementService()
    services = Services(
        identity=identity,
        image=ImageService(database, ImageFiles(settings.data_dir)),
        placement=placement,
    )
    parts: list[Part] = []
    if neighbours is not None:
        services.compute = _compute(settings, registry, services, neighbours)
        parts.append(services.compute.part)
    conductor = Conductor(database, registry, parts)
    application = Application(database, identity, auth_url=f"{settings.base_url}/identity/v3")
    for face in _faces(settings, services, database, conductor):
        application.mount(face)
    application.mount(operator_face(registry, _counts(services)))
    application.mount(root_face(application, settings.base_url, __version__))
    cloud = Cloud(settings, database, registry, conductor, services, application)
    _add_hosts(cloud, {name: _host_parts(cloud, name) for name in _host_names(settings, host_id)})
    cloud.reconcilers = [ReconcilerLoop(database, each) for each in _reconcilers(cloud)]
    bells = {loop.reconciler.name: loop.wakeup.ring for loop in cloud.reconcilers}
    services.image.images.removals_ring.append(bells["image removals"])
    return cloud


def _compute(
    settings: Settings,
    registry: HostRegistry,
    services: Services,
    neighbours: Neighbours,
) -> ComputeService:
    given = settings.compute
    ratios = Ratios(
        given.cpu_allocation_ratio, given.ram_allocation_ratio, given.disk_allocation_ratio
    )
    return ComputeService(
        registry,
        placement=services.placement,
        images=neighbours.images or services.image.images,
        network=neighbours.network,
        volumes=neighbours.volumes,
        ratios=ratios,
    )


def _faces(
    settings: Settings, services: Services, database: Database, conductor: Conductor
) -> list[Face]:
    def rules(service: str, defaults: dict[str, str]) -> Rules:
        return Rules(defaults, path=settings.data_dir / "policy" / f"{service}.yaml")

    faces = [
        identity_face(services.identity, database, rules("identity", IDENTITY_RULES)),
        image_face(services.image, database, rules("image", IMAGE_RULES)),
        placement_face(services.placement, rules("placement", PLACEMENT_RULES)),
    ]
    if services.compute is not None:
        known = rules("compute", COMPUTE_RULES)
        faces += compute_faces(services.compute, database, conductor, known)
    return faces


def _counts(services: Services) -> dict[str, Callable[[Tx], int]]:
    """What `cumulo status` counts."""
    return {"images": services.image.images.count}


async def stop_hosts(settings: Settings, *, remove: bool) -> int:
    """Stop the guests of this machine while no control plane runs; how many there were. With
    `remove` also take away all networks that Cumulo made here."""
    return 0


def _host_parts(cloud: Cloud, host_id: str) -> Sequence[HostPart]:
    """The agent's side of each service, on this host."""
    if cloud.services.compute is None:
        return []
    return [_compute_host(cloud.settings, host_id)]


def _compute_host(settings: Settings, host_id: str) -> ComputeAgent:
    if _simulated(settings):
        return simulated_host(settings.data_dir / "simulated" / host_id)
    return qemu_host(settings.data_dir / "compute")


def _simulated(settings: Settings) -> bool:
    return settings.fake or settings.compute.driver == "fake"


def _host_names(settings: Settings, host_id: str) -> list[str]:
    """This machine, or as many simulated ones as the settings want."""
    count = settings.compute.fake_hosts
    if not _simulated(settings) or count == 1:
        return [host_id]
    return [f"{host_id}-{number}" for number in range(1, count + 1)]


def _reconcilers(cloud: Cloud) -> Sequence[Reconciler]:
    return [
        ImageRemovals(cloud.database, cloud.services.image),
        InterruptedUploads(cloud.database, cloud.services.image),
    ]


def _add_hosts(cloud: Cloud, hosts: dict[str, Sequence[HostPart]]) -> None:
    """Register the hosts whose agents run in this process, and connect them."""
    for host_id, parts in hosts.items():
        agent = Agent(host_id, InProcessLink(cloud.conductor, host_id), parts)
        for kind, bell in agent.bells.items():
            cloud.registry.on_wake(host_id, kind, bell.ring)
        cloud.conductor.connect(host_id, agent.ask)
        cloud.agents.append(agent)
