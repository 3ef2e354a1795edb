"""`/cumulo`: what the command line asks the running cloud; for administrators.

`GET /cumulo/status`: hosts and counts. `GET /cumulo/why/{id}`: the story of one resource.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import story_of
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.core.http import faults
from cumulo.core.http.operations import Call, Face, Operation

RULES = {"cumulo:status": "role:admin", "cumulo:why": "role:admin"}


def operator_face(
    registry: HostRegistry, counts: Mapping[str, Callable[[Tx], int]], rules: Rules | None = None
) -> Face:
    """`counts`: the noun's plural → how many there are."""

    def status(call: Call, tx: Tx) -> Any:
        hosts = []
        for host in registry.all(tx):
            parts = [registry.part(tx, host.id, kind) for kind in host.roles]
            hosts.append(
                {
                    "id": host.id,
                    "alive": is_alive(host, tx.now),
                    "kinds": host.roles,
                    "faults": {p.kind: p.fault for p in parts if p is not None and p.fault},
                }
            )
        return {"hosts": hosts, "counts": {noun: count(tx) for noun, count in counts.items()}}

    def why(call: Call, tx: Tx) -> Any:
        return {"id": call.path["id"], "events": story_of(tx, call.path["id"])}

    return Face(
        name="cumulo",
        mount="/cumulo",
        faults=faults.identity,
        rules=rules or Rules(RULES),
        operations=[
            Operation("GET", "/status", status, policy="cumulo:status"),
            Operation("GET", "/why/{id}", why, policy="cumulo:why"),
        ],
    )
