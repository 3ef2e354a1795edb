"""The engine: stacks become what their templates say, one resource and one transaction at a time.

A change of a stack begins a *traversal* (`plan.py` writes its rows); each resource then is a step
of a reconciler: it is made by the service's own operation in the same transaction that notes its
id, so that a kill at any moment neither loses nor doubles it. Who is done tells those that wait for
it; the last one ends the phase, the last phase ends the stack's action. A newer traversal overtakes
an older one: what belongs to that finds itself out of date and does nothing.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, Fault, Unavailable
from cumulo.core.ids import child_id
from cumulo.core.resource_types import Place, Request, ResourceType, State
from cumulo.orchestration.language.environment import Environment
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.model.resource import EdgeRow, ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.handlers import (
    DATA,
    Adopting,
    Calls,
    Handler,
    Health,
    RestHandler,
    Seal,
    Work,
    sealed,
)
from cumulo.orchestration.service.live import LiveScope, resolved_properties
from cumulo.orchestration.service.plan import arrange_removal, lost
from cumulo.orchestration.service.properties import difference, not_updatable
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


class Outside(msgspec.Struct, frozen=True):
    """A request that has to be asked outside of the transaction."""

    row_id: str
    kind: str
    principal: Principal
    request: Request
    read: Request | None
    again: bool
    """It was asked before, and the answer was lost with the process."""
    properties: Mapping[str, Any]
    place: Place


def current(stack: StackRow, row: ResourceRow) -> bool:
    """The row belongs to what is being done to the stack now."""
    return stack.status == "IN_PROGRESS" and row.traversal == stack.traversal


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
            self._save(work, handler)
            return None
        if work.row.step == "working":
            self._look(work, handler)
            return None
        if work.stack.action in LOOKING and work.row.physical_id:
            self._touch_up(work, handler)
            return None
        return self._make(work, handler)

    def _trouble(self, tx: Tx, row_id: str, problem: Exception) -> None:
        """What went wrong is undone; it is written down, or tried again where that may help."""
        row = tx.get(ResourceRow, row_id)
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        assert row is not None and stack is not None
        # Somebody lets go of it in a moment: who stands on it, or the one before.
        leaving = row.goal == "absent" or bool(row.stored.get("stead"))
        again = isinstance(problem, Unavailable) or (leaving and isinstance(problem, Conflict))
        if again and row.tries < TRIES:
            tries = row.tries + 1
            self.wait(tx, row, tries=tries)
            return
        if isinstance(problem, Fault):
            reason = problem.message
        elif isinstance(problem, Invalid | NotKnownYet):
            reason = str(problem)
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

    def _make(self, work: Work, handler: Handler) -> Outside | None:
        blueprint = self.blueprints.of(work.tx, work.stack)
        scope = LiveScope(work, blueprint)
        definition = blueprint.definitions[work.row.name]
        wanted = resolved_properties(blueprint, scope, definition, handler)
        metadata = scope.resolve(definition.metadata, f"resources.{work.row.name}.metadata") or {}
        if self.paused(work, "pre", "create" if work.row.physical_id is None else "update"):
            return None
        work.properties = wanted
        if work.row.physical_id is None:
            return self._create(work, handler, metadata, scope, definition)
        self._same_outside(work, scope, definition)
        self._change(work, handler, metadata, blueprint.environment.restricted(work.row.name))
        return None

    def _create(
        self, work: Work, handler: Handler, metadata: Any, scope: LiveScope, definition: Any
    ) -> Outside | None:
        work.row = work.tx.update(
            work.row, properties=dict(work.properties), metadata=metadata, made=False
        )
        if definition.external_id is not None:
            physical = scope.resolve(definition.external_id, "external_id")
            work.row = work.tx.update(work.row, physical_id=str(physical), deletion_policy="Retain")
            work.store(external=True)
            self.begin(work, "CREATE")
            self._look(work, handler)
            return None
        adopt = work.row.stored.get("adopt")
        if adopt is not None:
            self._adopt(work, handler, adopt)
            return None
        if handler.outside and isinstance(handler, RestHandler):
            return self._ask_outside(work, handler)
        physical = handler.create(work)
        work.row = work.tx.update(work.row, physical_id=physical)
        self.begin(work, "CREATE")
        self._look(work, handler)
        return None

    def _adopt(self, work: Work, handler: Handler, data: Mapping[str, Any]) -> None:
        """It is there already: whether it is, its own service tells the stack's owner."""
        work.forget("adopt")
        if isinstance(handler, Adopting):
            physical = handler.adopt(work, data)
        else:
            physical = data.get("resource_id")
            given = {n: v for n, v in (data.get("resource_data") or {}).items() if n in DATA}
            work.store(**{name: sealed(self.seal, value) for name, value in given.items()})
        if not physical:
            raise Invalid("Resource ID was not provided.")
        work.row = work.tx.update(work.row, physical_id=str(physical))
        self.begin(work, "ADOPT")
        self._look(work, handler)

    @staticmethod
    def _same_outside(work: Work, scope: LiveScope, definition: Any) -> None:
        """What was there before the stack stays that, and nothing of the stack's becomes it."""
        named = definition.external_id
        wanted = None if named is None else str(scope.resolve(named, "external_id"))
        mine = work.row.physical_id if work.row.stored.get("external") else None
        if wanted != mine:
            raise Invalid(f"Update to property external_id of {work.row.name} is not supported.")

    def _ask_outside(self, work: Work, handler: RestHandler) -> Outside:
        """It is named by the template: what has that name before it was asked for is another's."""
        again = bool(work.row.stored.get("asked"))
        read = handler.type.read(work.place.name, work.properties, work.place)
        if not again:
            if read is not None and work.read(read.path, read.version) is not None:
                raise Conflict(f"There is a {handler.type.name} of this name already.")
            work.store(asked=seconds_of(work.tx.now))
        self.begin(work, "CREATE")
        return Outside(
            work.row.id,
            work.row.kind,
            work.principal,
            handler.request(work),
            read,
            again=again,
            properties=work.properties,
            place=work.place,
        )

    def made_outside(self, tx: Tx, asked: Outside, body: Any, fault: Fault | None) -> None:
        """The answer to what was asked outside. What was made is noted, whatever has become of the
        stack meanwhile, or removed where nobody is left to note it."""
        row = tx.get(ResourceRow, asked.row_id)
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        handler = self.types.handler(asked.kind)
        assert isinstance(handler, RestHandler)
        if row is None or stack is None:
            if fault is None:
                self._stray(tx, asked, handler.type, handler.type.made(body))
            return
        if row.physical_id is not None:
            return
        awaited = row.step == "working" and row.goal == "present" and current(stack, row)
        if fault is not None:
            if not isinstance(fault, Unavailable):
                kept = {name: value for name, value in row.stored.items() if name != "asked"}
                row = tx.update(row, stored=kept)
            if awaited:
                self.failed(tx, stack, row, fault.message)
            return
        told = {} if handler.type.kept is None else handler.type.kept(asked.properties, body)
        kept = {name: sealed(self.seal, value) for name, value in told.items()}
        physical = handler.type.made(body)
        row = tx.update(row, physical_id=physical, stored={**row.stored, **kept})
        if awaited:
            self.wait(tx, row, tries=0)

    def _stray(self, tx: Tx, asked: Outside, kind: ResourceType, physical: str) -> None:
        last = kind.delete(physical, asked.properties, asked.place)
        if last is not None:
            gone = self.calls.call_in(tx, asked.principal, last.method, last.path, last.body)
            if gone.fault is not None:
                log.warning("%s of a removed stack stays: %s", physical, gone.fault.message)

    def _change(
        self, work: Work, handler: Handler, metadata: Any, restricted: Collection[str]
    ) -> None:
        """What is there becomes what it shall be: in place, or by another one in its stead."""
        row = work.row
        changed = difference(row.properties, work.properties)
        unsure = row.status != "COMPLETE"
        health: Health = "lost" if lost(row) else handler.health(work) if unsure else "well"
        if health == "busy":
            self.wait(work.tx, row, tries=row.tries + 1)
            return
        if handler.renewed and row.made and work.stack.action == "UPDATE":
            self._replace(work, handler)
            return
        if health == "well" and not changed:
            work.row = work.tx.update(work.row, metadata=metadata)
            if not unsure:
                self.done(work, quietly=True)
                return
            handler.mend(work)
            self.begin(work, "UPDATE" if row.made else "CREATE")
            self._look(work, handler)
            return
        stuck = not_updatable(handler.properties, changed)
        if health == "well" and not stuck:
            if "update" in restricted:
                raise Invalid(f"update is restricted for resource {row.name}")
            before = work.row
            work.row = work.tx.update(work.row, metadata=metadata)
            if handler.update(work, changed):
                work.row = work.tx.update(work.row, properties=dict(work.properties))
                self.begin(work, "UPDATE" if row.made else "CREATE")
                self._look(work, handler)
                return
            work.row = before
        if "replace" in restricted:
            raise Invalid(f"replace is restricted for resource {row.name}")
        self._replace(work, handler)

    def _replace(self, work: Work, handler: Handler) -> None:
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
        tx.after_commit(lambda: self.ring(0.0))

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

    def _look(self, work: Work, handler: Handler) -> None:
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

    def _touch_up(self, work: Work, handler: Handler) -> None:
        """Check, suspend, resume: what is there is looked at, or asked to rest or to go on."""
        action = work.stack.action
        work.properties = work.row.properties
        self.begin(work, action)
        if action == "CHECK":
            handler.look_over(work)
        elif action == "SNAPSHOT":
            self._save(work, handler)
            return
        else:
            handler.suspend(work, resume=action == "RESUME")
        self._look(work, handler)

    def _save(self, work: Work, handler: Handler) -> None:
        """What a snapshot keeps of a thing; of most there is nothing but what the template says."""
        how = handler.type.snapshot if isinstance(handler, RestHandler) else None
        physical = work.row.physical_id
        if how is None or physical is None or not isinstance(handler, RestHandler):
            self.done(work, quietly=True)
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
            self.done(work)
        elif state.word == "failed":
            work.forget("snapshot")
            self.failed(work.tx, work.stack, work.row, f"Snapshot {kept}: {state.reason}")
        else:
            self.wait(work.tx, work.row, tries=work.row.tries + 1)

    def paused(self, work: Work, when: str, action: str) -> bool:
        """It waits at a breakpoint until somebody clears it."""
        hook = f"{when}-{action}"
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
        if lost(row):
            changes["stored"] = {n: v for n, v in row.stored.items() if n != "marked"}
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
        if stack.phase != 3:
            said = f"Resource {action} failed: {row.name}: {reason}"
            if stack.parent_id is None:
                said = f"Resource {action} failed: resources.{row.name}: {reason}"
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
        self.end(tx, stack, "COMPLETE", f"Stack {stack.action} completed successfully")

    def end(self, tx: Tx, stack: StackRow, status: str, reason: str) -> None:
        """An action of a stack has ended, one way or the other."""
        changes: dict[str, Any] = {"status": status, "reason": reason, "deadline": None}
        if status == "COMPLETE" and stack.action == "DELETE":
            # What it was made from is not needed any more; the rest is forgotten after a while.
            changes |= {"deleted_at": tx.now, "deadline": later(tx.now, REMEMBERED_SECONDS)}
            changes |= {"files": {}, "previous": None}
            tx.run(queries.FORGET_NAME, stack=stack.id)
        stack = tx.update(stack, **changes)
        self.story.of_stack(tx, stack)
        if stack.parent_id is not None:
            tx.run(resources.WAKE_ID, id=stack.parent_id, now=tx.now)
            tx.after_commit(lambda: self.ring(0.0))
        self.ended(tx, stack)
