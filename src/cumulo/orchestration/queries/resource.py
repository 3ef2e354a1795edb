"""Queries of stacks' resources."""

import sqlalchemy as sa

from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.orchestration.model.resource import EdgeRow, ResourceRow
from cumulo.orchestration.model.stack import StackRow

_t, _c, _e = ResourceRow.sql_table, columns(ResourceRow), columns(EdgeRow)

OF_STACK = query(
    ResourceRow, sa.select(_t).where(_c.stack_id == sa.bindparam("stack")).order_by(_c.name)
)
OF_STACKS = query(
    ResourceRow,
    sa.select(_t)
    .where(_c.stack_id.in_(sa.bindparam("stacks", expanding=True)))
    .order_by(_c.stack_id, _c.name),
)
NAMED = query(
    ResourceRow,
    sa.select(_t)
    .where(
        _c.stack_id == sa.bindparam("stack"),
        _c.name == sa.bindparam("name"),
        _c.goal == "present",
    )
    .order_by(_c.created_at.desc()),
)
BY_PHYSICAL = query(
    ResourceRow,
    sa.select(_t).where(_c.physical_id == sa.bindparam("physical"), _c.goal == "present"),
)
_ready = (
    _c.step.in_(("todo", "working")),
    _c.waits == 0,
    _c.hook == "",
)
_stack = columns(StackRow)
_queue = (
    sa.select(_c.id, _c.due, _stack.project_id)
    .join(StackRow.sql_table, _stack.id == _c.stack_id)
    # What is out of date is nobody's work: it would be due for ever.
    .where(
        *_ready,
        _c.due <= sa.bindparam("now"),
        _stack.status == "IN_PROGRESS",
        _stack.traversal == _c.traversal,
    )
    .order_by(_c.due)
    .limit(sa.bindparam("ahead", type_=sa.Integer()))
    .subquery()
)
_turns = sa.select(
    _queue.c.id,
    _queue.c.due,
    sa.func.row_number()
    .over(partition_by=_queue.c.project_id, order_by=_queue.c.due)
    .label("turn"),
).subquery()
DUE = statement(
    sa.select(_turns.c.id)
    .order_by(_turns.c.turn, _turns.c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
"""Those whose time has come, the projects by turns."""
TELL = statement(
    sa.update(_t)
    .where(
        _c.id.in_(sa.select(_e.to_id).where(_e.from_id == sa.bindparam("id"))),
        _c.traversal == sa.bindparam("t"),
        _c.waits > 0,
    )
    .values(waits=_c.waits - 1)
)
FORGET_EDGES = statement(
    sa.delete(EdgeRow.sql_table).where(
        _e.from_id.in_(sa.select(_c.id).where(_c.stack_id == sa.bindparam("stack")))
    )
)
TO_REMOVE = query(
    ResourceRow,
    sa.select(_t)
    .where(_c.stack_id == sa.bindparam("stack"), _c.goal == "absent")
    .order_by(_c.name, _c.id),
)
STOP = statement(
    sa.update(_t)
    .where(
        _c.stack_id == sa.bindparam("stack"),
        _c.step.in_(("todo", "working")),
    )
    .values(
        step="failed",
        status=sa.case((_c.step == "working", "FAILED"), else_=_c.status),
        reason=sa.bindparam("why"),
    )
)
DROP_TODO = statement(
    sa.update(_t)
    .where(_c.stack_id == sa.bindparam("stack"), _c.step == "todo")
    .values(step="failed")
)
GO_ON = statement(
    sa.update(_t)
    .where(_c.stack_id == sa.bindparam("stack"), _c.hook != "")
    .values(step="failed", hook="")
)
"""Who waits at a hook waits no longer."""
WORKING = statement(
    sa.select(sa.func.count()).where(_c.stack_id == sa.bindparam("stack"), _c.step == "working")
)
FAILED = query(
    ResourceRow,
    sa.select(_t)
    .where(_c.stack_id == sa.bindparam("stack"), _c.step == "failed", _c.status == "FAILED")
    .order_by(_c.updated_at),
)
ADOPT_TRAVERSAL = statement(
    sa.update(_t)
    .where(_c.stack_id == sa.bindparam("stack"), _c.step == "done")
    .values(traversal=sa.bindparam("t"))
)
WAKE = statement(
    sa.update(_t)
    .where(_c.physical_id.in_(sa.bindparam("ids", expanding=True)), _c.step == "working")
    .values(due=sa.bindparam("now"))
    .returning(_c.id)
)
_s = columns(StackRow)
COUNT_IN_TREE = statement(
    sa.select(sa.func.count()).where(
        _c.stack_id.in_(sa.select(_s.id).where(_s.root_id == sa.bindparam("root"))),
        _c.goal == "present",
    )
)
HOOKED = query(
    ResourceRow,
    sa.select(_t).where(_c.stack_id == sa.bindparam("stack"), _c.hook != ""),
)
MOVE_EDGES = statement(
    sa.update(EdgeRow.sql_table)
    .where(_e.from_id == sa.bindparam("old"))
    .values(from_id=sa.bindparam("new"))
)
WAKE_ID = statement(
    sa.update(_t).where(_c.id == sa.bindparam("id")).values(due=sa.bindparam("now"))
)
WAKE_KIND = statement(
    sa.update(_t)
    .where(
        _c.stack_id == sa.bindparam("stack"),
        _c.kind == sa.bindparam("kind"),
        _c.step == "working",
    )
    .values(due=sa.bindparam("now"))
)
WITH_PHYSICAL = query(
    ResourceRow,
    sa.select(_t).where(
        _c.physical_id == sa.bindparam("physical"), _c.stack_id == sa.bindparam("stack")
    ),
)
