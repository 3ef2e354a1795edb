"""`OS::Heat::ResourceChain`."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import flag, items, mapping, text
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.checking import Given, Loader, Plan, Wish
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.nested import (
    Nested,
    by_number,
    child_environment,
    member_template,
    room_for,
    without_unknown,
)


class ResourceChain(Nested):
    """`OS::Heat::ResourceChain`: one resource of each type, alike, one after the other."""

    description = "Creates one or more resources with the same configuration."
    properties = {
        "resources": items(
            text("A type."),
            "The types of the resources, in their order.",
            required=True,
            update=True,
        ),
        "concurrent": flag("Whether they are made at the same time.", default=False),
        "resource_properties": mapping(None, "Properties of each of them.", default={}),
    }
    attributes = {
        "refs": "A list of resource IDs for the resources in the chain.",
        "attributes": "A map of resource names to the specified attribute of each.",
    }

    def _members(self, known: Mapping[str, Any], given: Any) -> dict[str, Any]:
        room_for(len(known["resources"]), given, {})
        made: dict[str, Any] = {}
        before: str | None = None
        for n, kind in enumerate(known["resources"]):
            one: dict[str, Any] = {"type": kind, "properties": given}
            if before is not None and not known.get("concurrent"):
                one["depends_on"] = before
            before = str(n)
            made[before] = one
        return made

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        kinds = known.get("resources")
        if not isinstance(kinds, list) or not all(isinstance(each, str) for each in kinds):
            return None
        properties = without_unknown(given.get("resource_properties") or {}, blueprint)
        return Plan(member_template(self._members(known, properties)), {}, frozenset())

    def wish(self, work: Work) -> Wish:
        given = work.properties
        made = self._members(given, given.get("resource_properties") or {})
        return Wish(member_template(made), work.files, child_environment(work), {})

    def reference(self, work: Work) -> Any:
        return work.place.name

    def attribute(self, work: Work, name: str) -> Any:
        return self.attribute_at(work, name, ())

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        child = self.child(work)
        if child is None:
            return None
        if name.startswith("resource."):
            return super().attribute_at(work, name, path)
        rows = work.tx.all(resources.OF_STACK, stack=child.id)
        names = sorted({row.name for row in rows if row.goal == "present"}, key=by_number)
        if name == "refs":
            return [self.inner_at(work, child, each, ()) for each in names]
        if name == "attributes":
            return (
                {each: self.inner_at(work, child, each, path) for each in names} if path else None
            )
        return [self.inner_at(work, child, each, [name, *path]) for each in names]
