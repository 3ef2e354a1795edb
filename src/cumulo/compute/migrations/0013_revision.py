"""How often what is shown of a server has changed."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0013"
down_revision = "compute_0012"


def upgrade() -> None:
    op.add_column(
        "servers", sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0")
    )
