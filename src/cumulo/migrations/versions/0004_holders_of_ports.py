"""What a port is plugged into is a column that only services write."""

import sqlalchemy as sa
from alembic import op

revision = "0004_holders_of_ports"
down_revision = "0003"

# What compute plugged, of what says so: it is on the server's host and of the server's project.
_PLUGGED = """
UPDATE network_ports SET holder = device_id, role = 'compute'
WHERE device_owner LIKE 'compute:%' AND EXISTS (
    SELECT 1 FROM servers AS s WHERE s.id = device_id AND s.deleted_at IS NULL
    AND s.host_id = network_ports.host_id AND s.project_id = network_ports.project_id
)
"""
_OF_ROUTERS = """
UPDATE network_ports SET holder = device_id, role = device_owner
WHERE device_owner IN ('network:router_interface', 'network:router_gateway') AND EXISTS (
    SELECT 1 FROM network_routers AS r WHERE r.id = device_id
    AND network_ports.project_id IN ('', r.project_id)
)
"""
_OF_NETWORKS = """
UPDATE network_ports SET holder = network_id, role = 'network:dhcp'
WHERE device_owner = 'network:dhcp' AND device_id = 'dhcp-' || network_id
"""
_OF_FLOATING = """
UPDATE network_ports SET holder = device_id, role = 'network:floatingip'
WHERE id IN (SELECT floating_port_id FROM network_floatingips)
"""


def upgrade() -> None:
    with op.batch_alter_table("network_ports") as table:
        table.add_column(sa.Column("holder", sa.Text(), autoincrement=False, nullable=True))
        table.add_column(
            sa.Column("role", sa.Text(), autoincrement=False, nullable=False, server_default="")
        )
    for statement in (_PLUGGED, _OF_ROUTERS, _OF_NETWORKS, _OF_FLOATING):
        op.execute(statement)
    with op.batch_alter_table("network_ports") as table:
        table.alter_column("role", server_default=None)
    op.create_index("ix_network_ports_holder_role", "network_ports", ["holder", "role"])
