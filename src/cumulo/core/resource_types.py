"""Resource types of templates: what a service brings to orchestration, as data.

A service's `resources.py` declares them; orchestration, which knows no service, makes, reads,
changes and removes what they stand for by calling the service's own operations as the stack's
owner. Most types are one collection of one API (`rest`):

    NET = rest(
        "OS::Neutron::Net", "/network/v2.0/networks", "network",
        properties={"name": text("A name.", update=True), "shared": flag(update=True)},
        attributes={"status": "The status of the network."},
    )

What cannot be said so is a function of plain data beside it: the request's body from the
properties, the state from what was read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

Kind = Literal["string", "integer", "number", "boolean", "list", "map", "any"]


@dataclass(frozen=True)
class Property:
    """One property of a resource type."""

    kind: Kind
    description: str = ""
    required: bool = False
    default: Any = None
    update: bool = False
    """It may change in place; otherwise a change makes another thing in its stead."""
    schema: "Mapping[str, Property] | Property | None" = None
    """Of a map's keys, or of each item of a list."""
    constraints: Sequence[Mapping[str, Any]] = ()
    """As in HOT: `{"range": {"min": 0}}`, `{"allowed_values": […]}`."""
    find: str = ""
    """The finder that turns a name into an id, say `network`; an id stays what it is."""
    stands_for: str = ""
    """A deprecated name of that other property."""


def text(description: str = "", **more: Any) -> Property:
    return Property("string", description, **more)


def number(description: str = "", **more: Any) -> Property:
    return Property("integer", description, **more)


def flag(description: str = "", **more: Any) -> Property:
    return Property("boolean", description, **more)


def items(schema: Property | None = None, description: str = "", **more: Any) -> Property:
    return Property("list", description, schema=schema, **more)


def mapping(
    schema: Mapping[str, Property] | None = None, description: str = "", **more: Any
) -> Property:
    return Property("map", description, schema=schema, **more)


@dataclass(frozen=True)
class Finder:
    """How a name becomes an id: `GET path/VALUE`, else the one that `GET path?name=VALUE` finds."""

    name: str
    path: str
    key: str
    """Of one in the body; the list's key has an `s`, unless `plural` says otherwise."""
    constraint: str = ""
    """The custom constraint that asks the same: `neutron.network`."""
    plural: str = ""
    version: str | None = None
    by: str = "name"
    """The attribute that the name is."""
    id: str = "id"
    query: Mapping[str, str] = field(default_factory=dict)
    """What the list is asked for besides."""
    bare: bool = False
    """What is read is the thing itself, not `{key: …}`."""

    @property
    def list_key(self) -> str:
        return self.plural or f"{self.key}s"


@dataclass(frozen=True)
class Request:
    """One operation of a service."""

    method: str
    path: str
    body: Any = None
    version: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a resource stands: what its requests may need to know."""

    name: str
    """Its physical name: STACK-RESOURCE-RANDOM, of at most 63 letters unless the type says less."""
    stack_id: str
    stack_name: str
    resource: str
    project_id: str
    user_id: str
    tag: str
    """The same for every try to make it."""
    stored: Mapping[str, Any] = field(default_factory=dict)
    """What the type itself has kept beside the physical id."""
    read: "Reader | None" = None
    """Reads as the owner, in the same transaction; None where nobody can be asked."""
    physical: str | None = None
    """The id of what is there already."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The properties that it has had so far."""


@dataclass(frozen=True)
class State:
    """What a read says: it is ready, it is being worked at, or it failed."""

    word: Literal["ready", "working", "failed"]
    reason: str = ""
    until: float | None = None
    """It is of no use to look again before (seconds of the epoch)."""


READY = State("ready")
WORKING = State("working")


