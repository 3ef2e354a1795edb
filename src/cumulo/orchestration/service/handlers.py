"""Handlers: how a type of resource is made, read, changed and removed.

Most types are data of the services that they come from (`core.resource_types`): `RestHandler` does
them all. Heat's own ones are in `own_types.py` and `groups.py`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, NotFound
from cumulo.core.ids import child_id
from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Place,
    Property,
    Request,
    ResourceType,
    State,
)
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.text_functions import select_path
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow

if TYPE_CHECKING:
    from cumulo.orchestration.service.engine import Engine


class Calls(Protocol):
    """The caller inside the process (`core.http.caller.Caller`), as far as it is needed here."""

    def call_in(
        self,
        tx: Tx,
        principal: Principal | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any: ...

    async def call(
        self,
        principal: Principal | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = None,
    ) -> Any: ...


class Seal(Protocol):
    """What secrets are sealed with: `core.auth.keyring.KeyRing`."""

    def encrypt(self, text: str) -> str: ...
    def decrypt(self, token: str) -> str: ...


def sealed(seal: Seal, value: Any) -> dict[str, str]:
    """A secret as it is kept."""
    return {"sealed": seal.encrypt(str(value))}


def opened(seal: Seal, kept: Any) -> Any:
    """What was kept; older rows have it as it is."""
    if isinstance(kept, dict) and list(kept) == ["sealed"]:
        return seal.decrypt(kept["sealed"])
    return kept


class Asker:
    """Asks services as somebody, in one transaction."""

    def __init__(self, tx: Tx, calls: Calls, principal: Principal) -> None:
        self.tx = tx
        self.calls = calls
        self.principal = principal
        self._seen: dict[tuple[str, str | None], Any] = {}

    def ask(self, request: Request) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        if request.method != "GET":
            self._seen.clear()
        try:
            result = self.calls.call_in(
                self.tx,
                self.principal,
                request.method,
                request.path,
                request.body,
                query=request.query,
                version=request.version,
                headers=request.headers,
            )
        except LookupError:
            # A name that no path can hold.
            raise NotFound(f"There is no {request.path[:255]}.") from None
        return result.checked().body

    def read(self, path: str, version: str | None = None) -> Any:
        """A GET, once in this transaction; None for what is not there."""
        if (path, version) not in self._seen:
            try:
                self._seen[path, version] = self.ask(Request("GET", path, None, version))
            except NotFound:
                self._seen[path, version] = None
        return self._seen[path, version]


@dataclass
class Work:
    """One resource being worked at, in one transaction."""

    tx: Tx
    engine: "Engine"
    stack: StackRow
    row: ResourceRow
    principal: Principal
    properties: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the properties were, with ids for names, while it is changed."""
    inner: dict[str, "Work"] = field(default_factory=dict)
    """Of the resources of the stack that it is, as far as they were looked at."""

    def __post_init__(self) -> None:
        self._asker = Asker(self.tx, self.engine.calls, self.principal)

    @property
    def place(self) -> Place:
        return Place(
            name=physical_name(self.stack.name, self.row.name, self.row.id),
            stack_id=self.stack.id,
            stack_name=self.stack.name,
            resource=self.row.name,
            project_id=self.stack.project_id,
            user_id=self.stack.user_id,
            tag=child_id(self.row.id, "tag"),
            stored=self.row.stored,
            read=self.read,
            physical=self.row.physical_id,
            before=self.before,
        )

    def ask(self, request: Request) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        return self._asker.ask(request)

    def read(self, path: str, version: str | None = None) -> Any:
        """A GET, once in this transaction; None for what is not there."""
        return self._asker.read(path, version)

    def store(self, **kept: Any) -> None:
        """Keep something beside the physical id."""
        self.row = self.tx.update(self.row, stored={**self.row.stored, **kept})

    def forget(self, *names: str) -> None:
        """Keep it no longer."""
        kept = {name: value for name, value in self.row.stored.items() if name not in names}
        if kept != self.row.stored:
            self.row = self.tx.update(self.row, stored=kept)


