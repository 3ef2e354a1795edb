"""Groups that are made and changed some members at a time, as their update policy says.

Each batch is an update of the stack inside; how far the group is, its members' definitions tell, so
that nothing has to be remembered but that it goes on by batches.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.resource_types import READY, Property, State, number
from cumulo.orchestration.language.environment import parse as parse_environment
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.checking import Wish
from cumulo.orchestration.service.engine import MAKING
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.nested import Nested, child_environment, member_template
from cumulo.orchestration.service.properties import checked

Members = Mapping[str, Any]
"""The definitions of a group's members by their names, in their order."""

Fresh = Callable[[str], Any]
"""The definition that a member of this name has once the change is done."""

MOST = 1000
CREATE, UPDATE = "batch_create", "rolling_update"


@dataclass(frozen=True)
class Pace:
    """How fast a group may change."""

    most: int
    """Members that are worked at together."""
    least: int
    """Members that are left alone at any time."""
    pause: float
    """Seconds between two batches."""


def whole(description: str, default: int, least: int) -> Property:
    bounds = [{"range": {"min": least, "max": MOST}}]
    return number(description, default=default, constraints=bounds)


def seconds(default: float = 0) -> Property:
    bounds = [{"range": {"min": 0, "max": 86_400}}]
    return Property(
        "number", "Seconds to wait between batches.", default=default, constraints=bounds
    )


def sizes(wanted: int, there: int, renewed: int, pace: Pace) -> tuple[int, int]:
    """How many members there are after the next batch, and how many of them it makes or renews.

    The group grows for a while where less than the least would be left alone.
    """
    least = min(pace.least, wanted, there)
    batch = min(pace.most, max(wanted - renewed, 0))
    return batch + max(min(there, wanted - batch), least), batch


def following(
    current: Members, target: Members, pace: Pace, fresh: Fresh, spare: Callable[[], str]
) -> dict[str, Any]:
    """The members after the next batch; the target itself once nothing is left to renew.
    `spare` names a member that is there for the time of the change."""
    renewed = sum(1 for name, one in current.items() if one == fresh(name))
    size, new = sizes(len(target), len(current), renewed, pace)
    if renewed >= len(current) == len(target) or new == 0:
        return dict(target)
    members = dict(current)
    leaving = [name for name in current if name not in target]
    # What is out of date goes first.
    leaving.sort(key=lambda name: bool(current[name] == fresh(name)))
    coming = [name for name in target if name not in current]
    while len(members) > size and leaving:
        del members[leaving.pop(0)]
    while len(members) < size and new:
        name = coming.pop(0) if coming else spare()
        members[name] = fresh(name)
        new -= 1
    for name in target:
        if new and name in members and members[name] != target[name]:
            members[name] = target[name]
            new -= 1
    while new and leaving and coming:
        del members[leaving.pop(0)]
        name = coming.pop(0)
        members[name] = target[name]
        new -= 1
    return dict(target) if members == dict(current) else members