@dataclass(frozen=True)
class Snapshot:
    """What is kept of a thing that goes."""

    create: Callable[[str, Mapping[str, Any], Place], Request]
    """(id, body of the read, place)."""
    made: Callable[[Any], str]
    """The answer's body → its id."""
    read: Callable[[str], Request]
    state: Callable[[Any], State]
    delete: Callable[[str], Request] | None = None
    restored: Callable[[Mapping[str, Any], str], Mapping[str, Any]] | None = None
    """(properties as the template has them, the kept one's id) → those that lead back to it."""


class Reader(Protocol):
    """Reads for a type: bodies of GETs, as the owner."""

    def __call__(self, path: str, version: str | None = None) -> Any:
        """The decoded body; None where it is not there."""


Others = Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
"""Type → names of a template's resources of it, with their properties, functions in place."""


def _always_ready(body: Any) -> State:
    return READY


@dataclass(frozen=True)
class ResourceType:
    """A type of resource, made by operations of a service."""

    name: str
    properties: Mapping[str, Property]
    create: Callable[[Mapping[str, Any], Place], Request]
    made: Callable[[Any], str]
    """The answer's body → the physical id."""
    read: Callable[[str, Mapping[str, Any], Place], Request | None]
    """None: there is nothing to read; it is ready once it was made."""
    update: Callable[[str, Mapping[str, Any], Mapping[str, Any], Place], Sequence[Request]]
    """(id, all properties now, those that changed, place) → what has to be asked."""
    delete: Callable[[str, Mapping[str, Any], Place], Request | None]
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Name → description."""
    attribute: Callable[[str, Any, Reader], Any] | None = None
    """(name, body of the read, reader): those that are no key of the body."""
    state: Callable[[Any], State] = _always_ready
    names_whose: bool = False
    """Its reads and deletes need ids where the template may have names: whose it is."""
    outside: bool = False
    """Its create takes long (a key is generated) and cannot share a transaction: it is asked by
    itself. `create` must then name the thing by `place`, so that a second try finds the first."""
    reference: Literal["id", "name"] = "id"
    """What `get_resource` gives."""
    description: str = ""
    waits_for_gone: bool = True
    """A delete is done when the thing cannot be read any more; False: when it was answered."""
    quick_names: int = 63
    """The longest physical name."""
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    """What is wrong with the properties taken together; None: nothing."""
    defaults: Callable[[Mapping[str, Any], Place], Mapping[str, Any]] | None = None
    """Properties that follow from others or from the place when they are not given."""
    gone: Callable[[Any], bool] | None = None
    """Whether what is read after a delete means that it is done; None: it must not be there."""
    kept: Callable[[Mapping[str, Any], Any], Mapping[str, Any]] | None = None
    """(properties, answer) → what is kept of what is told only once."""
    tells_once: Callable[[Mapping[str, Any]], bool] | None = None
    """(properties) → whether the answer to its create has what no read will tell."""
    after: Callable[[str, Mapping[str, Any], Any, Place], Sequence[Request]] | None = None
    """(id, all properties, body of the read, place) → what is asked after a create or update, in
    the same transaction."""
    suspend: Callable[[str], Request] | None = None
    resume: Callable[[str], Request] | None = None
    suspended: Callable[[Any], bool] | None = None
    """Whether what is read rests already: it is not asked to once more."""
    snapshot: "Snapshot | None" = None
    """What `deletion_policy: Snapshot` makes before the delete; None: it cannot be asked for."""
    lost: Callable[[Any], bool] | None = None
    """Whether what is read is of no use any more, so that another one has to be made; None: when
    its state is failed. What is lost is replaced with all that is in it: rather too seldom."""
    later: (
        Callable[[str, Mapping[str, Any], Mapping[str, Any], Place], Sequence[Request]] | None
    ) = None
    """(id, all properties now, those that changed, place) → what an update asks one by one, each
    when the thing is ready again."""
    untrue: Callable[[Mapping[str, Any], Any, Place], Mapping[str, str]] | None = None
    """(all properties, body of the read, place) → which properties it has not got when it is ready
    after the steps of `later`, and why."""
    checked: Callable[[Any], str | None] | None = None
    """What is wrong with one that is ready, for who asks whether it is well; None: nothing."""
    follow_up: Callable[[str, Any], Sequence[Request]] | None = None
    """(id, body of the read) → what has to be asked so that an update comes to its end."""
    replaces: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None
    """(all properties now, those that changed) → whether the template wants another thing instead
    of a change in place."""
    stands_on: Callable[[Mapping[str, Any], Others], Iterable[str]] | None = None
    """(properties as the template has them, its other resources) → those that have to be there
    before it though no property names them: an address needs the router's interface."""
    before_delete: Callable[[str, Any], Sequence[Request]] | None = None
    """(id, body of the read) → what has to go first."""
    leave: Callable[[str, Mapping[str, Any], Place], Sequence[Request]] | None = None
    """(id, properties, place) → what is asked when it goes, before the delete; what is not there is
    no fault."""
    grown: Callable[[str, Mapping[str, Any], Place], Sequence[Request]] | None = None
    """(id, properties, place) → what a create asks one by one, each when the thing is ready."""
    exclusive: Sequence[str] = ()
    """Properties whose value only one thing can have: where another one in its stead shall have the
    same, this one goes first."""
    release: Callable[[str, Mapping[str, Any], Place], Sequence[Request]] | None = None
    """(id, properties, place) → what it gives up before another one is made in its stead."""
    regain: Callable[[str, Mapping[str, Any], Place], Sequence[Request]] | None = None
    """The way back: it goes on in spite of that."""
    first: Callable[[Mapping[str, Any], Place], Mapping[str, Request]] | None = None
    """(properties, place) → what is made before it or before its change, by keys of the type's own:
    the new ones' ids are in `place.stored["first"]` from then on."""
    last: Callable[[Mapping[str, Any], Place], Sequence[Request]] | None = None
    """(what is kept, place) → what goes after it: what `first` has made."""