Health = Literal["well", "busy", "lost"]
"""lost: of no use any more, another one has to be made. What is well is never thrown away."""


class Handler(Protocol):
    """One type of resource."""

    @property
    def properties(self) -> Mapping[str, Property]: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def update_policy(self) -> Mapping[str, Property]:
        """What may stand in a template's `update_policy`."""

    @property
    def description(self) -> str: ...
    @property
    def takes_any(self) -> bool:
        """Its properties are whatever is given: there is no schema."""

    @property
    def outside(self) -> bool:
        """Its create is asked outside of the transaction."""

    def check(self, properties: Mapping[str, Any]) -> str | None:
        """What is wrong with the properties together, or None."""

    def create(self, work: Work) -> str | None:
        """Begin to make it; the physical id."""

    @property
    def renewed(self) -> bool:
        """Each update of the stack makes another one."""

    @property
    def snapshots(self) -> bool:
        """It can be kept as a snapshot when it goes."""

    def state(self, work: Work) -> State:
        """How far it is."""

    def health(self, work: Work) -> Health:
        """Asked where an action on it failed, or was left off: whether it is of use yet."""

    def mend(self, work: Work) -> None:
        """What failed at it is tried again; its properties are as they shall be."""

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        """Change it in place; False: it cannot be, it must be replaced."""

    def delete(self, work: Work) -> None:
        """Begin to remove it. What is gone is no fault."""

    def gone(self, work: Work) -> bool: ...

    def reference(self, work: Work) -> Any:
        """What `get_resource` gives."""

    def attribute(self, work: Work, name: str) -> Any:
        """Raises KeyError for one that the type does not have."""

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        """What lies at a path of it."""

    def suspend(self, work: Work, *, resume: bool) -> None: ...

    def look_over(self, work: Work) -> None:
        """Begin what a check needs besides a look at its state."""


DATA = ("value",)
"""What of a resource's own data a stack's document has: the value of a random string."""


@runtime_checkable
class Adopting(Protocol):
    """A type that is more than the id of what is adopted."""

    def adopt(self, work: Work, data: Mapping[str, Any]) -> str | None: ...


def physical_name(stack: str, resource: str, row_id: str, most: int = 63) -> str:
    """STACK-RESOURCE-TWELVE: the same for the same row."""
    tail = child_id(row_id, "name").replace("-", "")[:12]
    head = f"{stack}-{resource}"[: most - 13]
    return f"{head}-{tail}"


class RestHandler:
    """A type whose things are made by operations of a service. Implements Handler."""

    takes_any = False
    renewed = False
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
            work.forget("steps")
            return state
        work.store(steps=steps[1:])
        work.ask(Request(**steps[0]))
        return WORKING

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
        work.forget("released")
        steps = self.type.regain(physical, given, work.place)
        if steps:
            work.store(steps=[asdict(each) for each in steps])

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
                work.store(steps=[asdict(each) for each in steps])
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
        last = self.type.delete(physical, work.row.properties, work.place)
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
        made = self.type.resume if resume else self.type.suspend
        if made is not None and work.row.physical_id is not None:
            work.ask(made(work.row.physical_id))

    def look_over(self, work: Work) -> None:
        return None

    def _read_request(self, work: Work) -> Request | None:
        physical = work.row.physical_id
        if physical is None:
            return None
        return self.type.read(physical, work.row.properties, work.place)

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
    request = Request("GET", finder.path, None, finder.version, {finder.by: value})
    body = work.ask(request)
    found = [each for each in body[finder.list_key] if each.get(finder.by) == value]
    if not found:
        raise Invalid(f"The {finder.key} ({value}) could not be found.")
    if len(found) > 1:
        raise Invalid(f'There are several {finder.list_key} named "{value}"; name one by its id.')
    return str(found[0][finder.id])


def _plain(value: str) -> bool:
    """It can stand in a path."""
    return bool(value) and all(c.isalnum() or c in "-_.:" for c in value) and value[0] != "."
