"""What the settings' prices were, and when the hashmap counted."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0007"
down_revision = "telemetry_0006"


def upgrade() -> None:
    op.create_table(
        "telemetry_price_terms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("flat", sa.Text(), nullable=False),
        sa.Column("hashmap", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemetry_price_terms")),
    )