def rest(
    name: str,
    collection: str,
    key: str,
    *,
    properties: Mapping[str, Property],
    attributes: Mapping[str, str] | None = None,
    verb: str = "PUT",
    version: str | None = None,
    body: Callable[[Mapping[str, Any], Place], Mapping[str, Any]] | None = None,
    names: Mapping[str, str] | None = None,
    named: bool = True,
    id: str = "id",
    ready: Sequence[str] = (),
    failed: Sequence[str] = (),
    **more: Any,
) -> ResourceType:
    """One collection of an API whose bodies are `{key: {…}}`.

    `names`: a property's name in the API where they differ. `named`: without a name it gets its
    physical one. `ready`, `failed`: words of `status`; without any it is ready once it was made.
    """
    translate = dict(names or {})

    def wanted(given: Mapping[str, Any]) -> dict[str, Any]:
        return {translate.get(n, n): v for n, v in given.items() if v is not None}

    def create(given: Mapping[str, Any], place: Place) -> Request:
        content = dict(body(given, place)) if body is not None else wanted(given)
        if named and not content.get("name"):
            content["name"] = place.name
        return Request("POST", collection, {key: content}, version)

    def update(
        physical: str, now: Mapping[str, Any], changed: Mapping[str, Any], place: Place
    ) -> Sequence[Request]:
        content = {translate.get(n, n): v for n, v in changed.items()}
        if named and "name" in content and content["name"] is None:
            content["name"] = place.name
        return [Request(verb, f"{collection}/{physical}", {key: content}, version)]

    def state(seen: Any) -> State:
        word = str((seen.get(key) or {}).get("status") or "")
        if word in failed:
            return State("failed", f"ResourceInError: Went to status {word}")
        return READY if not ready or word in ready else WORKING

    type_ = ResourceType(
        name,
        properties,
        create,
        lambda answer: str(answer[key][id]),
        lambda physical, given, place: Request("GET", f"{collection}/{physical}", None, version),
        update,
        lambda physical, given, place: Request("DELETE", f"{collection}/{physical}", None, version),
        attributes=attributes or {},
        state=state,
    )
    return replace(type_, **more)
