"""`/cumulo`: what the command line asks the running cloud; for administrators.

`GET /cumulo/status`: hosts and counts. `GET /cumulo/why`: see `stories`.
`GET /cumulo/can?user=&action=&resource=`: a policy decision, explained. `POST /cumulo/rotate-keys`.
`GET /cumulo/events`, for everybody: see `live`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.consumers import state_of_consumers
from cumulo.core.events.feed import Feed
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http import faults
from cumulo.core.http.decisions import Decisions
from cumulo.core.http.live import RULES as LIVE_RULES
from cumulo.core.http.live import LiveEvents
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.core.http.operator_hosts import RULES as HOST_RULES
from cumulo.core.http.operator_hosts import HostOperations
from cumulo.core.http.operator_nodes import RULES as NODE_RULES
from cumulo.core.http.operator_nodes import NodeOperations
from cumulo.core.http.stories import Names, Stories
from cumulo.core.nodes.nodes import Nodes

RULES = {
    f"cumulo:{verb}": "rule:system_admin" for verb in ("status", "why", "can", "rotate_keys")
} | {"system_admin": "role:admin", **HOST_RULES, **NODE_RULES, **LIVE_RULES}


class RotateKeys(msgspec.Struct, forbid_unknown_fields=True):
    rings: Annotated[list[Literal["tokens", "credentials"]], msgspec.Meta(max_length=2)]


def operator_face(
    conductor: Conductor,
    machines: Machines,
    nodes: Nodes,
    link: tuple[str, int],
    counts: Mapping[str, Callable[[Tx], int]],
    decisions: Decisions,
    rotate: Callable[[Any, Principal], Awaitable[str]],
    feed: Feed,
    names: Names,
    faults_of: Mapping[str, Callable[[Tx], Mapping[str, str]]],
    rules: Rules | None = None,
) -> Face:
    """`link`: where hosts on other machines dial in. `counts`: the noun's plural → how many there
    are. `rotate`: a ring of keys, who asks. `names`: of users, by id.
    `faults_of`: by the service, host → why it can do nothing of its work."""

    registry = conductor.registry

    def status(call: Call, tx: Tx) -> Any:
        hosts = []
        unknown: dict[str, dict[str, int]] = {}
        for host_id, kind, count in conductor.unknown.counts(tx):
            unknown.setdefault(host_id, {})[kind] = count
        told = {kind: look(tx) for kind, look in faults_of.items()}
        for host in registry.all(tx):
            parts = [registry.part(tx, host.id, kind) for kind in host.roles]
            hosts.append(
                {
                    "id": host.id,
                    "alive": is_alive(host, tx.now),
                    "kinds": host.roles,
                    "unknown": unknown.get(host.id, {}),
                    "faults": {
                        **{kind: by[host.id] for kind, by in told.items() if host.id in by},
                        **{p.kind: p.fault for p in parts if p is not None and p.fault},
                    },
                }
            )
        return {
            "hosts": hosts,
            "counts": {noun: count(tx) for noun, count in counts.items()},
            "consumers": state_of_consumers(tx),
            "policy": decisions.doubts(),
        }

    def can(call: Call, tx: Tx) -> Any:
        user, action = call.query.get("user"), call.query.get("action")
        if not user or not action:
            raise BadRequest("Expecting to find user and action in the query.")
        return decisions.explain(tx, user, action, call.query.get("resource"))

    async def rotate_keys(call: Call) -> Reply:
        told = {ring: await rotate(ring, call.principal) for ring in call.body.rings}
        return Reply(200, {"rings": told})

    return Face(
        name="cumulo",
        mount="/cumulo",
        answers="cumulo.core.http.operator_answers",
        faults=faults.identity,
        rules=rules or Rules(RULES),
        operations=[
            Operation("GET", "/status", status, policy="cumulo:status"),
            *Stories(names).operations(),
            Operation("GET", "/can", can, policy="cumulo:can"),
            Operation(
                "POST",
                "/rotate-keys",
                rotate_keys,
                policy="cumulo:rotate_keys",
                body=RotateKeys,
                kind="stream",
            ),
            *HostOperations(conductor, machines, link).operations(),
            *NodeOperations(nodes, link).operations(),
            *LiveEvents(feed).operations(),
        ],
    )
