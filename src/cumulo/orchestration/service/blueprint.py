"""A blueprint: template, environment, files and parameters, checked together."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from cumulo.orchestration.language.constraints import Custom, no_custom
from cumulo.orchestration.language.environment import Environment
from cumulo.orchestration.language.functions import MOST_WORK, Budget, Functions, function_of
from cumulo.orchestration.language.graph import requirements, with_implied
from cumulo.orchestration.language.invalid import Invalid, NotKnownYet
from cumulo.orchestration.language.parameters import (
    HIDDEN,
    Parameter,
    definitions,
    shown_value,
    values_of,
)
from cumulo.orchestration.language.template import ResourceDefinition, Template, parse, policy_of

Query = Callable[[str, Any], Any]
Facade = Callable[[str], Any]
Implied = Callable[[Mapping[str, tuple[str, Mapping[str, Any]]]], Mapping[str, Any]]
_UNKNOWN = "OS::unknown"
UNKNOWN = {"get_param": _UNKNOWN}
"""Stands, in a template that is only looked at, for what follows from another one's resources."""
MOST_PLAN = 4 * MOST_WORK
"""Of all resources together, looked at some times each."""
MOST_EDGES = 20_000
"""Of what stands on what: each is a row, and a list may be named a thousand times by one word."""
MOST_FILES = 100
MOST_FILE_BYTES = 1024 * 1024


def no_facade(part: str) -> Any:
    raise Invalid("resource_facade: this stack is not the resource of another one")


def nothing_nested(kind: str) -> bool:
    return False


