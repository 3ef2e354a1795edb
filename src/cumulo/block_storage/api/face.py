"""Block storage's whole HTTP face: the versions, and everything below /v3."""

from cumulo.block_storage.api import versions
from cumulo.block_storage.api.actions import ActionsApi
from cumulo.block_storage.api.attachments import AttachmentsApi
from cumulo.block_storage.api.backup_records import BackupRecordsApi
from cumulo.block_storage.api.backups import BackupsApi
from cumulo.block_storage.api.cloud import CloudApi
from cumulo.block_storage.api.consistency_groups import ConsistencyGroupsApi
from cumulo.block_storage.api.default_types import DefaultTypesApi
from cumulo.block_storage.api.group_snapshots import GroupSnapshotsApi
from cumulo.block_storage.api.group_types import GroupTypesApi
from cumulo.block_storage.api.groups import GroupsApi
from cumulo.block_storage.api.managing import ManagingApi
from cumulo.block_storage.api.messages import MessagesApi
from cumulo.block_storage.api.qos import QosApi
from cumulo.block_storage.api.quotas import QuotasApi
from cumulo.block_storage.api.services import ServicesApi
from cumulo.block_storage.api.snapshots import SnapshotsApi
from cumulo.block_storage.api.transfers import TransfersApi
from cumulo.block_storage.api.types import TypesApi
from cumulo.block_storage.api.volumes import VolumesApi
from cumulo.block_storage.policy import RULES
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Face


def block_storage_faces(
    storage: BlockStorageService, caller: Caller, rules: Rules | None = None
) -> list[Face]:
    rules = rules or Rules(RULES)
    volumes = VolumesApi(storage)
    snapshots = SnapshotsApi(storage)
    discovery = Face(
        name="block_storage",
        service_types=("block-storage", "volumev3", "block-store"),
        mount="/volume",
        exact_paths=True,
        faults=faults.compute,
        rules=rules,
        operations=versions.operations(),
    )
    return [
        discovery,
        Face(
            name="block_storage",
            service_types=("block-storage", "volumev3", "block-store"),
            mount="/volume",
            exact_paths=True,
            faults=faults.compute,
            rules=rules,
            prefixes=("/v3/{project_id}", "/v3"),
            microversions=versions.RANGE,
            quota_status=413,
            answers="cumulo.block_storage.api.answers",
            operations=[
                *volumes.operations(),
                *ActionsApi(storage, volumes).operations(),
                *AttachmentsApi(storage).operations(),
                *snapshots.operations(),
                *TypesApi(storage).operations(),
                *DefaultTypesApi(storage).operations(),
                *QosApi(storage).operations(),
                *TransfersApi(storage).operations(),
                *GroupTypesApi(storage).operations(),
                *GroupsApi(storage).operations(),
                *GroupSnapshotsApi(storage).operations(),
                *ConsistencyGroupsApi(storage).operations(),
                *BackupsApi(storage).operations(),
                *BackupRecordsApi(storage).operations(),
                *QuotasApi(storage, caller).operations(),
                *MessagesApi(storage).operations(),
                *ManagingApi(storage, volumes, snapshots).operations(),
                *ServicesApi(storage).operations(),
                *CloudApi(storage).operations(),
            ],
        ),
    ]
