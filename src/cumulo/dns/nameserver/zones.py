"""All zones in memory, as trees of names; what the feed says is put in at its commits.

A node stands for every name that exists: those with records, and those above them that have none
themselves ("empty non-terminals", RFC 4592, 2.2.2), so that a name is known not to exist exactly
when there is no node. Names are lower-case wire bytes; a record is kept as it is sent, all but its
owner: type, class, TTL, length, data.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cumulo.dns.nameserver.catalogs import Catalogs
from cumulo.dns.nameserver.feed import All, Commit, Drop, Gone, Put, Secret, Secrets, Steps, Whole

log = logging.getLogger("cumulo.dns")

SOA = 6
IN = b"\0\x01"
MOST_HISTORY = 50
"""Changes of a zone that are remembered for incremental transfers."""
MOST_HISTORY_RECORDS = 2000


@dataclass(slots=True)
class Rrset:
    """Records of one type; `tails`: each without its owner's name."""

    tails: list[bytes]

    @classmethod
    def of(cls, kind: int, ttl: int, packed: bytes) -> "Rrset":
        head = kind.to_bytes(2, "big") + IN + ttl.to_bytes(4, "big")
        tails = []
        index = 0
        while index < len(packed):
            end = index + 2 + int.from_bytes(packed[index : index + 2], "big")
            tails.append(head + packed[index:end])
            index = end
        return cls(tails)


class Node:
    __slots__ = ("children", "sets")

    def __init__(self) -> None:
        self.sets: dict[int, Rrset] = {}
        self.children = 0


@dataclass(slots=True)
class Change:
    """From one serial number to the next: (owner, tails) that went and that came."""

    before: int
    after: int
    old: bytes | None = None
    new: bytes | None = None
    """The tails of the SOA before and after."""
    gone: list[tuple[bytes, list[bytes]]] = field(default_factory=list)
    come: list[tuple[bytes, list[bytes]]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(tails) for _, tails in (*self.gone, *self.come))


