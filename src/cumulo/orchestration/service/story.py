"""What happened to stacks and their resources, event by event."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackEventRow, StackRow
from cumulo.orchestration.queries import stack as queries

MOST = 1000
"""Events kept of one stack; the oldest go first."""
AT_ONCE = 200


class Story:
    def of_resource(
        self, tx: Tx, stack: StackRow, row: ResourceRow, reason: str | None = None
    ) -> None:
        said = row.reason if reason is None else reason
        self._add(
            tx,
            stack,
            row.name,
            row.type,
            row.physical_id,
            row.action,
            row.status,
            said,
            row.properties,
        )

    def of_stack(self, tx: Tx, stack: StackRow) -> None:
        end = {"IN_PROGRESS": "start", "COMPLETE": "end", "FAILED": "error"}[stack.status]
        emit(
            tx,
            f"orchestration.stack.{stack.action.lower()}.{end}",
            stack.id,
            project_id=stack.project_id,
            name=stack.name,
        )
        self._add(
            tx,
            stack,
            stack.name,
            "OS::Heat::Stack",
            stack.id,
            stack.action,
            stack.status,
            stack.reason,
            {},
        )

    def _add(
        self,
        tx: Tx,
        stack: StackRow,
        name: str,
        type_: str,
        physical_id: str | None,
        action: str,
        status: str,
        reason: str,
        properties: Mapping[str, Any],
    ) -> None:
        last = tx.value(queries.LAST_EVENT, root=stack.root_id)
        tx.insert(
            StackEventRow(
                id=new_id(),
                sequence=1 if last is None else int(last) + 1,
                stack_id=stack.id,
                root_id=stack.root_id,
                resource_name=name,
                resource_type=type_,
                physical_id=physical_id,
                action=action,
                status=status,
                reason=reason[:2000],
                properties=dict(properties),
                at=tx.now,
            )
        )
        if last is not None and int(last) % AT_ONCE == 0:
            kept = int(tx.value(queries.EVENTS_OF, stack=stack.id))
            if kept > MOST:
                tx.run(queries.FORGET_EVENTS, stack=stack.id, n=kept - MOST)
