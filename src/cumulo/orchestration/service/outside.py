"""What takes too long for a transaction (a key is generated) and is asked outside of it."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, Fault, Unavailable
from cumulo.core.resource_types import Place, Request, ResourceType
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.handlers import Work, sealed
from cumulo.orchestration.service.plan import current
from cumulo.orchestration.service.reasons import worded
from cumulo.orchestration.service.rest_handler import RestHandler

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine


log = logging.getLogger("cumulo.orchestration")


class Outside(msgspec.Struct, frozen=True):
    """A request that has to be asked outside of the transaction."""

    row_id: str
    kind: str
    principal: Principal
    request: Request
    read: Request | None
    again: bool
    """It was asked before, and the answer was lost with the process."""
    anew: bool
    """The answer tells what no read does: what is there of a lost one goes first."""
    properties: Mapping[str, Any]
    place: Place


def ask_outside(engine: "Engine", work: Work, handler: RestHandler) -> Outside:
    """It is named by the template: what has that name before it was asked for is another's."""
    again = bool(work.row.stored.get("asked"))
    named = handler.named(work, work.properties)
    read = handler.type.read(work.place.name, named, work.place)
    once = handler.type.tells_once is not None and handler.type.tells_once(work.properties)
    if not again:
        if read is not None and work.read(read.path, read.version) is not None:
            raise Conflict(f"There is a {handler.type.name} of this name already.")
        work.store(asked=seconds_of(work.tx.now))
    engine.begin(work, "CREATE")
    return Outside(
        work.row.id,
        work.row.kind,
        work.principal,
        handler.request(work),
        read,
        again=again,
        anew=again and once,
        properties=named,
        place=work.place,
    )


def made_outside(engine: "Engine", tx: Tx, asked: Outside, body: Any, fault: Fault | None) -> None:
    """The answer to what was asked outside. What was made is noted, whatever has become of the
    stack meanwhile, or removed where nobody is left to note it."""
    row = tx.get(ResourceRow, asked.row_id)
    stack = None if row is None else tx.get(StackRow, row.stack_id)
    handler = engine.types.handler(asked.kind)
    assert isinstance(handler, RestHandler)
    if row is None or stack is None:
        if fault is None:
            _stray(engine, tx, asked, handler.type, handler.type.made(body))
        return
    if row.physical_id is not None:
        return
    awaited = row.step == "working" and row.goal == "present" and current(stack, row)
    if fault is not None:
        if not isinstance(fault, Unavailable):
            kept = {name: value for name, value in row.stored.items() if name != "asked"}
            row = tx.update(row, stored=kept)
        if awaited:
            engine.failed(tx, stack, row, worded(fault, fault.message))
        return
    told = {} if handler.type.kept is None else handler.type.kept(asked.properties, body)
    kept = {name: sealed(engine.seal, value) for name, value in told.items()}
    physical = handler.type.made(body)
    row = tx.update(row, physical_id=physical, stored={**row.stored, **kept})
    if awaited:
        engine.wait(tx, row, tries=0)


def _stray(engine: "Engine", tx: Tx, asked: Outside, kind: ResourceType, physical: str) -> None:
    last = kind.delete(physical, asked.properties, asked.place)
    if last is not None:
        gone = engine.calls.call_in(tx, asked.principal, last.method, last.path, last.body)
        if gone.fault is not None:
            log.warning("%s of a removed stack stays: %s", physical, gone.fault.message)
