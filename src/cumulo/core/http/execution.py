"""Running an operation: choose it, admit its caller, decode its body, do its work.

The same for requests and for callers inside the process, who differ in how they are admitted.
"""

import asyncio
import functools
import logging
import os
from collections.abc import Awaitable, Sequence
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from cumulo.core.db.transaction import (
    Database,
    DatabaseAway,
    IntegrityError,
    Overtaken,
    TooLong,
    Tx,
    Unstorable,
    Unsure,
)
from cumulo.core.faults import BadRequest, Conflict, Fault, NotFound, Unavailable
from cumulo.core.http import feeds
from cumulo.core.http.admission import Admission
from cumulo.core.http.crowd import Crowd
from cumulo.core.http.operations import HEAVY_SECONDS, Call, Face, Operation
from cumulo.core.wire.depth import MOST_ITEMS, too_many
from cumulo.core.wire.shapes import Version, lift, request_type
from cumulo.core.wire.wording import refuse

log = logging.getLogger("cumulo.http")

HEAVY = Crowd("long reads", 32, 4)
"""Those that wait for a thread included."""

Named = tuple[Operation, tuple[str, ...]]
"""An operation, and the names of the fields of its path."""


_ACTIONS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def candidates(found: Sequence[Named], version: Version | None, asked: str) -> list[Named]:
    """Of the operations of one path and method those of the asked version and query string: one,
    or the actions of a resource."""
    known = [pair for pair in found if pair[0].known_at(version)]
    if not known:
        raise NotFound("The resource could not be found.")
    known = [pair for pair in known if pair[0].kind != "socket"]
    if not known:
        raise BadRequest("Only websockets are opened at this address.")
    return known if len(known) == 1 else _of_query(known, asked)


def takes_json(known: Sequence[Named]) -> bool:
    operation = known[0][0]
    return operation.action is not None or operation.body is not None


def pick(known: Sequence[Named], raw: bytes) -> Named:
    """The one that the body names."""
    if known[0][0].action is None:
        return known[0]
    try:
        actions = _ACTIONS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("Malformed request body") from None
    if len(actions) != 1:
        raise BadRequest("Malformed request body: exactly one action is expected.")
    name = next(iter(actions))
    for pair in known:
        if pair[0].action == name:
            return pair
    raise BadRequest(f"There is no such action: {name:.80}")


class Execution:
    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}

    async def run(self, call: Call, raw: bytes) -> Any:
        """What the operation's handler returns; raises what it raises."""
        operation = call.operation
        if not operation.public:
            self._admission.at_once(call)
        if operation.kind == "fixed":
            return operation.handler(call)
        if operation.kind in ("stream", "feed"):
            if not operation.public:
                await self._database.read(functools.partial(self._admit, call))
            self.decode(call, raw)
            if operation.kind == "feed":
                holds = functools.partial(self._holds, call)
                return feeds.as_reply(call, operation.handler(call), holds)
            return await _in_time(operation, operation.handler(call))
        if operation.kind == "heavy":
            return await self._heavy(call, raw)
        work = functools.partial(self.run_in, call, raw)
        if operation.writing:
            return await self._database.write(work, name=name_of(call.face, operation))
        return await self._database.read(work)

    async def _holds(self, call: Call) -> bool:
        """Whether who began this may still do so: what took the right away came later."""
        if call.operation.public or call.inside:
            return True  # the operation's own affair
        return await self._database.read(functools.partial(self._admission.still, call))

    async def _heavy(self, call: Call, raw: bytes) -> Any:
        operation = call.operation
        if not operation.public:
            # On the loop: what remembers tokens is the loop's.
            await self._database.read(functools.partial(self._admit, call))
        self.decode(call, raw)
        with HEAVY.place(feeds.key_of(call)):
            seconds = operation.deadline or HEAVY_SECONDS
            work = functools.partial(operation.handler, call)
            return await self._database.study(work, seconds=seconds)

    async def admit(self, call: Call) -> None:
        """Find out who calls; refuse who may not."""
        self._admission.at_once(call)
        await self._database.read(functools.partial(self._admit, call))

    def _admit(self, call: Call, tx: Tx) -> None:
        self._admission.admit(call, tx)

    def run_in(self, call: Call, raw: bytes, tx: Tx) -> Any:
        """The same of a plain operation, inside a transaction."""
        operation = call.operation
        if not operation.public:
            self._admission.admit(call, tx)
        # A transaction may run twice.
        if call.body is None:
            self.decode(call, raw)
        return operation.handler(call, tx)

    def decode(self, call: Call, raw: bytes) -> None:
        """The body by the schema of the call's version, in the newest form."""
        kind = call.operation.body
        if kind is None:
            return
        shape = request_type(kind, call.version)
        decoder = self._decoders.get(shape)
        if decoder is None:
            decoder = self._decoders[shape] = msgspec.json.Decoder(shape)
        try:
            found = decoder.decode(raw or b"null")
            if too_many(found, raw):
                raise BadRequest(
                    f"Invalid input: a list or an object with more than {MOST_ITEMS} items"
                )
            call.body = lift(found, kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse(error, raw) from None


async def _in_time(operation: Operation, work: Awaitable[Any]) -> Any:
    if not operation.deadline:
        return await work
    try:
        async with asyncio.timeout(operation.deadline):
            return await work
    except TimeoutError:
        raise TooLong(f"It took longer than {operation.deadline:g} seconds.") from None


def _of_query(known: list[Named], asked: str) -> list[Named]:
    """Those for a name that the query has; else those for none."""
    # Decoded as the handlers' queries are: `%61cl` is `acl` to whoever signed it, too.
    names = {unquote_plus(part.partition("=")[0]) for part in asked.split("&")} if asked else set()
    found = [pair for pair in known if pair[0].query and pair[0].query in names]
    return found or [pair for pair in known if not pair[0].query] or known


def name_of(face: Face, operation: Operation) -> str:
    """What a transaction of the operation is called."""
    return operation.title or f"{operation.method} {face.mount}{operation.path}"


def fault_of(error: Exception, what: str) -> Fault:
    """Whatever a handler raised, as a fault; `what` is for the log."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, Unstorable):
        return BadRequest("A value has characters or a size that cannot be stored.")
    if isinstance(error, DatabaseAway):
        # The engine has said so in the log, once.
        return Unavailable(
            "The database does not answer at the moment; try again.", headers={"Retry-After": "2"}
        )
    if isinstance(error, Unsure):
        log.error("%s: %s", what, error)
        return Unavailable(
            "The database broke off in the middle, and whether this was done is not known: look "
            "before it is asked for again."
        )
    if isinstance(error, Overtaken):
        log.warning("%s: %s", what, error)
        return Unavailable(
            "Too much is changed there at once; try again.", headers={"Retry-After": "1"}
        )
    if isinstance(error, TooLong):
        log.warning("%s: %s", what, error)
        words = "The answer takes too long to be put together; ask for less at once."
        return Unavailable(words, headers={"Retry-After": "30"})
    if isinstance(error, IntegrityError):
        log.error("%s", what, exc_info=error)
        return Conflict("The resource is in use, or was changed at the same time.")
    log.error("%s failed", what, exc_info=error)
    return Fault("An unexpected error happened; the log has it under the request id.")


def new_request_id() -> str:
    """`req-` and a random UUID, by hand: the uuid module takes ten times as long."""
    text = os.urandom(16).hex()
    return f"req-{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
