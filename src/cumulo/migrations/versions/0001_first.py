"""The tables of the first release."""

from alembic import op

from cumulo.core.db.rows import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
