"""Whether a wish makes sense, before anything is made: its types, properties, names, and the stacks
inside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.ids import new_id
from cumulo.orchestration.language.constraints import Custom, no_custom
from cumulo.orchestration.language.documents import load
from cumulo.orchestration.language.environment import child_of
from cumulo.orchestration.language.functions import Budget
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.asking import check_names, custom_of
from cumulo.orchestration.service.blueprint import (
    MOST_PLAN,
    Blueprint,
    Facade,
    PlanScope,
    no_facade,
)
from cumulo.orchestration.service.blueprints import Blueprints, pseudo_parameters
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.handlers import Asker
from cumulo.orchestration.service.live import known_properties
from cumulo.orchestration.service.properties import checked, value_of
from cumulo.orchestration.service.rest_handler import RestHandler
from cumulo.orchestration.service.types import is_template

MOST_DEPTH = 5
MOST_RESOURCES = 1000
NODE = 64
"""What a value of a nested template counts for, each time that it is looked at."""


Given = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """What a stack shall be."""

    template: Any
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_mins: int | None = None
    """Of a stack inside another one; None: as that has it."""


@dataclass(frozen=True)
class Plan:
    """The stack that a resource will be, as far as it is known before."""

    document: Any
    parameters: Mapping[str, Any]
    names: frozenset[str]
    """Of all parameters that are given, also of those whose value is not known yet."""
    why: str = ""
    """What a mistake in the template is said after; empty: nothing."""


@runtime_checkable
class Planned(Protocol):
    """A handler whose resource is a stack."""

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: "Loader"
    ) -> Plan | None:
        """From the properties as the template has them, and those that are known; None: nothing can
        be told yet. Raises Invalid."""


class Loader(Protocol):
    def __call__(self, text: str, what: str) -> Any:
        """A template's data, read once for each text."""


@dataclass
class _Look:
    """One look at a wish and at all that is inside it."""

    asker: Asker | None
    custom: Custom
    budget: Budget
    documents: dict[str, Any] = field(default_factory=dict)
    seen: int = 0

    def load(self, text: str, what: str) -> Any:
        if text not in self.documents:
            self.documents[text] = load(text, what)
        self.budget.spend(NODE + len(text) * 4, what)
        return self.documents[text]


def no_sinks(blueprint: Blueprint) -> None:
    """Raises Invalid where events shall go to a queue."""
    if blueprint.environment.event_sinks:
        raise Invalid("event_sinks: there is no messaging service that events could be sent to")


