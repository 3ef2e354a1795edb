"""A service may be deleted while a registered limit names it."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("identity_registered_limits") as table:
        table.drop_constraint(op.f("fk_identity_registered_limits_service_id"), type_="foreignkey")
