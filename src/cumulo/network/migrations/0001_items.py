"""Networks, ports, groups, members and routers as items of their hosts."""

import sqlalchemy as sa
from alembic import op

revision = "network_0001"
down_revision = None
branch_labels = ("network",)

_INSERT = "INSERT INTO host_items (host_id, kind, id, version, gone) "
_ON_HOSTS = "JOIN host_parts h ON h.host_id = p.host_id AND h.kind = 'network' "
_GUESTS = """p.role NOT IN (
    'network:dhcp', 'network:router_interface', 'network:router_gateway', 'network:floatingip')
"""
PORTS = f"""{_INSERT} SELECT h.host_id, h.kind, 'port/' || p.id, h.generation, FALSE
FROM network_ports p {_ON_HOSTS} WHERE {_GUESTS}"""
NETWORKS = f"""{_INSERT}
SELECT DISTINCT h.host_id, h.kind, 'network/' || p.network_id, h.generation, FALSE
FROM network_ports p {_ON_HOSTS}"""
GROUPS = f"""{_INSERT}
SELECT DISTINCT h.host_id, h.kind, 'group/' || g.group_id, h.generation, FALSE
FROM network_ports p {_ON_HOSTS} JOIN network_port_groups g ON g.port_id = p.id WHERE {_GUESTS}"""
MEMBERS = f"""{_INSERT}
SELECT DISTINCT h.host_id, h.kind, 'members/' || r.remote_group_id, h.generation, FALSE
FROM network_ports p {_ON_HOSTS} JOIN network_port_groups g ON g.port_id = p.id
JOIN network_security_group_rules r ON r.security_group_id = g.group_id
WHERE r.remote_group_id IS NOT NULL AND {_GUESTS}"""
ROUTERS = f"""{_INSERT} SELECT h.host_id, h.kind, 'router/' || p.id, h.generation, FALSE
FROM network_routers p {_ON_HOSTS}"""


def upgrade() -> None:
    op.create_table(
        "network_group_changes",
        sa.Column("group_id", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["network_security_groups.id"],
            name=op.f("fk_network_group_changes_group_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        op.f("ix_network_group_changes_pending"),
        "network_group_changes",
        ["pending"],
        sqlite_where=sa.text("pending"),
        postgresql_where=sa.text("pending"),
    )
    for text in (PORTS, NETWORKS, GROUPS, MEMBERS, ROUTERS):
        op.execute(text)
