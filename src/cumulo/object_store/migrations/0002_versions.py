"""Older versions of objects."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0002"
down_revision = "object_store_0001"


def upgrade() -> None:
    op.create_table(
        "object_versions",
        sa.Column("container_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("marker", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("content_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("headers", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("assembly", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["object_containers.id"],
            name=op.f("fk_object_versions_container_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("container_id", "name", "version", name=op.f("pk_object_versions")),
    )
    op.create_index(
        "ix_object_versions_container_id_name_timestamp",
        "object_versions",
        ["container_id", "name", "timestamp"],
    )
    for column in ("assembly", "blob"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_object_versions_{column}",
            "object_versions",
            [column],
            sqlite_where=where,
            postgresql_where=where,
        )
    # What was written before versions could be kept is the version `null`.
    op.execute("UPDATE object_objects SET version = 'null'")
