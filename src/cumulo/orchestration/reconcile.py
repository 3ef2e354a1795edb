"""The loops of orchestration: resources that are to be made, and stacks whose time is over."""

import asyncio
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import NotFound
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import snapshot as snapshots
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.handlers import Calls
from cumulo.orchestration.service.outside import Outside, made_outside
from cumulo.orchestration.service.rest_handler import RestHandler
from cumulo.orchestration.service.stacks import Stacks

STEPS = ("todo", "working")


class StackResources:
    """Moves resources on, one step a transaction. Implements core.work.Reconciler."""

    name = "stack resources"

    def __init__(self, database: Database, engine: Engine, caller: Calls) -> None:
        self._database = database
        self._engine = engine
        self._caller = caller
        self._bell: Callable[[], None] = lambda: None
        self._last = ""
        """The project that had its turn last."""
        engine.ring = self._ring

    def on_bell(self, bell: Callable[[], None]) -> None:
        self._bell = bell

    def _ring(self, seconds: float) -> None:
        if seconds <= 0:
            self._bell()
        else:
            asyncio.get_running_loop().call_later(seconds, self._bell)

    def due(self, tx: Tx, most: int) -> list[str]:
        """The projects by turns: of each the same number, wherever they begin; no more of them are
        looked at than can be served."""
        projects = [str(id) for (id,) in tx.tuples(resources.AT_WORK)]
        later = [each for each in projects if each > self._last]
        turns = [*later, *(each for each in projects if each <= self._last)][:most]
        self._last = turns[-1] if len(turns) < len(projects) else ""
        queues = [self._due_of(tx, each, most) for each in turns]
        found = [each for turn in zip_longest(*queues) for each in turn if each is not None]
        return found[:most]

    @staticmethod
    def _due_of(tx: Tx, project: str, most: int) -> list[str]:
        given = {"project": project, "now": tx.now, "most": most}
        rows = [row for step in STEPS for row in tx.tuples(resources.DUE, step=step, **given)]
        return [id for _, id in sorted(rows)[:most]]

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
            if found.fault is None and asked.anew:
                await self._remove(asked, found.body)
            elif not isinstance(found.fault, NotFound):
                return found
        return await self._caller.call(
            asked.principal, request.method, request.path, request.body, version=request.version
        )

    async def _remove(self, asked: Outside, body: Any) -> None:
        handler = self._engine.types.handler(asked.kind)
        assert isinstance(handler, RestHandler)
        kind = handler.type
        gone = kind.delete(kind.made(body), asked.properties, asked.place)
        if gone is not None:
            await self._caller.call(asked.principal, gone.method, gone.path, version=gone.version)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """The program or the database failed: the same again in a while."""
        row = tx.get(ResourceRow, id)
        if row is not None:
            tries = row.tries + 1
            tx.update(row, tries=tries, due=later(tx.now, min(60.0, 2.0 ** min(tries, 6))))


class LateStacks:
    """Ends actions whose deadline has passed, removes what was saved of deleted stacks, and forgets
    these after a while."""

    name = "late stacks"

    def __init__(self, database: Database, stacks: Stacks) -> None:
        self._database = database
        self._stacks = stacks

    def due(self, tx: Tx, most: int) -> list[str]:
        late = tx.all(queries.LATE, now=tx.now, most=most)
        old = tx.all(queries.FORGOTTEN, now=tx.now, most=most - len(late))
        left = tx.tuples(snapshots.LEFT, most=most)
        return list(dict.fromkeys([row.id for row in (*late, *old)] + [id for (id,) in left]))

    async def step(self, id: str) -> None:
        def end(tx: Tx) -> None:
            row = tx.get(StackRow, id)
            late = row is not None and row.deadline is not None and row.deadline <= tx.now
            if row is not None and late and row.status == "IN_PROGRESS":
                self._stacks.late(tx, row)
            elif row is not None and late and row.deleted_at is not None:
                tx.delete(row)
            elif row is not None and row.deleted_at is not None:
                self._stacks.keeping.drop_some(tx, row)

        await self._database.write(end, name="late stack")

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(StackRow, id)
        if row is not None:
            tx.update(row, deadline=later(tx.now, 60.0))
