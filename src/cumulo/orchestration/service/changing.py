"""How a resource becomes what it shall be now: in place, or by another one in its stead."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.core.ids import child_id
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import EdgeRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.handlers import Handler, Health, Work
from cumulo.orchestration.service.plan import lost
from cumulo.orchestration.service.properties import difference, not_updatable
from cumulo.orchestration.service.rest_handler import RestHandler
from cumulo.orchestration.service.restoring import led_back

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine


def change(
    engine: "Engine", work: Work, handler: Handler, metadata: Any, restricted: Collection[str]
) -> None:
    """What is there becomes what it shall be: in place, or by another one in its stead."""
    row, wanted = work.row, work.properties
    if not work.managed:
        _noted(engine, work, handler, metadata)
        return
    work.properties = led_back(work, handler) or wanted
    unsure = row.status != "COMPLETE" or bool(row.stored.get("released"))
    asked = unsure or row.stored.get("converge")
    health: Health = "lost" if lost(row) else handler.health(work) if asked else "well"
    # What the look has found out counts: an update may not have come true.
    changed = difference(work.row.properties, work.properties)
    if health == "busy":
        engine.wait(work.tx, row, tries=row.tries + 1)
        return
    if handler.renewed and row.made and work.stack.action == "UPDATE":
        _replace(engine, work, handler)
        return
    # What a stack has inside, its own resources decide; where nothing may be done, nothing is.
    inside = handler.nested and (row.digest != row.wanted or "update" not in restricted)
    if health == "well" and not changed and not inside:
        work.row = work.tx.update(work.row, metadata=metadata)
        if not unsure:
            engine.done(work, quietly=True)
            return
        handler.mend(work)
        engine.begin(work, "UPDATE" if row.made else "CREATE")
        engine.look(work, handler)
        return
    stuck = not_updatable(handler.properties, changed)
    if health == "well" and not stuck:
        if "update" in restricted:
            raise Invalid(f"update is restricted for resource {row.name}")
        before = work.row
        work.row = work.tx.update(work.row, metadata=metadata)
        if handler.update(work, changed):
            work.row = work.tx.update(work.row, properties=dict(wanted))
            work.forget("restore")
            engine.begin(work, "UPDATE" if row.made else "CREATE")
            engine.look(work, handler)
            return
        work.row = before
    if "replace" in restricted:
        raise Invalid(f"replace is restricted for resource {row.name}")
    _replace(engine, work, handler)


def _noted(engine: "Engine", work: Work, handler: Handler, metadata: Any) -> None:
    """What is not the stack's stays as it is, whatever the template says of it now."""
    row = work.row
    work.row = work.tx.update(row, properties=dict(work.properties), metadata=metadata)
    engine.begin(work, "UPDATE" if row.made else "CREATE")
    engine.look(work, handler)


def _replace(engine: "Engine", work: Work, handler: Handler) -> None:
    """Another one in its stead: made first, the old one goes when nobody needs it. But where
    only one of both can be there, it goes first."""
    rest = handler if isinstance(handler, RestHandler) else None
    first = rest is not None and rest.excludes(work)
    released = rest is not None and not first and rest.release(work)
    tx, old = work.tx, work.row
    new = msgspec.structs.replace(
        old,
        id=child_id(old.id, "replacement", work.stack.traversal),
        step="todo",
        waits=0,
        due=tx.now,
        tries=0,
        action="CREATE",
        status="INIT",
        reason="",
        properties={},
        digest="",
        physical_id=None,
        made=False,
        stored={"stead": True} if first or released else {},
        replaces=old.id,
        created_at=tx.now,
        updated_at=None,
    )
    saved = old.stored.get("restore")
    if saved is not None:
        new = msgspec.structs.replace(new, stored={**new.stored, "restore": saved})
    tx.insert(new)
    tx.run(resources.MOVE_EDGES, old=old.id, new=new.id)
    if first:
        tx.update(new, waits=1)
        tx.insert(EdgeRow(old.id, new.id))
        tx.update(old, goal="absent", phase=1, step="todo", waits=0, due=tx.now, wanted="")
        stack = tx.get(StackRow, work.stack.id)
        assert stack is not None
        tx.update(stack, left=stack.left + 1)
    else:
        tx.update(old, goal="absent", phase=2, step="todo", waits=1, wanted="")
    tx.after_commit(lambda: engine.ring(0.0))
