"""Bare metal's whole HTTP face."""

from cumulo.baremetal.api import versions
from cumulo.baremetal.api.agents import AgentsApi
from cumulo.baremetal.api.allocations import AllocationsApi
from cumulo.baremetal.api.cloud import CloudApi
from cumulo.baremetal.api.common import envelope
from cumulo.baremetal.api.management import ManagementApi
from cumulo.baremetal.api.nodes import NodesApi
from cumulo.baremetal.api.of_nodes import ConnectorsApi, PortgroupsApi, PortsApi, TargetsApi
from cumulo.baremetal.api.simple import ChassisApi, RulesApi, RunbooksApi, TemplatesApi
from cumulo.baremetal.api.states import StatesApi
from cumulo.baremetal.policy import RULES
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http.operations import Face


def baremetal_face(
    service: BareMetalService, database: Database, rules: Rules | None = None
) -> Face:
    return Face(
        name="baremetal",
        mount="/baremetal",
        faults=envelope,
        rules=rules or Rules(RULES),
        microversions=versions.RANGE,
        operations=[
            *versions.operations(),
            *NodesApi(service).operations(),
            *StatesApi(service, database).operations(),
            *ManagementApi(service, database).operations(),
            *PortsApi(service.ports, service.portgroups, service.nodes).operations(),
            *PortgroupsApi(service.portgroups, service.nodes).operations(),
            *ConnectorsApi(service.connectors, service.nodes).operations(),
            *TargetsApi(service.targets, service.nodes).operations(),
            *AllocationsApi(service.allocations, service.nodes).operations(),
            *ChassisApi(service.chassis).operations(),
            *TemplatesApi(service.templates).operations(),
            *RunbooksApi(service.runbooks).operations(),
            *RulesApi(service.rules).operations(),
            *CloudApi(service).operations(),
            *AgentsApi(service, database).operations(),
        ],
    )
