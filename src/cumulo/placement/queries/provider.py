"""Queries of providers, inventories, allocations and their consumers."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.placement.model.provider import (
    AllocationRow,
    ConsumerRow,
    InventoryRow,
    ProviderAggregateRow,
    ProviderRow,
    ProviderTraitRow,
    ResourceClassRow,
    TraitRow,
)

_p, _i, _a = columns(ProviderRow), columns(InventoryRow), columns(AllocationRow)
_u, _t, _g = columns(ConsumerRow), columns(ProviderTraitRow), columns(ProviderAggregateRow)


def _many(name: str) -> sa.BindParameter[object]:
    return sa.bindparam(name, expanding=True)


PROVIDERS = Listing(
    ProviderRow,
    filters={"name": equals(_p.name), "ids": one_of(_p.id)},
    sort_keys={"created_at": _p.created_at, "name": _p.name},
    default_sort=(("created_at", "asc"),),
)
PROVIDER_NAMED = query(
    ProviderRow, sa.select(ProviderRow.sql_table).where(_p.name == sa.bindparam("name"))
)
GROW = statement(
    sa.update(ProviderRow.sql_table)
    .where(_p.id == sa.bindparam("provider"), _p.generation == sa.bindparam("known"))
    .values(generation=_p.generation + 1, updated_at=sa.bindparam("now"))
)
INVENTORIES = query(
    InventoryRow,
    sa.select(InventoryRow.sql_table)
    .where(_i.provider_id.in_(_many("providers")))
    .order_by(_i.provider_id, _i.resource_class),
)
ALL_INVENTORIES = query(
    InventoryRow,
    sa.select(InventoryRow.sql_table).where(_i.resource_class.in_(_many("classes"))),
)
CLASS_USED_BY = statement(
    sa.select(sa.func.count()).where(_i.resource_class == sa.bindparam("name"))
)
TAKE = statement(
    sa.update(InventoryRow.sql_table)
    .where(
        _i.provider_id == sa.bindparam("p"),
        _i.resource_class == sa.bindparam("c"),
        _i.used + sa.bindparam("n") <= _i.capacity,
        _i.min_unit <= sa.bindparam("n"),
        _i.max_unit >= sa.bindparam("n"),
        sa.bindparam("n", type_=sa.BigInteger()) % _i.step_size == 0,
    )
    .values(used=_i.used + sa.bindparam("n"))
)
GIVE = statement(
    sa.update(InventoryRow.sql_table)
    .where(_i.provider_id == sa.bindparam("p"), _i.resource_class == sa.bindparam("c"))
    .values(used=_i.used - sa.bindparam("n"))
)
HELD = query(
    AllocationRow,
    sa.select(AllocationRow.sql_table)
    .where(_a.consumer_id == sa.bindparam("consumer"))
    .order_by(_a.provider_id, _a.resource_class),
)
HELD_ON = query(
    AllocationRow,
    sa.select(AllocationRow.sql_table)
    .where(_a.provider_id == sa.bindparam("provider"))
    .order_by(_a.consumer_id, _a.resource_class),
)
FORGET_HELD = statement(
    sa.delete(AllocationRow.sql_table).where(_a.consumer_id == sa.bindparam("consumer"))
)
FORGET_CONSUMER = statement(
    sa.delete(ConsumerRow.sql_table).where(_u.id == sa.bindparam("consumer"))
)
_USED_BY = (
    sa.select(_a.resource_class, sa.func.sum(_a.amount))
    .join(ConsumerRow.sql_table, _u.id == _a.consumer_id)
    .where(_u.project_id == sa.bindparam("project"))
    .group_by(_a.resource_class)
)
USED_BY_PROJECT = statement(_USED_BY)
USED_BY_USER = statement(_USED_BY.where(_u.user_id == sa.bindparam("user")))
TRAITS_OF = query(
    ProviderTraitRow,
    sa.select(ProviderTraitRow.sql_table)
    .where(_t.provider_id.in_(_many("providers")))
    .order_by(_t.trait),
)
TRAITS_USED = statement(sa.select(_t.trait).distinct())
FORGET_TRAITS = statement(
    sa.delete(ProviderTraitRow.sql_table).where(_t.provider_id == sa.bindparam("provider"))
)
AGGREGATES_OF = query(
    ProviderAggregateRow,
    sa.select(ProviderAggregateRow.sql_table)
    .where(_g.provider_id.in_(_many("providers")))
    .order_by(_g.aggregate_id),
)
FORGET_AGGREGATES = statement(
    sa.delete(ProviderAggregateRow.sql_table).where(_g.provider_id == sa.bindparam("provider"))
)
CUSTOM_CLASSES = query(
    ResourceClassRow,
    sa.select(ResourceClassRow.sql_table).order_by(columns(ResourceClassRow).name),
)
CUSTOM_TRAITS = query(TraitRow, sa.select(TraitRow.sql_table).order_by(columns(TraitRow).name))
