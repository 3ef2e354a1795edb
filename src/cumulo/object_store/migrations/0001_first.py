"""The object store's tables."""

import sqlalchemy as sa
from alembic import op

revision = "object_store_0001"
down_revision = None
branch_labels = ("object_store",)


def upgrade() -> None:
    op.create_table(
        "object_accounts",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("containers", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("objects", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_object_accounts")),
    )
    op.create_table(
        "object_parts",
        sa.Column("assembly", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("checksums", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("assembly", "number", name=op.f("pk_object_parts")),
    )
    op.create_index(
        "ix_object_parts_blob",
        "object_parts",
        ["blob"],
        unique=False,
        sqlite_where=sa.text("blob IS NOT NULL"),
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_table(
        "object_removals",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_removals")),
    )
    op.create_index(op.f("ix_object_removals_due"), "object_removals", ["due"], unique=False)
    op.create_table(
        "object_containers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("put_timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("objects", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("read_acl", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("write_acl", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("options", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["object_accounts.name"],
            name=op.f("fk_object_containers_account"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_containers")),
        sa.UniqueConstraint("account", "name", name=op.f("uq_object_containers_account_name")),
    )
    op.create_table(
        "object_objects",
        sa.Column("container_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("content_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("headers", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("assembly", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("delete_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["object_containers.id"],
            name=op.f("fk_object_objects_container_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("container_id", "name", name=op.f("pk_object_objects")),
    )
    op.create_index(
        "ix_object_objects_assembly",
        "object_objects",
        ["assembly"],
        unique=False,
        sqlite_where=sa.text("assembly IS NOT NULL"),
        postgresql_where=sa.text("assembly IS NOT NULL"),
    )
    op.create_index(
        "ix_object_objects_blob",
        "object_objects",
        ["blob"],
        unique=False,
        sqlite_where=sa.text("blob IS NOT NULL"),
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_index(
        "ix_object_objects_delete_at",
        "object_objects",
        ["delete_at"],
        unique=False,
        sqlite_where=sa.text("delete_at IS NOT NULL"),
        postgresql_where=sa.text("delete_at IS NOT NULL"),
    )
    op.create_table(
        "object_uploads",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("container_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("content_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("headers", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["object_containers.id"],
            name=op.f("fk_object_uploads_container_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_uploads")),
    )
    op.create_index(
        "ix_object_uploads_container_id_name_id",
        "object_uploads",
        ["container_id", "name", "id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(op.f("ix_object_uploads_owner"), "object_uploads", ["owner"], unique=False)
