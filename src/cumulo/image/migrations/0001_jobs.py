"""Tasks and uploads are jobs: what was at work goes on, what was being uploaded is taken back."""

import json

import sqlalchemy as sa
from alembic import op

revision = "image_0001"
down_revision = None
branch_labels = ("image",)

_FIELDS = (
    "id", "kind", "subject", "project_id", "step", "undoing", "memo", "epoch", "lease_by", "due",
    "attempts", "nudged", "cancel", "progress", "reason", "fault", "created_at", "updated_at",
)  # fmt: skip
_JOBS = sa.table("jobs", *(sa.column(name) for name in _FIELDS))


def _job(kind: str, step: str, memo: str, **of: object) -> dict[str, object]:
    return {
        "kind": kind, "step": step, "memo": memo, "undoing": False, "epoch": 0, "lease_by": None,
        "due": of["created_at"], "attempts": 0, "nudged": False, "cancel": False, "progress": 0,
        "reason": None, "fault": None, "updated_at": of["created_at"], **of,
    }  # fmt: skip


def _kind(type: str, input: str) -> str:
    if type == "location_import":
        return "image.location"
    asked = json.loads(input).get("import_req", {}).get("method", {}).get("name", "")
    return "image.import" if asked in ("glance-direct", "copy-image") else "image.download"


def upgrade() -> None:
    connection = op.get_bind()
    tasks = connection.execute(
        sa.text(
            "SELECT id, type, image_id, owner, input, step, work, created_at FROM image_tasks"
            " WHERE status IN ('pending', 'processing') AND step <> 'end'"
        )
    )
    jobs = [
        _job(
            _kind(row.type, row.input), row.step, row.work, id=row.id,
            subject=row.image_id or "", project_id=row.owner or "", created_at=row.created_at,
        )
        for row in tasks
    ]  # fmt: skip
    uploads = connection.execute(
        sa.text("SELECT id, owner, upload_id, updated_at FROM images WHERE upload_id IS NOT NULL")
    )
    jobs += [
        _job(
            "image.upload", "receive", "{}", id=row.upload_id,
            subject=row.id, project_id=row.owner or "", created_at=row.updated_at,
        )
        for row in uploads
    ]  # fmt: skip
    if jobs:
        op.bulk_insert(_JOBS, jobs)
    op.drop_index(op.f("ix_image_tasks_due"), "image_tasks")
    with op.batch_alter_table("image_tasks") as table:
        for name in ("step", "work", "attempts", "lease_by", "due"):
            table.drop_column(name)
    with op.batch_alter_table("images") as table:
        table.drop_column("upload_until")
