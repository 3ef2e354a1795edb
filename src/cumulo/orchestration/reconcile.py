"""The loops of orchestration: resources that are to be made, and stacks whose time is over."""

import asyncio
from collections.abc import Callable
from typing import Any

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import NotFound
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.handlers import Calls
from cumulo.orchestration.service.outside import Outside, made_outside
from cumulo.orchestration.service.stacks import Stacks

AHEAD = 2000
"""Rows among which the projects take turns."""


class StackResources:
    """Moves resources on, one step a transaction. Implements core.work.Reconciler."""

    name = "stack resources"

    def __init__(self, database: Database, engine: Engine, caller: Calls) -> None:
        self._database = database
        self._engine = engine
        self._caller = caller
        self._bell: Callable[[], None] = lambda: None
        engine.ring = self._ring

    def on_bell(self, bell: Callable[[], None]) -> None:
        self._bell = bell

    def _ring(self, seconds: float) -> None:
        if seconds <= 0:
            self._bell()
        else:
            asyncio.get_running_loop().call_later(seconds, self._bell)

    def due(self, tx: Tx, most: int) -> list[str]:
        return [str(id) for (id,) in tx.tuples(resources.DUE, now=tx.now, most=most, ahead=AHEAD)]

    async def step(self, id: str) -> None:
        asked = await self._database.write(
            lambda tx: self._engine.step(tx, id), name="stack resource"
        )
        if asked is not None:
            await self._outside(asked)

    async def _outside(self, asked: Outside) -> None:
        """What takes too long for a transaction. It is named by the row: an earlier try that was
        lost with its process is found, not repeated."""
        result = await self._ask(asked)
        body = None if result.fault is not None else result.body
        await self._database.write(
            lambda tx: made_outside(self._engine, tx, asked, body, result.fault),
            name="stack resource made",
        )

    async def _ask(self, asked: Outside) -> Any:
        read, request = asked.read, asked.request
        if read is not None and asked.again:
            found = await self._caller.call(
                asked.principal, read.method, read.path, version=read.version
            )
            if not isinstance(found.fault, NotFound):
                return found
        return await self._caller.call(
            asked.principal, request.method, request.path, request.body, version=request.version
        )

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """The program or the database failed: the same again in a while."""
        row = tx.get(ResourceRow, id)
        if row is not None:
            tries = row.tries + 1
            tx.update(row, tries=tries, due=later(tx.now, min(60.0, 2.0 ** min(tries, 6))))


class LateStacks:
    """Ends actions whose deadline has passed, and forgets deleted stacks after a while."""

    name = "late stacks"

    def __init__(self, database: Database, stacks: Stacks) -> None:
        self._database = database
        self._stacks = stacks

    def due(self, tx: Tx, most: int) -> list[str]:
        late = tx.all(queries.LATE, now=tx.now, most=most)
        old = tx.all(queries.FORGOTTEN, now=tx.now, most=most - len(late))
        return [row.id for row in (*late, *old)]

    async def step(self, id: str) -> None:
        def end(tx: Tx) -> None:
            row = tx.get(StackRow, id)
            late = row is not None and row.deadline is not None and row.deadline <= tx.now
            if row is not None and late and row.status == "IN_PROGRESS":
                self._stacks.late(tx, row)
            elif row is not None and late and row.deleted_at is not None:
                tx.delete(row)

        await self._database.write(end, name="late stack")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(StackRow, id)
        if row is not None:
            tx.update(row, deadline=later(tx.now, 60.0))
