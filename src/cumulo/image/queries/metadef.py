"""Queries of metadata definitions."""

from typing import Any, cast

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import Row, columns
from cumulo.core.db.statements import Query, Statement, query, statement
from cumulo.image.model.metadef import (
    AssociationRow,
    CatalogueRow,
    NamespaceRow,
    ObjectRow,
    PropertyRow,
    ResourceTypeRow,
    TagRow,
)

_n, _a = columns(NamespaceRow), columns(AssociationRow)


def _visible_to(name: str) -> sa.ColumnElement[bool]:
    return sa.or_(_n.visibility == "public", _n.owner == sa.bindparam(name))


def _meant_for(name: str) -> sa.ColumnElement[bool]:
    """The value is a sequence of resource types."""
    wanted: sa.BindParameter[str] = sa.bindparam(name, expanding=True)
    meant = sa.select(_a.namespace_id).where(_a.name.in_(wanted))
    return cast(sa.ColumnElement[bool], _n.id.in_(meant))


NAMESPACES = Listing(
    NamespaceRow,
    filters={
        "visible_to": _visible_to,
        "resource_types": _meant_for,
        "visibility": equals(_n.visibility),
    },
    sort_keys={
        "namespace": _n.namespace,
        "display_name": _n.display_name,
        "visibility": _n.visibility,
        "owner": _n.owner,
        "created_at": _n.created_at,
        "updated_at": _n.updated_at,
        "id": _n.id,
    },
)
BY_NAME = query(
    NamespaceRow,
    sa.select(NamespaceRow.sql_table).where(_n.namespace == sa.bindparam("name")),
)


def _listing(row: Any) -> Listing[Any]:
    c = columns(row)
    return Listing(
        row,
        filters={"namespace_id": equals(c.namespace_id)},
        sort_keys={"name": c.name, "created_at": c.created_at, "updated_at": c.updated_at},
    )


OBJECTS: Listing[ObjectRow] = _listing(ObjectRow)
TAGS: Listing[TagRow] = _listing(TagRow)


def _of(row: Any) -> Query[Any]:
    """All rows of a namespace, by their names."""
    c = columns(row)
    wanted = sa.select(row.sql_table).where(c.namespace_id == sa.bindparam("namespace_id"))
    return query(row, wanted.order_by(c.name))


def _clear(row: Any) -> Statement:
    c = columns(row)
    return statement(sa.delete(row.sql_table).where(c.namespace_id == sa.bindparam("namespace_id")))


_PARTS: tuple[type[Row], ...] = (ObjectRow, PropertyRow, TagRow)
OF: dict[type[Row], Query[Any]] = {row: _of(row) for row in _PARTS}
CLEAR: dict[type[Row], Statement] = {row: _clear(row) for row in _PARTS}

ASSOCIATIONS = query(
    AssociationRow,
    sa.select(AssociationRow.sql_table)
    .where(_a.namespace_id.in_(sa.bindparam("namespaces", expanding=True)))
    .order_by(_a.name),
)
RESOURCE_TYPES = query(
    ResourceTypeRow,
    sa.select(ResourceTypeRow.sql_table).order_by(columns(ResourceTypeRow).name),
)
CATALOGUE = query(CatalogueRow, sa.select(CatalogueRow.sql_table))
