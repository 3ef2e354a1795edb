"""What projects share, and what everybody's networks already share."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "network_0005"
down_revision = "network_0004"


def upgrade() -> None:
    op.create_table(
        "network_rbac_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_rbac_policies")),
        sa.UniqueConstraint(
            "object_id",
            "action",
            "target",
            name=op.f("uq_network_rbac_policies_object_id_action_target"),
        ),
    )
    op.create_index("ix_network_rbac_policies_project_id", "network_rbac_policies", ["project_id"])
    op.create_index(
        "ix_network_rbac_policies_target_object_type",
        "network_rbac_policies",
        ["target", "object_type"],
    )
    made = sa.table(
        "network_rbac_policies",
        *(sa.column(name) for name in ("id", "project_id", "object_type", "object_id")),
        *(sa.column(name) for name in ("action", "target", "counted")),
    )
    for column, action in (("shared", "access_as_shared"), ("external", "access_as_external")):
        found = op.get_bind().execute(
            sa.text(f"SELECT id, project_id FROM network_networks WHERE {column}")
        )
        rows = [
            {
                "id": str(uuid.uuid4()),
                "project_id": project,
                "object_type": "network",
                "object_id": id,
                "action": action,
                "target": "*",
                "counted": False,
            }
            for id, project in found
        ]
        if rows:
            op.bulk_insert(made, rows)