class Batched(Nested, ABC):
    """A group whose members are made and changed by batches where its update policy says so."""

    @abstractmethod
    def target(self, work: Work) -> dict[str, Any]:
        """The members as they shall be in the end; what that needs is noted."""

    @abstractmethod
    def settled(self, work: Work) -> dict[str, Any]:
        """The same, for what was noted already."""

    @abstractmethod
    def fresh(self, work: Work, name: str) -> Any:
        """A member as it is made now."""

    @abstractmethod
    def spare(self, work: Work, taken: Members) -> str:
        """The name of one more, for the time of a change."""

    def _after(self, work: Work, current: Members, target: Members, pace: Pace) -> Members:
        return following(
            self._whole(work, current, target),
            target,
            pace,
            lambda name: self.fresh(work, name),
            lambda: self.spare(work, {**current, **target}),
        )

    def _alike(self, work: Work, current: Members, target: Members) -> Members:
        """What only differs in words (a description, another name of the type) needs no batch."""
        types = parse_environment(child_environment(work))

        def essence(name: str, one: Any) -> Any:
            if not isinstance(one, Mapping) or not isinstance(one.get("type"), str):
                return one
            told = {key: value for key, value in one.items() if key != "description"}
            return told | {"type": types.type_of(one["type"], name)}

        return {
            name: target[name]
            if name in target and essence(name, one) == essence(name, target[name])
            else one
            for name, one in current.items()
        }

    def _whole(self, work: Work, current: Members, target: Members) -> Members:
        """What has failed is in nobody's service: it need not wait for its batch, and no batch
        would come to its end with it as it is."""
        child = self.child(work)
        rows = [] if child is None else work.tx.all(resources.OF_STACK, stack=child.id)
        broken = {each.name for each in rows if each.status == "FAILED"}
        there = {name: one for name, one in current.items() if name in target or name not in broken}
        return {name: target[name] if name in broken else one for name, one in there.items()}

    def pace(self, policy: Mapping[str, Any], *, create: bool) -> Pace | None:
        """None: all at once."""
        given = policy.get(CREATE if create else UPDATE)
        if not given:
            return None
        return Pace(
            given["max_batch_size"], given.get("min_in_service", 0), float(given["pause_time"])
        )

    def wish(self, work: Work) -> Wish:
        return self._of(work, self.target(work))

    @staticmethod
    def _of(work: Work, members: Members) -> Wish:
        return Wish(member_template(members), work.files, child_environment(work), {})

    def create(self, work: Work) -> str | None:
        target = self.target(work)
        pace = self._pace(work, create=True)
        if pace is None or len(target) <= pace.most:
            return self.begun(work, target)
        self._fits(work, pace, len(target))
        self._note(work, "create")
        first = self._after(work, {}, target, pace)
        return self.begun(work, first)

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        child = self.child(work)
        if child is None:
            return False
        target = self.target(work)
        current = self._alike(work, members_of(child.template), target)
        pace = self._pace(work, create=False)
        differs = any(name in target and target[name] != one for name, one in current.items())
        if pace is None or not differs:
            work.forget("rolling")
            first = target
        else:
            self._fits(work, pace, len(target))
            self._note(work, "update")
            first = dict(self._after(work, current, target, pace))
        converge = bool(work.row.stored.get("converge"))
        wish = self._of(work, first)
        self.stacks.update_nested(work.tx, work.stack, child, wish, converge=converge)
        return True

    def begun(self, work: Work, members: Members) -> str:
        self.deep_enough(work)
        return self.stacks.create_nested(work.tx, work.stack, work.row, self._of(work, members)).id

    def state(self, work: Work) -> State:
        state = super().state(work)
        rolling = work.row.stored.get("rolling")
        if state.word != "ready" or rolling is None or work.stack.action not in MAKING:
            return state
        return self._next(work, rolling) if self._here(work, rolling) else state

    def _next(self, work: Work, rolling: Mapping[str, Any]) -> State:
        """The batch before is done."""
        child = self.child(work)
        pace = self._pace(work, create=rolling["kind"] == "create")
        target = self.settled(work)
        current = {} if child is None else members_of(child.template)
        if child is None or current == target:
            work.forget("rolling")
            return READY
        now = seconds_of(work.tx.now)
        pause = 0.0 if pace is None else pace.pause
        until = rolling.get("until")
        if pause and until is None:
            work.store(rolling={**rolling, "until": now + pause})
            return State("working", until=now + pause)
        if until is not None and now < until:
            return State("working", until=until)
        work.store(rolling={name: one for name, one in rolling.items() if name != "until"})
        members: Members = target
        if pace is not None:
            members = self._after(work, current, target, pace)
        self.stacks.update_nested(work.tx, work.stack, child, self._of(work, members))
        # The next one is another step, also where this one had nothing to do.
        return State("working", until=now + 0.01)

    def _note(self, work: Work, kind: str) -> None:
        work.store(rolling={"kind": kind, "traversal": work.stack.traversal})

    @staticmethod
    def _here(work: Work, rolling: Mapping[str, Any]) -> bool:
        """What an older change has begun goes on with nobody."""
        return bool(rolling["traversal"] == work.stack.traversal)

    def rolls(self, work: Work) -> bool:
        """It is in the midst of its batches."""
        return bool(work.row.stored.get("rolling")) and work.row.status == "IN_PROGRESS"

    def _pace(self, work: Work, *, create: bool) -> Pace | None:
        blueprint = work.engine.blueprints.of(work.tx, work.stack)
        if work.row.name not in blueprint.definitions:
            return None
        path = f"resources.{work.row.name}.update_policy"
        policy = checked(self.update_policy, blueprint.update_policy(work.row.name), path)
        return self.pace(policy, create=create)

    @staticmethod
    def _fits(work: Work, pace: Pace, members: int) -> None:
        """Raises Invalid where the pauses alone take longer than the stack may."""
        batches = -(-members // pace.most)
        if pace.pause * (batches - 1) >= 60.0 * (work.stack.timeout_mins or 60):
            raise Invalid("The current update policy will result in stack update timeout.")


def members_of(template: Mapping[str, Any]) -> dict[str, Any]:
    return dict(template.get("resources") or {})
