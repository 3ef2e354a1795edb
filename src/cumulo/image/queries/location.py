"""Queries of locations, removals and the cache."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.image.model.location import CacheRow, LocationRow, RemovalRow

_l, _r, _k = columns(LocationRow), columns(RemovalRow), columns(CacheRow)

OF_IMAGE = query(
    LocationRow,
    sa.select(LocationRow.sql_table)
    .where(_l.image_id == sa.bindparam("image_id"))
    .order_by(_l.created_at, _l.id),
)
OF_IMAGES = query(
    LocationRow,
    sa.select(LocationRow.sql_table)
    .where(_l.image_id.in_(sa.bindparam("image_ids", expanding=True)))
    .order_by(_l.created_at, _l.id),
)
KNOWN = statement(
    sa.select(_l.key).where(
        _l.store == sa.bindparam("store"), _l.key.in_(sa.bindparam("keys", expanding=True))
    )
)
REMOVALS = query(
    RemovalRow,
    sa.select(RemovalRow.sql_table)
    .where(_r.due <= sa.bindparam("now"))
    .order_by(_r.due)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
REMOVALS_OF = query(
    RemovalRow,
    sa.select(RemovalRow.sql_table).where(_r.image_id == sa.bindparam("image_id")),
)
CACHE = query(CacheRow, sa.select(CacheRow.sql_table).order_by(_k.queued_at, _k.image_id))
CACHED_OF = query(
    CacheRow,
    sa.select(CacheRow.sql_table).where(
        _k.cached.is_(True), _k.image_id.in_(sa.bindparam("image_ids", expanding=True))
    ),
)
CACHE_DUE = query(
    CacheRow,
    sa.select(CacheRow.sql_table)
    .where(_k.cached.is_(False), _k.due <= sa.bindparam("now"))
    .order_by(_k.due)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
CACHE_OLDEST = query(
    CacheRow,
    sa.select(CacheRow.sql_table).where(_k.cached.is_(True)).order_by(_k.used_at, _k.image_id),
)
CACHE_HIT = statement(
    sa.update(CacheRow.sql_table)
    .where(_k.image_id == sa.bindparam("image_id"))
    .values(hits=_k.hits + 1, used_at=sa.bindparam("now"))
)
