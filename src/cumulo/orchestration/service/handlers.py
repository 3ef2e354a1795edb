"""Handlers: how a type of resource is made, read, changed and removed.

Most types are data of the services that they come from (`core.resource_types`): `RestHandler` does
them all. Heat's own ones are in `own_types.py` and `groups.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.ids import child_id
from cumulo.core.resource_types import (
    Finder,
    Place,
    Property,
    Request,
    State,
)
from cumulo.orchestration.language.functions import Budget
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.files import files_of

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


MOST_CALLS = 2000
"""That one request, or one step of a resource, asks of services: each takes a while, and nobody
else is served meanwhile."""


class Asker:
    """Asks services as somebody, in one transaction."""

    def __init__(self, tx: Tx, calls: Calls, principal: Principal) -> None:
        self.tx = tx
        self.calls = calls
        self.principal = principal
        self._seen: dict[tuple[str, str | None], Any] = {}
        self._found: dict[Any, Any] = {}
        self._calls = 0

    def ask(self, request: Request) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Invalid(f"more than {MOST_CALLS} names have to be looked up")
        if request.method != "GET":
            self._seen.clear()
            self._found.clear()
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

    def find(self, finder: Finder, value: str) -> Any:
        """What a list has of that name, asked once in this transaction."""
        key = (finder.path, finder.by, value)
        if key not in self._found:
            query = {**finder.query, finder.by: value}
            request = Request("GET", finder.path, None, finder.version, query)
            self._found[key] = self.ask(request)
        return self._found[key]

    def read(self, path: str, version: str | None = None) -> Any:
        """A GET, once in this transaction; None for what is not there."""
        if (path, version) not in self._seen:
            try:
                self._seen[path, version] = self.ask(Request("GET", path, None, version))
            except NotFound:
                self._seen[path, version] = None
        return self._seen[path, version]


@dataclass
class Look:
    """What one request, or one step of a resource, makes of stacks: what the functions of all of
    them may make together, and what was told already."""

    budget: Budget = field(default_factory=Budget)
    scopes: dict[str, Any] = field(default_factory=dict)
    """Of a stack, by its id."""
    outputs: dict[tuple[str, str], tuple[Any, str | None]] = field(default_factory=dict)
    """A stack's id and an output → its value, or what is wrong with it."""


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
    look: Look = field(default_factory=Look)

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

    @property
    def files(self) -> dict[str, str]:
        return files_of(self.tx, self.stack)

    @property
    def managed(self) -> bool:
        """What was there before the stack (`external_id`) is looked at, and nothing else."""
        return not self.row.stored.get("external")

    def ask(self, request: Request) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        assert self.managed or request.method == "GET", "it is not the stack's to change"
        return self._asker.ask(request)

    def read(self, path: str, version: str | None = None) -> Any:
        """A GET, once in this transaction; None for what is not there."""
        return self._asker.read(path, version)

    def find(self, finder: Finder, value: str) -> Any:
        """What a list has of that name, asked once in this transaction."""
        return self._asker.find(finder, value)

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
    def nested(self) -> bool:
        """It is a stack of its own: whether anything in it has changed, only that can tell."""

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
