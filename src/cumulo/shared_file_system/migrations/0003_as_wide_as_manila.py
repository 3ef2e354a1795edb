"""Subnets, locks, security services, messages, transfers; shares shrink, revert and are recycled."""

import json

import sqlalchemy as sa
from alembic import op

revision = "shared_file_system_0003"
down_revision = "shared_file_system_0002"
branch_labels = None

_PLACE = ("network_id", "subnet_id", "subnet_entry_id", "cidr", "ip_version", "gateway", "mtu")
_PLUG = ("mac", "address", "gateway", "mtu", "tap")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), autoincrement=False, nullable=null)


def _index(table: str, *names: str, where: str | None = None) -> None:
    text = None if where is None else sa.text(where)
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names), unique=False,
                    sqlite_where=text, postgresql_where=text)  # fmt: skip


def upgrade() -> None:
    _shares()
    _places()
    _rules()
    _security()
    _others()
    _count()


def _shares() -> None:
    for name in ("revert_to", "delete_at", "location_metadata"):
        op.add_column("share_shares", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("share_shares", sa.Column("shrink_to", sa.BigInteger(), nullable=True))
    op.add_column("share_shares", sa.Column("data_loss", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE share_shares SET location_metadata = '{}', data_loss = :no")
               .bindparams(sa.bindparam("no", False, type_=sa.Boolean())))  # fmt: skip
    with op.batch_alter_table("share_shares") as table:
        table.alter_column("location_metadata", nullable=False, existing_type=sa.Text())
        table.alter_column("data_loss", nullable=False, existing_type=sa.Boolean())
    _index("share_shares", "delete_at", where="delete_at IS NOT NULL")


def _places() -> None:
    op.add_column("share_pools", sa.Column("disabled_reason", sa.Text(), nullable=True))
    op.create_table(
        "share_network_subnets",
        *(_text(name) for name in ("id", "share_network_id")),
        *(_text(name, null=True) for name in ("availability_zone", "network_id", "subnet_id")),
        _text("cidr", null=True),
        sa.Column("ip_version", sa.BigInteger(), autoincrement=False, nullable=True),
        _text("gateway", null=True),
        sa.Column("mtu", sa.BigInteger(), autoincrement=False, nullable=True),
        _text("metadata"),
        _text("created_at"),
        _text("updated_at", null=True),
        sa.ForeignKeyConstraint(["share_network_id"], ["share_networks.id"], ondelete="CASCADE",
                                name=op.f("fk_share_network_subnets_share_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_network_subnets")),
    )  # fmt: skip
    _index("share_network_subnets", "network_id")
    _index("share_network_subnets", "subnet_id")
    op.execute(
        "INSERT INTO share_network_subnets (id, share_network_id, network_id, subnet_id, cidr,"
        " ip_version, gateway, mtu, metadata, created_at, updated_at) SELECT subnet_entry_id, id,"
        " network_id, subnet_id, cidr, ip_version, gateway, mtu, '{}', created_at, updated_at"
        " FROM share_networks"
    )
    op.add_column("share_servers", sa.Column("plugs", sa.Text(), nullable=True))
    op.add_column("share_servers", sa.Column("declared", sa.Text(), nullable=True))
    database = op.get_bind()
    servers = database.execute(
        sa.text(
            "SELECT s.id, n.subnet_entry_id, s.mac, s.address, s.gateway, s.mtu, s.tap FROM"
            " share_servers s LEFT JOIN share_networks n ON n.id = s.share_network_id"
        )
    ).all()
    for id, entry, *rest in servers:
        plug = {"subnet_entry_id": entry or "", **dict(zip(_PLUG, rest, strict=True))}
        database.execute(sa.text("UPDATE share_servers SET plugs = :p WHERE id = :i"),
                         {"p": json.dumps([plug]), "i": id})  # fmt: skip
    with op.batch_alter_table("share_servers") as table:
        table.alter_column("plugs", nullable=False, existing_type=sa.Text())
        for name in _PLUG:
            table.drop_column(name)
    op.add_column("share_networks", sa.Column("declared", sa.Text(), nullable=True))
    for name in _PLACE:
        op.drop_column("share_networks", name)
    _index("share_network_subnets", "share_network_id", "created_at")


def _rules() -> None:
    op.create_table(
        "share_snapshot_access_rules",
        *(_text(name) for name in ("id", "snapshot_id", "project_id", "access_type", "access_to")),
        _text("state"),
        _text("wanted"),
        sa.Column("applied", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("told", sa.Boolean(), autoincrement=False, nullable=False),
        _text("fault", null=True),
        sa.Column("final", sa.Boolean(), autoincrement=False, nullable=False),
        _text("created_at"),
        _text("updated_at", null=True),
        sa.ForeignKeyConstraint(["snapshot_id"], ["share_snapshots.id"], ondelete="CASCADE",
                                name=op.f("fk_share_snapshot_access_rules_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_snapshot_access_rules")),
        sa.UniqueConstraint("snapshot_id", "access_type", "access_to", name=op.f(
            "uq_share_snapshot_access_rules_snapshot_id_access_type_access_to")),
    )  # fmt: skip
    _index("share_snapshot_access_rules", "snapshot_id")


def _security() -> None:
    op.create_table(
        "share_security_services",
        *(_text(name) for name in ("id", "project_id", "type")),
        *(_text(name, null=True) for name in (
            "name", "description", "dns_ip", "user", "password", "domain", "server", "ou",
            "default_ad_site")),
        _text("created_at"),
        _text("updated_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_security_services")),
    )  # fmt: skip
    _index("share_security_services", "created_at")
    _index("share_security_services", "project_id", "created_at")
    op.create_table(
        "share_network_security_services",
        _text("share_network_id"),
        _text("security_service_id"),
        sa.ForeignKeyConstraint(["share_network_id"], ["share_networks.id"], ondelete="CASCADE",
                                name=op.f("fk_share_network_security_services_share_network_id")),
        sa.ForeignKeyConstraint(
            ["security_service_id"], ["share_security_services.id"], ondelete="RESTRICT",
            name=op.f("fk_share_network_security_services_security_service_id")),
        sa.PrimaryKeyConstraint("share_network_id", "security_service_id",
                                name=op.f("pk_share_network_security_services")),
    )  # fmt: skip
    _index("share_network_security_services", "security_service_id")


def _others() -> None:
    op.create_table(
        "share_locks",
        *(_text(name) for name in ("id", "project_id", "user_id", "resource_id", "resource_type",
                                   "resource_action", "lock_context")),
        _text("lock_reason", null=True),
        _text("created_at"),
        _text("updated_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_locks")),
    )  # fmt: skip
    op.create_table(
        "share_messages",
        *(_text(name) for name in ("id", "project_id", "resource_type", "resource_id", "action_id",
                                   "detail_id", "reason", "created_at", "expires_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_messages")),
    )  # fmt: skip
    op.create_table(
        "share_transfers",
        *(_text(name) for name in ("id", "share_id", "project_id")),
        _text("name", null=True),
        *(_text(name) for name in ("salt", "key_hash", "created_at", "expires_at")),
        sa.ForeignKeyConstraint(["share_id"], ["share_shares.id"], ondelete="CASCADE",
                                name=op.f("fk_share_transfers_share_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_transfers")),
        sa.UniqueConstraint("share_id", name=op.f("uq_share_transfers_share_id")),
    )  # fmt: skip
    for table in ("share_locks", "share_messages", "share_transfers"):
        _index(table, "created_at")
        _index(table, "project_id", "created_at")
    _index("share_locks", "resource_id")
    _index("share_messages", "resource_id")
    _index("share_messages", "expires_at")
    _index("share_transfers", "expires_at")


def _count() -> None:
    """What there is, by user and by type, for the quotas of those."""
    sources = (
        ("share_shares s", "s.size", ("shares", "gigabytes")),
        ("share_snapshots n JOIN share_shares s ON s.id = n.share_id", "n.size",
         ("snapshots", "snapshot_gigabytes")),
    )  # fmt: skip
    for table, size, (number, room) in sources:
        owner = "n" if table.startswith("share_snapshots") else "s"
        for kind, column in (("user", f"{owner}.user_id"), ("type", "s.type_id")):
            key = f"{owner}.project_id || '/' || {column}"
            for resource, amount in ((number, "COUNT(*)"), (room, f"SUM({size})")):
                op.execute(
                    f"INSERT INTO quota_usages (project_id, service, resource, used) SELECT {key},"
                    f" 'shared_file_system.{kind}', '{resource}', {amount} FROM {table}"
                    f" GROUP BY {key}"
                )
    op.execute(
        "INSERT INTO quota_usages (project_id, service, resource, used) SELECT project_id || '/' ||"
        " user_id, 'shared_file_system.user', 'share_networks', COUNT(*) FROM share_networks"
        " GROUP BY project_id || '/' || user_id"
    )
