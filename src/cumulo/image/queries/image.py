"""Queries of images and members."""

from typing import Any, cast

import sqlalchemy as sa

from cumulo.core.clock import SECONDS
from cumulo.core.db.listing import (
    Listing,
    at_least,
    at_most,
    contains_folded,
    differs,
    equals,
    one_of,
)
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.image.model.image import ImageRow, MemberRow
from cumulo.image.patterns import PATTERNS

_t, _c = ImageRow.sql_table, columns(ImageRow)
_m = columns(MemberRow)


def _second(column: sa.Column[Any]) -> sa.ColumnElement[str]:
    """As it is shown."""
    return sa.func.substr(column, 1, SECONDS, type_=sa.Text())


def _shared_with(name: str, *statuses: str) -> sa.ColumnElement[bool]:
    mine = sa.select(_m.image_id).where(
        _m.member_id == sa.bindparam(name), *([_m.status.in_(statuses)] if statuses else [])
    )
    return sa.and_(_c.visibility == "shared", _c.id.in_(mine))


def _in_list_of(name: str) -> sa.ColumnElement[bool]:
    """A project's own list: its own, the public ones, and the shared ones that it accepted."""
    return sa.or_(
        _c.owner == sa.bindparam(name), _c.visibility == "public", _shared_with(name, "accepted")
    )


def _visible_to(name: str) -> sa.ColumnElement[bool]:
    """All that a project may see if it knows the id."""
    return sa.or_(
        _c.owner == sa.bindparam(name),
        _c.visibility.in_(("public", "community")),
        _shared_with(name),
    )


def _member(name: str, status: str | None) -> sa.ColumnElement[bool]:
    """Shared with the project, with that answer of it; what it owns stays in the list."""
    return sa.or_(
        _c.owner == sa.bindparam(name),
        _c.visibility == "public",
        _shared_with(name, *([] if status is None else [status])),
    )


def _inside(column: Any, name: str) -> sa.ColumnElement[bool]:
    """The JSON text holds the piece: exact and case-sensitive on both engines, unlike LIKE."""
    rest: sa.ColumnElement[str] = sa.func.replace(column, sa.bindparam(name, type_=sa.Text()), "")
    return cast(sa.ColumnElement[bool], rest != column)


IMAGES = Listing(
    ImageRow,
    filters={
        "in_list_of": _in_list_of,
        "visible_to": _visible_to,
        "member_any": lambda name: _member(name, None),
        "member_pending": lambda name: _member(name, "pending"),
        "member_accepted": lambda name: _member(name, "accepted"),
        "member_rejected": lambda name: _member(name, "rejected"),
        "name": one_of(_c.name),
        "name_part": contains_folded(_c.name),
        "status": one_of(_c.status),
        "id": one_of(_c.id),
        "container_format": one_of(_c.container_format),
        "disk_format": one_of(_c.disk_format),
        "visibility": equals(_c.visibility),
        "owner": equals(_c.owner),
        "not_owner": differs(_c.owner),
        "protected": equals(_c.protected),
        "os_hidden": equals(_c.os_hidden),
        "checksum": equals(_c.checksum),
        "hash_value": equals(_c.hash_value),
        "min_disk": equals(_c.min_disk),
        "min_ram": equals(_c.min_ram),
        "size": equals(_c.size),
        "size_min": at_least(_c.size),
        "size_max": at_most(_c.size),
        **{
            f"{moment}_{test}": make(column)
            for moment, column in (("created_at", _c.created_at), ("updated_at", _c.updated_at))
            for test, make in (
                ("gte", at_least),
                ("lte", at_most),
                ("eq", lambda column: lambda name: _second(column) == sa.bindparam(name)),
                ("neq", lambda column: lambda name: _second(column) != sa.bindparam(name)),
                ("gt", lambda column: lambda name: column > sa.bindparam(name)),
                ("lt", lambda column: lambda name: column < sa.bindparam(name)),
            )
        },
        **{f"tag_{i}": lambda name: _inside(_c.tags, name) for i in range(PATTERNS)},
        **{f"property_{i}": lambda name: _inside(_c.properties, name) for i in range(PATTERNS)},
    },
    sort_keys={
        "name": _c.name,
        "status": _c.status,
        "container_format": _c.container_format,
        "disk_format": _c.disk_format,
        "size": _c.size,
        "id": _c.id,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
    },
)
BY_IDS = query(ImageRow, sa.select(_t).where(_c.id.in_(sa.bindparam("ids", expanding=True))))
BY_NAME = query(
    ImageRow,
    sa.select(_t).where(_c.name == sa.bindparam("name"), _c.owner == sa.bindparam("owner")),
)
MEMBERS = query(
    MemberRow,
    sa.select(MemberRow.sql_table)
    .where(_m.image_id == sa.bindparam("image_id"))
    .order_by(_m.created_at, _m.member_id),
)
MEMBER_COUNT = statement(sa.select(sa.func.count()).where(_m.image_id == sa.bindparam("image_id")))
COUNT = statement(sa.select(sa.func.count()).select_from(_t))
