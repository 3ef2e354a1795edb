"""What shared file systems are to the cloud."""

from pathlib import Path

from cumulo.core.assembly import Assembly, CatalogEntry, Frame, HostFrame, HostKind, Service
from cumulo.network.interface import ServicePorts
from cumulo.settings import instance_prefix
from cumulo.shared_file_system import resources
from cumulo.shared_file_system.agent import SharesAgent
from cumulo.shared_file_system.api.face import shared_file_system_faces
from cumulo.shared_file_system.drivers.fake import FakeDriver
from cumulo.shared_file_system.drivers.local.driver import LocalDriver
from cumulo.shared_file_system.first_run import FirstType
from cumulo.shared_file_system.interface import EVENTS
from cumulo.shared_file_system.meters import METERS
from cumulo.shared_file_system.part import SharesPart
from cumulo.shared_file_system.policy import RULES
from cumulo.shared_file_system.reconcile import Expired
from cumulo.shared_file_system.service.quotas import DEFAULTS
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService
from cumulo.shared_file_system.settings import SharedFileSystemSettings


def build(frame: Frame) -> Service:
    quotas = frame.quotas("shared_file_system", DEFAULTS)
    own = frame.settings.of(SharedFileSystemSettings)
    service = SharedFileSystemService(
        frame.registry, frame.get(ServicePorts), quotas, own.default_share_type
    )
    return Service(
        service,
        faces=shared_file_system_faces(
            service, frame.rules("shared_file_system", RULES), frame.caller
        ),
        parts=[SharesPart(service)],
        reconcilers=[Expired(frame.database, service)],
        counts={"shares": service.shares.count},
        faults=service.pools.faults,
        first_run=FirstType(frame.database, service.types).make,
    )


def agent(host: HostFrame) -> SharesAgent | None:
    """The first of the simulated hosts keeps the shares of all."""
    if not host.fake:
        return SharesAgent(_local(host))
    if host.number > 0:
        return None
    return SharesAgent(FakeDriver(host.settings.data_dir / "fake" / "shares"))


def _local(host: HostFrame) -> LocalDriver:
    prefix = instance_prefix(host.settings)
    return LocalDriver(
        prefix,
        host.folder / "shares",
        Path("/run/cumulo-shares") / prefix,
        pool_gb=host.settings.of(SharedFileSystemSettings).pool_gb,
    )


async def stop(host: HostFrame, remove: bool) -> int:
    if not host.fake:
        driver = _local(host)
        await (driver.remove_all() if remove else driver.stop())
    return 0


ASSEMBLY = Assembly(
    "shared_file_system",
    build,
    events=EVENTS,
    meters=METERS,
    catalog=(CatalogEntry("shared-file-system", ("share", "sharev2"), "/share/v2", "manilav2"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
    hosts=(HostKind("shared_file_system", agent, sweep=10.0, stop=stop, joined=False),),
)
