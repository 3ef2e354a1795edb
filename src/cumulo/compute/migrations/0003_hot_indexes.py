"""Indexes of servers without what was deleted; hosts by their ids and zones; disabled hosts and
aggregates are known to placement."""

import json
import uuid

import sqlalchemy as sa
from alembic import op

revision = "compute_0003"
down_revision = "compute_0002"

_SPACE = uuid.UUID("6b1e1c1e-c0c0-4000-8000-000000000001")
_TRAITS = sa.table("placement_provider_traits", sa.column("provider_id"), sa.column("trait"))
_MEMBERS = sa.table(
    "placement_provider_aggregates", sa.column("provider_id"), sa.column("aggregate_id")
)
_HOSTS = sa.table("hypervisors", sa.column("host_id"), sa.column("zone"))
_LIVING = "deleted_at IS NULL"


def _index(columns: list[str], where: str | None = None) -> None:
    name = f"ix_servers_{'_'.join(columns)}"
    text = None if where is None else sa.text(where)
    op.create_index(name, "servers", columns, sqlite_where=text, postgresql_where=text)


def upgrade() -> None:
    for name in ("deleted_at", "host_id_present", "project_id_created_at", "user_id"):
        op.drop_index(f"ix_servers_{name}", "servers")
    for columns in (["project_id", "created_at"], ["host_id"], ["user_id"], ["created_at"]):
        _index(columns, _LIVING)
    _index(["project_id", "updated_at"])
    _index(["deleted_at"], "deleted_at IS NOT NULL")
    op.create_index("ix_hypervisors_uuid", "hypervisors", ["uuid"])
    op.create_index("ix_hypervisors_service_uuid", "hypervisors", ["service_uuid"])
    op.create_index("ix_hypervisors_zone_disabled", "hypervisors", ["zone", "disabled"])
    connection = op.get_bind()
    known = {row.id for row in connection.execute(sa.text("SELECT id FROM placement_providers"))}
    hosts = connection.execute(sa.text("SELECT uuid, disabled, forced_down FROM hypervisors"))
    out = [row.uuid for row in hosts if (row.disabled or row.forced_down) and row.uuid in known]
    if out:
        rows = [{"provider_id": id, "trait": "COMPUTE_STATUS_DISABLED"} for id in out]
        ids = {row["provider_id"] for row in rows}
        connection.execute(
            sa.delete(_TRAITS).where(
                _TRAITS.c.provider_id.in_(ids), _TRAITS.c.trait == "COMPUTE_STATUS_DISABLED"
            )
        )
        op.bulk_insert(_TRAITS, rows)
    for row in connection.execute(sa.text("SELECT uuid, hosts, metadata FROM compute_aggregates")):
        zone = json.loads(row.metadata).get("availability_zone")
        for host in json.loads(row.hosts):
            provider = str(uuid.uuid5(_SPACE, f"{host}/compute node/0"))
            member = {"provider_id": provider, "aggregate_id": row.uuid}
            if provider in known:
                same = sa.and_(
                    _MEMBERS.c.provider_id == provider, _MEMBERS.c.aggregate_id == row.uuid
                )
                connection.execute(sa.delete(_MEMBERS).where(same))
                op.bulk_insert(_MEMBERS, [member])
            if zone:
                connection.execute(
                    sa.update(_HOSTS).where(_HOSTS.c.host_id == host).values(zone=zone)
                )
