"""From where users have logged in."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0001"
down_revision = None
branch_labels = ("identity",)


def upgrade() -> None:
    op.create_table(
        "identity_known_places",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_known_places")),
    )
    op.create_index(op.f("ix_identity_known_places_last"), "identity_known_places", ["last"])
