"""What control nodes write into rows, by which others know that they changed."""

import sqlalchemy as sa
from alembic import op

revision = "core_0007"
down_revision = "core_0006"


def upgrade() -> None:
    # A default that stays: control nodes of the release before this one write no such thing.
    with op.batch_alter_table("control_nodes") as nodes:
        nodes.add_column(sa.Column("edition", sa.BigInteger(), nullable=False, server_default="0"))
