"""The verbs of stacks: create, update, delete and the other actions, rollback, outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Fault, Forbidden, NotFound, QuotaExceeded
from cumulo.core.ids import child_id, new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.orchestration.language.environment import parse as parse_environment
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import Action, StackNameRow, StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.engine import ELSEWHERE, Engine
from cumulo.orchestration.service.files import digest_of, files_before, files_of, keep
from cumulo.orchestration.service.keeping import Keeping
from cumulo.orchestration.service.new_stacks import new_stack, with_options
from cumulo.orchestration.service.plan import arrange, arrange_all_absent, arrange_looks
from cumulo.orchestration.service.previewing import Previewing
from cumulo.orchestration.service.software import Software

TIMEOUT_MINUTES = 60
DEFAULTS = {
    "stacks": 512,
    "stack_resources": 1000,
    "software_configs": 10_000,
    "software_deployments": 10_000,
}
OVERTAKEN = "Something else was asked for before it was done."


class StackInAction(Conflict):
    """Something is being done to the stack already."""


class Stacks(Previewing):
    listing = queries.STACKS
    events = queries.EVENTS

    def __init__(
        self,
        engine: Engine,
        blueprints: Blueprints,
        region: str,
        quotas: Quotas,
        software: Software,
    ) -> None:
        self.engine = engine
        self.blueprints = blueprints
        self.region = region
        self.quotas = quotas
        self.software = software
        self.keeping = Keeping(self)
        engine.ended = self._ended

    # --- finding -------------------------------------------------------------------------

    def get(self, tx: Tx, stack_id: str, project_id: str | None) -> StackRow:
        """Raises NotFound. A project of None: any."""
        found = tx.get(StackRow, stack_id)
        if found is None or (project_id is not None and found.project_id != project_id):
            raise NotFound(f"The Stack ({stack_id}) could not be found.")
        return found

    def named(self, tx: Tx, name: str, project_id: str) -> StackRow:
        """By a name, or an id. Raises NotFound."""
        known = tx.one(queries.NAMED, project=project_id, name=name)
        if known is not None:
            return self.get(tx, known.stack_id, project_id)
        found = tx.get(StackRow, name)
        if found is None or found.project_id != project_id:
            raise NotFound(f"The Stack ({name}) could not be found.")
        return found

    # --- create --------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        who: Principal,
        name: str,
        wish: Wish,
        *,
        timeout_mins: int | None = None,
        disable_rollback: bool = True,
        tags: Sequence[str] = (),
        action: Action = "CREATE",
        adopt: Mapping[str, Any] | None = None,
    ) -> StackRow:
        """Raises BadRequest for a template without sense, Conflict for a name that is taken.
        `adopt`: what its resources are already, by their names."""
        project_id = who.project_id
        if project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        if tx.one(queries.NAMED, project=project_id, name=name) is not None:
            raise Conflict(f"The Stack ({name}) already exists.", kind="StackExists")
        stack_id = new_id()
        self._take(tx, project_id)
        row = new_stack(
            tx, stack_id, name, project_id, who.user_id, list(who.roles), wish, None, None
        )
        row = with_options(row, timeout_mins, disable_rollback, tags, action, who.lent)
        blueprint = self.checked(tx, row, wish, who)
        row = msgspec.structs.replace(row, **self._at_rest(tx, row, blueprint, wish))
        tx.insert(row)
        keep(tx, row.root_id, wish.files)
        tx.insert(StackNameRow(project_id, name, stack_id))
        return self._begin(tx, row, blueprint, adopt)

    def _take(self, tx: Tx, project_id: str) -> None:
        try:
            self.quotas.take(tx, project_id, stacks=1)
        except QuotaExceeded:
            most = self.quotas.limit(tx, project_id, "stacks")
            raise Forbidden(
                f"You have reached the maximum stacks per tenant, {most}. "
                "Please delete some stacks.",
                kind="RequestLimitExceeded",
            ) from None

    def create_nested(
        self,
        tx: Tx,
        parent: StackRow,
        resource: ResourceRow,
        wish: Wish,
        adopt: Mapping[str, Any] | None = None,
    ) -> StackRow:
        name = f"{parent.name}-{resource.name}-{child_id(resource.id, 'stack')[:12]}"[:255]
        row = new_stack(
            tx,
            child_id(resource.id, "stack"),
            name,
            parent.project_id,
            parent.user_id,
            parent.roles,
            wish,
            resource.id,
            parent,
        )
        action: Action = "CREATE" if adopt is None else "ADOPT"
        minutes = wish.timeout_mins or parent.timeout_mins
        row = with_options(row, minutes, True, (), action, parent.lent)
        blueprint = self.checked(tx, row, wish)
        row = msgspec.structs.replace(row, **self._at_rest(tx, row, blueprint, wish))
        keep(tx, row.root_id, wish.files)
        tx.insert(row)
        return self._begin(tx, row, blueprint, adopt)

    def _at_rest(self, tx: Tx, row: StackRow, blueprint: Blueprint, wish: Wish) -> dict[str, Any]:
        """What the template says of itself is noted; what it hides, or the stack around it, is
        sealed."""
        hidden = self.blueprints.hidden
        names = hidden.names(blueprint)
        plain = set(blueprint.parameters) - names
        resource = None if row.parent_id is None else tx.get(ResourceRow, row.parent_id)
        parent = None if resource is None else tx.get(StackRow, resource.stack_id)
        if parent is not None:
            plain -= hidden.handed_down(parent)
        return {
            "description": blueprint.template.description,
            "parameters": hidden.closed(wish.parameters, names),
            "environment": hidden.closed_environment(wish.environment, names, plain),
        }

    def opened(self, tx: Tx, row: StackRow) -> StackRow:
        """With its files, and its parameters as they were given, hidden ones too."""
        row = msgspec.structs.replace(row, files=files_of(tx, row))
        return self.blueprints.hidden.opened_row(row)

    # --- beginning and ending ------------------------------------------------------------

    def _begin(
        self,
        tx: Tx,
        row: StackRow,
        blueprint: Blueprint,
        adopt: Mapping[str, Any] | None = None,
        saved: Mapping[str, str] | None = None,
        converge: bool = False,
    ) -> StackRow:
        minutes = row.timeout_mins or TIMEOUT_MINUTES
        row = tx.update(
            row,
            traversal=row.traversal + 1,
            phase=1,
            status="IN_PROGRESS",
            reason=f"Stack {row.action} started",
            deadline=later(tx.now, minutes * 60.0),
            reached=False,
        )
        self.engine.story.of_stack(tx, row)
        left = arrange(tx, row, blueprint, self.engine.types, saved=saved or {}, converge=converge)
        if adopt is not None:
            for each in tx.all(resources.OF_STACK, stack=row.id):
                tx.update(each, stored={"adopt": dict(adopt.get(each.name) or {})})
        most = self.quotas.limit(tx, row.project_id, "stack_resources")
        if 0 <= most < int(tx.value(resources.COUNT_IN_TREE, root=row.root_id)):
            raise Forbidden(
                f"Maximum resources per stack exceeded: {most}", kind="RequestLimitExceeded"
            )
        row = tx.update(row, left=left)
        tx.after_commit(lambda: self.engine.ring(0.0))
        if left == 0:
            self.engine.next_phase(tx, row.id)
            return tx.get(StackRow, row.id) or row
        return row

    def update(
        self,
        tx: Tx,
        row: StackRow,
        who: Principal | None,
        wish: Wish,
        *,
        timeout_mins: int | None = None,
        disable_rollback: bool | None = None,
        tags: Sequence[str] | None = None,
        action: Action = "UPDATE",
        saved: Mapping[str, str] | None = None,
        converge: bool = False,
    ) -> StackRow:
        """A stack becomes what the wish says. A running action is overtaken. `saved`: what
        resources are led back to besides, by their names. `converge`: each is looked at, also where
        nothing has changed, and what is lost is made anew."""
        if row.deleted_at is not None:
            raise NotFound(f"The Stack ({row.name}) could not be found.")
        # A rollback comes after what has failed, whatever that was.
        state = {"SUSPEND": "suspended", "DELETE": "deleting"}.get(row.action)
        if state is not None and (row.action == "SUSPEND" or row.status == "IN_PROGRESS"):
            raise BadRequest(
                f"Updating a stack when it is {state} is not supported.", kind="NotSupported"
            )
        blueprint = self.checked(tx, row, wish, who)
        if action == "UPDATE":
            self._check_immutable(tx, row, blueprint)
        self.keeping.settle(tx, row, OVERTAKEN)
        changes: dict[str, Any] = {
            **self._at_rest(tx, row, blueprint, wish),
            "template": wish.template,
            "files": {},
            "files_digest": digest_of(wish.files),
            "previous": self._kept(row),
            "action": action,
            "updated_at": tx.now,
        }
        if who is not None:
            changes |= {"user_id": who.user_id, "roles": list(who.roles), "lent": who.lent}
        if timeout_mins is not None:
            changes["timeout_mins"] = timeout_mins
        if disable_rollback is not None:
            changes["disable_rollback"] = disable_rollback
        if tags is not None:
            changes["tags"] = list(tags)
        keep(tx, row.root_id, wish.files)
        self._owned(tx, row, who)
        row = tx.update(row, **changes)
        return self._begin(tx, row, blueprint, saved=saved, converge=converge)

    def _check_immutable(self, tx: Tx, row: StackRow, new: Blueprint) -> None:
        """Raises BadRequest for another value of a parameter that the new template calls so."""
        old = self.blueprints.of(tx, row).values
        other = sorted(
            name
            for name, one in new.parameters.items()
            if one.immutable and name in old and old[name] != new.values.get(name)
        )
        if other:
            raise BadRequest(
                "The following parameters are immutable and may not be updated: "
                + ", ".join(other),
                kind="ImmutableParameterModified",
            )

    def delete_nested(self, tx: Tx, parent: StackRow, child: StackRow) -> StackRow:
        return self.delete(tx, self._as_parent(tx, parent, child))

    @staticmethod
    def _as_parent(tx: Tx, parent: StackRow, child: StackRow) -> StackRow:
        """With the right of whoever asked for the change of the parent."""
        return tx.update(child, user_id=parent.user_id, roles=parent.roles, lent=parent.lent)

    def update_nested(
        self, tx: Tx, parent: StackRow, child: StackRow, wish: Wish, *, converge: bool = False
    ) -> StackRow:
        child = self._as_parent(tx, parent, child)
        minutes = wish.timeout_mins or parent.timeout_mins
        return self.update(tx, child, None, wish, timeout_mins=minutes, converge=converge)

    @staticmethod
    def _kept(row: StackRow) -> dict[str, Any] | None:
        """What a rollback leads to: the last wish that came true; where none ever did, the one of
        before, with what has been made for it. Stacks inside others are led back by those."""
        if row.parent_id is not None:
            return None
        if row.reached or row.previous is None:
            return {
                "template": row.template,
                **({"files": row.files} if row.files else {"files_digest": row.files_digest}),
                "environment": row.environment,
                "parameters": row.parameters,
            }
        return row.previous

    def delete(self, tx: Tx, row: StackRow, who: Principal | None = None) -> StackRow:
        """Everything that the stack has made goes, then the stack. Twice is once."""
        if row.deleted_at is not None:
            return row
        if row.action == "DELETE" and row.status == "IN_PROGRESS":
            return row
        changes: dict[str, Any] = {"action": "DELETE"}
        if who is not None and row.project_id == who.project_id:
            changes |= {"user_id": who.user_id, "roles": list(who.roles), "lent": who.lent}
        elif who is not None and who.project_id:
            # Its owner may be no more, or not be allowed to any more: it goes by the right of the
            # administrator who asks.
            lent = {**who.lent, ELSEWHERE: who.project_id}
            changes |= {"user_id": who.user_id, "roles": list(who.roles), "lent": lent}
        row = tx.update(row, **changes)
        self.keeping.settle(tx, row, OVERTAKEN)
        return self._begin_absent(tx, row)

    def _begin_absent(self, tx: Tx, row: StackRow) -> StackRow:
        row = tx.update(
            row,
            traversal=row.traversal + 1,
            phase=1,
            left=0,
            status="IN_PROGRESS",
            reason=f"Stack {row.action} started",
            deadline=later(tx.now, (row.timeout_mins or TIMEOUT_MINUTES) * 60.0),
        )
        self.engine.story.of_stack(tx, row)
        arrange_all_absent(tx, row)
        self.engine.next_phase(tx, row.id)
        return tx.get(StackRow, row.id) or row

    @staticmethod
    def _owned(tx: Tx, row: StackRow, who: Principal | None) -> None:
        """The stacks inside it are worked at, and told of, as who asked for it last, too."""
        if who is not None:
            roles, lent = (msgspec.json.encode(each).decode() for each in (who.roles, who.lent))
            given = {"root": row.root_id, "user": who.user_id}
            tx.run(queries.OWNED_AS, **given, roles_text=roles, lent_text=lent)

    def act(self, tx: Tx, row: StackRow, action: Action, who: Principal | None = None) -> StackRow:
        """Check, suspend, resume, snapshot. Raises Conflict while something else is done."""
        self.quiet(row)
        self._owned(tx, row, who)
        row = tx.get(StackRow, row.id) or row
        row = tx.update(
            row,
            action=action,
            traversal=row.traversal + 1,
            phase=1,
            status="IN_PROGRESS",
            reason=f"Stack {action} started",
            updated_at=tx.now,
            deadline=later(tx.now, (row.timeout_mins or TIMEOUT_MINUTES) * 60.0),
        )
        self.engine.story.of_stack(tx, row)
        rows = [
            each
            for each in tx.all(resources.OF_STACK, stack=row.id)
            if each.goal == "present"
            and (each.physical_id is not None or (action == "CHECK" and not each.made))
        ]
        arrange_looks(tx, row, rows)
        row = tx.update(row, left=len(rows))
        tx.after_commit(lambda: self.engine.ring(0.0))
        if not rows:
            self.engine.next_phase(tx, row.id)
        return tx.get(StackRow, row.id) or row

    @staticmethod
    def quiet(row: StackRow) -> None:
        """Raises NotFound for a deleted stack, Conflict for one that is worked at."""
        if row.deleted_at is not None:
            raise NotFound(f"The Stack ({row.name}) could not be found.")
        if row.status == "IN_PROGRESS":
            raise StackInAction(
                f"Stack {row.name} already has an action ({row.action}) in progress.",
                kind="ActionInProgress",
            )

    def cancel(self, tx: Tx, row: StackRow, *, rollback: bool) -> StackRow:
        """End what is being done; with rollback back to what it was before."""
        if row.status != "IN_PROGRESS" or row.action not in ("CREATE", "UPDATE"):
            raise BadRequest(
                f"Cancelling {row.action.lower()} when stack is {row.word} is not supported."
            )
        if rollback and row.action == "UPDATE" and row.previous is not None:
            return self._roll_back(tx, row)
        reason, why = f"Stack {row.action} cancelled", f"{row.action} cancelled"
        self._stop(tx, row, reason, why, back=False)
        return tx.get(StackRow, row.id) or row

    def late(self, tx: Tx, row: StackRow) -> None:
        """The deadline has passed."""
        self._stop(tx, row, "Timed out", f"{row.action} timed out")

    def _stop(self, tx: Tx, row: StackRow, reason: str, why: str, *, back: bool = True) -> None:
        """It ends here, with what is going on in the stacks inside it. Not `back`: nothing is
        undone, whatever a failure would mean."""
        for child in tx.all(queries.CHILDREN_AT_WORK, stack=row.id):
            self._stop(tx, child, reason, why, back=back)
        for each in tx.all(resources.OF_STACK, stack=row.id):
            if each.step == "working" and each.stored.get("derived") and each.physical_id:
                self.software.give_up(tx, each.physical_id, row.project_id, reason)
        tx.run(resources.STOP, stack=row.id, why=why)
        stays = row.disable_rollback or not back
        self.engine.end(tx, tx.update(row, phase=3, disable_rollback=stays), "FAILED", reason)
        ended = tx.get(StackRow, row.id)
        if ended is not None and ended.disable_rollback != row.disable_rollback:
            tx.update(ended, disable_rollback=row.disable_rollback)

    def _ended(self, tx: Tx, row: StackRow) -> None:
        """After an action: quota back, or the way back after a failure."""
        if row.action == "SNAPSHOT":
            self.keeping.settle(tx, row, row.reason, row.status)
        if row.action == "DELETE" and row.status == "COMPLETE" and row.parent_id is None:
            self.quotas.give_back(tx, row.project_id, stacks=1)
        wanted = row.status == "FAILED" and not row.disable_rollback
        if wanted and row.action in ("CREATE", "UPDATE"):
            self._roll_back(tx, row)

    def _roll_back(self, tx: Tx, row: StackRow) -> StackRow:
        if row.previous is None:
            return self._begin_absent(tx, tx.update(row, action="ROLLBACK"))
        kept = row.previous
        hidden = self.blueprints.hidden
        environment = hidden.opened_environment(kept["environment"])
        parameters = hidden.opened(kept["parameters"])
        wish = Wish(kept["template"], files_before(tx, row, kept), environment, parameters)
        try:
            return self.update(tx, row, None, wish, action="ROLLBACK")
        except Fault as fault:
            row = tx.update(row, action="ROLLBACK")
            self.engine.end(tx, row, "FAILED", fault.message)
            return row

    # --- health ---------------------------------------------------------------------------

    def mark(
        self, tx: Tx, row: StackRow, resource: ResourceRow, *, unhealthy: bool, reason: str
    ) -> None:
        """Raises Conflict while something is done to the stack."""
        if row.status == "IN_PROGRESS":
            raise StackInAction(f"Stack {row.name} has an action in progress.")
        if not unhealthy and not (resource.action == "CHECK" and resource.status == "FAILED"):
            return
        word = "FAILED" if unhealthy else "COMPLETE"
        stored = {name: value for name, value in resource.stored.items() if name != "marked"}
        if unhealthy:
            stored["marked"] = True
        resource = tx.update(
            resource, action="CHECK", status=word, reason=reason, stored=stored, updated_at=tx.now
        )
        self.engine.story.of_resource(tx, row, resource)

    def environment_of(self, tx: Tx, row: StackRow) -> Any:
        return parse_environment(self.opened(tx, row).environment)
