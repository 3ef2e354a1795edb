"""Queries of flavors and who may use them."""

import sqlalchemy as sa

from cumulo.compute.model.flavor import FlavorAccessRow, FlavorRow
from cumulo.core.db.listing import Listing, at_least, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_c, _a = columns(FlavorRow), columns(FlavorAccessRow)

FLAVORS = Listing(
    FlavorRow,
    filters={
        "is_public": equals(_c.is_public),
        "disabled": equals(_c.disabled),
        "min_disk": at_least(_c.disk),
        "min_ram": at_least(_c.ram),
        "ids": one_of(_c.id),
        "usable_by": lambda name: sa.or_(
            _c.is_public.is_(True),
            _c.id.in_(sa.select(_a.flavor_id).where(_a.project_id == sa.bindparam(name))),
        ),
    },
    sort_keys={
        "flavorid": _c.id,
        "name": _c.name,
        "memory_mb": _c.ram,
        "vcpus": _c.vcpus,
        "root_gb": _c.disk,
        "ephemeral_gb": _c.ephemeral,
        "swap": _c.swap,
        "rxtx_factor": _c.rxtx_factor,
        "is_public": _c.is_public,
        "disabled": _c.disabled,
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
    },
    default_sort=(("flavorid", "asc"),),
)
NAMED = query(FlavorRow, sa.select(FlavorRow.sql_table).where(_c.name == sa.bindparam("name")))
ACCESS = query(
    FlavorAccessRow,
    sa.select(FlavorAccessRow.sql_table)
    .where(_a.flavor_id == sa.bindparam("flavor"))
    .order_by(_a.project_id),
)
COUNT = statement(sa.select(sa.func.count()).select_from(FlavorRow.sql_table))
