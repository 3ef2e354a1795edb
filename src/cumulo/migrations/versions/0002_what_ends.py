"""What ends by itself is found by its end; guesses and what was used once are rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "identity_guesses",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("failures", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("free_at", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_guesses")),
    )
    op.create_index(op.f("ix_identity_guesses_last"), "identity_guesses", ["last"])
    op.create_table(
        "identity_used_once",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_used_once")),
    )
    op.create_index(op.f("ix_identity_used_once_expires"), "identity_used_once", ["expires"])
    op.execute("INSERT INTO identity_used_once SELECT id, expires FROM identity_seen_assertions")
    op.drop_table("identity_seen_assertions")
    for table, column in (
        ("identity_trusts", "expires_at"),
        ("identity_access_tokens", "expires_at"),
        ("identity_revocations", "expires"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.drop_index(op.f("ix_identity_memberships_group_id"), "identity_memberships")
    op.create_index(
        "ix_identity_memberships_group_id_user_id", "identity_memberships", ["group_id", "user_id"]
    )
