"""How far a control node's clock is from the database's."""

import sqlalchemy as sa
from alembic import op

revision = "core_0006"
down_revision = "core_0005"


def upgrade() -> None:
    # A default that stays: control nodes of the release before this one write no such thing.
    with op.batch_alter_table("control_nodes") as nodes:
        nodes.add_column(sa.Column("ahead", sa.Double(), nullable=False, server_default="0"))
