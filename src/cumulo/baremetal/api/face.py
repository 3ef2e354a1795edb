"""Bare metal's whole HTTP face."""

from dataclasses import replace

from cumulo.baremetal.api import common, versions
from cumulo.baremetal.api.agents import AgentsApi
from cumulo.baremetal.api.allocations import AllocationsApi
from cumulo.baremetal.api.cloud import CloudApi
from cumulo.baremetal.api.management import ManagementApi
from cumulo.baremetal.api.nodes import NodesApi
from cumulo.baremetal.api.of_nodes import ConnectorsApi, PortgroupsApi, PortsApi, TargetsApi
from cumulo.baremetal.api.simple import ChassisApi, RulesApi, RunbooksApi, TemplatesApi
from cumulo.baremetal.api.states import StatesApi
from cumulo.baremetal.policy import RULES
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http.operations import Face, Operation


def baremetal_face(
    service: BareMetalService, database: Database, rules: Rules | None = None
) -> Face:
    operations = [
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
    ]
    return Face(
        name="baremetal",
        answers="cumulo.baremetal.api.answers",
        mount="/baremetal",
        # Bookmarks, which clients follow, have no version in their path.
        prefixes=(common.BASE, ""),
        faults=common.envelope,
        rules=rules or Rules(RULES),
        microversions=versions.RANGE,
        operations=[*versions.operations(), *(_placed(each, database) for each in operations)],
    )


def _placed(operation: Operation, database: Database) -> Operation:
    path = operation.path.removeprefix(common.BASE)
    if operation.kind == "plain" and operation.writing and not operation.public:
        patient = common.patient(operation.handler, database)
        return replace(operation, path=path, handler=patient, kind="stream")
    return replace(operation, path=path)
