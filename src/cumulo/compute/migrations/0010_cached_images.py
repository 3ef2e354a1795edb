"""Images that hosts have before anybody asks."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0010"
down_revision = "compute_0009"


def upgrade() -> None:
    op.create_table(
        "compute_cached_images",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("image_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "image_id"),
    )
    op.create_index("ix_compute_cached_images_until", "compute_cached_images", ["until"])