def nothing_implied(resources: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Surroundings:
    """What a template may ask of the place where it is built."""

    pseudo: Mapping[str, Any]
    """OS::stack_id, OS::stack_name, OS::project_id and their AWS names."""
    query: Query
    facade: Facade = no_facade
    zones: Sequence[str] = ("nova",)
    custom: Custom = no_custom
    implied: Implied = nothing_implied
    nested: Callable[[str], bool] = nothing_nested
    """Whether what is of a type is a stack of its own."""


@dataclass
class Blueprint:
    """What a stack shall be. Raises Invalid when it is made of nonsense."""

    document: dict[str, Any]
    environment: Environment
    files: Mapping[str, str]
    given: Mapping[str, Any]
    around: Surroundings
    lenient: bool = False
    """Parameters may be missing: for showing what a template wants."""
    shared: Budget | None = None
    """With whom it has what its functions may make; None: nobody."""
    template: Template = field(init=False)
    parameters: dict[str, Parameter] = field(init=False)
    values: dict[str, Any] = field(init=False)
    definitions: dict[str, ResourceDefinition] = field(init=False)
    requires: dict[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.budget = self.shared or Budget(MOST_PLAN)
        self._kinds: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self.template = parse(self.document)
        self.parameters = definitions(self.template)
        self.values = self._values()
        self._conditions: dict[str, bool] = {}
        self._open: set[str] = set()
        scope = PlanScope(self)
        functions = Functions(self.template.version, scope)
        for name in self.template.conditions:
            scope.condition(name)
        self.definitions = {
            name: one
            for name, one in self.template.resources.items()
            if one.condition is None
            or functions.condition(one.condition, f"resources.{name}.condition")
        }
        live = {
            name: msgspec.structs.replace(
                one, depends_on=tuple(n for n in one.depends_on if n in self.definitions)
            )
            if all(n in self.template.resources for n in one.depends_on)
            else one
            for name, one in self.definitions.items()
        }
        self.requires = requirements(live, self.template.version)
        kinds = {name: (self.kind_of(name), one.properties) for name, one in live.items()}
        self.requires = with_implied(self.requires, self.around.implied(kinds))
        if sum(map(len, self.requires.values())) > MOST_EDGES:
            raise Invalid(f"the resources depend on each other more than {MOST_EDGES} times")
        self._check_references()

    @property
    def hidden(self) -> set[str]:
        """Names of the parameters that nobody is shown: the template says so, or the
        environment."""
        said = {name for name, one in self.parameters.items() if one.hidden}
        return said | set(self.environment.encrypted_param_names)

    def shown_values(self) -> dict[str, str]:
        """Its parameters as readers see them."""
        hidden = self.hidden
        return {
            name: HIDDEN if name in hidden else shown_value(self.parameters[name], value)
            for name, value in self.values.items()
        }

    def _values(self) -> dict[str, Any]:
        known, given = self.parameters, dict(self.given)
        for name, value in self.environment.parameter_defaults.items():
            if name in known and given.get(name) is None:
                given[name] = value
        if self.lenient:
            given = {name: value for name, value in given.items() if name in known}
            known = {name: one for name, one in known.items() if name in given or one.has_default}
        return values_of(known, given, self.around.custom)

    def _check_references(self) -> None:
        """Every resource that a snippet names is in the template."""
        for name, one in self.definitions.items():
            path = f"resources.{name}.properties"
            self._check_snippet(one.properties, path)
        for name, output in self.template.outputs.items():
            self._check_snippet(output.value, f"outputs.{name}.value")

    def _check_snippet(self, snippet: Any, path: str) -> None:
        for name in _named(snippet, self.template):
            if name not in self.template.resources:
                raise Invalid(f'The specified reference "{name}" (in {path}) is incorrect.')

    def facade_of(self, name: str, part: str) -> Any:
        """What the stack that a resource is may ask of it."""
        one = self.definitions[name]
        if part == "deletion_policy":
            return self.deletion_policy(name)
        found = one.metadata if part == "metadata" else one.update_policy
        return Functions(self.template.version, PlanScope(self)).resolve(found or {})

    def kind_of(self, name: str) -> str:
        """The real type, or the file or URL of a template, of a resource."""
        if name not in self._kinds:
            self._kinds[name] = self.environment.type_of(self.definitions[name].type, name)
        return self._kinds[name]

    def deletion_policy(self, name: str) -> str:
        """Delete, Retain or Snapshot: known before anything is made. Raises Invalid."""
        given, path = self.definitions[name].deletion_policy, f"resources.{name}.deletion_policy"
        if isinstance(given, str):
            return given
        try:
            found = Functions(self.template.version, PlanScope(self)).resolve(given, path)
        except NotKnownYet:
            raise Invalid("a deletion policy cannot follow from a resource", path) from None
        if not isinstance(found, str):
            raise Invalid(f"Invalid deletion policy {found!r}", path)
        return str(policy_of(found, self.template.version, path))

    def update_policy(self, name: str) -> dict[str, Any]:
        """Known before anything is made. Raises Invalid."""
        given, path = self.definitions[name].update_policy, f"resources.{name}.update_policy"
        try:
            found = Functions(self.template.version, PlanScope(self)).resolve(given, path)
        except NotKnownYet:
            raise Invalid("an update policy cannot follow from a resource", path) from None
        if not isinstance(found, dict):
            raise Invalid("an update policy is a map", path)
        return found

    def digest(self, name: str) -> str:
        """Of a definition with all filled in that is known without the other resources."""
        if name not in self._digests:
            self._digests[name] = self._digest(name)
        return self._digests[name]

    def _digest(self, name: str) -> str:
        one = self.definitions[name]
        scope = PlanScope(self)
        content: list[Any] = [
            self.kind_of(name),
            partial(one.properties, self.template, scope),
            partial(one.metadata, self.template, scope),
            partial(one.update_policy, self.template, scope),
            self.deletion_policy(name),
            partial(one.external_id, self.template, scope),
        ]
        if self.around.nested(content[0]):
            content.append(self._handed_down)
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()

    @cached_property
    def _handed_down(self) -> str:
        """Of all that the stacks inside see besides their resource's properties."""
        seen = (
            dict(self.environment.parameter_defaults),
            dict(self.environment.resource_registry),
            dict(self.files),
        )
        return hashlib.sha256(msgspec.json.encode(seen, order="deterministic")).hexdigest()


def _named(snippet: Any, template: Template) -> set[str]:
    """Resources that get_resource and get_attr name."""
    found: set[str] = set()
    if isinstance(snippet, dict):
        called = function_of(snippet, template.version)
        if called is not None:
            name, arguments = called
            if name == "get_resource" and isinstance(arguments, str):
                found.add(arguments)
            elif name == "get_attr" and isinstance(arguments, list) and arguments:
                found |= {arguments[0]} if isinstance(arguments[0], str) else set()
        for each in snippet.values():
            found |= _named(each, template)
    elif isinstance(snippet, list):
        for each in snippet:
            found |= _named(each, template)
    return found


def partial(snippet: Any, template: Template, scope: "PlanScope", unknown: Any = None) -> Any:
    """A snippet with what is known filled in; calls that ask for resources stay as they are, or
    become what stands for the unknown."""
    try:
        return Functions(template.version, scope).resolve(snippet)
    except NotKnownYet:
        called = isinstance(snippet, dict) and function_of(snippet, template.version) is not None
        if called and unknown is not None:
            return unknown
        if isinstance(snippet, dict):
            return {k: partial(value, template, scope, unknown) for k, value in snippet.items()}
        if isinstance(snippet, list):
            return [partial(each, template, scope, unknown) for each in snippet]
        return snippet


class PlanScope:
    """What is known before anything is made. Implements language.functions.Scope."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint

    @property
    def budget(self) -> Budget:
        return self.blueprint.budget

    def parameter(self, name: str) -> Any:
        one = self.blueprint
        if name in one.values:
            return one.values[name]
        if name in one.around.pseudo:
            return one.around.pseudo[name]
        if name in one.parameters or (one.lenient and name == _UNKNOWN):
            raise NotKnownYet(name)
        raise Invalid(f"The Parameter ({name}) was not provided.")

    def reference(self, resource: str) -> Any:
        self._known(resource)
        raise NotKnownYet(resource)

    def attribute(self, resource: str, name: str | None, path: Sequence[Any] = ()) -> Any:
        self._known(resource)
        raise NotKnownYet(resource)

    def _known(self, resource: str) -> None:
        if resource not in self.blueprint.template.resources:
            raise Invalid(f'The specified reference "{resource}" is incorrect.')

    def file(self, name: str) -> str:
        found = self.blueprint.files.get(name)
        if found is None:
            raise Invalid(f'No content found in the "files" section for get_file path: {name}')
        return found

    def condition(self, name: str) -> bool:
        one = self.blueprint
        if name in one._conditions:
            return one._conditions[name]
        if name not in one.template.conditions:
            raise Invalid(f'Invalid condition "{name}"')
        if name in one._open:
            raise Invalid(f'Circular definition for condition "{name}"')
        one._open.add(name)
        functions = Functions(one.template.version, self)
        try:
            value = functions.condition(one.template.conditions[name], f"conditions.{name}")
        except NotKnownYet:
            if not one.lenient:
                raise
            # Of a template that is only looked at, all is shown that there may be.
            value = True
        one._conditions[name] = value
        one._open.discard(name)
        return value

    def facade(self, part: str) -> Any:
        return self.blueprint.around.facade(part)

    def mapping(self, name: str, first: str, second: str) -> Any:
        try:
            return self.blueprint.template.mappings[name][first][second]
        except (KeyError, TypeError):
            raise Invalid(f'"Fn::FindInMap": there is no {name}.{first}.{second}') from None

    def query(self, expression: str, data: Any) -> Any:
        return self.blueprint.around.query(expression, data)

    def zones(self) -> list[str]:
        return list(self.blueprint.around.zones)


def letters(data: Any) -> int:
    """About how long data are as a text."""
    if isinstance(data, str):
        return len(data) + 4
    if isinstance(data, Mapping):
        return 4 + sum(letters(key) + letters(value) for key, value in data.items())
    if isinstance(data, list):
        return 4 + sum(letters(each) for each in data)
    return 8


def check_files(files: Mapping[str, str]) -> None:
    """Raises Invalid for too many, or too large ones."""
    if len(files) > MOST_FILES:
        raise Invalid(f"more than {MOST_FILES} files")
    if sum(len(name) + len(text) for name, text in files.items()) > MOST_FILE_BYTES:
        raise Invalid(f"the files are larger than {MOST_FILE_BYTES} bytes together")
