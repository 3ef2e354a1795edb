"""Stacks kept as documents: snapshots and the way back, export, abandon, adopt."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, NotFound
from cumulo.core.ids import new_id
from cumulo.core.resource_types import Snapshot
from cumulo.orchestration.model.snapshot import SnapshotRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import snapshot as queries
from cumulo.orchestration.queries import stack as stack_queries
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.files import files_of
from cumulo.orchestration.service.handlers import DATA, Asker, opened
from cumulo.orchestration.service.hidden import SECTIONS
from cumulo.orchestration.service.rest_handler import RestHandler

if TYPE_CHECKING:
    from cumulo.orchestration.service.stacks import Stacks

MOST_SNAPSHOTS = 20
"""Of one stack."""
MOST_AT_ONCE = 50
"""Saved things that go in one transaction."""


class Keeping:
    def __init__(self, stacks: "Stacks") -> None:
        self._stacks = stacks
        self._engine = stacks.engine
        self.hidden = stacks.blueprints.hidden

    # --- documents -------------------------------------------------------------------------

    def document(self, tx: Tx, row: StackRow) -> dict[str, Any]:
        """All that is needed to have the stack again: as Heat's export has it."""
        return self.hidden.opened_document(self._kept(tx, row, secrets=True))

    def shown(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What readers see of a snapshot: no secrets."""
        environment = dict(data["environment"])
        for section in SECTIONS:
            values = environment.get(section) or {}
            environment[section] = self.hidden.masked(values, self.hidden.sealed_names(values))
        return {**data, "environment": environment}

    def _kept(self, tx: Tx, row: StackRow, *, secrets: bool) -> dict[str, Any]:
        """The same, as it is at rest."""
        return {
            "id": row.id,
            "name": row.name,
            "action": row.action,
            "status": row.status,
            "project_id": row.project_id,
            "stack_user_project_id": row.project_id,
            "template": row.template,
            "environment": {**row.environment, "parameters": self._parameters(row)},
            "files": files_of(tx, row),
            "tags": row.tags,
            "resources": self._resources(tx, row, secrets=secrets),
        }

    @staticmethod
    def _parameters(row: StackRow) -> dict[str, Any]:
        return {**(row.environment.get("parameters") or {}), **row.parameters}

    def _resources(self, tx: Tx, row: StackRow, *, secrets: bool) -> dict[str, Any]:
        found = {}
        rows = [r for r in tx.all(resources.OF_STACK, stack=row.id) if r.goal == "present"]
        inner = {
            child.parent_id: child
            for child in tx.all(stack_queries.CHILDREN, parents=[r.id for r in rows] or [""])
        }
        for each in rows:
            one: dict[str, Any] = {
                "name": each.name,
                "resource_id": each.physical_id,
                "type": each.type,
                "action": each.action,
                "status": each.status,
                "metadata": each.metadata,
                "resource_data": {
                    name: opened(self._engine.seal, each.stored[name])
                    for name in DATA
                    if secrets and name in each.stored
                },
            }
            child = inner.get(each.id)
            if child is not None:
                inside = self._resources(tx, child, secrets=secrets)
                one |= {"template": child.template, "resources": inside}
            found[each.name] = one
        return found

    # --- abandon ---------------------------------------------------------------------------

    def abandon(self, tx: Tx, row: StackRow, who: Principal) -> dict[str, Any]:
        """The stack goes, and nothing of what it has made. Raises Conflict while it is in work."""
        self._stacks.quiet(row)
        made = self.document(tx, row)
        self._retain(tx, row)
        # What snapshots have saved is left alone, too.
        for kept in self.snapshots(tx, row):
            tx.delete(kept)
        self._stacks.delete(tx, row, who)
        return made

    def _retain(self, tx: Tx, row: StackRow) -> None:
        rows = tx.all(resources.OF_STACK, stack=row.id)
        found = tx.all(stack_queries.CHILDREN, parents=[each.id for each in rows] or [""])
        inner = {child.parent_id: child for child in found}
        for each in rows:
            child = inner.get(each.id)
            if child is not None:
                self._retain(tx, child)
            else:
                tx.update(each, deletion_policy="Retain")

    # --- snapshots -------------------------------------------------------------------------

    def snapshots(self, tx: Tx, row: StackRow) -> list[SnapshotRow]:
        return tx.all(queries.OF_STACK, stack=row.id)

    def heads(self, tx: Tx, row: StackRow) -> list[SnapshotRow]:
        """Without what is in them."""
        return tx.all(queries.HEADS, stack=row.id)

    def snapshot(self, tx: Tx, row: StackRow, id: str) -> SnapshotRow:
        """Raises NotFound."""
        found = tx.get(SnapshotRow, id)
        if found is None or found.stack_id != row.id:
            raise NotFound(f"Snapshot with id {id} not found")
        return found

    def take_snapshot(
        self, tx: Tx, row: StackRow, name: str, who: Principal | None = None
    ) -> SnapshotRow:
        """Begin one. Raises Conflict while the stack is in work, BadRequest for too many."""
        self._stacks.quiet(row)
        self.settle(tx, row, "It was left off.")
        if row.status != "COMPLETE":
            raise BadRequest(f"Snapshotting a stack in {row.word} is not supported.")
        if len(self.heads(tx, row)) >= MOST_SNAPSHOTS:
            raise BadRequest(f"A stack has at most {MOST_SNAPSHOTS} snapshots.")
        kept = SnapshotRow(
            id=new_id(),
            stack_id=row.id,
            name=name[:255],
            status="IN_PROGRESS",
            status_reason="",
            data=self._kept(tx, row, secrets=False),
            created_at=tx.now,
        )
        tx.insert(kept)
        self._stacks.act(tx, row, "SNAPSHOT", who)
        return tx.get(SnapshotRow, kept.id) or kept

    def settle(self, tx: Tx, row: StackRow, reason: str, status: str = "FAILED") -> None:
        """The stack's resources are saved, or some could not be: what is there of a snapshot that
        was begun belongs to that one, and goes with it."""
        for head in self.heads(tx, row):
            kept = tx.get(SnapshotRow, head.id) if head.status == "IN_PROGRESS" else None
            if kept is None:
                continue
            data = {**kept.data, "resources": dict(kept.data["resources"])}
            for each in tx.all(resources.OF_STACK, stack=row.id):
                saved = each.stored.get("snapshot")
                if saved and each.name in data["resources"]:
                    one = data["resources"][each.name]
                    data["resources"][each.name] = {**one, "saved": saved["id"]}
                    rest = {n: v for n, v in each.stored.items() if n != "snapshot"}
                    tx.update(each, stored=rest)
            tx.update(kept, status=status, status_reason=reason, data=data)

    def restore(self, tx: Tx, row: StackRow, kept: SnapshotRow, who: Principal) -> None:
        """The stack becomes what it was then, with what was saved of its things."""
        self._stacks.quiet(row)
        if kept.status != "COMPLETE":
            raise BadRequest(f"Snapshot {kept.id} is {kept.status}.")
        data = self.hidden.opened_document(kept.data)
        saved = {name: one["saved"] for name, one in data["resources"].items() if one.get("saved")}
        parameters = data["environment"].get("parameters") or {}
        environment = {**data["environment"], "parameters": {}}
        wish = Wish(data["template"], data["files"], environment, parameters)
        self._stacks.update(tx, row, who, wish, action="RESTORE", saved=saved)

    def delete_snapshot(self, tx: Tx, row: StackRow, kept: SnapshotRow, who: Principal) -> None:
        """With what was saved."""
        if kept.status == "IN_PROGRESS" and row.status == "IN_PROGRESS":
            raise BadRequest("Deleting in-progress snapshot is not supported")
        self.settle(tx, row, "It was left off.")
        self._drop(tx, tx.get(SnapshotRow, kept.id) or kept, who)

    def _drop(
        self, tx: Tx, kept: SnapshotRow, who: Principal | None, most: int | None = None
    ) -> None:
        asker = None if who is None else Asker(tx, self._engine.calls, who)
        saved = [name for name, one in kept.data["resources"].items() if one.get("saved")]
        for name in saved[:most]:
            one = kept.data["resources"][name]
            snapshot = self._way(one["type"]) if one.get("saved") else None
            if snapshot is None or snapshot.delete is None or asker is None:
                continue
            try:
                asker.ask(snapshot.delete(one["saved"]))
            except Fault:
                # It is not there any more, or has users of its own by now: it is theirs.
                continue
        if most is None or len(saved) <= most:
            tx.delete(kept)
            return
        rest = {name: kept.data["resources"][name] for name in saved[most:]}
        tx.update(kept, data={**kept.data, "resources": rest})

    def drop_some(self, tx: Tx, row: StackRow) -> None:
        """Of a stack that is gone: a part of what its first snapshot has saved."""
        head = next(iter(self.heads(tx, row)), None)
        kept = None if head is None else tx.get(SnapshotRow, head.id)
        if kept is not None:
            self._drop(tx, kept, self._engine.principal_or_none(tx, row), most=MOST_AT_ONCE)

    def _way(self, kind: str) -> Snapshot | None:
        handler = self._engine.types.known(kind)
        return handler.type.snapshot if isinstance(handler, RestHandler) else None


def adopted(data: Any) -> dict[str, Mapping[str, Any]]:
    """Name → what a document of a stack says of its resources. Raises BadRequest."""
    found = data.get("resources") if isinstance(data, dict) else None
    if not isinstance(found, dict) or len(found) > 1000:
        raise BadRequest("The data to adopt a stack from are no document of a stack.")
    for name, one in found.items():
        if not isinstance(one, dict):
            raise BadRequest(f"The data of resource {str(name)[:100]} are no map.")
        id = one.get("resource_id")
        if id is not None and (not isinstance(id, str) or len(id) > 255):
            raise BadRequest(f"The resource_id of {str(name)[:100]} is no id.")
    return found
