"""Queries of servers and their actions."""

import sqlalchemy as sa

from cumulo.compute.model.server import (
    ActionRow,
    BackupRow,
    FileRow,
    MigrationRow,
    ServerRow,
)
from cumulo.core.db.listing import (
    Listing,
    absent,
    at_least,
    at_most,
    contains_folded,
    equals,
    is_null,
    one_of,
    present,
    starts_with,
)
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_c, _a = columns(ServerRow), columns(ActionRow)
_m, _b, _f = columns(MigrationRow), columns(BackupRow), columns(FileRow)

SERVERS = Listing(
    ServerRow,
    remembers=True,
    filters={
        "project_id": equals(_c.project_id),
        "user_id": equals(_c.user_id),
        "ids": one_of(_c.id),
        "name_part": contains_folded(_c.name),
        # The first field of the JSON text.
        "image_id": starts_with(_c.image),
        "no_image": is_null(_c.image),
        "flavor_id": starts_with(_c.flavor),
        "key_name": starts_with(_c.key),
        "description": equals(_c.description),
        "hostname": equals(_c.hostname),
        "access_ipv4": equals(_c.access_ipv4),
        "access_ipv6": equals(_c.access_ipv6),
        "config_drive": equals(_c.config_drive),
        "unlocked": is_null(_c.locked_by),
        "status": one_of(_c.status),
        "vm_state": one_of(_c.vm_state),
        "task_state": equals(_c.task_state),
        "power_state": equals(_c.power_state),
        "host": equals(_c.host_id),
        "zone": equals(_c.zone),
        "reservation_id": equals(_c.reservation_id),
        "changed_since": at_least(_c.updated_at),
        "changed_before": at_most(_c.updated_at),
        "existing": absent(_c.deleted_at),
        "deleted": present(_c.deleted_at),
    },
    sort_keys={
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "status": _c.status,
        "vm_state": _c.vm_state,
        "task_state": _c.task_state,
        "power_state": _c.power_state,
        "host_id": _c.host_id,
        "project_id": _c.project_id,
        "user_id": _c.user_id,
        "hostname": _c.hostname,
        "zone": _c.zone,
        "launched_at": _c.launched_at,
        "deleted_at": _c.deleted_at,
        "id": _c.id,
    },
)
BY_IDS = query(
    ServerRow,
    sa.select(ServerRow.sql_table).where(_c.id.in_(sa.bindparam("ids", expanding=True))),
)
SHOWN_ANEW = statement(
    sa.update(ServerRow.sql_table)
    .where(_c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(revision=_c.revision + 1)
)
COUNT_BY_HOST = statement(
    sa.select(_c.host_id, sa.func.count())
    .where(_c.deleted_at.is_(None), _c.host_id.is_not(None))
    .group_by(_c.host_id)
)
COUNT_ON_HOSTS = statement(
    sa.select(_c.host_id, sa.func.count())
    .where(_c.deleted_at.is_(None), _c.host_id.in_(sa.bindparam("hosts", expanding=True)))
    .group_by(_c.host_id)
)
COUNT_OF_GROUP = statement(
    sa.select(_c.host_id, sa.func.count())
    .where(
        _c.id.in_(sa.bindparam("ids", expanding=True)),
        _c.deleted_at.is_(None),
        _c.host_id.is_not(None),
    )
    .group_by(_c.host_id)
)
COUNT = statement(sa.select(sa.func.count()).where(_c.deleted_at.is_(None)))
_LIVING = sa.select(ServerRow.sql_table).where(
    _c.created_at < sa.bindparam("until"), _c.deleted_at.is_(None)
)
_DEAD = sa.select(ServerRow.sql_table).where(
    _c.created_at < sa.bindparam("until"), _c.deleted_at > sa.bindparam("since")
)
_ITS = _c.project_id == sa.bindparam("project")
LIVING, DEAD = query(ServerRow, _LIVING), query(ServerRow, _DEAD)
LIVING_OF, DEAD_OF = query(ServerRow, _LIVING.where(_ITS)), query(ServerRow, _DEAD.where(_ITS))
_AFTER = _c.id > sa.bindparam("after")
_LIVED = (
    sa.select(ServerRow.sql_table)
    .where(
        _c.created_at < sa.bindparam("until"),
        sa.or_(_c.deleted_at.is_(None), _c.deleted_at > sa.bindparam("since")),
    )
    .order_by(_c.project_id, _c.id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
LIVED = query(
    ServerRow,
    _LIVED.where(sa.or_(_c.project_id > sa.bindparam("project"), sa.and_(_ITS, _AFTER))),
)
LIVED_OF = query(ServerRow, _LIVED.where(_ITS, _AFTER))
"""Pages of both, by project and id."""
USING_FLAVOR_HOSTS = statement(
    sa.select(_c.id).where(_c.deleted_at.is_(None), _c.host_id == sa.bindparam("host"))
)
FORGOTTEN = query(
    ServerRow,
    sa.select(ServerRow.sql_table)
    .where(_c.deleted_at < sa.bindparam("before"))
    .order_by(_c.deleted_at)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
MIGRATION = query(
    MigrationRow, sa.select(MigrationRow.sql_table).where(_m.uuid == sa.bindparam("uuid"))
)
MIGRATIONS = Listing(
    MigrationRow,
    filters={
        "server_id": equals(_m.server_id),
        "status": equals(_m.status),
        "kind": equals(_m.kind),
        "source": equals(_m.source),
        "hosts": lambda name: sa.or_(
            _m.source == sa.bindparam(name), _m.target == sa.bindparam(name)
        ),
        "user_id": equals(_m.user_id),
        "project_id": equals(_m.project_id),
        "changed_since": at_least(_m.updated_at),
        "changed_before": at_most(_m.updated_at),
    },
    sort_keys={"created_at": _m.created_at, "id": _m.id},
    default_sort=(("created_at", "desc"), ("id", "desc")),
)
BACKUPS = query(
    BackupRow,
    sa.select(BackupRow.sql_table)
    .where(_b.server_id == sa.bindparam("server"), _b.kind == sa.bindparam("kind"))
    .order_by(_b.created_at.desc(), _b.image_id),
)
FILES = query(
    FileRow,
    sa.select(FileRow.sql_table)
    .where(_f.server_id.in_(sa.bindparam("servers", expanding=True)))
    .order_by(_f.server_id, _f.number),
)
FORGET_FILES = statement(sa.delete(FileRow.sql_table).where(_f.server_id == sa.bindparam("server")))
ACTIONS = Listing(
    ActionRow,
    filters={
        "server_id": equals(_a.server_id),
        "changed_since": at_least(_a.updated_at),
        "changed_before": at_most(_a.updated_at),
    },
    sort_keys={"started_at": _a.started_at, "request_id": _a.request_id},
    default_sort=(("started_at", "desc"), ("request_id", "asc")),
)
OPEN_ACTIONS = query(
    ActionRow,
    sa.select(ActionRow.sql_table).where(
        _a.server_id == sa.bindparam("server"), _a.result.is_(None)
    ),
)
_METAL = sa.text("metal AND deleted_at IS NULL")
METAL_ON = query(
    ServerRow,
    sa.select(ServerRow.sql_table).where(_METAL, _c.host_id == sa.bindparam("host")),
)
METAL_DUE = statement(
    sa.select(_c.id)
    .where(
        _METAL,
        sa.or_(_c.seen_generation < _c.generation, _c.present.is_(False), _c.look.is_(True)),
    )
    .order_by(_c.updated_at)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
"""They have something to do, or their node has changed."""
_OF_SERVER: sa.BindParameter[str] = sa.bindparam("server")
FORGET = (
    statement(sa.delete(ActionRow.sql_table).where(_a.server_id == _OF_SERVER)),
    statement(sa.delete(MigrationRow.sql_table).where(_m.server_id == _OF_SERVER)),
    statement(sa.delete(BackupRow.sql_table).where(_b.server_id == _OF_SERVER)),
    FORGET_FILES,
)
"""What is kept of a server besides its row."""

EVERY_LIVING = query(
    ServerRow, sa.select(ServerRow.sql_table).where(_c.deleted_at.is_(None)).order_by(_c.id)
)
"""For simulated worlds, which are small."""
