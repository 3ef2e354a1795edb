"""Compute's whole HTTP face: discovery, and the API under `/v2.1` (and `/v2`, its elder name)."""

from cumulo.compute.api import versions
from cumulo.compute.api.asked import strict
from cumulo.compute.api.consoles import ConsolesApi
from cumulo.compute.api.devices import DevicesApi
from cumulo.compute.api.flavors import FlavorsApi
from cumulo.compute.api.groups import GroupsApi
from cumulo.compute.api.hosts import HostsApi
from cumulo.compute.api.image_proxy import ImageProxyApi
from cumulo.compute.api.keypairs import KeyPairsApi
from cumulo.compute.api.limits import LimitsApi
from cumulo.compute.api.migrations import MigrationsApi
from cumulo.compute.api.network_proxy import NetworkProxyApi, gone
from cumulo.compute.api.node_proxy import NodeProxyApi
from cumulo.compute.api.old_hosts import OldHostsApi
from cumulo.compute.api.operations import OperationsApi
from cumulo.compute.api.security_groups import SecurityGroupsApi
from cumulo.compute.api.server_actions import ServerActionsApi
from cumulo.compute.api.server_parts import ServerPartsApi
from cumulo.compute.api.servers import ServersApi
from cumulo.compute.api.shares import SharesApi
from cumulo.compute.api.usage import UsageApi
from cumulo.compute.api.volume_proxy import VolumeProxyApi
from cumulo.compute.policy import RULES
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.consoles import Rights
from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.http import faults
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Face, Microversions

MICROVERSIONS = Microversions(
    "compute", versions.MINIMUM, versions.MAXIMUM, "X-OpenStack-Nova-API-Version"
)


def compute_faces(
    compute: ComputeService,
    database: Database,
    conductor: Conductor,
    rules: Rules | None = None,
    caller: Caller | None = None,
    rights: Rights | None = None,
) -> list[Face]:
    """Discovery, then the API itself."""
    known = rules or Rules(RULES)
    caller = caller or Caller()
    consoles = ConsolesApi(compute, database, conductor, rights)
    discovery = Face(
        name="compute",
        request_id_headers=("X-Openstack-Request-Id", "X-Compute-Request-Id"),
        mount="/compute",
        faults=faults.compute,
        rules=known,
        answers="cumulo.compute.api.answer_others",
        operations=[*versions.discovery(), *consoles.doors()],
    )
    return [
        discovery,
        Face(
            name="compute",
            request_id_headers=("X-Openstack-Request-Id", "X-Compute-Request-Id"),
            mount="/compute",
            exact_paths=True,
            faults=faults.compute,
            rules=known,
            prefixes=("/v2.1", "/v2.1/{project_id}", "/v2", "/v2/{project_id}"),
            microversions=MICROVERSIONS,
            answers="cumulo.compute.api.answers",
            operations=strict(
                [
                    *versions.operations(),
                    *ServersApi(compute).operations(),
                    *ServerActionsApi(compute, database, conductor).operations(),
                    *OperationsApi(compute, database, conductor).operations(),
                    *ServerPartsApi(compute).operations(),
                    *consoles.operations(),
                    *SecurityGroupsApi(compute).operations(),
                    *DevicesApi(compute).operations(),
                    *SharesApi(compute).operations(),
                    *FlavorsApi(compute).operations(),
                    *KeyPairsApi(compute, database).operations(),
                    *HostsApi(compute).operations(),
                    *GroupsApi(compute).operations(),
                    *LimitsApi(compute, database, caller).operations(),
                    *UsageApi(compute).operations(),
                    *MigrationsApi(compute).operations(),
                    *OldHostsApi(compute).operations(),
                    *ImageProxyApi(compute, database, caller).operations(),
                    *NetworkProxyApi(compute, database, caller).operations(),
                    *VolumeProxyApi(caller).operations(),
                    *NodeProxyApi(caller).operations(),
                    *gone(),
                ]
            ),
        ),
    ]
