"""The engine: stacks become what their templates say, one resource and one transaction at a time.

A change of a stack begins a *traversal* (`plan.py` writes its rows); each resource then is a step
of a reconciler: it is made by the service's own operation in the same transaction that notes its
id, so that a kill at any moment neither loses nor doubles it. Who is done tells those that wait for
it; the last one ends the phase, the last phase ends the stack's action. A newer traversal overtakes
an older one: what belongs to that finds itself out of date and does nothing.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, Fault, Unavailable
from cumulo.orchestration.language.environment import Environment
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.actions import save, touch_up
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.files import forget_unused
from cumulo.orchestration.service.handlers import (
    Calls,
    Handler,
    Seal,
    Work,
)
from cumulo.orchestration.service.making import make
from cumulo.orchestration.service.outside import Outside
from cumulo.orchestration.service.plan import arrange_removal, current
from cumulo.orchestration.service.reasons import failure, worded
from cumulo.orchestration.service.removing import remove
from cumulo.orchestration.service.story import Story
from cumulo.orchestration.service.types import Types

log = logging.getLogger("cumulo.orchestration")

FIRST_LOOK = 0.15
"""Seconds until a resource that is being made is looked at again; grows with each look."""
MOST_BETWEEN_LOOKS = 3.0
PATIENT_AFTER, MOST_WHEN_PATIENT = 30, 15.0
"""What takes more than a minute is looked at less often."""
TRIES = 12
"""Of a delete that is refused because somebody still uses the thing."""

REMEMBERED_SECONDS = 7 * 86400.0
"""How long a deleted stack is shown to who asks for deleted ones."""
MAKING = ("CREATE", "UPDATE", "ROLLBACK", "ADOPT", "RESTORE")
"""Actions that lead to what a template says. The others look at what is there."""

ELSEWHERE = "project_id"
"""Of what a stack's work is done by: the project where an administrator has the right to do it."""

LOOKING = ("CHECK", "SUSPEND", "RESUME", "SNAPSHOT")

PrincipalOf = Callable[[Tx, str, str, Mapping[str, str]], Principal | None]
"""(user, project, by what it was lent) → who the user is there now."""


