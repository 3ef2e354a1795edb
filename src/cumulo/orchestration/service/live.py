"""Functions of templates over a stack that is being made: what they ask of its resources."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cumulo.orchestration.language.functions import Budget, Functions
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.language.template import ResourceDefinition
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.blueprint import Blueprint, PlanScope
from cumulo.orchestration.service.handlers import Handler, Work
from cumulo.orchestration.service.properties import checked

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine

ASKED, AGAIN = 1024, 64
"""What a question to a resource counts for in the budget of functions."""


class LiveScope(PlanScope):
    """What is known once resources are there. Implements language.functions.Scope."""

    def __init__(self, work: Work, blueprint: Blueprint) -> None:
        super().__init__(blueprint)
        self._work = work
        self._works: dict[str, Work | None] = {}
        self._told: dict[str, Any] = {}

    @property
    def budget(self) -> Budget:
        """Of a step of one resource, or of one look at a stack, with all that is inside it."""
        return self._work.look.budget

    def resolve(self, snippet: Any, path: str) -> Any:
        return Functions(self.blueprint.template.version, self).resolve(snippet, path)

    def reference(self, resource: str) -> Any:
        self._known(resource)
        return self._once(resource, lambda other, handler: handler.reference(other))

    def attribute(self, resource: str, name: str | None, path: Sequence[Any] = ()) -> Any:
        self._known(resource)

        def told(other: Work, handler: Handler) -> Any:
            if name is None:
                return {each: handler.attribute(other, each) for each in handler.attributes}
            try:
                return handler.attribute_at(other, name, path)
            except KeyError:
                what = f"{resource} {name}"
                raise Invalid(f"The Referenced Attribute ({what}) is incorrect.") from None

        return self._once(resource, told, name, *path)

    def _once(self, resource: str, told: Callable[[Work, Handler], Any], *what: Any) -> Any:
        """What a resource is asked is asked once. Its service works for it, whatever the answer."""
        key = repr((resource, *what))
        self.budget.spend(AGAIN if key in self._told else ASKED, resource)
        if key not in self._told:
            other = self._of(resource)
            handler = None if other is None else self._engine.types.handler(other.row.kind)
            self._told[key] = None if other is None or handler is None else told(other, handler)
        return self._told[key]

    @property
    def _engine(self) -> "Engine":
        return self._work.engine

    def _of(self, resource: str) -> Work | None:
        """Another resource of the same stack; None where a condition has left it out."""
        if resource not in self.blueprint.definitions:
            return None
        if resource not in self._works:
            row = named(self._work, resource)
            if row is None or (row.physical_id is None and row.step != "done"):
                raise NotKnownYet(f"resource {resource} is not there yet")
            work = self._work
            self._works[resource] = Work(
                work.tx,
                work.engine,
                work.stack,
                row,
                work.principal,
                row.properties,
                look=work.look,
            )
        return self._works[resource]


def named(work: Work, resource: str) -> ResourceRow | None:
    """The newest row of a resource that is to be there."""
    return work.tx.one(resources.NAMED, stack=work.stack.id, name=resource)


def resolved_properties(
    blueprint: Blueprint, scope: PlanScope, definition: ResourceDefinition, handler: Handler
) -> dict[str, Any]:
    """A resource's properties, with functions resolved, by its type's schema. Raises Invalid."""
    path = f"resources.{definition.name}.properties"
    given = Functions(blueprint.template.version, scope).resolve(definition.properties, path)
    if handler.takes_any:
        return dict(given)
    made = checked(handler.properties, given, path, blueprint.around.custom)
    problem = handler.check(made)
    if problem:
        raise Invalid(problem, path)
    return made


def known_properties(
    given: Mapping[str, Any], blueprint: Blueprint, scope: PlanScope, path: str
) -> dict[str, Any]:
    """Those of the properties that follow from parameters alone."""
    functions = Functions(blueprint.template.version, scope)
    made = {}
    for name, snippet in given.items():
        try:
            made[name] = functions.resolve(snippet, f"{path}.{name}")
        except NotKnownYet:
            continue
    return made