class Zone:
    """One zone. `version` grows with each commit that changes it."""

    def __init__(
        self,
        name: bytes,
        id: str = "",
        pool_id: str = "",
        project_id: str = "",
        masters: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.id = id
        self.pool_id = pool_id
        self.project_id = project_id
        self.masters = frozenset(masters)
        self.apex = Node()
        self.nodes: dict[bytes, Node] = {name: self.apex}
        self.version = 0
        self.negative: bytes = b""
        """The SOA's tail as it goes with "there is no such thing" (RFC 2308, 3)."""
        self.serial = 0
        self.history: deque[Change] = deque(maxlen=MOST_HISTORY)

    @property
    def soa(self) -> bytes | None:
        """None: there is nothing to serve yet."""
        found = self.apex.sets.get(SOA)
        return None if found is None else found.tails[0]

    def put(self, name: bytes, kind: int, rrset: Rrset) -> Rrset | None:
        """The set that was there before. A name outside of the zone is left out: what is wrong with
        one zone must harm no other."""
        node = self.nodes.get(name)
        if node is None:
            if not self._holds(name):
                log.error("a name is not in its zone: %r in %r", name, self.name)
                return None
            node = self._grow(name)
        old = node.sets.get(kind)
        node.sets[kind] = rrset
        if kind == SOA and node is self.apex:
            self._read_soa(rrset.tails[0])
        return old

    def drop(self, name: bytes, kind: int) -> Rrset | None:
        node = self.nodes.get(name)
        old = None if node is None else node.sets.pop(kind, None)
        if old is not None:
            self._shrink(name)
        return old

    def _read_soa(self, tail: bytes) -> None:
        self.serial = int.from_bytes(tail[-20:-16], "big")
        least = min(tail[4:8], tail[-4:])
        self.negative = tail[:4] + least + tail[8:]

    def _holds(self, name: bytes) -> bool:
        while name != self.name:
            if not name[0]:
                return False
            name = name[1 + name[0] :]
        return True

    def _grow(self, name: bytes) -> Node:
        """The node of a name, with all that are missing above it."""
        made = node = self.nodes[name] = Node()
        while True:
            name = name[1 + name[0] :]
            above = self.nodes.get(name)
            if above is not None:
                above.children += 1
                return made
            node = self.nodes[name] = Node()
            node.children = 1

    def _shrink(self, name: bytes) -> None:
        """Take away the nodes that stand for nothing any more."""
        while name != self.name:
            node = self.nodes[name]
            if node.sets or node.children:
                return
            del self.nodes[name]
            name = name[1 + name[0] :]
            self.nodes[name].children -= 1


def _place(zone: Zone) -> tuple[bytes, str, bool]:
    """What a catalog goes by: others are told of zones that there is something of."""
    return zone.name, zone.pool_id, zone.soa is not None


class World:
    """All zones. `version` grows with each commit."""

    def __init__(self, catalogs: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self.zones: dict[bytes, Zone] = {}
        self.names: dict[str, bytes] = {}
        self.catalogs = Catalogs(catalogs)
        for pool_id, catalog in catalogs.items():
            id = Catalogs.id_of(pool_id)
            self.names[id] = catalog
            self.zones[catalog] = Zone(catalog, id, pool_id)
        self.version = 0
        self.layout = 0
        """Grows when zones come or go: a name may then belong to another one."""
        self.ready = False
        """The first commit has come: what is not here does not exist."""
        self.changed: set[bytes] = set()
        """Names of the zones that the last commit has changed."""
        self.secrets: dict[bytes, Secret] = {}
        """By their names, in lower case."""
        self._making: dict[str, Zone] = {}
        self._later: list[Put | Drop | Gone] = []
        self._all = False
        self._loaded = False
        """The last commit was of all that there is."""

    def take(self, steps: Steps) -> int | None:
        """Follow the feed; the number of the last commit in these steps, if there was one."""
        number = None
        for step in steps:
            if isinstance(step, Commit):
                self._commit(step.number)
                number = step.number
            elif isinstance(step, Whole):
                self._making[step.zone_id] = Zone(
                    step.name, step.zone_id, step.pool_id, step.project_id, step.masters
                )
            elif isinstance(step, All):
                self._making, self._later, self._all = {}, [], True
            elif isinstance(step, Secrets):
                self.secrets = {each.name: each for each in step.secrets}
            elif isinstance(step, Put) and step.zone_id in self._making:
                rrset = Rrset.of(step.type, step.ttl, step.records)
                self._making[step.zone_id].put(step.name, step.type, rrset)
            elif isinstance(step, Put | Drop | Gone):
                self._later.append(step)
        return number

    def zone_of(self, name: bytes) -> Zone | None:
        """The nearest zone at or above a name."""
        zones = self.zones
        while True:
            found = zones.get(name)
            if found is not None:
                return found
            if not name[0]:
                return None
            name = name[1 + name[0] :]

    def _commit(self, number: int) -> None:
        self.version += 1
        self.ready = True
        if self._loaded:
            # While all zones were read some of them changed, and are in catalogs whose number is
            # that of before. This commit's is that of after.
            self.catalogs.again()
        self._loaded = self._all
        if self._all:
            self._forget_others()
        self.changed = {zone.name for zone in self._making.values()}
        for zone_id, zone in self._making.items():
            other = self.zones.get(zone.name)
            if other is not None and other.id != zone_id:
                self._remove(other.id)  # it has gone in the same commits
            old = self.zones.get(self.names.get(zone_id, b""))
            if old is None or (old.name, old.project_id) != (zone.name, zone.project_id):
                self.layout += 1
            stays = old is not None and _place(old) == _place(zone)
            self._remove(zone_id, leaves=not stays)
            if not stays:
                self.catalogs.come(zone)
            self.names[zone_id] = zone.name
            self.zones[zone.name] = zone
        changes: dict[bytes, Change] = {}
        told = [step for step in self._later if not isinstance(step, Gone)]
        for step in self._later:
            if isinstance(step, Gone):
                self._remove(step.zone_id)
                self.layout += 1
        for step in (*told, *self.catalogs.steps(number)):
            name = self.names.get(step.zone_id)
            if name is not None:
                zone = self.zones[name]
                change = changes.setdefault(name, Change(zone.serial, zone.serial, zone.soa))
                self._apply(zone, step, change)
        for name, change in changes.items():
            if name in self.zones:
                self._note(self.zones[name], change)
                self.changed.add(name)
        self._making = {}
        self._later = []

    def _forget_others(self) -> None:
        """Zones that are not among those that come now are gone; catalogs are made here."""
        self._all = False
        catalogs = {Catalogs.id_of(pool_id) for pool_id in self.catalogs.names}
        for zone_id in self.names.keys() - self._making.keys() - catalogs:
            self._remove(zone_id)
            self.layout += 1

    def _remove(self, zone_id: str, *, leaves: bool = True) -> None:
        """`leaves`: its pool, too."""
        name = self.names.pop(zone_id, None)
        if name is not None:
            zone = self.zones.pop(name)
            # Answers that were kept of it are not good any more.
            zone.version = -1
            if leaves:
                self.catalogs.gone(zone)

    @staticmethod
    def _apply(zone: Zone, step: Put | Drop, change: Change) -> None:
        if isinstance(step, Put):
            new = Rrset.of(step.type, step.ttl, step.records)
            old = zone.put(step.name, step.type, new)
        else:
            new, old = None, zone.drop(step.name, step.type)
        if step.type == SOA and step.name == zone.name:
            return
        before = set(old.tails) if old else set()
        after = set(new.tails) if new else set()
        change.gone.append((step.name, [t for t in (old.tails if old else ()) if t not in after]))
        change.come.append((step.name, [t for t in (new.tails if new else ()) if t not in before]))

    @staticmethod
    def _note(zone: Zone, change: Change) -> None:
        zone.version += 1
        change.after, change.new = zone.serial, zone.soa
        if change.after == change.before or change.old is None or change.new is None:
            # Not a step that a secondary could follow.
            zone.history.clear()
            return
        zone.history.append(change)
        while zone.history and sum(each.size for each in zone.history) > MOST_HISTORY_RECORDS:
            zone.history.popleft()