class Checking:
    engine: Engine
    blueprints: Blueprints
    region: str

    def checked(self, tx: Tx, row: StackRow, wish: Wish, who: Principal | None = None) -> Blueprint:
        """The blueprint of a wish, with every resource's type and properties looked at, and with
        `who` whether what they name is there, and what the stacks inside it will be.

        Raises BadRequest.
        """
        facade = self.blueprints.facade(tx, row)
        return self._blueprint(tx, wish, self.blueprints.pseudo(row), row.depth, who, facade)

    def preview(self, tx: Tx, who: Principal, name: str, wish: Wish) -> Blueprint:
        """The same for a stack that is not made."""
        pseudo = pseudo_parameters("None", name, who.project_id or "", self.region)
        return self._blueprint(tx, wish, pseudo, 0, who)

    def _blueprint(
        self,
        tx: Tx,
        wish: Wish,
        pseudo: Mapping[str, Any],
        depth: int,
        who: Principal | None,
        facade: Facade = no_facade,
    ) -> Blueprint:
        look = self._look(tx, who)
        try:
            blueprint = self.blueprints.build(
                wish.template,
                wish.environment,
                wish.files,
                wish.parameters,
                pseudo=pseudo,
                custom=look.custom,
                facade=facade,
            )
            no_sinks(blueprint)
            self._check_resources(blueprint, depth, look)
        except Invalid as problem:
            raise BadRequest(str(problem), kind="StackValidationFailed") from None
        return blueprint

    def _look(self, tx: Tx, who: Principal | None) -> _Look:
        if who is None:
            return _Look(None, no_custom, Budget(MOST_PLAN))
        asker = Asker(tx, self.engine.calls, who)
        return _Look(asker, custom_of(self.engine.types, asker), Budget(MOST_PLAN))

    def _check_resources(self, blueprint: Blueprint, depth: int, look: _Look) -> None:
        look.seen += len(blueprint.definitions)
        if look.seen > MOST_RESOURCES:
            raise Invalid(f"Maximum resources per stack exceeded: {MOST_RESOURCES}")
        scope = PlanScope(blueprint)
        for name, definition in blueprint.definitions.items():
            kind = blueprint.kind_of(name)
            handler = self.engine.types.handler(kind)
            path = f"resources.{name}"
            if blueprint.deletion_policy(name) == "Snapshot" and not handler.snapshots:
                raise Invalid('"Snapshot" deletion policy not supported', path)
            if is_template(kind) and kind not in blueprint.files:
                raise Invalid(f"Could not fetch remote template {kind}")
            if definition.update_policy and not handler.takes_any:
                policy = blueprint.update_policy(name)
                checked(handler.update_policy, policy, f"{path}.update_policy")
            path += ".properties"
            if not handler.takes_any:
                unknown = set(definition.properties) - set(handler.properties)
                if unknown:
                    raise Invalid(f"Unknown Property {min(unknown)}", path)
            known = known_properties(definition.properties, blueprint, scope, path)
            if not handler.takes_any:
                self._check_known(handler, definition.properties, known, path, look)
            if look.asker is not None and isinstance(handler, Planned):
                self._check_inside(blueprint, name, known, depth, look)

    def _check_known(
        self,
        handler: Any,
        given: Mapping[str, Any],
        known: Mapping[str, Any],
        path: str,
        look: _Look,
    ) -> None:
        if look.asker is not None and isinstance(handler, RestHandler):
            check_names(handler, look.asker, known, path)
        if set(known) == set(given):
            made = checked(handler.properties, known, path)
            problem = handler.check(made)
            if problem:
                raise Invalid(problem, "" if isinstance(handler, Planned) else path)
            return
        names = {handler.properties[name].stands_for or name for name in given}
        for name, one in handler.properties.items():
            if one.required and name not in names:
                raise Invalid(f"Property {name} not assigned", path)
        for name, value in known.items():
            if value is not None:
                value_of(handler.properties[name], value, f"{path}.{name}", no_custom)

    # --- stacks inside it ----------------------------------------------------------------

    def _check_inside(
        self, blueprint: Blueprint, name: str, known: Given, depth: int, look: _Look
    ) -> None:
        plan = self._plan(blueprint, name, known, look)
        if plan is None:
            return
        if depth + 1 > MOST_DEPTH:
            raise Invalid(f"Recursion depth exceeds {MOST_DEPTH}.")
        try:
            inner = self.inside(blueprint, name, plan, look)
            if inner is None:
                return
            self._check_resources(inner, depth + 1, look)
        except Invalid as problem:
            if not plan.why:
                raise
            raise Invalid(f'{plan.why} due to "ERROR: {problem}"') from None

    def _plan(self, blueprint: Blueprint, name: str, known: Given, look: _Look) -> Plan | None:
        kind = blueprint.kind_of(name)
        handler = self.engine.types.handler(kind)
        if not isinstance(handler, Planned):
            return None
        given = blueprint.definitions[name].properties
        return handler.plan(kind, given, known, blueprint, look.load)

    def inside(self, blueprint: Blueprint, name: str, plan: Plan, look: _Look) -> Blueprint | None:
        """The blueprint of the stack that a resource will be. Raises Invalid."""
        try:
            made = self._built(blueprint, name, plan, look)
        except NotKnownYet:
            return None
        self._check_given(made, name, plan)
        return made

    @staticmethod
    def _check_given(made: Blueprint, name: str, plan: Plan) -> None:
        path = f"resources.{name}.properties"
        unknown = plan.names - set(made.parameters)
        if unknown:
            raise Invalid(f"Unknown Property {min(unknown)}", path)
        defaults = made.environment.parameter_defaults
        for each, parameter in made.parameters.items():
            if each not in plan.names and not parameter.has_default and each not in defaults:
                raise Invalid(f"Property {each} not assigned", path)

    def _built(self, blueprint: Blueprint, name: str, plan: Plan, look: _Look) -> Blueprint:
        pseudo = blueprint.around.pseudo
        return self.blueprints.build(
            plan.document,
            child_of(blueprint.environment, name),
            blueprint.files,
            plan.parameters,
            pseudo=pseudo_parameters(
                new_id(),
                f"{pseudo['OS::stack_name']}-{name}",
                str(pseudo["OS::project_id"]),
                self.region,
            ),
            facade=lambda part: blueprint.facade_of(name, part),
            custom=look.custom,
            lenient=True,
            budget=look.budget,
        )

    def nested_of(
        self, blueprint: Blueprint, look: _Look
    ) -> Iterator[tuple[str, Blueprint | None]]:
        """Each resource with the blueprint of the stack that it will be, where that can be told."""
        scope = PlanScope(blueprint)
        for name, definition in blueprint.definitions.items():
            path = f"resources.{name}.properties"
            known = known_properties(definition.properties, blueprint, scope, path)
            plan = self._plan(blueprint, name, known, look)
            try:
                yield name, None if plan is None else self._built(blueprint, name, plan, look)
            except NotKnownYet:
                yield name, None

    def look_at(self, tx: Tx, who: Principal, wish: Wish, *, unchecked: bool = False) -> Blueprint:
        """A template on its own: parameters may be missing. Raises Invalid."""
        blueprint = self.blueprints.build(
            wish.template,
            wish.environment,
            wish.files,
            wish.parameters,
            pseudo=pseudo_parameters(new_id(), "validate", who.project_id or "", self.region),
            lenient=True,
        )
        for name in blueprint.definitions:
            self.engine.types.handler(blueprint.kind_of(name))
        no_sinks(blueprint)
        if unchecked:
            return blueprint
        look = _Look(None, no_custom, Budget(MOST_PLAN))
        scope = PlanScope(blueprint)
        for name, definition in blueprint.definitions.items():
            handler = self.engine.types.handler(blueprint.kind_of(name))
            if handler.takes_any:
                continue
            path = f"resources.{name}.properties"
            unknown = set(definition.properties) - set(handler.properties)
            if unknown:
                raise Invalid(f"Unknown Property {min(unknown)}", path)
            known = known_properties(definition.properties, blueprint, scope, path)
            self._check_known(handler, definition.properties, known, path, look)
        return blueprint

    def looked_inside(
        self, tx: Tx, who: Principal, blueprint: Blueprint
    ) -> list[tuple[str, "Blueprint | None", list[Any]]]:
        """The resources, with what is inside each, level by level. Raises Invalid."""
        return self._levels(blueprint, self._look(tx, who), 0)

    def _levels(self, blueprint: Blueprint, look: _Look, depth: int) -> list[Any]:
        found = []
        look.seen += len(blueprint.definitions)
        if look.seen > MOST_RESOURCES or depth > MOST_DEPTH:
            raise Invalid(f"Maximum resources per stack exceeded: {MOST_RESOURCES}")
        for name, inner in self.nested_of(blueprint, look):
            below = [] if inner is None else self._levels(inner, look, depth + 1)
            found.append((name, inner, below))
        return found
