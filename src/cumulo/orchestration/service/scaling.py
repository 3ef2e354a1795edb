"""Groups that grow and shrink by signals."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.faults import BadRequest
from cumulo.core.resource_types import Property, mapping, number, text
from cumulo.core.wire.coercions import whole_or_none
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.batches import (
    UPDATE,
    Batched,
    Members,
    Pace,
    members_of,
    seconds,
    whole,
)
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.checking import Given, Loader, Plan
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.nested import (
    MOST_IN_GROUP,
    member_template,
    room_for,
    without_unknown,
)
from cumulo.orchestration.service.waits import Signalled

GROUP, POLICY = "OS::Heat::AutoScalingGroup", "OS::Heat::ScalingPolicy"
ADJUSTMENTS = ("change_in_capacity", "exact_capacity", "percent_change_in_capacity")
_SIZE = [{"range": {"min": 0, "max": MOST_IN_GROUP}}]


class AutoScalingGroup(Batched):
    """`OS::Heat::AutoScalingGroup`: resources alike, as many as it was last told."""

    description = "An autoscaling group that can scale arbitrary resources."
    properties = {
        "resource": mapping(
            None,
            "Definition of the group's resources, as in a template.",
            required=True,
            update=True,
        ),
        "max_size": number(
            "Maximum number of resources.", required=True, update=True, constraints=_SIZE
        ),
        "min_size": number(
            "Minimum number of resources.", required=True, update=True, constraints=_SIZE
        ),
        "cooldown": number("Seconds between two adjustments.", update=True),
        "desired_capacity": number(
            "The number of resources to begin with.", update=True, constraints=_SIZE
        ),
    }
    update_policy = {
        "rolling_updates": mapping(
            {
                "min_in_service": whole("The least that is left alone.", 0, 0),
                "max_batch_size": whole("The most that are replaced at once.", 1, 1),
                "pause_time": seconds(),
            },
            "How the group is changed.",
        )
    }
    attributes = {
        "outputs": "A map of resource names to the specified attribute of each.",
        "outputs_list": "A list of the specified attribute of each.",
        "current_size": "The current size of the group.",
        "refs": "A list of resource IDs for the resources in the group.",
        "refs_map": "A map of resource names to IDs for the resources in the group.",
    }

    def check(self, properties: Mapping[str, Any]) -> str | None:
        low, high = properties["min_size"], properties["max_size"]
        desired = properties.get("desired_capacity")
        if low > high:
            return "min_size can not be greater than max_size"
        if desired is not None and not low <= desired <= high:
            return "desired_capacity must be between min_size and max_size"
        return None

    def plan(
        self, kind: str, given: Given, known: Given, blueprint: Blueprint, load: Loader
    ) -> Plan | None:
        """One member stands for all."""
        definition = given.get("resource")
        if not isinstance(definition, dict):
            return None
        definition = without_unknown(definition, blueprint)
        if not isinstance(definition.get("type"), str):
            return None
        sizes = [
            whole_or_none(str(known.get(name))) or 0 for name in ("min_size", "desired_capacity")
        ]
        room_for(max(sizes), definition, blueprint.files)
        return Plan(member_template({"0": definition}), {}, frozenset())

    def pace(self, policy: Mapping[str, Any], *, create: bool) -> Pace | None:
        given = policy.get("rolling_updates")
        return None if create or not given else super().pace({UPDATE: given}, create=False)

    def target(self, work: Work) -> dict[str, Any]:
        given, stored = work.properties, work.row.stored
        size = stored.get("desired")
        if size is None or stored.get("asked_for") != given.get("desired_capacity"):
            wanted = given.get("desired_capacity")
            size = int(stored.get("desired") or 0) if wanted is None else wanted
        size = max(given["min_size"], min(size, given["max_size"]))
        room_for(size, given["resource"], work.files)
        members, following = list(stored.get("members", ())), int(stored.get("following", 0))
        # The oldest go first; no name is used twice.
        members = members[len(members) - size :] if len(members) > size else members
        while len(members) < size:
            members.append(str(following))
            following += 1
        work.store(
            desired=size,
            members=members,
            following=following,
            asked_for=given.get("desired_capacity"),
        )
        return self.settled(work)

    def named(self, work: Work, names: Sequence[str]) -> None:
        members = sorted((each for each in names if each.isdecimal() and len(each) < 19), key=int)
        work.store(
            desired=len(members),
            members=members,
            following=int(members[-1]) + 1 if members else 0,
            asked_for=work.properties.get("desired_capacity"),
        )

    def settled(self, work: Work) -> dict[str, Any]:
        return {name: self.fresh(work, name) for name in work.row.stored["members"]}

    def fresh(self, work: Work, name: str) -> Any:
        return work.properties["resource"]

    def spare(self, work: Work, taken: Members) -> str:
        name = int(work.row.stored.get("following", 0))
        work.store(following=name + 1)
        return str(name)

    def adjust(self, work: Work, kind: str, by: float, least: int | None) -> str:
        """Another size; what came of it."""
        child = self.child(work)
        if child is None or child.status == "IN_PROGRESS" or self.rolls(work):
            return "no action: the group is being worked at"
        now = seconds_of(work.tx.now)
        if float(work.row.stored.get("cooled", 0)) > now:
            return "no action: the group cools down"
        given = work.properties
        size = new_size(len(work.row.stored.get("members", ())), kind, by, least)
        size = max(given["min_size"], min(size, given["max_size"]))
        if size == work.row.stored.get("desired"):
            return f"no action: {size} are there"
        members = self._resized(work, members_of(child.template), size)
        work.store(cooled=now + float(given.get("cooldown") or 0))
        self.stacks.update_nested(work.tx, work.stack, child, self._of(work, members))
        return f"{size} are wanted"

    def _resized(self, work: Work, current: Members, size: int) -> Members:
        """The members at another size. Those that stay keep their definitions: a change of these
        that has failed half-way goes on by the next update, batch by batch, and by no alarm.
        What was there for the time of such a change is taken before a new one is made."""
        members = list(work.row.stored.get("members", ()))
        spares = [name for name in current if name not in members]
        grown = members + spares[: max(0, size - len(members))]
        work.store(desired=size, members=grown)
        target = self.target(work)
        left = [name for name in spares if size >= len(members) and name not in target]
        names = [*target, *left]
        return {name: current.get(name, target.get(name)) for name in names}

    def reference(self, work: Work) -> Any:
        return work.place.name

    def attribute(self, work: Work, name: str) -> Any:
        return self.attribute_at(work, name, ())

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        child = self.child(work)
        members = [] if child is None else self._members(work, child)
        if name == "current_size":
            return len(members)
        if child is None:
            return None
        if name in ("refs", "refs_map"):
            refs = {each: self.inner_at(work, child, each, ()) for each in members}
            return refs if name == "refs_map" else list(refs.values())
        if name in ("outputs", "outputs_list") and path:
            found = {each: self.inner_at(work, child, each, path) for each in members}
            return found if name == "outputs" else list(found.values())
        if name in self.attributes:
            return None
        return super().attribute_at(work, name, path)

    @staticmethod
    def _members(work: Work, child: StackRow) -> list[str]:
        rows = work.tx.all(resources.OF_STACK, stack=child.id)
        return sorted((row.name for row in rows if row.goal == "present"), key=int)


def new_size(now: int, kind: str, by: float, least: int | None) -> int:
    """Percentages are cut to whole ones, but for those below one."""
    if kind == "exact_capacity":
        return int(by)
    if kind == "change_in_capacity":
        return now + int(by)
    change = now * by / 100.0
    up = (change > 0) == (abs(change) < 1)
    whole = math.ceil(change) if up else math.floor(change)
    if least and abs(whole) < least:
        whole = least if by > 0 else -least
    return now + whole


class ScalingPolicy(Signalled):
    """`OS::Heat::ScalingPolicy`: what a signal does to a group."""

    description = "A resource to manage scaling of `OS::Heat::AutoScalingGroup`."
    properties = {
        "auto_scaling_group_id": text("The group.", required=True),
        "scaling_adjustment": Property(
            "number",
            "Size of adjustment.",
            required=True,
            update=True,
            constraints=[{"range": {"min": -100_000, "max": 100_000}}],
        ),
        "adjustment_type": text(
            "Type of adjustment.",
            required=True,
            update=True,
            constraints=[{"allowed_values": list(ADJUSTMENTS)}],
        ),
        "cooldown": Property("number", "Cooldown period, in seconds.", update=True),
        "min_adjustment_step": number(
            "The least change of a percentage.",
            update=True,
            constraints=[{"range": {"min": 0, "max": MOST_IN_GROUP}}],
        ),
    }
    attributes = {
        "alarm_url": "A signed url to handle the alarm.",
        "signal_url": "A url to handle the alarm using native API.",
    }

    def check(self, properties: Mapping[str, Any]) -> str | None:
        percent = properties["adjustment_type"] == "percent_change_in_capacity"
        if properties.get("min_adjustment_step") is not None and not percent:
            return "min_adjustment_step is for percent_change_in_capacity only"
        return None

    def attribute(self, work: Work, name: str) -> Any:
        if name not in self.attributes:
            raise KeyError(name)
        return self.url(work)

    def signal(self, work: Work, details: Mapping[str, Any]) -> str:
        state = str(details.get("current", details.get("state", "alarm"))).lower()
        if state != "alarm":
            return f"no action: the alarm's state is {state[:20]}"
        now, given = seconds_of(work.tx.now), work.row.properties
        if float(work.row.stored.get("cooled", 0)) > now:
            return "no action: the policy cools down"
        group = self._group(work, given["auto_scaling_group_id"])
        if group is None:
            raise BadRequest(f"There is no group {given['auto_scaling_group_id']}.")
        handler = work.engine.types.handler(GROUP)
        assert isinstance(handler, AutoScalingGroup)
        inner = Work(work.tx, work.engine, work.stack, group, work.principal, group.properties)
        said = handler.adjust(
            inner,
            given["adjustment_type"],
            float(given["scaling_adjustment"]),
            given.get("min_adjustment_step"),
        )
        if not said.startswith("no action"):
            work.store(cooled=now + float(given.get("cooldown") or 0))
        return said

    @staticmethod
    def _group(work: Work, reference: str) -> ResourceRow | None:
        for row in work.tx.all(resources.OF_STACK, stack=work.stack.id):
            if row.kind == GROUP and row.goal == "present":
                one = Work(work.tx, work.engine, work.stack, row, work.principal)
                if one.place.name == reference or row.physical_id == reference:
                    return row
        return None