class Engine:
    def __init__(
        self,
        calls: Calls,
        types: Types,
        blueprints: Blueprints,
        principal_of: PrincipalOf,
        seal: Seal,
    ) -> None:
        self.calls = calls
        self.seal = seal
        """What secrets that resources keep are sealed with."""
        self.types = types
        self.blueprints = blueprints
        self.story = Story()
        self.ring: Callable[[float], None] = lambda seconds: None
        """Wakes the reconciler after so many seconds."""
        self.ended: Callable[[Tx, StackRow], None] = lambda tx, stack: None
        """Told of each action that ends, in its transaction: rollback begins there."""
        self._principal_of = principal_of

    # --- one step ------------------------------------------------------------------------

    def step(self, tx: Tx, row_id: str) -> Outside | None:
        """Move a resource on. What must be asked outside of a transaction is returned."""
        row = tx.get(ResourceRow, row_id)
        if row is None or row.step not in ("todo", "working") or row.waits or row.hook:
            return None
        stack = tx.get(StackRow, row.stack_id)
        if stack is None:
            return None
        if not current(stack, row):
            tx.update(row, step="failed")
            return None
        try:
            work = Work(tx, self, stack, row, self._principal(tx, stack))
        except Fault as fault:
            self.failed(tx, stack, row, fault.message)
            return None
        outcome: list[Outside | None] = [None]

        def move() -> None:
            outcome[0] = self._move(work)

        problem = tx.attempt(move)
        if problem is not None:
            self._trouble(tx, row_id, problem)
        return outcome[0] if problem is None else None

    def _move(self, work: Work) -> Outside | None:
        handler = self.types.handler(work.row.kind)
        if work.row.goal == "absent":
            remove(self, work, handler)
            return None
        if work.row.step == "working" and work.stack.action == "SNAPSHOT":
            save(self, work, handler)
            return None
        if work.row.step == "working":
            self.look(work, handler)
            return None
        if work.stack.action in LOOKING:
            touch_up(self, work, handler)
            return None
        return make(self, work, handler)

    def _trouble(self, tx: Tx, row_id: str, problem: Exception) -> None:
        """What went wrong is undone; it is written down, or tried again where that may help."""
        row = tx.get(ResourceRow, row_id)
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        assert row is not None and stack is not None
        # Somebody lets go of it in a moment: who stands on it, or the one before.
        shared = row.stored.get("stead") or row.stored.get("released")
        # Or it is busy, and can be asked to rest, or to go on, when it is not.
        busy = stack.action in ("SUSPEND", "RESUME")
        leaving = row.goal == "absent" or bool(shared) or busy
        again = isinstance(problem, Unavailable) or (leaving and isinstance(problem, Conflict))
        if again and row.tries < TRIES:
            tries = row.tries + 1
            self.wait(tx, row, tries=tries)
            return
        if isinstance(problem, Fault):
            reason = worded(problem, problem.message)
        elif isinstance(problem, Invalid | NotKnownYet):
            reason = worded(problem, str(problem))
        else:
            log.exception("stack %s, resource %s", stack.id, row.name, exc_info=problem)
            reason = f"{type(problem).__name__}: {problem}"
        self.failed(tx, stack, row, reason)

    def principal_or_none(self, tx: Tx, stack: StackRow) -> Principal | None:
        """The stack's owner, with no role that was not there when the work was asked for."""
        lent = dict(stack.lent)
        project = lent.pop(ELSEWHERE, stack.project_id)
        found = self._principal_of(tx, stack.user_id, project, lent)
        if found is None:
            return None
        kept = tuple(role for role in found.roles if role in stack.roles)
        if project != stack.project_id:
            return msgspec.structs.replace(found, roles=kept, project_id=stack.project_id)
        return msgspec.structs.replace(found, roles=kept)

    def _principal(self, tx: Tx, stack: StackRow) -> Principal:
        found = self.principal_or_none(tx, stack)
        if found is None and stack.lent:
            raise Fault("What lent the right to work at the stack has ended.")
        if found is None:
            raise Fault(f"User {stack.user_id} has no role in project {stack.project_id} any more.")
        return found

    # --- making and changing -------------------------------------------------------------

    def begin(self, work: Work, action: str) -> None:
        """It is being worked at from now on."""
        row = work.row
        if row.step == "working" and row.action == action:
            return
        work.row = work.tx.update(
            row,
            step="working",
            action=action,
            status="IN_PROGRESS",
            reason="state changed",
            tries=0,
            updated_at=work.tx.now,
        )
        self.story.of_resource(work.tx, work.stack, work.row)

    def look(self, work: Work, handler: Handler) -> None:
        """Is it ready?"""
        if work.row.physical_id is None and handler.outside:
            # Asked outside, and the answer was lost with the process: ask again.
            work.tx.update(work.row, step="todo")
            work.tx.after_commit(lambda: self.ring(0.0))
            return
        work.properties = work.row.properties
        state = handler.state(work)
        if state.word == "ready":
            self.done(work)
        elif state.word == "failed":
            self.failed(work.tx, work.stack, work.row, state.reason)
        else:
            self.wait(work.tx, work.row, tries=work.row.tries + 1, until=state.until)

    def wait(self, tx: Tx, row: ResourceRow, *, tries: int, until: float | None = None) -> None:
        most = MOST_BETWEEN_LOOKS if tries < PATIENT_AFTER else MOST_WHEN_PATIENT
        seconds = min(most, FIRST_LOOK * 1.4 ** min(tries, 20))
        if until is not None:
            left = until - seconds_of(tx.now)
            seconds = left if left > 0 else seconds
        tx.update(row, tries=tries, due=later(tx.now, seconds))
        tx.after_commit(lambda: self.ring(seconds))

    def paused(self, work: Work, when: str, action: str) -> bool:
        """It waits at a breakpoint until somebody clears it."""
        hook = f"{when}-{action}"
        if work.stack.phase == 3:
            # Another one has failed: nobody waits for anything any more.
            return False
        cleared = work.row.stored.get("cleared", {})
        if cleared.get(hook) == work.stack.traversal:
            return False
        registry = work.stack.environment.get("resource_registry") or {}
        if hook not in Environment(resource_registry=registry).hooks_of(work.row.name):
            return False
        work.row = work.tx.update(work.row, hook=hook)
        self.story.of_resource(
            work.tx, work.stack, work.row, f"{action.upper()} paused until Hook {hook} is cleared"
        )
        return True

    # --- ends ----------------------------------------------------------------------------

    def done(self, work: Work, *, quietly: bool = False) -> None:
        """A resource is as it shall be."""
        tx, row, stack = work.tx, work.row, work.stack
        changes: dict[str, Any] = {"step": "done", "made": True, "tries": 0}
        if not quietly:
            changes |= {"status": "COMPLETE", "reason": "state changed", "updated_at": tx.now}
        if stack.action in MAKING and row.wanted:
            changes |= {"digest": row.wanted, "wanted": ""}
        kept = {n: v for n, v in row.stored.items() if n not in ("marked", "converge")}
        if kept != row.stored:
            changes["stored"] = kept
        told = row.status == "COMPLETE"
        row = work.row = tx.update(row, **changes)
        if not quietly:
            if not told:
                self.story.of_resource(tx, stack, row)
            changed = stack.action in MAKING and row.action in ("CREATE", "UPDATE")
            if changed and self.paused(work, "post", row.action.lower()):
                tx.update(work.row, step="working")
                return
        tx.run(resources.TELL, id=row.id, t=stack.traversal)
        self.one_less(tx, stack)

    def failed(self, tx: Tx, stack: StackRow, row: ResourceRow, reason: str) -> None:
        """A resource cannot be what it shall be: no new work is begun, what runs runs out."""
        action = row.action
        if row.goal == "absent":
            action = "DELETE"
        elif row.step == "todo" and stack.action in MAKING:
            action = "UPDATE" if row.made else "CREATE"
        elif row.step == "todo":
            action = stack.action
        row = tx.update(
            row,
            step="failed",
            action=action,
            status="FAILED",
            reason=reason[:2000],
            updated_at=tx.now,
        )
        self.story.of_resource(tx, stack, row)
        if stack.action == "CHECK" and stack.phase == 1:
            # One that is dead says nothing of the others: all of them are looked at.
            self.one_less(tx, stack)
            return
        if stack.phase != 3:
            said = failure(action, row.name, reason)
            stack = tx.update(stack, phase=3, reason=said[:2000])
            tx.run(resources.DROP_TODO, stack=stack.id)
            tx.run(resources.GO_ON, stack=stack.id)
        if int(tx.value(resources.WORKING, stack=stack.id)) == 0:
            self.end(tx, stack, "FAILED", stack.reason)

    def one_less(self, tx: Tx, stack: StackRow) -> None:
        tx.after_commit(lambda: self.ring(0.0))
        if stack.phase == 3:
            if int(tx.value(resources.WORKING, stack=stack.id)) == 0:
                self.end(tx, stack, "FAILED", stack.reason)
            return
        left = tx.changed(queries.LESS, stack=stack.id, t=stack.traversal)
        if left and int(left[0][0]) == 0:
            self.next_phase(tx, stack.id)

    def next_phase(self, tx: Tx, stack_id: str) -> None:
        """Everything of this phase is done."""
        stack = tx.get(StackRow, stack_id)
        assert stack is not None
        if stack.phase == 1 and stack.action in (*MAKING, "DELETE"):
            waiting = arrange_removal(tx, stack)
            if waiting:
                tx.update(stack, phase=2, left=waiting)
                tx.after_commit(lambda: self.ring(0.0))
                return
        bad = self._found_bad(tx, stack) if stack.action == "CHECK" else []
        if bad:
            self.end(tx, stack, "FAILED", "; ".join(bad)[:2000])
            return
        self.end(tx, stack, "COMPLETE", f"Stack {stack.action} completed successfully")

    @staticmethod
    def _found_bad(tx: Tx, stack: StackRow) -> list[str]:
        return [
            failure("CHECK", row.name, row.reason)
            for row in tx.all(resources.OF_STACK, stack=stack.id)
            if (row.traversal, row.step) == (stack.traversal, "failed")
        ]

    def end(self, tx: Tx, stack: StackRow, status: str, reason: str) -> None:
        """An action of a stack has ended, one way or the other."""
        changes: dict[str, Any] = {"status": status, "reason": reason, "deadline": None}
        if status == "COMPLETE" and stack.action == "DELETE":
            # What it was made from is not needed any more; the rest is forgotten after a while.
            changes |= {"deleted_at": tx.now, "deadline": later(tx.now, REMEMBERED_SECONDS)}
            changes |= {"files": {}, "files_digest": "", "previous": None}
            tx.run(queries.FORGET_NAME, stack=stack.id)
        if status == "COMPLETE" and stack.action in MAKING:
            changes |= {"reached": True, "previous": None}
        stack = tx.update(stack, **changes)
        if status == "COMPLETE" and stack.parent_id is None and stack.action in (*MAKING, "DELETE"):
            forget_unused(tx, stack)
        self.story.of_stack(tx, stack)
        if stack.parent_id is not None:
            tx.run(resources.WAKE_ID, id=stack.parent_id, now=tx.now)
            tx.after_commit(lambda: self.ring(0.0))
        self.ended(tx, stack)
