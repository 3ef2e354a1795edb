"""Names of ports and floating IPs that DNS is told."""

import sqlalchemy as sa
from alembic import op

revision = "network_0003"
down_revision = "network_0002"

_TEXTS = {
    "network_networks": ("dns_domain",),
    "network_ports": ("dns_domain",),
    "network_floatingips": ("dns_name", "dns_domain"),
}
_FLAGS = {
    "network_ports": "published",
    "network_floatingips": "published",
    "network_subnets": "dns_publish_fixed_ip",
}


def upgrade() -> None:
    for table, names in _TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for table, name in _FLAGS.items():
        flag = sa.Boolean()
        op.add_column(table, sa.Column(name, flag, nullable=False, server_default=sa.false()))
