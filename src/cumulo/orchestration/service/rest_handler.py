"""Types that are data of the services that they come from (`core.resource_types`): one handler for
them all."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cumulo.core.faults import Fault, NotFound
from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Property,
    Request,
    ResourceType,
    State,
)
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.text_functions import select_path
from cumulo.orchestration.service.handlers import Asker, Health, Work, opened


class RestHandler:
    """A type whose things are made by operations of a service. Implements Handler."""

    takes_any = False
    renewed = False
    nested = False
    update_policy: Mapping[str, Property] = {}

    def __init__(self, type_: ResourceType, finders: Mapping[str, Finder]) -> None:
        self.type = type_
        self.properties = type_.properties
        self.attributes = {**type_.attributes, "show": "Detailed information about resource."}
        self.description = type_.description
        self.outside = type_.outside
        self.snapshots = type_.snapshot is not None
        self._finders = finders

    def check(self, properties: Mapping[str, Any]) -> str | None:
        return self.type.check(properties) if self.type.check is not None else None

    def request(self, work: Work) -> Request:
        """What makes it."""
        return self.type.create(self.found(work, self.properties, work.properties), work.place)

    def create(self, work: Work) -> str | None:
        self._first(work)
        answer = work.ask(self.request(work))
        physical = self.type.made(answer)
        self._after(work, physical)
        if self.type.grown is not None:
            given = self.found(work, self.properties, work.properties)
            steps = self.type.grown(physical, given, work.place)
            work.store(steps=[asdict(each) for each in steps])
        return physical

    def _first(self, work: Work) -> None:
        """What has to be there before it, and is made for it alone."""
        if self.type.first is None:
            return
        given = self.found(work, self.properties, work.properties)
        made = dict(work.row.stored.get("first") or {})
        for key, request in self.type.first(given, work.place).items():
            answer = work.ask(request)
            made[key] = str(next(iter(answer.values()))["id"])
        if made != (work.row.stored.get("first") or {}):
            work.store(first=made)

    def _after(self, work: Work, physical: str) -> None:
        """What belongs to a create or update besides it."""
        if self.type.after is None:
            return
        given = self.found(work, self.properties, work.properties)
        request = self.type.read(physical, given, work.place)
        body = None if request is None else work.ask(request)
        for each in self.type.after(physical, given, body, work.place):
            work.ask(each)

    def state(self, work: Work) -> State:
        request = self._read_request(work)
        if request is None:
            return READY
        body = work.read(request.path, request.version)
        if body is None:
            return State("failed", f"{self.type.name} {work.row.physical_id} is not there")
        state = self.type.state(body)
        if state.word == "ready" and work.stack.action == "CHECK" and self.type.checked:
            problem = self.type.checked(body)
            return state if problem is None else State("failed", problem)
        if state.word == "failed" or "steps" not in work.row.stored:
            return state
        return self._go_on(work, body, state)

    def _go_on(self, work: Work, body: Any, state: State) -> State:
        """An update of several steps: the next one, when the thing is ready for it."""
        physical, steps = work.row.physical_id, list(work.row.stored["steps"])
        assert physical is not None
        if state.word == "working":
            if self.type.follow_up is not None:
                for each in self.type.follow_up(physical, body):
                    work.ask(each)
            return state
        if not steps:
            return self._came_true(work, body, state)
        work.store(steps=steps[1:])
        work.ask(Request(**steps[0]))
        return WORKING

    def _came_true(self, work: Work, body: Any, state: State) -> State:
        """Ready is not enough: a host may have given up, and all is as it was before."""
        untrue: Mapping[str, str] = {}
        if self.type.untrue is not None:
            given = self.found(work, self.properties, work.row.properties)
            untrue = self.type.untrue(given, body, work.place)
        was = work.row.stored.get("was") or {}
        work.forget("steps", "released", "was")
        missed = {name: was[name] for name in untrue if name in was}
        if not missed:
            return state
        # The next update sees what there is, and tries again.
        kept = {**work.row.properties, **missed}
        work.row = work.tx.update(work.row, properties=kept)
        return State("failed", " ".join(untrue[name] for name in missed))

    def health(self, work: Work) -> Health:
        request = self._read_request(work)
        if request is None:
            return "well"
        body = work.read(request.path, request.version)
        if body is None:
            return "lost"
        failed = self.type.state(body).word == "failed"
        if failed if self.type.lost is None else self.type.lost(body):
            return "lost"
        # What an earlier update has begun is brought to its end.
        return "busy" if self.state(work).word == "working" else "well"

    def mend(self, work: Work) -> None:
        physical = work.row.physical_id
        if self.type.regain is None or physical is None or not work.row.stored.get("released"):
            return
        given = self.found(work, self.properties, work.properties)
        steps = self.type.regain(physical, given, work.place)
        if steps:
            work.store(steps=[asdict(each) for each in steps])
        else:
            work.forget("released")

    def release(self, work: Work) -> bool:
        """What another one shall have is given up; whether anything was."""
        physical = work.row.physical_id
        if self.type.release is None or physical is None:
            return False
        wanted = self.type.release(physical, work.row.properties, work.place)
        for each in wanted:
            with contextlib.suppress(NotFound):
                work.ask(each)
        if wanted:
            work.store(released=True)
        return bool(wanted)

    def excludes(self, work: Work) -> bool:
        """Another one cannot be there as long as this one is."""
        old, new = work.row.properties, work.properties
        return any(
            old.get(name) not in (None, []) and old.get(name) == new.get(name)
            for name in self.type.exclusive
        )

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        physical = work.row.physical_id
        assert physical is not None
        now = self.found(work, self.properties, work.properties)
        work.before = self._known_before(work)
        new = {**{name: now.get(name) for name in changed}}
        if self.type.replaces is not None and self.type.replaces(now, new):
            return False
        self._first(work)
        for request in self.type.update(physical, now, new, work.place):
            work.ask(request)
        self._after(work, physical)
        if self.type.later is not None:
            steps = self.type.later(physical, now, new, work.place)
            if steps:
                was = {name: work.row.properties.get(name) for name in changed}
                work.store(steps=[asdict(each) for each in steps], was=was)
        return True

    def _known_before(self, work: Work) -> Any:
        try:
            return self.found(work, self.properties, work.row.properties)
        except (Invalid, Fault):
            # What it named is not there any more.
            return work.row.properties

    def delete(self, work: Work) -> None:
        physical = work.row.physical_id
        if physical is None:
            return
        if self.type.before_delete is not None:
            request = self._read_request(work)
            body = None if request is None else work.read(request.path, request.version)
            for first in self.type.before_delete(physical, body) if body is not None else ():
                work.ask(first)
        given = self._known_before(work) if self.type.leave else {}
        for each in self.type.leave(physical, given, work.place) if self.type.leave else ():
            with contextlib.suppress(NotFound):
                work.ask(each)
        last = self.type.delete(physical, self.named(work, work.row.properties), work.place)
        if last is not None:
            try:
                work.ask(last)
            except NotFound:
                return

    def gone(self, work: Work) -> bool:
        if not self._gone(work):
            return False
        for each in self.type.last(work.row.stored, work.place) if self.type.last else ():
            with contextlib.suppress(NotFound):
                work.ask(each)
        return True

    def _gone(self, work: Work) -> bool:
        if work.row.physical_id is None or not self.type.waits_for_gone:
            return True
        request = self._read_request(work)
        if request is None:
            return True
        try:
            body = work.ask(request)
        except NotFound:
            return True
        if self.type.gone is not None:
            return self.type.gone(body)
        state = self.type.state(body)
        if state.word == "failed":
            raise Fault(f"{self.type.name} {work.row.physical_id}: {state.reason}")
        return False

    def reference(self, work: Work) -> Any:
        return work.row.physical_id

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        return select_path(self.attribute(work, name), path)

    def attribute(self, work: Work, name: str) -> Any:
        if name not in self.attributes:
            raise KeyError(name)
        if name in work.row.stored:
            return opened(work.engine.seal, work.row.stored[name])
        request = self._read_request(work)
        body = None if request is None else work.read(request.path, request.version)
        inner = body
        if isinstance(body, dict) and len(body) == 1:
            inner = next(iter(body.values()))
        if name == "show":
            return inner
        if self.type.attribute is not None:
            found = self.type.attribute(name, body, work.read)
            if found is not NotImplemented:
                return found
        return inner.get(name) if isinstance(inner, dict) else None

    def suspend(self, work: Work, *, resume: bool) -> None:
        made, physical = self.type.resume if resume else self.type.suspend, work.row.physical_id
        if made is None or physical is None:
            return
        request = self._read_request(work) if self.type.suspended is not None else None
        body = None if request is None else work.read(request.path, request.version)
        if body is None or self.type.suspended is None or self.type.suspended(body) == resume:
            work.ask(made(physical))

    def look_over(self, work: Work) -> None:
        return None

    def _read_request(self, work: Work) -> Request | None:
        physical = work.row.physical_id
        if physical is None:
            return None
        return self.type.read(physical, self.named(work, work.row.properties), work.place)

    def named(self, work: Work, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """With ids for names, where a read needs them."""
        if not self.type.names_whose:
            return properties
        try:
            found: Mapping[str, Any] = self.found(work, self.properties, properties)
        except (Invalid, Fault):
            return properties  # What it named is not there any more.
        return found

    def found(self, work: Asker | Work, schema: Any, given: Any) -> Any:
        """Properties with names turned into ids, wherever the schema has a finder."""
        if isinstance(schema, Property):
            if isinstance(given, list):
                inner = schema.schema if isinstance(schema.schema, Property) else None
                return [self.found(work, inner, each) for each in given] if inner else given
            if isinstance(given, dict) and isinstance(schema.schema, Mapping):
                return self.found(work, schema.schema, given)
            if schema.find and isinstance(given, str) and given:
                return find(work, self._finders[schema.find], given)
            return given
        if isinstance(schema, Mapping) and isinstance(given, Mapping):
            return {
                name: self.found(work, schema[name], value) if name in schema else value
                for name, value in given.items()
            }
        return given


def find(work: Asker | Work, finder: Finder, value: str) -> str:
    """The id of what a name or an id means. Raises Invalid."""
    direct = work.read(f"{finder.path}/{value}", finder.version) if _plain(value) else None
    if direct is not None:
        return str((direct if finder.bare else direct[finder.key])[finder.id])
    body = work.find(finder, value)
    found = [each for each in body[finder.list_key] if each.get(finder.by) == value]
    if not found:
        raise Invalid(f"The {finder.key} ({value}) could not be found.")
    if len(found) > 1:
        raise Invalid(f'There are several {finder.list_key} named "{value}"; name one by its id.')
    return str(found[0][finder.id])


def _plain(value: str) -> bool:
    """It can stand in a path."""
    return bool(value) and all(c.isalnum() or c in "-_.:" for c in value) and value[0] != "."
