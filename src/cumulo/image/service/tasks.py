"""Tasks: begun by a request, moved on by `operations`, shown until they expire."""

from collections.abc import Callable
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.image.model.image import ImageRow
from cumulo.image.model.task import Step, TaskRow, Work
from cumulo.image.queries import task as queries

HOUR = 3600.0
MESSAGE_LENGTH = 2000


class Tasks:
    listing = queries.TASKS

    def __init__(self, hours: int) -> None:
        self._seconds = hours * HOUR
        self.ring: Callable[[], None] = lambda: None
        """Rung after a commit that begins a task."""

    def begin(
        self,
        tx: Tx,
        type: str,
        wish: dict[str, Any],
        step: Step,
        work: Work,
        who: Principal,
        *,
        image_id: str | None = None,
        request_id: str | None = None,
        id: str | None = None,
    ) -> TaskRow:
        row = TaskRow(
            id=id or new_id(),
            type=type,
            status="pending",
            owner=who.project_id,
            image_id=image_id,
            user_id=who.user_id,
            request_id=request_id,
            input=wish,
            result=None,
            message="",
            step=step,
            work=work,
            attempts=0,
            lease_by=None,
            due=tx.now,
            created_at=tx.now,
            updated_at=tx.now,
            expires_at=None,
        )
        tx.insert(row)
        tx.after_commit(lambda: self.ring())
        emit(tx, "image.task.create", row.id, principal=who, type=type, image=image_id)
        return row

    def end(
        self, tx: Tx, row: TaskRow, message: str, result: dict[str, Any] | None, *, good: bool
    ) -> TaskRow:
        changed = tx.update(
            row,
            status="success" if good else "failure",
            step="end",
            message=message[:MESSAGE_LENGTH],
            result=result,
            lease_by=None,
            updated_at=tx.now,
            expires_at=later(tx.now, self._seconds),
        )
        kind = "image.task.success" if good else "image.task.failure"
        emit(tx, kind, row.id, project_id=row.owner, image=row.image_id, message=message[:500])
        return changed

    def get(self, tx: Tx, task_id: str, who: Principal) -> TaskRow:
        row = tx.get(TaskRow, task_id)
        if row is None or not (who.is_admin or row.owner == who.project_id):
            raise NotFound(f"No task found with ID {task_id}")
        return row

    def of_image(self, tx: Tx, image: ImageRow) -> list[TaskRow]:
        return tx.all(queries.OF_IMAGE, image_id=image.id)

    def forget_expired(self, tx: Tx) -> int:
        if not tx.value(queries.EXPIRED, now=tx.now):
            return 0
        return tx.run(queries.FORGET, now=tx.now)


def filters(pairs: dict[str, str]) -> dict[str, Any]:
    """The filters of a list of tasks. Raises BadRequest."""
    allowed = {
        "status": ("pending", "processing", "success", "failure"),
        "type": ("import", "api_image_import", "location_import"),
    }
    where: dict[str, Any] = {}
    for name, values in allowed.items():
        if name in pairs:
            if pairs[name] not in values:
                raise BadRequest(f"Invalid {name} value: {pairs[name]}")
            where[name] = pairs[name]
    if "owner" in pairs:
        where["owner"] = pairs["owner"]
    return where
