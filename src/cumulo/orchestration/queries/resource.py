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
_stack = columns(StackRow)
AT_WORK = statement(
    sa.select(_stack.project_id)
    .where(_stack.status == "IN_PROGRESS")
    .distinct()
    .order_by(_stack.project_id)
)
"""Projects for which something is to be done."""
DUE = statement(
    sa.select(_c.due, _c.id)
    .where(
        _c.project_id == sa.bindparam("project"),
        _c.step == sa.bindparam("step"),
        _c.waits == 0,
        _c.due <= sa.bindparam("now"),
        _c.hook == "",
        # What is out of date is nobody's work: it would be due for ever.
        sa.exists().where(
            _stack.id == _c.stack_id,
            _stack.status == "IN_PROGRESS",
            _stack.traversal == _c.traversal,
        ),
    )
    .order_by(_c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
"""Those of one project whose time has come, of one step: an index has them in their order."""
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
