"""What block storage is to the cloud."""

from pathlib import Path

from cumulo.block_storage import resources
from cumulo.block_storage.agent import StorageAgent
from cumulo.block_storage.api.face import block_storage_faces
from cumulo.block_storage.drivers.backup_file import FileBackups
from cumulo.block_storage.drivers.fake import FakeDriver
from cumulo.block_storage.drivers.file import FileDriver
from cumulo.block_storage.interface import EVENTS, AttachedViews, BlockStorage
from cumulo.block_storage.jobs.backups import BackupJobs
from cumulo.block_storage.jobs.uploads import StorageJobs
from cumulo.block_storage.meters import METERS
from cumulo.block_storage.part import StoragePart
from cumulo.block_storage.policy import RULES
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.quotas import DEFAULTS, of_types
from cumulo.block_storage.settings import BlockStorageSettings
from cumulo.core.assembly import Assembly, CatalogEntry, Frame, HostFrame, HostKind, Service
from cumulo.core.auth.policy import project_only
from cumulo.identity.interface import Identity
from cumulo.image.interface import Images, ImageUploads


def build(frame: Frame) -> Service:
    quotas = frame.quotas("block_storage", DEFAULTS, more=of_types)
    storage = BlockStorageService(
        frame.registry,
        frame.get(Images),
        quotas,
        frame.jobs,
        frame.get(Identity),
        frame.later(AttachedViews),
    )
    frame.give(BlockStorage, storage)
    StorageJobs(storage, frame.conductor, frame.get(ImageUploads)).add_to(frame.jobs)
    folder = frame.settings.of(BlockStorageSettings).backup_folder
    kept = FileBackups(Path(folder) if folder else frame.settings.data_dir / "backups")
    BackupJobs(storage.backups, kept, frame.conductor).add_to(frame.jobs)
    return Service(
        storage,
        faces=block_storage_faces(
            storage, frame.caller, frame.rules("block_storage", RULES, project_only(RULES))
        ),
        parts=[
            StoragePart(
                frame.get(Identity),
                storage.images,
                storage.volumes,
                storage.snapshots,
                storage.messages,
            )
        ],
        counts={"volumes": storage.volumes.count, "backups": storage.backups.count},
    )


def agent(host: HostFrame) -> StorageAgent | None:
    """The first of the simulated hosts keeps the volumes of all."""
    if not host.fake:
        return StorageAgent(FileDriver(host.folder), host.shelf, host.folder)
    if host.number > 0:
        return None
    files = host.settings.data_dir / "fake" / "volumes"
    simulated = host.settings.of(BlockStorageSettings).fake_volumes
    driver = FakeDriver(files) if simulated else FileDriver(files)
    return StorageAgent(driver, host.shelf, host.folder)


ASSEMBLY = Assembly(
    "block_storage",
    build,
    events=EVENTS,
    catalog=(
        CatalogEntry(
            "block-storage", ("volumev3", "block-store"), "/volume/v3/$(project_id)s", "cinder"
        ),
    ),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
    meters=METERS,
    hosts=(HostKind("block_storage", agent, sweep=30.0),),
)
