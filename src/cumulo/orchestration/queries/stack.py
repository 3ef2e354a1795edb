"""Queries of stacks and their events."""

from collections.abc import Mapping

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals, one_of, stand_in
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackEventRow, StackNameRow, StackRow

_t, _c = StackRow.sql_table, columns(StackRow)
_resources, _r = ResourceRow.sql_table, columns(ResourceRow)
_n, _e = columns(StackNameRow), columns(StackEventRow)

LARGE: Mapping[str, str | None] = {
    "template": "{}",
    "files": "{}",
    "environment": "{}",
    "parameters": "{}",
    "previous": None,
}
"""What a stack is made from: lists do without."""
STACKS = Listing(
    StackRow,
    filters={
        "project_id": equals(_c.project_id),
        "id": one_of(_c.id),
        "name": one_of(_c.name),
        "action": one_of(_c.action),
        "status": one_of(_c.status),
        "user_id": one_of(_c.user_id),
        "depth": equals(_c.depth),
        "root_id": equals(_c.root_id),
        "word": lambda name: (_c.action + "_" + _c.status).in_(sa.bindparam(name, expanding=True)),
        "live": lambda name: _c.deleted_at.is_(None) == sa.bindparam(name, type_=sa.Boolean()),
    },
    sort_keys={
        "created_at": _c.created_at,
        "updated_at": _c.updated_at,
        "name": _c.name,
        "status": _c.status,
        "id": _c.id,
    },
    without=LARGE,
)
NAMED = query(
    StackNameRow,
    sa.select(StackNameRow.sql_table).where(
        _n.project_id == sa.bindparam("project"), _n.name == sa.bindparam("name")
    ),
)
FORGET_NAME = statement(
    sa.delete(StackNameRow.sql_table).where(_n.stack_id == sa.bindparam("stack"))
)
CHILDREN = query(
    StackRow,
    sa.select(_t).where(
        _c.parent_id.in_(sa.bindparam("parents", expanding=True)), _c.deleted_at.is_(None)
    ),
)
CHILD_HEADS = query(
    StackRow,
    sa.select(
        *(stand_in(each, LARGE[each.name]) if each.name in LARGE else each for each in _t.columns)
    ).where(_c.parent_id.in_(sa.bindparam("parents", expanding=True)), _c.deleted_at.is_(None)),
)
"""The same, without what they are made from."""
CHILD_NAMES = statement(
    sa.select(_c.parent_id, _c.name, _c.id).where(
        _c.parent_id.in_(sa.bindparam("parents", expanding=True)), _c.deleted_at.is_(None)
    )
)
CHILDREN_AT_WORK = query(
    StackRow,
    sa.select(_t)
    .join(_resources, _r.id == _c.parent_id)
    .where(_r.stack_id == sa.bindparam("stack"), _c.status == "IN_PROGRESS"),
)
LATE = query(
    StackRow,
    sa.select(_t)
    .where(_c.status == "IN_PROGRESS", _c.deadline <= sa.bindparam("now"))
    .order_by(_c.deadline)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
LESS = statement(
    sa.update(_t)
    .where(_c.id == sa.bindparam("stack"), _c.traversal == sa.bindparam("t"), _c.left > 0)
    .values(left=_c.left - 1)
    .returning(_c.left)
)
OWNED_AS = statement(
    sa.update(_t)
    .where(_c.root_id == sa.bindparam("root"), _c.deleted_at.is_(None))
    .values(
        user_id=sa.bindparam("user", type_=sa.Text()),
        roles=sa.bindparam("roles_text", type_=sa.Text()),
        lent=sa.bindparam("lent_text", type_=sa.Text()),
    )
)
"""The work at a stack and at all that are inside it is done as that user."""
LAST_EVENT = statement(
    sa.select(sa.func.max(_e.sequence)).where(_e.root_id == sa.bindparam("root"))
)
COUNT = statement(sa.select(sa.func.count()).where(_c.deleted_at.is_(None), _c.depth == 0))
OF_PROJECT = statement(
    sa.select(sa.func.count()).where(
        _c.project_id == sa.bindparam("project"), _c.deleted_at.is_(None), _c.depth == 0
    )
)
EVENTS = Listing(
    StackEventRow,
    filters={
        "stack_id": equals(_e.stack_id),
        "root_id": equals(_e.root_id),
        "resource_name": one_of(_e.resource_name),
        "resource_type": one_of(_e.resource_type),
        "action": one_of(_e.action),
        "status": one_of(_e.status),
    },
    sort_keys={
        "sequence": _e.sequence,
        "created_at": _e.at,
        "resource_type": _e.resource_type,
        "resource_status": _e.status,
        "id": _e.id,
    },
    default_sort=(("sequence", "asc"),),
)
EVENT = query(
    StackEventRow,
    sa.select(StackEventRow.sql_table).where(
        _e.stack_id == sa.bindparam("stack"), _e.id == sa.bindparam("id")
    ),
)
EVENTS_OF = statement(sa.select(sa.func.count()).where(_e.stack_id == sa.bindparam("stack")))
_old = (
    sa.select(_e.id)
    .where(_e.stack_id == sa.bindparam("stack"))
    .order_by(_e.sequence)
    .limit(sa.bindparam("n", type_=sa.Integer()))
)
FORGET_EVENTS = statement(sa.delete(StackEventRow.sql_table).where(_e.id.in_(_old)))
FORGOTTEN = query(
    StackRow,
    sa.select(_t)
    .where(
        _c.status == "COMPLETE",
        _c.deadline <= sa.bindparam("now"),
        _c.deleted_at.is_not(None),
    )
    .order_by(_c.deadline)
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
