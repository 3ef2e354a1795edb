"""Queries of events.

The order of events is (turn, sequence), and a reader gets what lies below the horizon: the lowest
number of a transaction that is still at work. Whoever commits later has that number or a higher
one, so nothing can appear below it any more. SQLite has one writer: its horizon is behind all.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.events.model import BaseRow, ConsumerRow, EventRow

_BASE = "coalesce((SELECT max(base) FROM event_base), 0)"


class _Turn(sa.ColumnElement[int]):
    """The number of this transaction."""

    inherit_cache = True
    type = sa.BigInteger()


class _Horizon(sa.ColumnElement[int]):
    """What no transaction that is still at work is below."""

    inherit_cache = True
    type = sa.BigInteger()


@compiles(_Turn)
@compiles(_Turn, "sqlite")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return "0"


@compiles(_Turn, "postgresql")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(pg_current_xact_id()::text::bigint + {_BASE})"


@compiles(_Horizon)
@compiles(_Horizon, "sqlite")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return "1"


@compiles(_Horizon, "postgresql")
def _(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {_BASE})"


_c = columns(EventRow)
_t = EventRow.sql_table
_place = sa.tuple_(_c.turn, _c.sequence)
_after = _place > sa.tuple_(
    sa.bindparam("turn", type_=sa.BigInteger()), sa.bindparam("sequence", type_=sa.BigInteger())
)
_in_order = (_c.turn, _c.sequence)
_most = sa.bindparam("most", type_=sa.Integer())

INSERT = statement(
    sa.insert(_t).values(
        turn=_Turn(),
        **{
            column.name: sa.bindparam(column.name)
            for column in _t.columns
            if column.name not in ("sequence", "turn")
        },
    )
)
OF = query(
    EventRow,
    sa.select(_t).where(_c.resource_id == sa.bindparam("resource_id")).order_by(*_in_order),
)
IDS_BY_DETAIL = statement(
    sa.select(_c.resource_id)
    .where(sa.cast(_c.detail, sa.Text()).like(sa.bindparam("like", type_=sa.Text()), escape="\\"))
    .distinct()
    .limit(_most)
)
SINCE = query(
    EventRow,
    sa.select(_t).where(_after, _c.turn < _Horizon()).order_by(*_in_order).limit(_most),
)
OF_PROJECT_SINCE = query(
    EventRow,
    sa.select(_t)
    .where(_c.project_id == sa.bindparam("project"), _after, _c.turn < _Horizon())
    .order_by(*_in_order)
    .limit(_most),
)
LAST = statement(
    sa.select(_c.turn, _c.sequence)
    .where(_c.turn < _Horizon())
    .order_by(_c.turn.desc(), _c.sequence.desc())
    .limit(1)
)
OLDEST = query(EventRow, sa.select(_t).order_by(*_in_order).limit(_most))
FORGET = statement(
    sa.delete(_t).where(
        _place
        <= sa.tuple_(
            sa.bindparam("turn", type_=sa.BigInteger()),
            sa.bindparam("sequence", type_=sa.BigInteger()),
        )
    )
)

_k = columns(ConsumerRow)
CONSUMERS = query(ConsumerRow, sa.select(ConsumerRow.sql_table).order_by(_k.name))
MOVE = statement(
    sa.update(ConsumerRow.sql_table)
    .where(
        _k.name == sa.bindparam("consumer"),
        _k.turn == sa.bindparam("old_turn"),
        _k.sequence == sa.bindparam("old_sequence"),
        _k.dropped_at.is_(None),
    )
    .values(
        turn=sa.bindparam("new_turn"),
        sequence=sa.bindparam("new_sequence"),
        alive_at=sa.bindparam("now"),
        fault=sa.null(),
    )
)
ALIVE = statement(
    sa.update(ConsumerRow.sql_table)
    .where(_k.name == sa.bindparam("consumer"), _k.dropped_at.is_(None))
    .values(alive_at=sa.bindparam("now"), fault=sa.null())
)

HIGHEST = statement(sa.select(sa.func.max(_c.turn)))
NEXT_TURN = statement(sa.select(_Turn()))
SET_BASE = statement(sa.update(BaseRow.sql_table).values(base=sa.bindparam("new_base")))

LATEST = query(
    EventRow,
    sa.select(_t)
    .where(
        sa.tuple_(_c.turn, _c.sequence)
        < sa.tuple_(
            sa.bindparam("turn", type_=sa.BigInteger()),
            sa.bindparam("sequence", type_=sa.BigInteger()),
        )
    )
    .order_by(_c.turn.desc(), _c.sequence.desc())
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
"""What happened before a place, the last first."""
LATEST_OF_PROJECT = query(
    EventRow,
    sa.select(_t)
    .where(_c.project_id == sa.bindparam("project"))
    .order_by(_c.turn.desc(), _c.sequence.desc())
    .limit(sa.bindparam("most", type_=sa.Integer())),
)
"""What happened in a project, the last first."""
