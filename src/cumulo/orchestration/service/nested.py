"""Resources that are stacks themselves: templates as types, OS::Heat::Stack, groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.resource_types import (
    READY,
    State,
    flag,
    mapping,
    number,
    text,
)
from cumulo.core.wire.coercions import whole_or_none
from cumulo.orchestration.language.documents import load
from cumulo.orchestration.language.environment import child_of
from cumulo.orchestration.language.environment import parse as parse_environment
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.blueprint import (
    UNKNOWN,
    Blueprint,
    PlanScope,
    letters,
    partial,
)
from cumulo.orchestration.service.blueprints import stored_environment
from cumulo.orchestration.service.checking import MOST_DEPTH, Given, Loader, Plan, Wish
from cumulo.orchestration.service.engine import MOST_WHEN_PATIENT
from cumulo.orchestration.service.handlers import Health, Work
from cumulo.orchestration.service.keeping import adopted
from cumulo.orchestration.service.own_types import Own
from cumulo.orchestration.service.stacks import Stacks

MOST_IN_GROUP = 1000
MINUTES = [{"range": {"min": 1, "max": 100_000}}]


class Nested(Own):
    """What all of them have in common: a child stack whose state is the resource's."""

    nested = True
    attributes: Mapping[str, str] = {"outputs": "A dict of key-value pairs output from the stack."}

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = stacks

    def wish(self, work: Work) -> Wish:
        """What the child stack shall be."""
        raise Invalid("a nested stack has no template")

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        """What can be told of the child stack before anything is made."""
        return None

    @staticmethod
    def deep_enough(work: Work) -> None:
        if work.stack.depth + 1 > MOST_DEPTH:
            raise Invalid(f"Recursion depth exceeds {MOST_DEPTH}.")

    def create(self, work: Work) -> str | None:
        self.deep_enough(work)
        child = self.stacks.create_nested(work.tx, work.stack, work.row, self.wish(work))
        return child.id

    def adopt(self, work: Work, data: Mapping[str, Any]) -> str | None:
        """A new stack around what is there already."""
        inner = adopted(data)
        self.named(work, list(inner))
        child = self.stacks.create_nested(work.tx, work.stack, work.row, self.wish(work), inner)
        return child.id

    def named(self, work: Work, names: Sequence[str]) -> None:
        """What is adopted has these members: they keep their names."""
        return None

    def state(self, work: Work) -> State:
        child = self.child(work)
        if child is None:
            return State("failed", "the nested stack is not there")
        if child.status == "IN_PROGRESS":
            # Its end wakes the resource; the look is for one that was missed.
            return State("working", until=seconds_of(work.tx.now) + MOST_WHEN_PATIENT)
        if child.status == "FAILED":
            return State("failed", child.reason)
        return READY

    def health(self, work: Work) -> Health:
        """What is inside is mended there, each by itself: the others stay as they are."""
        return "lost" if self.child(work) is None else "well"

    def mend(self, work: Work) -> None:
        self.update(work, {})

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        child = self.child(work)
        if child is None:
            return False
        converge = bool(work.row.stored.get("converge"))
        wish = self.wish(work)
        self.stacks.update_nested(work.tx, work.stack, child, wish, converge=converge)
        return True

    def delete(self, work: Work) -> None:
        child = self.child(work)
        if child is not None:
            self.stacks.delete_nested(work.tx, work.stack, child)

    def gone(self, work: Work) -> bool:
        child = self.child(work)
        if child is not None and child.status == "FAILED":
            raise Invalid(child.reason)
        return child is None or child.deleted_at is not None

    def child(self, work: Work) -> StackRow | None:
        """Only a stack that this resource has made: an `external_id` may name anybody's."""
        physical = work.row.physical_id
        found = None if physical is None else work.tx.get(StackRow, physical)
        if found is None or found.parent_id != work.row.id:
            return None
        return None if found.deleted_at is not None else found

    def reference(self, work: Work) -> Any:
        child = self.child(work)
        if child is None:
            return None
        return self._told(work, child, ["OS::stack_id"])["OS::stack_id"][0] or arn(child)

    def attribute(self, work: Work, name: str) -> Any:
        child = self.child(work)
        if child is None:
            return None
        if name == "outputs":
            names = self.stacks.outputs(work.tx, child)
            told = self._told(work, child, names)
            return {key: value for key, (value, _) in told.items()}
        if name.startswith("outputs."):
            return self._output(work, child, name.removeprefix("outputs."))
        if name.startswith("resource."):
            return self.inner(work, child, name.removeprefix("resource."))
        if name in self.stacks.outputs(work.tx, child):
            return self._output(work, child, name)
        raise KeyError(name)

    def _told(
        self, work: Work, child: StackRow, names: Sequence[str]
    ) -> dict[str, tuple[Any, str | None]]:
        """With the rights of who looks."""
        return self.stacks.outputs_told(work.tx, child, names, work.principal, work.look)

    def _output(self, work: Work, child: StackRow, name: str) -> Any:
        value, problem = self._told(work, child, [name])[name]
        if problem is not None:
            raise Invalid(f"Error in {work.row.name} output {name}: {problem}")
        return value

    def inner(self, work: Work, child: StackRow, path: str) -> Any:
        """`NAME` or `NAME.ATTRIBUTE` of a resource of the child stack."""
        name, _, attribute = path.partition(".")
        return self.inner_at(work, child, name, [attribute] if attribute else [])

    def inner_at(self, work: Work, child: StackRow, name: str, path: Sequence[Any]) -> Any:
        """What a resource of the child stack is called, or what lies at a path that begins with
        one of its attributes."""
        inner = work.inner.get(name)
        if inner is None:
            row = work.tx.one(resources.NAMED, stack=child.id, name=name)
            if row is None:
                raise Invalid(f"The Referenced Attribute (resource.{name}) is incorrect.")
            who = work.principal
            inner = Work(work.tx, work.engine, child, row, who, row.properties, look=work.look)
            work.inner[name] = inner
        handler = work.engine.types.handler(inner.row.kind)
        if not path:
            return handler.reference(inner)
        return handler.attribute_at(inner, str(path[0]), path[1:])

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        """`[STACK, resource.NAME, ATTRIBUTE, …]` asks that resource."""
        if name.startswith("resource.") and name.count(".") == 1 and path:
            child = self.child(work)
            wanted = name.removeprefix("resource.")
            return None if child is None else self.inner_at(work, child, wanted, path)
        return super().attribute_at(work, name, path)

    def suspend(self, work: Work, *, resume: bool) -> None:
        child = self.child(work)
        if child is not None:
            self.stacks.act(work.tx, child, "RESUME" if resume else "SUSPEND")

    def look_over(self, work: Work) -> None:
        child = self.child(work)
        if child is not None and child.status != "IN_PROGRESS":
            self.stacks.act(work.tx, child, "CHECK")


