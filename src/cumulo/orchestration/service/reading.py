"""What a stack is seen as: its outputs, its resources, their attributes."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, Fault, NotFound
from cumulo.orchestration.language.functions import Functions
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import stack as queries
from cumulo.orchestration.service.blueprint import Blueprint, PlanScope
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.guests import Server
from cumulo.orchestration.service.handlers import Look, Work
from cumulo.orchestration.service.live import LiveScope
from cumulo.orchestration.service.software import Software


class Reading:
    engine: Engine
    blueprints: Blueprints
    software: Software

    # --- outputs -------------------------------------------------------------------------

    def outputs(self, tx: Tx, row: StackRow) -> list[str]:
        return list(self.blueprints.of(tx, row).template.outputs)

    def outputs_told(
        self,
        tx: Tx,
        row: StackRow,
        names: Sequence[str],
        who: Principal | None = None,
        look: Look | None = None,
    ) -> dict[str, tuple[Any, str | None]]:
        """Each output's value (None where it cannot be told yet), or what is wrong with it; what
        they ask for is read once in a look."""
        look = Look() if look is None else look
        for name in names:
            if (row.id, name) not in look.outputs:
                look.outputs[row.id, name] = self._output(tx, row, name, who, look)
        return {name: look.outputs[row.id, name] for name in names}

    def _output(
        self, tx: Tx, row: StackRow, name: str, who: Principal | None, look: Look
    ) -> tuple[Any, str | None]:
        scope = look.scopes.get(row.id)
        if scope is None:
            scope = look.scopes[row.id] = self._scope(tx, row, who, look)
        return scope if isinstance(scope, tuple) else self._told(scope.blueprint, scope, name)

    def _scope(
        self, tx: Tx, row: StackRow, who: Principal | None, look: Look
    ) -> PlanScope | tuple[None, str]:
        """What the outputs of a stack are told by, or why nothing can be."""
        blueprint = self.blueprints.of(tx, row)
        principal = self._seen_by(tx, row, who)
        if principal is None:
            return None, "the stack's owner has no role in its project any more"
        anchor = next(iter(tx.all(resources.OF_STACK, stack=row.id)), None)
        if anchor is None:
            return PlanScope(blueprint)
        return LiveScope(Work(tx, self.engine, row, anchor, principal, look=look), blueprint)

    def _seen_by(self, tx: Tx, row: StackRow, who: Principal | None) -> Principal | None:
        """A user of the project sees with their own rights, everybody else (the engine itself, an
        administrator of another project) what the stack's owner sees."""
        if who is not None and who.project_id == row.project_id:
            return who
        return self.engine.principal_or_none(tx, row)

    @staticmethod
    def _told(blueprint: Blueprint, scope: PlanScope, name: str) -> tuple[Any, str | None]:
        definition = blueprint.template.outputs.get(name)
        if definition is None:
            return None, None
        functions = Functions(blueprint.template.version, scope)
        try:
            if definition.condition is not None and not functions.condition(definition.condition):
                return None, None
            return functions.resolve(definition.value, f"outputs.{name}.value"), None
        except NotKnownYet:
            return None, None
        except (Invalid, Fault) as problem:
            return None, problem.message

    def metadata(self, tx: Tx, row: StackRow, resource: ResourceRow) -> dict[str, Any]:
        """What the template says of a resource, and what a server is to have besides."""
        made = dict(resource.metadata or {})
        handler = self.engine.types.handler(resource.kind)
        if isinstance(handler, Server) and "access" in resource.stored:
            made |= handler.collected(resource, row.name, row.id)
            physical = resource.physical_id
            if resource.properties.get("user_data_format") == "SOFTWARE_CONFIG" and physical:
                made["deployments"] = self.software.of_server(tx, row.project_id, physical)
        return made

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    # --- what is looked at ---

    def resources(self, tx: Tx, row: StackRow) -> list[ResourceRow]:
        """The newest row of each resource that is to be there, and those that are being removed."""
        found: dict[str, ResourceRow] = {}
        for each in sorted(tx.all(resources.OF_STACK, stack=row.id), key=lambda r: r.created_at):
            before = found.get(each.name)
            if before is None or before.goal == "absent" or each.goal == "present":
                found[each.name] = each
        return sorted(found.values(), key=lambda each: each.name)

    def resource(self, tx: Tx, row: StackRow, name: str) -> ResourceRow:
        """Raises NotFound."""
        for each in self.resources(tx, row):
            if each.name == name:
                return each
        raise NotFound(f"The Resource ({name}) could not be found in Stack {row.name}.")

    def named_or_made(self, tx: Tx, row: StackRow, name: str) -> ResourceRow:
        """By its name, or by the id of what it has made: who watches servers knows no other. Raises
        NotFound, Conflict where several have that id."""
        there = self.resources(tx, row)
        found = [each for each in there if each.name == name]
        found = found or [each for each in there if each.physical_id == name]
        if len(found) > 1:
            raise Conflict(f"Several resources of Stack {row.name} are {name}.")
        if not found:
            raise NotFound(f"The Resource ({name}) could not be found in Stack {row.name}.")
        return found[0]

    def with_physical(self, tx: Tx, project_id: str, physical: str) -> StackRow:
        """The stack of a project that has made a thing. Raises NotFound."""
        for each in tx.all(resources.BY_PHYSICAL, physical=physical):
            stack = tx.get(StackRow, each.stack_id)
            if stack is not None and stack.project_id == project_id:
                return stack
        raise NotFound(f"The Resource ({physical[:255]}) could not be found.")

    def children(self, tx: Tx, rows: Sequence[ResourceRow]) -> dict[str, tuple[str, str]]:
        """Resource's id → name and id of the stack that it is."""
        if not rows:
            return {}
        found = tx.tuples(queries.CHILD_NAMES, parents=[row.id for row in rows])
        return {parent: (name, id) for parent, name, id in found}

    def nested(self, tx: Tx, row: StackRow, depth: int) -> list[tuple[StackRow, list[ResourceRow]]]:
        """The stack and the stacks inside it, so many levels down, with their resources."""
        level = [row]
        found = []
        for _ in range(depth + 1):
            here = [(stack, self.resources(tx, stack)) for stack in level]
            found += here
            parents = [each.id for _, rows in here for each in rows if each.physical_id]
            level = tx.all(queries.CHILD_HEADS, parents=parents) if parents else []
            if not level:
                break
        return found

    def attributes(
        self,
        tx: Tx,
        row: StackRow,
        resource: ResourceRow,
        more: Sequence[str],
        who: Principal | None = None,
    ) -> dict[str, Any]:
        """A resource's attributes as they are now; those that cannot be told are None."""
        principal = self._seen_by(tx, row, who)
        if principal is None or resource.physical_id is None:
            return {}
        handler = self.engine.types.handler(resource.kind)
        work = Work(tx, self.engine, row, resource, principal, resource.properties)
        made: dict[str, Any] = {}
        for name in [*handler.attributes, *more]:
            try:
                made[name] = handler.attribute(work, name)
            except (KeyError, Invalid, NotKnownYet, Fault):
                made[name] = None
        return made
