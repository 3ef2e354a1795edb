"""How a service describes itself to the cloud: its `assembly.py` holds one `Assembly`.

    ASSEMBLY = Assembly(
        "dns",
        build,
        catalog=(CatalogEntry("dns", (), "/dns"),),
        settings=DnsSettings,
    )

    def build(frame: Frame) -> Service:
        dns = DnsService(frame.database, frame.get(Identity))
        frame.give(Zones, dns.zones)
        return Service(dns, faces=[dns_face(dns, frame.rules("dns", RULES))])

`cumulo.wiring` builds the services in the order of `cumulo.order`, each from what the ones before
it gave; it knows none of them. What is found by its place in the service's folder needs no word
here: `settings.py`, `migrations/` (one Alembic branch), `debian.txt` (its Debian packages),
`panels.py` (what the dashboard shows of it).
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.shelf import Shelf
from cumulo.core.blobs.tickets import Tickets
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.consumers import Consumer
from cumulo.core.events.feed import Feed
from cumulo.core.events.types import EventType
from cumulo.core.hosts import lineage
from cumulo.core.hosts.conductor import Conductor, Part
from cumulo.core.hosts.link import Uplink
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.hosts.work import HostPart
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Face
from cumulo.core.nodes.nodes import Nodes
from cumulo.core.nodes.shared import Shared
from cumulo.core.quotas.quotas import Quotas, UnifiedLimits
from cumulo.core.resource_types import Finder, ResourceType
from cumulo.core.usage import Metered
from cumulo.core.work.jobs import Jobs
from cumulo.core.work.reconciler import Reconciler
from cumulo.settings import Settings

P = TypeVar("P")

Bells = Mapping[str, Callable[[], None]]
"""A reconciler's name → what wakes it."""


class NotGiven(Exception):
    """A service asked for what no service before it in the order has given."""


class Principals(Protocol):
    """Whom the rules are asked about; identity gives it."""

    def __call__(self, tx: Tx, user: str) -> Sequence[Principal]:
        """A user's name or id → what tokens could say of it, one for each scope."""


class UserNames(Protocol):
    """What users are called; identity gives it."""

    def __call__(self, tx: Tx, ids: Collection[str]) -> Mapping[str, str]:
        """Ids → names, of those that there are."""


class RotateKeys(Protocol):
    """New keys for a ring of secrets; identity gives it."""

    def __call__(self, ring: str, who: Principal) -> Awaitable[str]: ...


@dataclass(frozen=True)
class CatalogEntry:
    """A service in the catalog, at `path` below the cloud's own URL."""

    type: str
    """The official type, as the service types authority has it."""
    aliases: tuple[str, ...]
    """Other types that clients look for."""
    path: str
    name: str = ""
    """As tools look for it, and as other clouds call it; empty: `cumulo-TYPE`."""


