"""How a resource goes: kept, saved first, or removed, as its deletion policy says."""

from typing import TYPE_CHECKING

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.handlers import Handler, Work
from cumulo.orchestration.service.rest_handler import RestHandler

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine

ANSWER_SECONDS = 30.0
"""How long what is asked outside of a transaction may be under way."""


def remove(engine: "Engine", work: Work, handler: Handler) -> None:
    """One step of it."""
    row, stack = work.row, work.stack
    if row.stored.get("gone"):
        _removed(engine, work)
        return
    if row.physical_id is None and row.stored.get("asked"):
        if not _answered(work, handler):
            engine.wait(work.tx, row, tries=row.tries + 1)
            return
        row = work.row
    # Of a stack that never came to be nothing is kept.
    unborn = stack.action == "ROLLBACK" and stack.previous is None
    keep = row.deletion_policy == "Retain" and not unborn
    # What was there before the stack is not the stack's to remove, whatever happens.
    keep = keep or not work.managed
    if keep and row.phase == 1 and row.physical_id is not None:
        # Another one waits for what it has.
        work.properties = row.properties
        if isinstance(handler, RestHandler) and work.managed:
            handler.release(work)
    if row.physical_id is None or keep:
        _removed(engine, work)
        return
    work.properties = row.properties
    first = row.step == "todo"
    if first and engine.paused(work, "pre", "delete"):
        return
    if first:
        engine.begin(work, "DELETE")
    saved = work.row.stored.get("saved") or {}
    if row.deletion_policy == "Snapshot" and row.made and not unborn and not saved.get("done"):
        if not _saved(engine, work, handler):
            return
        first = True
    if first:
        handler.delete(work)
    if handler.gone(work):
        _removed(engine, work)
    else:
        engine.wait(work.tx, work.row, tries=work.row.tries + 1)


def _answered(work: Work, handler: Handler) -> bool:
    """It was asked for outside, and nobody has noted an answer: perhaps it is there, or will be in
    a moment."""
    assert isinstance(handler, RestHandler)
    request = handler.type.read("", work.row.properties, work.place)
    body = None if request is None else work.read(request.path, request.version)
    if body is not None:
        work.row = work.tx.update(work.row, physical_id=handler.type.made(body))
        return True
    return seconds_of(work.tx.now) - float(work.row.stored["asked"]) > ANSWER_SECONDS


def _saved(engine: "Engine", work: Work, handler: Handler) -> bool:
    """Whether what `deletion_policy: Snapshot` keeps is there by now."""
    saved = work.row.stored.get("saved")
    if not isinstance(handler, RestHandler) or handler.type.snapshot is None:
        return True
    how, physical = handler.type.snapshot, work.row.physical_id
    assert physical is not None
    if saved is None:
        health = handler.health(work)
        if health == "lost":
            return True
        if health == "well":
            seen = handler.type.read(physical, work.row.properties, work.place)
            body = None if seen is None else work.read(seen.path, seen.version)
            answer = work.ask(how.create(physical, body or {}, work.place))
            work.store(saved={"id": how.made(answer)})
        engine.wait(work.tx, work.row, tries=work.row.tries + 1)
        return False
    request = how.read(saved["id"])
    body = work.read(request.path, request.version)
    state = None if body is None else how.state(body)
    if state is not None and state.word == "ready":
        work.store(saved={**saved, "done": True})
        return True
    if state is not None and state.word == "working":
        engine.wait(work.tx, work.row, tries=work.row.tries + 1)
        return False
    # The next try makes another one.
    work.forget("saved")
    reason = "it is not there" if state is None else state.reason
    engine.failed(work.tx, work.stack, work.row, f"Snapshot {saved['id']}: {reason}")
    return False


def _removed(engine: "Engine", work: Work) -> None:
    tx, row = work.tx, work.row
    if row.physical_id is not None and engine.paused(work, "post", "delete"):
        work.store(gone=True)
        return
    gone = msgspec.structs.replace(row, action="DELETE", status="COMPLETE", reason="state changed")
    engine.story.of_resource(tx, work.stack, gone)
    tx.run(resources.TELL, id=row.id, t=work.stack.traversal)
    tx.delete(row)
    engine.one_less(tx, work.stack)
