"""`OS::Heat::ResourceGroup`: a number of resources alike."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.resource_types import Property, items, mapping, number, text
from cumulo.core.wire.coercions import whole_or_none
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.batches import Batched, Members, seconds, whole
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.checking import Given, Loader, Plan
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.nested import (
    MOST_IN_GROUP,
    by_number,
    member_template,
    room_for,
    without_unknown,
)

MOST_NUMBER = 100_000
"""Of a member that is adopted: those below it that are not there are never used again."""


class ResourceGroup(Batched):
    """`OS::Heat::ResourceGroup`: a number of resources alike."""

    description = "Creates one or more identically configured nested resources."
    properties = {
        "count": number(
            "The number of resources to create.",
            default=1,
            update=True,
            constraints=[{"range": {"min": 0, "max": MOST_IN_GROUP}}],
        ),
        "index_var": text(
            "A variable that this resource will use to replace with the current index.",
            default="%index%",
            constraints=[{"length": {"min": 3}}],
        ),
        "resource_def": mapping(
            {
                "type": text("The type of the resources in the group.", required=True),
                "properties": mapping(None, "Property values for the resources in the group."),
                "metadata": mapping(None, "Supplied metadata for the resources in the group."),
            },
            "Resource definition for the resources in the group.",
            required=True,
            update=True,
        ),
        "removal_policies": items(
            mapping(
                {
                    "resource_list": items(
                        Property("any"),
                        "Names or ids of the resources to remove first.",
                        default=[],
                    )
                }
            ),
            "Policies for removal of resources on update.",
            default=[],
            update=True,
        ),
        "removal_policies_mode": text(
            "How the removal list is kept.",
            default="append",
            update=True,
            constraints=[{"allowed_values": ["append", "update"]}],
        ),
    }
    update_policy = {
        "rolling_update": mapping(
            {
                "min_in_service": whole("The least that is left alone.", 0, 0),
                "max_batch_size": whole("The most that are replaced at once.", 1, 1),
                "pause_time": seconds(),
            },
            "How the group is changed.",
        ),
        "batch_create": mapping(
            {
                "max_batch_size": whole("The most that are made at once.", 1, 1),
                "pause_time": seconds(),
            },
            "How the group is made.",
        ),
    }
    attributes = {
        "refs": "A list of resource IDs for the resources in the group.",
        "refs_map": "A map of resource names to IDs for the resources in the group.",
        "attributes": "A map of resource names to the specified attribute of each.",
        "removed_rsrc_list": "A list of removed resource names.",
    }

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        """One member stands for all."""
        definition, count = known.get("resource_def"), known.get("count", 1)
        if definition is None:
            definition = (
                given["resource_def"] if isinstance(given.get("resource_def"), dict) else {}
            )
            definition = without_unknown(definition, blueprint)
        if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
            return None
        if count in (0, "0"):
            return None
        room_for(whole_or_none(str(count)), definition, blueprint.files)
        made = {"0": _filled(definition, str(known.get("index_var") or "%index%"), "0")}
        return Plan(member_template(made), {}, frozenset())

    def target(self, work: Work) -> dict[str, Any]:
        room_for(work.properties["count"], work.properties["resource_def"], work.files)
        removed, ids = self._removed(work)
        names = self._names(work, removed)
        work.store(removed=sorted(removed), removed_ids=ids, names=names)
        return self._made(work, names)

    def settled(self, work: Work) -> dict[str, Any]:
        return self._made(work, work.row.stored["names"])

    def _made(self, work: Work, names: Sequence[str]) -> dict[str, Any]:
        return {name: self.fresh(work, name) for name in names}

    def fresh(self, work: Work, name: str) -> Any:
        return _filled(work.properties["resource_def"], work.properties["index_var"], name)

    def spare(self, work: Work, taken: Members) -> str:
        used = {*work.row.stored.get("removed", ()), *taken}
        return next(str(n) for n in range(len(used) + 1) if str(n) not in used)

    def named(self, work: Work, names: Sequence[str]) -> None:
        there = {each for each in names if each.isdecimal() and len(each) < 7}
        last = max((int(each) for each in there), default=-1)
        if last > MOST_NUMBER:
            raise Invalid(f"A member has the number {last}.")
        work.store(removed=[str(n) for n in range(last) if str(n) not in there])

    def _names(self, work: Work, removed: set[str]) -> list[str]:
        """The first free numbers; those that were removed once are never used again."""
        names: list[str] = []
        number_ = 0
        while len(names) < work.properties["count"]:
            if str(number_) not in removed:
                names.append(str(number_))
            number_ += 1
        return names

    def _removed(self, work: Work) -> tuple[set[str], dict[str, str]]:
        """The names that are not used, and what the ids of those in the list stood for: a list that
        stays the same goes on meaning the same when they are gone."""
        earlier = set(work.row.stored.get("removed", ()))
        before = set() if work.properties.get("removal_policies_mode") == "update" else set(earlier)
        child = self.child(work)
        rows = [] if child is None else work.tx.all(resources.OF_STACK, stack=child.id)
        by_physical = dict(work.row.stored.get("removed_ids") or {})
        by_physical |= {row.physical_id: row.name for row in rows if row.physical_id}
        known = {row.name for row in rows} | earlier
        ids: dict[str, str] = {}
        for policy in work.properties.get("removal_policies") or ():
            for each in (policy or {}).get("resource_list") or ():
                name = by_physical.get(str(each), str(each))
                if name in known:
                    before.add(name)
                    if name != str(each):
                        ids[str(each)] = name
        return before, ids

    def reference(self, work: Work) -> Any:
        return work.place.name

    @staticmethod
    def _members(work: Work, child: StackRow) -> list[str]:
        rows = work.tx.all(resources.OF_STACK, stack=child.id)
        return sorted({row.name for row in rows if row.goal == "present"}, key=by_number)

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        """A path goes on in each member, but for those of the group itself."""
        child = self.child(work)
        own = name in ("refs", "refs_map", "removed_rsrc_list") or name.startswith("resource.")
        if child is None or own or not path:
            return super().attribute_at(work, name, path)
        names = self._members(work, child)
        if name == "attributes":
            return {each: self.inner_at(work, child, each, path) for each in names}
        plain = name.removeprefix("attributes.")
        found = {each: self.inner_at(work, child, each, [plain, *path]) for each in names}
        return found if name.startswith("attributes.") else list(found.values())

    def attribute(self, work: Work, name: str) -> Any:
        child = self.child(work)
        if name == "removed_rsrc_list":
            return sorted(work.row.stored.get("removed", ()), key=by_number)
        if child is None:
            return None
        names = self._members(work, child)
        if name == "refs":
            return [self.inner(work, child, each) for each in names]
        if name == "refs_map":
            return {each: self.inner(work, child, each) for each in names}
        if name.startswith("resource."):
            return self.inner(work, child, name.removeprefix("resource."))
        plain = name.removeprefix("attributes.")
        found = {each: self.inner(work, child, f"{each}.{plain}") for each in names}
        return found if name.startswith("attributes.") else list(found.values())


def _filled(snippet: Any, variable: str, index: str) -> Any:
    """The definition of one member: the variable is its number, in keys and values."""
    if isinstance(snippet, str):
        return snippet.replace(variable, index)
    if isinstance(snippet, dict):
        return {
            key.replace(variable, index): _filled(value, variable, index)
            for key, value in snippet.items()
            if value is not None
        }
    if isinstance(snippet, list):
        return [_filled(each, variable, index) for each in snippet]
    return snippet
