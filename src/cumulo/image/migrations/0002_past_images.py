"""Ids of deleted images are not given to others."""

import sqlalchemy as sa
from alembic import op

revision = "image_0002"
down_revision = "image_0001"


def upgrade() -> None:
    op.create_table(
        "images_past",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("deleted_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images_past")),
    )
