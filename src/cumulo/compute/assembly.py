"""What compute is to the cloud."""

import asyncio
import os
from collections.abc import Callable

from cumulo.block_storage.interface import AttachedViews, BlockStorage
from cumulo.compute import resources
from cumulo.compute.agent import ComputeAgent, simulated_host
from cumulo.compute.api.face import compute_faces
from cumulo.compute.drivers.driver import ComputeDriver
from cumulo.compute.drivers.machine import resources_of
from cumulo.compute.first_run import FirstFlavors
from cumulo.compute.interface import EVENTS, MetalHosts, MetalNodes
from cumulo.compute.jobs import ComputeJobs
from cumulo.compute.meters import METERS
from cumulo.compute.model.cells import cpus_of
from cumulo.compute.part import ComputePart
from cumulo.compute.policy import RULES
from cumulo.compute.reconcile import ForgottenImages, ForgottenServers, MetalServers
from cumulo.compute.service.compute import LEGACY_QUOTAS, QUOTAS, ComputeService, Waits
from cumulo.compute.service.filters import Filters
from cumulo.compute.service.hosts import Ratios
from cumulo.compute.service.scheduling import Choice, Weights
from cumulo.compute.settings import ComputeSettings
from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, HostFrame, HostKind, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.policy import project_only
from cumulo.identity.interface import Identity
from cumulo.image.interface import Images, ImageUploads
from cumulo.network.interface import GuestMetadata, Network, ServerViews
from cumulo.placement.interface import Placement
from cumulo.settings import Settings, instance_prefix


def build(frame: Frame) -> Service:
    own = frame.settings.of(ComputeSettings)
    compute = ComputeService(
        frame.registry,
        frame.quotas("compute", QUOTAS, legacy=LEGACY_QUOTAS),
        placement=frame.get(Placement),
        images=frame.get(Images),
        network=frame.get(Network),
        volumes=frame.get(BlockStorage),
        ratios=Ratios(
            own.cpu_allocation_ratio, own.ram_allocation_ratio, own.disk_allocation_ratio
        ),
        jobs=frame.jobs,
        seal=KeyRing(frame.settings.secrets_dir / "compute-keys"),
        vendordata=own.vendordata,
        choice=Choice(
            Filters(own.filters),
            Weights(
                own.ram_weight_multiplier, own.cpu_weight_multiplier, own.disk_weight_multiplier
            ),
        ),
        nodes=frame.later(MetalNodes),
        waits=Waits(own.reclaim_seconds, own.resize_confirm_seconds, own.shelved_offload_seconds),
    )
    ComputeJobs(compute, frame.conductor, frame.get(ImageUploads)).add_to(frame.jobs)
    frame.give(GuestMetadata, compute.metadata)
    frame.give(MetalHosts, compute.metal)
    frame.give(ServerViews, compute.servers)
    frame.give(AttachedViews, compute.servers)
    part = ComputePart(
        compute.servers,
        compute.hosts,
        compute.operations,
        compute.metadata,
        compute.precaching,
    )
    metal = MetalServers(frame.database, compute.metal, part.node_says)

    def on_bells(bells: Bells) -> None:
        compute.metal.ring = bells[metal.name]

    return Service(
        compute,
        faces=compute_faces(
            compute,
            frame.database,
            frame.conductor,
            frame.rules("compute", RULES, project_only(RULES)),
            frame.caller,
            frame.get(Identity),
        ),
        parts=[part],
        on_bells=on_bells,
        reconcilers=[
            ForgottenServers(frame.database, compute.servers, own.keep_deleted_days),
            ForgottenImages(frame.database, compute.precaching),
            metal,
        ],
        counts={"servers": compute.hosts.servers_in_all},
        first_run=FirstFlavors(frame.database, compute).make,
    )


def agent(host: HostFrame) -> ComputeAgent:
    if host.fake:
        return simulated_host(host.folder)
    made: list[ComputeAgent] = []

    def guest_changed(guest_id: str) -> None:
        for each in made:
            each.guest_changed(guest_id)

    driver = _driver(host.settings, guest_changed)
    resources = resources_of(host.folder, dedicated=dedicated_of(host.settings))
    made.append(ComputeAgent(driver, resources, host.shelf, folder=host.folder))
    return made[0]


def _driver(settings: Settings, on_change: Callable[[str], None] | None = None) -> ComputeDriver:
    from cumulo.compute.drivers.qemu.driver import QemuDriver

    return QemuDriver(
        settings.data_dir,
        namespace=f"{instance_prefix(settings)}-host",
        dedicated=dedicated_of(settings),
        on_change=on_change,
    )


def dedicated_of(settings: Settings) -> list[int]:
    """Raises ValueError for a set that this machine does not have."""
    text = settings.of(ComputeSettings).cpu_dedicated_set
    return cpus_of(text, os.cpu_count() or 1) if text else []


async def stop(host: HostFrame, remove: bool) -> int:
    driver = _driver(host.settings)
    guests = [guest.id for guest in await driver.list()]
    work = driver.remove if remove else driver.stop
    await asyncio.gather(*(work(guest_id) for guest_id in guests))
    await driver.close()
    return len(guests)


ASSEMBLY = Assembly(
    "compute",
    build,
    events=EVENTS,
    catalog=(CatalogEntry("compute", (), "/compute/v2.1", "nova"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
    meters=METERS,
    hosts=(HostKind("compute", agent, sweep=10.0, stop=stop),),
)
