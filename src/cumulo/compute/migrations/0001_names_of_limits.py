"""Quotas are counted by the names that unified limits know."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0001"
down_revision = None
branch_labels = ("compute",)

_NAMES = {
    "instances": "servers",
    "cores": "class:VCPU",
    "ram": "class:MEMORY_MB",
    "metadata_items": "server_metadata_items",
    "key_pairs": "server_key_pairs",
    "injected_files": "server_injected_files",
    "injected_file_content_bytes": "server_injected_file_content_bytes",
    "injected_file_path_bytes": "server_injected_file_path_bytes",
}


def upgrade() -> None:
    connection = op.get_bind()
    for table in ("quota_usages", "quota_limits"):
        rows = sa.table(table, sa.column("service"), sa.column("resource"))
        for old, new in _NAMES.items():
            connection.execute(
                sa.update(rows)
                .where(rows.c.service == "compute", rows.c.resource == old)
                .values(resource=new)
            )
