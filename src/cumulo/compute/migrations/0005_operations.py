"""What is asked of servers besides their power: rescue, resize, shelving; and their migrations."""

import sqlalchemy as sa
from alembic import op

revision = "compute_0005"
down_revision = "compute_0004"

_SERVERS = sa.table("servers", sa.column("launched_at"), sa.column("placed"))


def upgrade() -> None:
    for name, kind in (
        ("base", sa.Text()),
        ("certificates", sa.Text()),
        ("rescue", sa.Text()),
        ("root_from", sa.BigInteger()),
        ("root_kept", sa.BigInteger()),
        ("operation", sa.Text()),
        ("shelved_image_id", sa.Text()),
        ("before", sa.Text()),
        ("soft_deleted_at", sa.Text()),
    ):
        op.add_column("servers", sa.Column(name, kind, nullable=True))
    op.add_column(
        "servers",
        sa.Column("root_version", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    for name in ("placed", "shelved"):
        flag: sa.Column[bool] = sa.Column(
            name, sa.Boolean(), nullable=False, server_default=sa.false()
        )
        op.add_column("servers", flag)
    op.get_bind().execute(
        sa.update(_SERVERS).where(_SERVERS.c.launched_at.is_not(None)).values(placed=True)
    )
    op.create_table(
        "compute_migrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                *("uuid", "server_id", "project_id", "user_id", "kind", "status", "source"),
                *("target", "old_flavor", "new_flavor", "created_at", "updated_at"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compute_migrations")),
    )
    for column in ("server_id", "created_at"):
        op.create_index(f"ix_compute_migrations_{column}", "compute_migrations", [column])
    op.create_table(
        "server_backups",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("image_id", "server_id", "kind", "created_at")
        ),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_server_backups")),
    )
    op.create_index(
        "ix_server_backups_server_id_kind_created_at",
        "server_backups",
        ["server_id", "kind", "created_at"],
    )
