"""Tasks carried out: imports, copies and locations, as durable operations.

A task's row says which step is next and what the earlier ones left. A process that works on it
holds a lease and renews it; when it is killed, the lease ends and another one (or the same one,
started again) goes on with that step. Every step can be done twice: files have names that follow
from the image and the step, copies are kept by rename, and each end is one transaction.

    fetch ─▶ rewrite ─▶ store (one store after the other) ─▶ end
    verify (a location) ─▶ end                        any failure ─▶ undo, end
"""

import asyncio
import contextlib
import logging
import os
import socket

import msgspec

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Fault
from cumulo.core.outbound.client import RequestFailed
from cumulo.core.outbound.guard import Refused
from cumulo.core.sim.points import reach
from cumulo.core.work.wakeups import Wakeup
from cumulo.image.model.content import ConversionFailed
from cumulo.image.model.task import TaskRow
from cumulo.image.queries import task as queries
from cumulo.image.service.image import ImageService
from cumulo.image.service.steps import Gone, Steps

log = logging.getLogger("cumulo.image")

LEASE = 20.0
"""Seconds until somebody else may go on."""
BEAT = 4.0
PARALLEL = 4
ATTEMPTS = 5
"""Processes that may die over one task before it is given up."""


class TaskRunner:
    """Works on tasks until it is cancelled."""

    def __init__(self, database: Database, images: ImageService) -> None:
        self._database = database
        self._images = images
        self._steps = Steps(database, images)
        self._me = f"{socket.gethostname()}/{os.getpid()}/{id(self)}"
        self._live: set[str] = set()
        self.wakeup = Wakeup()

    async def run(self) -> None:
        if self._database.engine == "sqlite":
            # There is no other process: leases are of one that is gone.
            await self._database.write(_release, name="take over tasks")
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    for task_id in await self._claim():
                        group.create_task(self._work(task_id))
                except Exception:  # the database is away: the next pass finds the same work
                    log.exception("tasks: the pass failed")
                await self.wakeup.wait(5.0)

    async def _claim(self) -> list[str]:
        def claim(tx: Tx) -> list[str]:
            self._images.tasks.forget_expired(tx)
            found = []
            for row in tx.all(queries.DUE, now=tx.now, most=PARALLEL - len(self._live)):
                if row.id in self._live:
                    continue
                tx.update(
                    row,
                    status="processing",
                    lease_by=self._me,
                    attempts=row.attempts + 1,
                    due=later(tx.now, LEASE),
                    updated_at=tx.now,
                )
                found.append(row.id)
            return found

        if len(self._live) >= PARALLEL or not await self._database.read(self._is_due):
            return []
        found = await self._database.write(claim, name="claim tasks")
        self._live.update(found)
        return found

    def _is_due(self, tx: Tx) -> bool:
        due = tx.all(queries.DUE, now=tx.now, most=1)
        return bool(due) or bool(tx.value(queries.EXPIRED, now=tx.now))

    async def _work(self, task_id: str) -> None:
        beat = asyncio.create_task(self._renew(task_id))
        try:
            await self._to_its_end(task_id)
        except Exception:  # the lease ends, and the step is tried again
            log.exception("task %s", task_id)
        finally:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat
            self._live.discard(task_id)
            self.wakeup.ring()

    async def _renew(self, task_id: str) -> None:
        while True:
            await asyncio.sleep(BEAT)
            with contextlib.suppress(Exception):
                await self._database.write(lambda tx: self._beat(tx, task_id), name="renew task")

    def _beat(self, tx: Tx, task_id: str) -> None:
        until = later(tx.now, LEASE)
        tx.run(queries.RENEW, key=task_id, by=self._me, until=until)
        copied = self._steps.copied.get(task_id)
        row = tx.get(TaskRow, task_id)
        if copied and row is not None and row.status == "processing":
            tx.update(row, message=f"Copied {copied >> 20} MiB", updated_at=tx.now)

    async def _to_its_end(self, task_id: str) -> None:
        """Step after step; what goes wrong is undone and said."""
        while True:
            task = await self._database.read(lambda tx: tx.get(TaskRow, task_id))
            if task is None or task.lease_by != self._me or task.status != "processing":
                return
            try:
                if task.attempts > ATTEMPTS:
                    raise RequestFailed(f"given up after {ATTEMPTS} interruptions")
                reach(f"image task: before {task.step}")
                await self._steps.do(task)
                reach(f"image task: after {task.step}")
            except Gone as error:
                await self._fail(task, str(error))
                return
            except (Fault, Refused, RequestFailed, ConversionFailed, OSError) as error:
                message = error.message if isinstance(error, Fault) else str(error)
                await self._fail(task, message)
                return
            except msgspec.ValidationError as error:
                await self._fail(task, f"the task's input makes no sense: {error}")
                return
            except Exception as error:
                log.exception("task %s", task.id)
                await self._fail(task, f"an unexpected error: {type(error).__name__}")
                return

    async def _fail(self, task: TaskRow, message: str) -> None:
        await self._database.write(
            lambda tx: self._steps.undo(tx, task.id, message), name="image task failed"
        )
        self._steps.forget(task.id)


def _release(tx: Tx) -> None:
    for row in tx.all(queries.DUE, now=later(tx.now, 10 * LEASE), most=1000):
        tx.update(row, due=tx.now)
