"""Guests as items of their hosts."""

from alembic import op

revision = "compute_0002"
down_revision = "compute_0001"

SERVERS = """
INSERT INTO host_items (host_id, kind, id, version, gone)
SELECT s.host_id, p.kind, s.id, p.generation, NOT s.present
FROM servers s JOIN host_parts p ON p.host_id = s.host_id AND p.kind = 'compute'
WHERE s.deleted_at IS NULL
"""


def upgrade() -> None:
    op.execute(SERVERS)
