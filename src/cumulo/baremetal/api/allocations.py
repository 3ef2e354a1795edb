"""Allocations on the wire."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.baremetal.api.nodes import RULE as NODE
from cumulo.baremetal.api.things import ThingBody, ThingsApi, before, ident
from cumulo.baremetal.model.allocation import AllocationRow
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service.allocations import Allocations
from cumulo.baremetal.service.nodes import Nodes
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

Text = str | Unset | None


class NewAllocation(StrictBody):
    uuid: Uuid | None = None
    name: str | None = None
    resource_class: str | None = None
    traits: list[str] | None = None
    candidate_nodes: Annotated[list[str], msgspec.Meta(max_length=1000)] | None = None
    extra: dict[str, Any] | None = None
    node: Annotated[str | None, Since("1.58")] = None
    owner: Annotated[str | None, Since("1.60")] = None


class AllocationBody(ThingBody, kw_only=True):
    name: Text = UNSET
    node_uuid: Text = UNSET
    resource_class: Text = UNSET
    traits: list[str] | Unset = UNSET
    candidate_nodes: list[str] | Unset = UNSET
    state: str | Unset = UNSET
    last_error: Text = UNSET
    owner: Annotated[Text, Since("1.60")] = UNSET
    extra: dict[str, Any] | Unset = UNSET


class AllocationList(Body, kw_only=True):
    allocations: list[AllocationBody]
    next: str | Any = UNSET


class AllocationsApi(ThingsApi[AllocationRow]):
    plural, rule, since, missing = "allocations", "baremetal:allocation", "1.52", 405
    list_rule = "list"
    new, body, answer = NewAllocation, AllocationBody, AllocationList
    summary = (
        "uuid", "name", "node_uuid", "resource_class", "traits", "candidate_nodes", "state",
        "last_error", "owner", "extra", "created_at", "updated_at",
    )  # fmt: skip
    same = (
        "name", "resource_class", "traits", "candidate_nodes", "state", "last_error", "owner",
        "extra",
    )  # fmt: skip
    filters = {"node": None, "resource_class": None, "state": None, "owner": "1.60"}
    fields_since = {"owner": "1.60"}
    details = False

    def __init__(self, allocations: Allocations, nodes: Nodes) -> None:
        super().__init__(allocations)
        self._allocations = allocations
        self._nodes = nodes

    def operations(self) -> list[Operation]:
        of = "/v1/nodes/{node}/allocation"
        mine: dict[str, Any] = {"since": "1.52", "early": False}
        # An allocation is changed since 1.57; before that there is no such method.
        ours = [each for each in super().operations() if each.method != "PATCH"]
        patch = next(each for each in super().operations() if each.method == "PATCH" and each.since)
        path = f"{self.many}/{{ident}}"
        return [
            *ours,
            Operation("PATCH", path, patch.handler, policy=patch.policy, body=patch.body,
                      response=patch.response, since="1.57", early=False),
            before("1.57", "PATCH", path, 405),
            Operation("GET", of, self.of_node, policy=f"{self.rule}:get",
                      response=AllocationBody, **mine),
            Operation("DELETE", of, self.delete_of_node, policy=f"{self.rule}:delete",
                      status=204, **mine),
        ]  # fmt: skip

    def target(self, tx: Tx, row: AllocationRow) -> dict[str, Any]:
        return {"allocation.owner": row.owner}

    def more(self, call: Call, tx: Tx, row: AllocationRow) -> dict[str, Any]:
        return {"node_uuid": row.node_id}

    def where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        found = super().where(call, tx)
        assert found is not None
        asked = call.query.get("node")
        if asked is not None:
            try:
                found["node_id"] = self._nodes.get(tx, asked).id
            except NotFound:
                return None
        if not call.allowed(f"{self.rule}:list_all", {}):
            project = call.principal.project_id
            if project is None or found.get("owner", project) != project:
                return None
            found["owner"] = project
        return found

    def allow_new(self, call: Call, tx: Tx) -> None:
        if not call.allowed(f"{self.rule}:create", {}):
            call.allow({}, f"{self.rule}:create_restricted")

    def make(self, call: Call, tx: Tx) -> AllocationRow:
        wish: NewAllocation = call.body
        given = msgspec.structs.asdict(wish)
        owner = wish.owner
        if not call.allowed(f"{self.rule}:create", {}):
            # Their own, of nodes that they see.
            if owner not in (None, call.principal.project_id):
                raise Forbidden("Cannot create an allocation with an owner of another project")
            owner = call.principal.project_id
            if wish.node is not None:
                raise Forbidden("Only administrators make allocations of nodes in use")
            for each in wish.candidate_nodes or []:
                node_seen(call, self._nodes.get(tx, each))
        return self._allocations.ask(tx, given, wish.uuid, owner, call.principal)

    def _of(self, call: Call, tx: Tx) -> AllocationRow:
        node = self._nodes.get(tx, ident(call, "node"))
        node_seen(call, node)
        row = self._allocations.of_node(tx, node)
        call.allow(self.target(tx, row))
        return row

    def of_node(self, call: Call, tx: Tx) -> Any:
        return self.shown(call, tx, self._of(call, tx))

    def delete_of_node(self, call: Call, tx: Tx) -> None:
        self._allocations.delete(tx, self._of(call, tx), call.principal)


def node_seen(call: Call, row: NodeRow) -> None:
    """Raises NotFound for a node that the caller may not see."""
    target = {"node.owner": row.owner, "node.lessee": row.lessee}
    if not call.allowed(f"{NODE}:get", target):
        raise NotFound(f"Node {row.id} could not be found.")
