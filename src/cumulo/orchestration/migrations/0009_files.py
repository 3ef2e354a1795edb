"""Files are kept once for a stack and all that are inside it."""

import sqlalchemy as sa
from alembic import op

revision = "orchestration_0009"
down_revision = "orchestration_0008"


def upgrade() -> None:
    op.add_column(
        "orchestration_stacks",
        sa.Column(
            "files_digest", sa.Text(), autoincrement=False, nullable=False, server_default=""
        ),
    )
    op.create_table(
        "orchestration_files",
        *(
            sa.Column(name, sa.Text(), autoincrement=False, nullable=False)
            for name in ("root_id", "digest", "files")
        ),
        sa.ForeignKeyConstraint(["root_id"], ["orchestration_stacks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("root_id", "digest"),
    )