@dataclass
class Frame:
    """What services are built on, and what they have given one another so far."""

    settings: Settings
    database: Database
    registry: HostRegistry
    conductor: Conductor
    assemblies: Sequence["Assembly"]
    """Of all services: what they bring as data, whatever their order."""
    caller: Caller = field(default_factory=Caller)
    """Calls any service's operations for a principal, inside the process; once all are built."""
    machines: Machines = field(init=False)
    """Hosts that join from other machines."""
    nodes: Nodes = field(init=False)
    """The control nodes: this one and the others."""
    feed: Feed = field(init=False)
    """The live feed of events."""
    jobs: Jobs = field(init=False)
    """Where a service adds its kinds of jobs, and begins them."""
    tickets: Tickets = field(init=False)
    """For content that hosts on other machines read."""
    _given: dict[Any, Any] = field(default_factory=dict)

    def keeps_unknown(self) -> bool:
        """Bytes that no row knows may be of rows that an older copy of the database lacks."""
        return lineage.keeps_unknown(self.settings.data_dir)

    @property
    def catalog(self) -> list[CatalogEntry]:
        """Of all services."""
        return [entry for each in self.assemblies for entry in each.catalog]

    def __post_init__(self) -> None:
        self.machines = Machines(self.registry, self.settings.secrets_dir)
        shared = Shared(self.settings.data_dir, self.database)
        self.nodes = Nodes(self.settings, self.database, self.machines, shared)
        self.feed = Feed(self.database)
        self.jobs = Jobs(self.database)
        self.tickets = Tickets.kept_in(self.settings.secrets_dir / "ticket-key")

    def give(self, protocol: type[P], implementation: P) -> None:
        """Offer an implementation of a Protocol of some `interface.py` to the others."""
        self._given[protocol] = implementation

    def get(self, protocol: type[P]) -> P:
        """What a service before this one has given. Raises NotGiven."""
        if protocol not in self._given:
            raise NotGiven(f"{protocol.__module__}.{protocol.__name__}")
        return cast(P, self._given[protocol])

    def later(self, protocol: type[P]) -> Callable[[], P | None]:
        """What a service further up gives, bound late: None as long as (or where) nobody does,
        which means that the feature is off. The Protocol is the lower service's own."""
        return lambda: self._given.get(protocol)

    def quotas(
        self,
        service: str,
        defaults: Mapping[str, int],
        *,
        more: Callable[[Tx], Sequence[str]] | None = None,
        legacy: Mapping[str, str] | None = None,
    ) -> Quotas:
        """The service's quotas, under what identity's unified limits say of its resources; see
        `core.quotas.quotas`. Limits may be registered for any of its catalog types."""
        official = service.replace("_", "-")
        aliases = (each.aliases for each in self.catalog if each.type == official)
        types = (official, *(name for each in aliases for name in each))
        region = self.settings.region

        def unified(tx: Tx, project_id: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
            limits = self._given.get(UnifiedLimits)
            if limits is None:
                return {}, {}
            return cast(UnifiedLimits, limits).of_project(tx, types, project_id, region)

        return Quotas(service, defaults, unified=unified, more=more, legacy=legacy)

    def rules(
        self,
        service: str,
        defaults: dict[str, str],
        scopes: dict[str, tuple[str, ...]] | None = None,
    ) -> Rules:
        """The service's policy: its defaults, under the operator's `policy/SERVICE.yaml`."""
        path = self.settings.data_dir / "policy" / f"{service}.yaml"
        return Rules(defaults, path=path, scopes=scopes)


@dataclass
class HostFrame:
    """What the host's side of a service is made for: one host of this process."""

    settings: Settings
    name: str
    number: int
    """0 is the first of the simulated hosts, and the only real one."""
    folder: Path
    """The host's own, below the data directory."""
    joined: bool = False
    """A machine beside the control plane's."""
    uplink: Uplink | None = None
    """For what a driver asks of the control plane (a guest's metadata); None where none is."""
    shelf: Shelf = field(init=False)
    """The content of images on this host, for all kinds of work."""

    def __post_init__(self) -> None:
        contents = (lambda: None) if self.uplink is None else self.uplink.contents
        self.shelf = Shelf(self.folder / "cache", contents)

    @property
    def fake(self) -> bool:
        return self.settings.fake

    def tunnel_address(self) -> str | None:
        """This machine's end of tunnels to other hosts; None: it has none (yet)."""
        if self.settings.networks.guest or self.uplink is None:
            return self.settings.networks.guest or None
        return self.uplink.local_address()


@dataclass(frozen=True)
class HostKind:
    """One kind of work on hosts."""

    kind: str
    make: Callable[[HostFrame], HostPart | None]
    """The agent's side; None where this host does no such work."""
    sweep: float
    """Seconds between two looks at the machine when nobody asked for anything."""
    stop: Callable[[HostFrame, bool], Awaitable[int]] | None = None
    """Stop what runs on the machine while no control plane does; with True remove it, too. How
    many guests that were."""
    joined: bool = True
    """Whether machines that joined do this work, too."""


@dataclass
class Service:
    """One built service: what it brings to the cloud."""

    facade: Any
    """The service itself, as `Cloud.services` shows it."""
    faces: Sequence[Face] = ()
    parts: Sequence[Part] = ()
    """The conductor's side of work on hosts."""
    reconcilers: Sequence[Reconciler] = ()
    on_bells: Callable[[Bells], None] | None = None
    """Told how each reconciler is woken, by its name."""
    consumers: Sequence[Consumer] = ()
    """Who of it follows the events of all services."""
    workers: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    """What else runs until it is cancelled."""
    counts: Mapping[str, Callable[[Tx], int]] = field(default_factory=dict)
    """What `cumulo status` counts: the noun's plural → how many."""
    faults: Callable[[Tx], Mapping[str, str]] | None = None
    """Host → why it can do nothing of the service's work, as far as its reports say so."""
    first_run: Callable[[Sequence["AgentParts"]], Awaitable[None]] | None = None
    """Makes what a new cloud has before anybody asks. Idempotent: run at each start."""
    close: Callable[[], None] | None = None
    has_files: bool = False
    """What it keeps is in files of one control node, too: there its reconcilers and workers run,
    and there the others send requests for bytes (operations of the kind `stream`)."""


@dataclass(frozen=True)
class AgentParts:
    """A host of this process: its name, and the host's side of each kind of work."""

    host_id: str
    parts: Mapping[str, HostPart]


@dataclass(frozen=True)
class Assembly:
    """A service's description of itself."""

    name: str
    build: Callable[[Frame], Service]
    catalog: Sequence[CatalogEntry] = ()
    events: Sequence[EventType] = ()
    """All that it emits, from its `interface.py`."""
    hosts: Sequence[HostKind] = ()
    resource_types: Sequence[ResourceType] = ()
    """What templates can ask of it."""
    finders: Sequence[Finder] = ()
    meters: Sequence[Metered[Any]] = ()
    """What of it is paid for."""
    """How names in templates become ids of its things."""
