"""Queries of providers, inventories, allocations and their consumers."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, is_null, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import Statement, query, statement
from cumulo.core.hosts.queries import is_alive
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
    filters={
        "name": equals(_p.name),
        "ids": one_of(_p.id),
        "parent_id": equals(_p.parent_id),
        "root_id": equals(_p.root_id),
        "root_ids": one_of(_p.root_id),
        "is_root": is_null(_p.parent_id),
    },
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
INVENTORIES_OF_NAMES = statement(
    sa.select(
        _p.name, _i.resource_class, _i.capacity, _i.free, _i.min_unit, _i.max_unit, _i.step_size
    )
    .join(ProviderRow.sql_table, _p.id == _i.provider_id)
    .where(_p.name.in_(_many("names")))
)
USED = statement(
    sa.select(_i.provider_id, _i.resource_class, _i.used).where(
        _i.provider_id.in_(_many("providers"))
    )
)
TOTALS = statement(sa.select(_i.resource_class, sa.func.sum(_i.used)).group_by(_i.resource_class))
_CANDIDATES: dict[tuple[int, frozenset[str], bool], Statement] = {}


def candidates(classes: int, asked: frozenset[str], *, fullest: bool = False) -> Statement:
    """(provider, name, free of the first class): providers with room for so many classes, those
    with the most room in the first one first (`fullest`: the least). `asked`: which of the
    conditions below there are. The index on (class, free) gives them in order, and the limit ends
    the search."""
    plan = (classes, asked, fullest)
    if plan not in _CANDIDATES:
        _CANDIDATES[plan] = statement(_candidates(classes, asked, fullest))
    return _CANDIDATES[plan]


def _has_room(i: Any, place: int) -> sa.ColumnElement[bool]:
    amount = sa.bindparam(f"n{place}", type_=sa.BigInteger())
    return sa.and_(
        i.resource_class == sa.bindparam(f"c{place}"),
        i.free >= amount,
        i.min_unit <= amount,
        i.max_unit >= amount,
        amount % i.step_size == 0,
    )


def _candidates(classes: int, asked: frozenset[str], fullest: bool) -> sa.Select[Any]:
    wanted = (
        sa.select(_p.id, _p.name, _i.free)
        .join_from(InventoryRow.sql_table, ProviderRow.sql_table, _p.id == _i.provider_id)
        .where(_has_room(_i, 0))
    )
    for place in range(1, classes):
        other = InventoryRow.sql_table.alias(f"i{place}")
        room = sa.select(other.c.provider_id).where(
            other.c.provider_id == _i.provider_id, _has_room(other.c, place)
        )
        wanted = wanted.where(room.exists())
    member = sa.select(_g.provider_id).where(_g.provider_id == _i.provider_id)
    marked = sa.select(_t.provider_id).where(_t.provider_id == _i.provider_id)
    conditions = {
        "named": _p.name.in_(_many("named")),
        "not_named": _p.name.not_in(_many("not_named")),
        "member_of": member.where(_g.aggregate_id.in_(_many("member_of"))).exists(),
        "not_member_of": ~member.where(_g.aggregate_id.in_(_many("not_member_of"))).exists(),
        "required": sa.select(sa.func.count())
        .where(_t.provider_id == _i.provider_id, _t.trait.in_(_many("required")))
        .scalar_subquery()
        == sa.bindparam("required_count", type_=sa.Integer()),
        "forbidden": ~marked.where(_t.trait.in_(_many("forbidden"))).exists(),
        "alive_since": is_alive(_p.name, "alive_since"),
    }
    if {"alive_since", "alive_anyway"} <= asked:
        anyway = marked.where(_t.trait.in_(_many("alive_anyway"))).exists()
        conditions["alive_since"] = sa.or_(conditions["alive_since"], anyway)
    asked = asked - {"alive_anyway"}
    for name in sorted(asked):
        wanted = wanted.where(conditions[name])
    order = (_i.free.desc(), _i.provider_id.desc())
    if fullest:
        order = (_i.free.asc(), _i.provider_id.asc())
    return wanted.order_by(*order).limit(sa.bindparam("most", type_=sa.Integer()))


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
    .values(used=_i.used + sa.bindparam("n"), free=_i.free - sa.bindparam("n"))
)
GIVE = statement(
    sa.update(InventoryRow.sql_table)
    .where(_i.provider_id == sa.bindparam("p"), _i.resource_class == sa.bindparam("c"))
    .values(used=_i.used - sa.bindparam("n"), free=_i.free + sa.bindparam("n"))
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
HAND_OVER = statement(
    sa.update(AllocationRow.sql_table)
    .where(_a.consumer_id == sa.bindparam("consumer"))
    .values(consumer_id=sa.bindparam("to"))
)
FORGET_HELD = statement(
    sa.delete(AllocationRow.sql_table).where(_a.consumer_id == sa.bindparam("consumer"))
)
FORGET_CONSUMER = statement(
    sa.delete(ConsumerRow.sql_table).where(_u.id == sa.bindparam("consumer"))
)
_USED_BY_TYPE = (
    sa.select(_u.type, _a.resource_class, sa.func.sum(_a.amount))
    .join(ConsumerRow.sql_table, _u.id == _a.consumer_id)
    .where(_u.project_id == sa.bindparam("project"))
    .group_by(_u.type, _a.resource_class)
)
_COUNTED = (
    sa.select(_u.type, sa.func.count())
    .where(_u.project_id == sa.bindparam("project"))
    .group_by(_u.type)
)
_OF_USER = _u.user_id == sa.bindparam("user")
USED_BY_TYPE, USED_BY_TYPE_AND_USER = (
    statement(_USED_BY_TYPE),
    statement(_USED_BY_TYPE.where(_OF_USER)),
)
CONSUMERS, CONSUMERS_OF_USER = statement(_COUNTED), statement(_COUNTED.where(_OF_USER))
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
ROOTS_OF_TRAIT = statement(
    sa.select(_p.root_id)
    .join(ProviderTraitRow.sql_table, _t.provider_id == _p.id)
    .where(_t.trait == sa.bindparam("trait"))
    .distinct()
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
