"""Allocations: a wish for a node, and who gets which.

A node is given in one transaction, with its instance and its allocation, so that none is given
twice; whom there is none for ends in `error` with the reason, and asks again with a new one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.baremetal.model.allocation import AllocationRow
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.queries import things as queries
from cumulo.baremetal.service import fields
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.patches import Change
from cumulo.baremetal.service.things import FIXED, Things
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.work.jobs import Jobs

ALLOCATE = "baremetal.allocate"
MOST_CANDIDATES = 1000
PATIENCE = 60.0
"""Seconds for which nodes that are locked are waited for."""


class Nothing(msgspec.Struct, frozen=True):
    """The job knows all by its subject."""


class Allocations(Things[AllocationRow]):
    noun, title = "allocation", "Allocation"
    row, listing = AllocationRow, queries.ALLOCATIONS
    named = True
    fields = {"name": fields.logical_name, "extra": fields.document()}
    fixed = FIXED | {
        "node_uuid", "resource_class", "traits", "candidate_nodes", "state", "last_error", "owner",
    }  # fmt: skip

    def __init__(self, nodes: Nodes, jobs: Jobs) -> None:
        self._nodes = nodes
        self._jobs = jobs

    def columns(
        self, tx: Tx, values: dict[str, Any], before: AllocationRow | None
    ) -> dict[str, Any]:
        if values["name"] is not None:
            told = f"An allocation with name {values['name']} already exists."
            self.refuse_taken(tx, before, told, name=values["name"])
        return values

    def ask(
        self,
        tx: Tx,
        wish: Mapping[str, Any],
        uuid: str | None,
        owner: str | None,
        who: Principal,
    ) -> AllocationRow:
        """`wish`: name, extra, resource_class, traits, candidate_nodes, node."""
        given = {name: wish.get(name) for name in self.fields}
        node = wish.get("node")
        kind = fields.text(80)("resource_class", wish.get("resource_class"))
        row = self._new(tx, given, uuid, who, kind, wish, owner)
        if node is not None:
            return self._backfill(tx, row, node, kind)
        if not kind:
            raise BadRequest("Expected a resource_class to be specified")
        self._jobs.begin(tx, ALLOCATE, row.id, Nothing(), project_id=owner)
        return row

    def _new(
        self,
        tx: Tx,
        given: Mapping[str, Any],
        uuid: str | None,
        who: Principal,
        kind: str | None,
        wish: Mapping[str, Any],
        owner: str | None,
    ) -> AllocationRow:
        candidates = [self._candidate(tx, each) for each in self._listed(wish)]
        more = {
            "resource_class": kind,
            "traits": fields.traits("traits", wish.get("traits")),
            "candidate_nodes": candidates,
            "owner": fields.text(255)("owner", owner),
        }
        own = {"node_id": None, "state": "allocating", "last_error": None}
        return self.create(tx, given, uuid, who, **own, **more)

    def _listed(self, wish: Mapping[str, Any]) -> Sequence[Any]:
        found = wish.get("candidate_nodes") or []
        if not isinstance(found, list) or len(found) > MOST_CANDIDATES:
            raise BadRequest(f"candidate_nodes has to be a list of at most {MOST_CANDIDATES}")
        return found

    def _candidate(self, tx: Tx, ident: Any) -> str:
        try:
            return self._nodes.get(tx, str(ident)).id
        except NotFound as fault:
            raise BadRequest(fault.message) from None

    def _backfill(self, tx: Tx, row: AllocationRow, ident: str, kind: str | None) -> AllocationRow:
        """Of a node that was deployed without one."""
        try:
            node = self._nodes.get(tx, ident)
        except NotFound as fault:
            raise BadRequest(fault.message) from None
        if node.provision_state != "active" or node.allocation_id is not None:
            raise Conflict(f"Node {node.id} is not active, or has an allocation already.")
        if kind is not None and kind != node.resource_class:
            raise BadRequest(f"Node {node.id} has another resource class than {kind}.")
        if node.instance_uuid not in (None, row.id):
            raise Conflict(f"Node {node.id} is associated with instance {node.instance_uuid}.")
        self._give(tx, row, node)
        return tx.update(
            row, state="active", node_id=node.id, resource_class=node.resource_class,
            updated_at=tx.now,
        )  # fmt: skip

    def _give(self, tx: Tx, row: AllocationRow, node: NodeRow) -> None:
        node = tx.update(node, allocation_id=row.id, instance_uuid=row.id, updated_at=tx.now)
        self._nodes.told(tx, node)

    def decide(self, tx: Tx, id: str) -> bool:
        """The job's one step: a node, or the reason why there is none. False: nodes that would do
        are at something just now."""
        row = tx.get(AllocationRow, id)
        if row is None or row.state != "allocating":
            return True
        fit = [
            node
            for node in tx.all(queries.CANDIDATES, resource_class=row.resource_class)
            if set(row.traits) <= set(node.traits)
            and (not row.candidate_nodes or node.id in row.candidate_nodes)
            and (row.owner is None or row.owner in (node.owner, node.lessee))
        ]
        free = [node for node in fit if node.job is None]
        free.sort(key=lambda node: node.name != row.name)
        if fit and not free and seconds_of(tx.now) - seconds_of(row.created_at) < PATIENCE:
            return False
        if not free:
            told = (
                f"Failed to process allocation {row.id}: no available nodes match the resource "
                f"class {row.resource_class}"
                + (f", the traits {', '.join(row.traits)}" if row.traits else "")
                + (" and the candidate nodes" if row.candidate_nodes else "")
            )
            tx.update(row, state="error", last_error=told[:4096], updated_at=tx.now)
            emit(tx, "baremetal.allocation.state", row.id, project_id=row.owner, state="error")
            return True
        self._give(tx, row, free[0])
        tx.update(row, state="active", node_id=free[0].id, updated_at=tx.now)
        emit(tx, "baremetal.allocation.state", row.id, project_id=row.owner, state="active")
        return True

    def of_node(self, tx: Tx, node: NodeRow) -> AllocationRow:
        row = tx.get(AllocationRow, node.allocation_id) if node.allocation_id else None
        if row is None:
            raise NotFound(f"Allocation with node UUID {node.id} could not be found.")
        return row

    def update(
        self, tx: Tx, row: AllocationRow, changes: Sequence[Change], who: Principal
    ) -> AllocationRow:
        for change in changes:
            if change.path[0] not in self.fields:
                raise BadRequest(f"'/{change.path[0][:100]}' can not be updated")
        return super().update(tx, row, changes, who)

    def delete(self, tx: Tx, row: AllocationRow, who: Principal) -> None:
        node = None if row.node_id is None else tx.get(NodeRow, row.node_id)
        if node is not None:
            self._nodes.refuse_locked(node)
            if node.provision_state == "active" and not node.maintenance:
                raise Conflict(
                    f"Cannot delete allocation {row.id}: node {node.id} is associated and in "
                    f"provision state {node.provision_state}"
                )
            node = tx.update(node, allocation_id=None, instance_uuid=None, updated_at=tx.now)
            self._nodes.told(tx, node)
        for job in self._jobs.of(tx, row.id):
            self._jobs.drop(tx, job.id)
        super().delete(tx, row, who)

    def forget(self, tx: Tx, node: NodeRow) -> None:
        """The node is nobody's any more."""
        row = tx.get(AllocationRow, node.allocation_id) if node.allocation_id else None
        if row is not None:
            tx.delete(row)
            emit(tx, "baremetal.allocation.delete", row.id, project_id=row.owner)
