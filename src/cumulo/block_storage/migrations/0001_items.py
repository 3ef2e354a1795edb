"""Disks as items of their hosts."""

from alembic import op

revision = "block_storage_0001"
down_revision = None
branch_labels = ("block_storage",)

# Snapshots go before their volumes.
VOLUMES = """
INSERT INTO host_items (host_id, kind, id, version, gone)
SELECT v.host_id, p.kind, v.id, p.generation, v.wanted = 'absent' AND NOT EXISTS (
    SELECT 1 FROM volume_snapshots s WHERE s.volume_id = v.id)
FROM volumes v JOIN host_parts p ON p.host_id = v.host_id AND p.kind = 'block_storage'
"""
SNAPSHOTS = """
INSERT INTO host_items (host_id, kind, id, version, gone)
SELECT s.host_id, p.kind, s.id, p.generation, s.wanted = 'absent'
FROM volume_snapshots s JOIN host_parts p ON p.host_id = s.host_id AND p.kind = 'block_storage'
"""


def upgrade() -> None:
    op.execute(VOLUMES)
    op.execute(SNAPSHOTS)