def child_environment(work: Work) -> dict[str, Any]:
    kept = work.engine.blueprints.hidden.opened_environment(work.stack.environment)
    parent = parse_environment(kept)
    return stored_environment(child_of(parent, work.row.name))


def member_template(members: Mapping[str, Any]) -> dict[str, Any]:
    """Of a group's stack."""
    return {"heat_template_version": "2021-04-16", "resources": dict(members)}


MOST_LETTERS = 4 * 1024 * 1024
"""Of the definitions of all members of a group together: they are one template."""
MOST_TEMPLATES = 64 * 1024 * 1024
"""Of the templates of all members together, where each is a stack of its own."""


def room_for(count: Any, definition: Any, files: Mapping[str, str]) -> None:
    """So many members of one definition, before they are written down. Raises Invalid."""
    many = count if isinstance(count, int) else 0
    if many * letters(definition) > MOST_LETTERS:
        raise Invalid(f"the definitions of {many} members have more than {MOST_LETTERS} letters")
    kind = definition.get("type") if isinstance(definition, Mapping) else None
    if many * len(files.get(str(kind), "")) > MOST_TEMPLATES:
        raise Invalid(f"the templates of {many} members have more than {MOST_TEMPLATES} letters")


def without_unknown(definition: Mapping[str, Any], blueprint: Blueprint) -> Any:
    """A member's definition as far as it is known."""
    return partial(dict(definition), blueprint.template, PlanScope(blueprint), UNKNOWN)


def arn(stack: StackRow) -> str:
    return f"arn:openstack:heat::{stack.project_id}:stacks/{stack.name}/{stack.id}"


