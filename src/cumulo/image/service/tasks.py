"""Tasks: begun by a request, moved on by `image.jobs`, shown until they expire."""

from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs
from cumulo.image.model.image import ImageRow
from cumulo.image.model.task import TaskRow, Work
from cumulo.image.queries import task as queries

HOUR = 3600.0
MESSAGE_LENGTH = 2000


class Tasks:
    listing = queries.TASKS

    def __init__(self, hours: int, jobs: Jobs) -> None:
        self._seconds = hours * HOUR
        self._jobs = jobs

    def begin(
        self,
        tx: Tx,
        type: str,
        wish: dict[str, Any],
        job: tuple[str, str],
        work: Work,
        who: Principal,
        *,
        image_id: str,
        request_id: str | None = None,
        id: str | None = None,
    ) -> TaskRow:
        """`job`: the kind of the job that does it, and its first step."""
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
            created_at=tx.now,
            updated_at=tx.now,
            expires_at=None,
        )
        tx.insert(row)
        kind, step = job
        project = who.project_id
        self._jobs.begin(tx, kind, image_id, work, project_id=project, id=row.id, step=step)
        emit(tx, "image.task.create", row.id, principal=who, type=type, image=image_id)
        return row

    def begun(self, tx: Tx, task_id: str) -> None:
        tx.run(queries.BEGUN, task=task_id, now=tx.now)

    def cancel(self, tx: Tx, task_id: str) -> None:
        """Its image goes: no more effort."""
        self._jobs.cancel(tx, task_id, "the image was deleted")

    def message(self, tx: Tx, row: TaskRow) -> str:
        """What it says, or how far it is."""
        job = self._jobs.get(tx, row.id) if row.status == "processing" else None
        return row.message if not job or not job.progress else f"Copied {job.progress >> 20} MiB"

    def end(
        self, tx: Tx, row: TaskRow, message: str, result: dict[str, Any] | None, *, good: bool
    ) -> TaskRow:
        changed = tx.update(
            row,
            status="success" if good else "failure",
            message=message[:MESSAGE_LENGTH],
            result=result,
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
