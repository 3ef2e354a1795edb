"""Queries of points: written in bulk, read by metric and time.

An aggregate of a span follows from columns of its row: each method has a statement that reads just
these, since a year of hourly points is read at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import Statement, statement
from cumulo.telemetry.model.points import (
    METHODS,
    GoneRow,
    PointRow,
    deviation,
    percentile,
    share_of,
)

_p, _g = columns(PointRow), columns(GoneRow)


def _limit() -> Any:
    return sa.bindparam("most", type_=sa.Integer())


_T = "telemetry_points"
NAMES = PointRow.__struct_fields__
BULK = (8, 1)
"""Rows that one statement writes: SQLite looks for each named value among all of them, so that more
are slower."""


def _either(name: str, other: str) -> str:
    """Of the steps: those of one side where the other has none."""
    return (
        f"{name} = CASE WHEN excluded.steps = 0 THEN {_T}.{name} "
        f"WHEN {_T}.steps = 0 THEN excluded.{name} WHEN {other} THEN excluded.{name} "
        f"ELSE {_T}.{name} END"
    )


_EARLIER = f"excluded.first_at < {_T}.first_at"
_LATER = f"excluded.last_at >= {_T}.last_at"
_MERGE = ", ".join(
    [
        *(
            f"{name} = {_T}.{name} + excluded.{name}"
            for name in ("count", "total", "squares", "steps", "grown", "grown_squares")
        ),
        *(
            f"{name} = CASE WHEN excluded.{name} {sign} {_T}.{name} "
            f"THEN excluded.{name} ELSE {_T}.{name} END"
            for name, sign in (("least", "<"), ("most", ">"))
        ),
        *(
            f"{name} = CASE WHEN {when} THEN excluded.{name} ELSE {_T}.{name} END"
            for name, when in (
                ("first", _EARLIER),
                ("first_at", _EARLIER),
                ("last", _LATER),
                ("last_at", _LATER),
            )
        ),
        _either("grown_least", f"excluded.grown_least < {_T}.grown_least"),
        _either("grown_most", f"excluded.grown_most > {_T}.grown_most"),
        _either("grown_first", _EARLIER),
        _either("grown_last", _LATER),
        "kept = excluded.kept",
    ]
)


def _adding(rows: int) -> Statement:
    """Rows that are there already get what is added to them; `kept` is put in its place."""
    values = ", ".join(f"({', '.join(f':{n}_{i}' for n in NAMES)})" for i in range(rows))
    text = (
        f"INSERT INTO {_T} ({', '.join(NAMES)}) VALUES {values} "
        f"ON CONFLICT (metric_id, granularity, at) DO UPDATE SET {_MERGE}"
    )
    kinds = {name: _p[name].type for name in NAMES}
    return statement(
        sa.text(text).bindparams(
            *(sa.bindparam(f"{n}_{i}", type_=kinds[n]) for n in NAMES for i in range(rows))
        )
    )


ADD = {rows: _adding(rows) for rows in BULK}
PARAMETERS = {rows: tuple(tuple(f"{n}_{i}" for n in NAMES) for i in range(rows)) for rows in BULK}
KEPT = statement(
    sa.select(_p.count, _p.kept).where(
        _p.metric_id == sa.bindparam("metric"),
        _p.granularity == sa.bindparam("granularity"),
        _p.at == sa.bindparam("at"),
    )
)
BEFORE = statement(
    sa.select(_p.last_at, _p.last)
    .where(
        _p.metric_id == sa.bindparam("metric"),
        _p.granularity == sa.bindparam("granularity"),
        _p.at <= sa.bindparam("at"),
    )
    .order_by(_p.at.desc())
    .limit(2)
)
"""The last measures of a span and of the one before it."""
_newest = (
    sa.select(sa.func.max(_p.at))
    .where(_p.metric_id == sa.bindparam("of"), _p.granularity == sa.bindparam("of_granularity"))
    .scalar_subquery()
)
_now = sa.bindparam("now", type_=sa.BigInteger())
OLD = statement(
    sa.delete(PointRow.sql_table).where(
        _p.metric_id == sa.bindparam("metric"),
        _p.granularity == sa.bindparam("granularity"),
        # A clock that runs ahead makes nothing old.
        _p.at
        <= sa.case((_newest < _now, _newest), else_=_now)
        - sa.bindparam("kept", type_=sa.BigInteger()),
    )
)

GONE = statement(sa.select(_g.metric_id).order_by(_g.metric_id).limit(_limit()))
SOME_GONE = statement(
    sa.delete(PointRow.sql_table).where(
        _p.metric_id == sa.bindparam("metric"),
        sa.tuple_(_p.granularity, _p.at).in_(
            sa.select(_p.granularity, _p.at)
            .where(_p.metric_id == sa.bindparam("of"))
            .order_by(_p.granularity, _p.at)
            .limit(_limit())
        ),
    )
)


class Reading(NamedTuple):
    """How an aggregate is read: the statements (of one metric, the newest first; of several), and
    what becomes of the columns after `at`; None: there is one, the value."""

    one: Statement
    several: Statement
    value: Callable[..., float | None] | None = None


def _reading(
    wanted: list[Any], where: list[Any], value: Callable[..., float | None] | None = None
) -> Reading:
    chosen = [each.label(f"v{index}") for index, each in enumerate(wanted)]
    span = (
        _p.granularity == sa.bindparam("granularity"),
        _p.at >= sa.bindparam("since"),
        _p.at < sa.bindparam("until"),
        *where,
    )
    return Reading(
        statement(
            sa.select(_p.at, *chosen)
            .where(_p.metric_id == sa.bindparam("metric"), *span)
            .order_by(_p.at.desc())
            .limit(_limit())
        ),
        statement(
            sa.select(_p.metric_id, _p.at, *chosen)
            .where(_p.metric_id.in_(sa.bindparam("metrics", expanding=True)), *span)
            .order_by(_p.metric_id, _p.at)
            .limit(_limit())
        ),
        value,
    )


def _readings() -> dict[str, Reading]:
    grew = [_p.steps > 0]
    made = {
        "mean": _reading([_p.total / _p.count], []),
        "sum": _reading([_p.total], []),
        "last": _reading([_p.last], []),
        "max": _reading([_p.most], []),
        "min": _reading([_p.least], []),
        "count": _reading([sa.cast(_p.count, sa.Double())], []),
        "first": _reading([_p.first], []),
        "std": _reading([_p.count, _p.total, _p.squares], [], deviation),
        "rate:mean": _reading([_p.grown / _p.steps], grew),
        "rate:sum": _reading([_p.grown], grew),
        "rate:last": _reading([_p.grown_last], grew),
        "rate:max": _reading([_p.grown_most], grew),
        "rate:min": _reading([_p.grown_least], grew),
        "rate:count": _reading([sa.cast(_p.steps, sa.Double())], grew),
        "rate:first": _reading([_p.grown_first], grew),
        "rate:std": _reading([_p.steps, _p.grown, _p.grown_squares], grew, deviation),
    }
    kept = _reading([_p.kept], [_p.kept.is_not(None)])
    for method in METHODS - set(made):
        share = share_of(method)
        assert share is not None
        made[method] = kept._replace(value=lambda values, share=share: percentile(values, share))
    return made


READINGS = _readings()
COUNT = statement(sa.select(sa.func.count()).select_from(PointRow.sql_table))
