"""Orchestration's whole HTTP face."""

from typing import Any

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.identity.interface import RequestKeys
from cumulo.orchestration.api.cfn import cfn_face
from cumulo.orchestration.api.faults import envelope
from cumulo.orchestration.api.resources import ResourcesApi
from cumulo.orchestration.api.signals import SignalsApi
from cumulo.orchestration.api.snapshots import SnapshotsApi
from cumulo.orchestration.api.software import SoftwareApi
from cumulo.orchestration.api.stacks import StacksApi
from cumulo.orchestration.api.types import TypesApi
from cumulo.orchestration.service.stacks import Stacks
from cumulo.orchestration.service.waits import Signals

MOUNT = "/orchestration"


def orchestration_faces(
    stacks: Stacks, signals: Signals, rules: Rules, database: Database, keys: RequestKeys
) -> list[Face]:
    """Discovery and what has no project in its path, then the API itself."""
    told = SignalsApi(stacks, signals, database)
    discovery = Face(
        name="orchestration",
        answers="cumulo.orchestration.api.open_answers",
        mount=MOUNT,
        faults=envelope,
        rules=rules,
        operations=[Operation("GET", "/", versions, public=True), *told.open_operations()],
    )
    return [
        discovery,
        cfn_face(stacks, rules, database, keys),
        Face(
            name="orchestration",
            answers="cumulo.orchestration.api.answers",
            mount=MOUNT,
            faults=envelope,
            rules=rules,
            prefixes=("/v1/{project_id}",),
            operations=[
                *StacksApi(stacks).operations(),
                *ResourcesApi(stacks).operations(),
                *TypesApi(stacks).operations(),
                *told.operations(),
                *SnapshotsApi(stacks).operations(),
                *SoftwareApi(stacks.software).operations(),
            ],
        ),
    ]


def versions(call: Call, tx: Tx) -> Any:
    one = {
        "id": "v1.0",
        "status": "CURRENT",
        "links": [{"rel": "self", "href": f"{call.base_url}/v1/"}],
    }
    return Reply(300, {"versions": [one]})