class TemplateResource(Nested):
    """A template whose file or URL is used as a type: its parameters are the properties."""

    description = "A nested stack whose template is a file of this one."
    takes_any = True

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        names = frozenset(name for name in given if known.get(name, given) is not None)
        document = load(blueprint.files[kind], kind)
        return Plan(document, {n: v for n, v in known.items() if v is not None}, names)

    def wish(self, work: Work) -> Wish:
        name = work.row.kind
        text_ = work.files.get(name)
        if text_ is None:
            raise Invalid(f"Could not fetch remote template {name}: it is not among the files")
        return Wish(load(text_, name), work.files, child_environment(work), dict(work.properties))


class HeatStack(Nested):
    """`OS::Heat::Stack`: another stack, in this region."""

    description = "A resource that represents a stack in this region."
    properties = {
        "template": text(
            "Template that specifies the stack to be created.", required=True, update=True
        ),
        "parameters": mapping(
            None, "Set of parameters passed to this stack.", default={}, update=True
        ),
        "timeout": number(
            "Number of minutes to wait for this stack.", update=True, constraints=MINUTES
        ),
        "context": mapping(
            {
                "region_name": text("The region; only this one is there.", required=True),
                "credential_secret_id": text("Kept for old templates."),
                "ca_cert": text("Kept for old templates."),
                "insecure": flag("Kept for old templates.", default=False),
            },
            "Where the stack is made.",
        ),
    }
    attributes = {
        "outputs": "A dict of key-value pairs output from the stack.",
        "stack_name": "Name of the stack.",
    }

    def check(self, properties: Mapping[str, Any]) -> str | None:
        context = properties.get("context") or {}
        region = context.get("region_name", self.stacks.region)
        if context.get("credential_secret_id"):
            return "stacks of other clouds are not made"
        if region == self.stacks.region:
            return None
        why = f"public endpoint for orchestration service in {region} region not found"
        return f'Cannot establish connection to Heat endpoint at region "{region}" due to "{why}"'

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        template, parameters = known.get("template"), known.get("parameters")
        if not isinstance(template, str) or ("parameters" in given and parameters is None):
            return None
        region = self.stacks.region
        why = f'Failed validating stack template using Heat endpoint at region "{region}"'
        some = parameters if isinstance(parameters, dict) else {}
        return Plan(load(template, "template"), some, frozenset(some), why)

    def wish(self, work: Work) -> Wish:
        given = work.properties
        return Wish(
            load(given["template"]),
            work.files,
            child_environment(work),
            dict(given.get("parameters") or {}),
            given.get("timeout"),
        )

    def attribute(self, work: Work, name: str) -> Any:
        child = self.child(work)
        if name == "stack_name":
            return None if child is None else child.name
        return super().attribute(work, name)


class CfnStack(Nested):
    """`AWS::CloudFormation::Stack`: its template is one of the stack's files."""

    description = "A stack whose template is a file of this one."
    properties = {
        "TemplateURL": text("The name of the file.", required=True, update=True),
        "TimeoutInMinutes": number(
            "Number of minutes to wait for this stack.", update=True, constraints=MINUTES
        ),
        "Parameters": mapping(None, "Parameters passed to this stack.", default={}, update=True),
    }

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        name, parameters = known.get("TemplateURL"), known.get("Parameters")
        if not isinstance(name, str) or ("Parameters" in given and parameters is None):
            return None
        some = parameters if isinstance(parameters, dict) else {}
        return Plan(load(_file(blueprint.files, name), name), some, frozenset(some))

    def wish(self, work: Work) -> Wish:
        given, files = work.properties, work.files
        name = given["TemplateURL"]
        document = load(_file(files, name), name)
        parameters = dict(given.get("Parameters") or {})
        minutes = given.get("TimeoutInMinutes")
        return Wish(document, files, child_environment(work), parameters, minutes)

    def attribute(self, work: Work, name: str) -> Any:
        head, mark, rest = name.partition(".")
        return super().attribute(work, f"outputs.{rest}" if head == "Outputs" and mark else name)


def _file(files: Mapping[str, str], name: str) -> str:
    """Raises Invalid."""
    if name not in files:
        raise Invalid(f"Could not fetch remote template {name[:255]}: it is not among the files")
    return files[name]


def by_number(name: str) -> tuple[int, str]:
    return (max(0, whole_or_none(name) or 0), name)
