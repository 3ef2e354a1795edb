"""By what the keys of encryption are known again."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0005"
down_revision = "object_store_0004"


def upgrade() -> None:
    op.create_table(
        "object_keys",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("proof", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_object_keys")),
    )
