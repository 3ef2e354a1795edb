"""What is done to a resource that is there: check, suspend, resume, snapshot."""

from typing import TYPE_CHECKING

from cumulo.core.resource_types import State
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.handlers import Handler, Work
from cumulo.orchestration.service.rest_handler import RestHandler

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine


def touch_up(engine: "Engine", work: Work, handler: Handler) -> None:
    """Check, suspend, resume: what is there is looked at, or asked to rest or to go on."""
    action = work.stack.action
    if work.row.physical_id is None:
        raise Invalid("it has not been made")
    work.properties = work.row.properties
    if not work.managed and action != "CHECK":
        engine.done(work, quietly=True)
        return
    engine.begin(work, action)
    if action == "CHECK":
        handler.look_over(work)
    elif action == "SNAPSHOT":
        save(engine, work, handler)
        return
    else:
        handler.suspend(work, resume=action == "RESUME")
    engine.look(work, handler)


def save(engine: "Engine", work: Work, handler: Handler) -> None:
    """What a snapshot keeps of a thing; of most there is nothing but what the template says."""
    how = handler.type.snapshot if isinstance(handler, RestHandler) else None
    physical = work.row.physical_id
    if how is None or physical is None or not isinstance(handler, RestHandler):
        engine.done(work, quietly=True)
        return
    if work.row.stored.get("snapshot") is None:
        seen = handler.type.read(physical, work.row.properties, work.place)
        body = None if seen is None else work.read(seen.path, seen.version)
        answer = work.ask(how.create(physical, body or {}, work.place))
        work.store(snapshot={"id": how.made(answer)})
    kept = work.row.stored["snapshot"]["id"]
    request = how.read(kept)
    body = work.read(request.path, request.version)
    state = State("failed", f"{kept} is not there") if body is None else how.state(body)
    if state.word == "ready":
        engine.done(work)
    elif state.word == "failed":
        engine.failed(work.tx, work.stack, work.row, f"Snapshot {kept}: {state.reason}")
    else:
        engine.wait(work.tx, work.row, tries=work.row.tries + 1)
