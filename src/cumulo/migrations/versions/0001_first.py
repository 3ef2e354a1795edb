"""The tables of the first release."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Databases start with this revision: `core.db.migrations` makes its tables at once."""
