"""Shared file systems' whole HTTP face: the versions, and everything below /v2."""

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Face
from cumulo.shared_file_system.api import versions
from cumulo.shared_file_system.api.absent import AbsentApi
from cumulo.shared_file_system.api.actions import ActionsApi
from cumulo.shared_file_system.api.cloud import CloudApi
from cumulo.shared_file_system.api.groups import GroupTypesApi
from cumulo.shared_file_system.api.instances import InstancesApi
from cumulo.shared_file_system.api.locations import LocationsApi
from cumulo.shared_file_system.api.locks import LocksApi
from cumulo.shared_file_system.api.manage import ManageApi
from cumulo.shared_file_system.api.messages import MessagesApi
from cumulo.shared_file_system.api.networks import NetworksApi
from cumulo.shared_file_system.api.qos import QosApi
from cumulo.shared_file_system.api.quotas import QuotasApi
from cumulo.shared_file_system.api.security import SecurityApi
from cumulo.shared_file_system.api.servers import ServersApi
from cumulo.shared_file_system.api.shares import SharesApi
from cumulo.shared_file_system.api.snapshots import SnapshotsApi
from cumulo.shared_file_system.api.transfers import TransfersApi
from cumulo.shared_file_system.api.types import TypesApi
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

TYPES = ("shared-file-system", "share", "sharev2")


def shared_file_system_faces(
    service: SharedFileSystemService, rules: Rules, caller: Caller
) -> list[Face]:
    shares, networks = SharesApi(service), NetworksApi(service)
    snapshots = SnapshotsApi(service)
    discovery = Face(
        name="shared_file_system",
        service_types=TYPES,
        mount="/share",
        faults=faults.compute,
        rules=rules,
        operations=versions.operations(),
    )
    v2 = Face(
        name="shared_file_system",
        service_types=TYPES,
        mount="/share",
        faults=faults.compute,
        rules=rules,
        microversions=versions.RANGE,
        request_id_headers=("X-Compute-Request-Id", "X-Openstack-Request-Id"),
        operations=versions.of_v2(),
    )
    return [
        discovery,
        v2,
        Face(
            name="shared_file_system",
            service_types=TYPES,
            mount="/share",
            faults=faults.compute,
            rules=rules,
            prefixes=("/v2/{project_id}", "/v2"),
            microversions=versions.RANGE,
            quota_status=413,
            exact_paths=True,
            other_methods=404,
            request_id_headers=("X-Compute-Request-Id", "X-Openstack-Request-Id"),
            operations=[
                *shares.operations(),
                *ActionsApi(service, shares).operations(),
                *snapshots.operations(),
                *ManageApi(service, shares, snapshots).operations(),
                *LocationsApi(service).operations(),
                *InstancesApi(service).operations(),
                *networks.operations(),
                *ServersApi(service, networks).operations(),
                *SecurityApi(service).operations(),
                *LocksApi(service).operations(),
                *MessagesApi(service).operations(),
                *TransfersApi(service).operations(),
                *TypesApi(service).operations(),
                *QuotasApi(service, caller).operations(),
                *CloudApi(service).operations(),
                *QosApi(service).operations(),
                *GroupTypesApi(service).operations(),
                *AbsentApi(service, shares).operations(),
            ],
        ),
    ]
