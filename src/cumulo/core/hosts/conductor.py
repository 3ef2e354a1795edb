"""The conductor: the only way from a host to the database.

It answers an agent's Fetch out of one read transaction and stores a Report in one write
transaction, each item of it in a savepoint of its own, through the service that owns the kind
(`Part`). A host sees only what is placed on it, since every Part is asked with the host's own id,
and may speak only of items that it was given.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from cumulo.core.blobs.content import Content
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Conflict
from cumulo.core.hosts.digest import digest_of
from cumulo.core.hosts.fetches import Fetches, Wish
from cumulo.core.hosts.lines import Line, SocketLine
from cumulo.core.hosts.long import TellsChanges, does
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.messages import (
    Answer,
    Ask,
    Fetch,
    Gone,
    Item,
    Items,
    Report,
    Seen,
    Taken,
)
from cumulo.core.hosts.model import HostRow, PartRow, UnknownRow
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.core.hosts.samples import Sample, SampleSink
from cumulo.core.hosts.unknown import UnknownThings

log = logging.getLogger("cumulo.hosts")

AT_ONCE = 100
ID_LENGTH = 36
"""Of an id; parts of a thing are named by its id and more (`SERVER-disk0`)."""
SKEW_SECONDS = 600.0
PAGE = 500
"""Items in one answer, and in one report."""


class Part(Protocol):
    """The control plane's side of one kind of work on hosts; each service's `part.py` has one.

    The types say what travels: an item's state, what is seen of an item, and what a host says of
    itself (`NoneType`: nothing).
    """

    kind: str
    item_type: Any
    seen_type: Any
    host_type: Any

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, Any]:
        """id → what this host has to make of it, an `item_type`. What is not answered for is not
        sent: neither an order to make nor to remove."""

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        """Take over what the host sees of one of its items. `newest`: it has today's order of it;
        otherwise facts may be taken over, but nothing is fulfilled."""

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        """The host has removed it, as it was told to (there may be no row any more)."""

    def host(self, tx: Tx, host_id: str, state: Any) -> None:
        """Take over what the host says of itself, a `host_type`."""

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        """Make rows for something unknown on a host, for a project; what was made, in a few
        words. Raises BadRequest when that cannot be."""


@runtime_checkable
class Answers(Protocol):
    """A `Part` that hosts may ask something."""

    async def query(self, host_id: str, question: str, arguments: Mapping[str, Any]) -> Any:
        """Plain values. Only about what is placed on that host. Raises HostDown."""


@runtime_checkable
class Leaves(Protocol):
    """A `Part` that keeps rows of hosts."""

    def host_left(self, tx: Tx, host_id: str) -> None:
        """The host is no host any more; nothing of this kind is on it."""


@runtime_checkable
class Reads(Protocol):
    """A `Part` whose items are made of content (of images)."""

    def contents(self, state: Any) -> Sequence[Content]:
        """What a host needs for an item."""


class HostDown(Exception):
    """That host gives no answer: it is not connected, or refuses."""


class HostAway(HostDown):
    """It did not hear the question, or its answer was not heard: it may come back."""


class _Asker(NamedTuple):
    """How an agent is asked, and by what connection."""

    ask: Callable[[Ask], Any]
    owner: object
    line: Callable[[Ask], Awaitable[Line]] | None


class Elsewhere(Protocol):
    """The other control nodes."""

    async def ask(self, node_id: str, host_id: str, ask: Ask) -> Answer: ...
    async def line(self, node_id: str, host_id: str, ask: Ask) -> Line:
        """Raises HostDown."""


class Conductor:
    """One per control plane process."""

    def __init__(self, database: Database, registry: HostRegistry) -> None:
        self.database = database
        self.registry = registry
        self.unknown = UnknownThings(registry)
        self.parts: dict[str, Any] = {}
        self._fetches = Fetches(database, self._fetch_all)
        self._askers: dict[str, _Asker] = {}

    elsewhere: Elsewhere | None = None
    """Where there are other control nodes."""
    sink: SampleSink | None = None
    """Who keeps samples, where somebody does."""

    def add(self, parts: Iterable[Part]) -> None:
        """What the services do on hosts."""
        self.parts |= {part.kind: part for part in parts}

    # --- items ------------------------------------------------------------------------------

    async def fetch(self, host_id: str, message: Fetch) -> Items:
        answer = await self._fetches.ask(host_id, message)
        if isinstance(answer, Items):
            return answer

        def renew(tx: Tx) -> None:
            host = self.registry.get(tx, host_id)
            assert host is not None, host_id
            known = self.registry.part(tx, host_id, message.kind)
            if known is not None and self._is_behind(tx, host, known, message):
                self.registry.grow_epoch(tx, host, message.mark.epoch, answer)

        log.warning("%s: %s", host_id, answer)
        await self.database.write(renew, name=f"epoch {message.kind}")
        found = await self._fetches.ask(host_id, message)
        assert isinstance(found, Items), found
        return found

    def _fetch_all(self, tx: Tx, wishes: Sequence[Wish]) -> list[Items | str]:
        ids = sorted({wish.host_id for wish in wishes})
        hosts, parts = self.registry.some(tx, ids), self.registry.parts(tx, ids)
        return [
            self._fetch(
                tx, hosts[w.host_id], parts[w.host_id, w.message.kind], w.host_id, w.message
            )
            for w in wishes
        ]

    def _fetch(
        self, tx: Tx, host: HostRow, known: PartRow, host_id: str, message: Fetch
    ) -> Items | str:
        """The answer, or why the host's epoch has to grow first."""
        behind = self._is_behind(tx, host, known, message)
        if behind is not None:
            return behind
        cloud = self.registry.cloud_id(tx)
        since, mark = message.since, message.mark
        if (mark.cloud, mark.epoch) != (cloud, host.epoch):
            since = None
        if since is not None and message.digest is not None:
            versions = self.registry.versions(tx, host_id, message.kind)
            if digest_of(pair for pair in versions if pair[1] <= since) != message.digest:
                log.warning("%s: what the host has of %s differs", host_id, message.kind)
                since = None
        rows, more = self.registry.items_since(tx, host_id, message.kind, since or 0, PAGE)
        upto = rows[-1].version if more else max(known.generation, since or 0)
        if message.again:
            asked = self.registry.items(tx, host_id, message.kind, message.again[:PAGE])
            rows = [*rows, *(r for r in asked.values() if r.version <= (since or 0) and not r.gone)]
        states = self.parts[message.kind].items(
            tx, host_id, [row.id for row in rows if not row.gone]
        )
        if message.has and does(self.parts[message.kind], TellsChanges):
            states = self._as_changes(self.parts[message.kind], states, message.has)
        return Items(
            kind=message.kind,
            cloud=cloud,
            epoch=host.epoch,
            upto=upto,
            whole=since is None,
            changed=[
                Item(row.id, row.version, states[row.id])
                for row in rows
                if not row.gone and row.id in states
            ],
            gone=[Gone(row.id, row.version) for row in rows if row.gone],
            more=more,
        )

    def _as_changes(
        self, part: TellsChanges, states: Mapping[str, Any], has: Mapping[str, str]
    ) -> dict[str, Any]:
        told = dict(states)
        for id in has.keys() & states.keys():
            change = part.change(has[id], states[id])
            if change is not None:
                told[id] = change
        return told

    def _is_behind(self, tx: Tx, host: HostRow, known: PartRow, message: Fetch) -> str | None:
        """Why this database must be an older copy, if the host has seen newer orders of it."""
        mark = message.mark
        if mark.cloud != self.registry.cloud_id(tx) or mark.epoch < host.epoch:
            return None
        if message.rewound:
            return "the host has newer orders than it was sent"
        if mark.epoch > host.epoch:
            return f"the host has seen epoch {mark.epoch}, here it is {host.epoch}"
        if mark.version > known.generation:
            return f"the host has seen version {mark.version}, here it is {known.generation}"
        return None

    async def report(self, host_id: str, message: Report) -> Taken:
        return await self.database.write(
            lambda tx: self._report(tx, host_id, message), name=f"report {message.kind}"
        )

    def _report(self, tx: Tx, host_id: str, message: Report) -> Taken:
        part: Part = self.parts[message.kind]
        host = self.registry.get(tx, host_id)
        ours = (self.registry.cloud_id(tx), None if host is None else host.epoch)
        if ours != (message.cloud, message.epoch):
            log.warning("a report of %s for an older epoch is refused", host_id)
            return Taken(stale=True)
        refused: dict[str, str] = {}

        def take(name: str, work: Callable[[], None]) -> None:
            error = tx.attempt(work)
            if error is not None:
                log.error("%s %s of %s", message.kind, name, host_id, exc_info=error)
                refused[name] = f"{type(error).__name__}: {error}"

        if message.host is not None:
            take("", lambda: part.host(tx, host_id, message.host))
        for seen in message.items[:PAGE]:
            take(seen.id, lambda seen=seen: self._take(tx, part, host_id, seen, refused))  # type: ignore[misc]
        if message.unknown is not None:
            self.unknown.note(tx, host_id, message.kind, message.unknown)
        self.registry.applied(tx, host_id, message.kind, message.upto, message.trouble)
        return Taken(refused)

    def _take(self, tx: Tx, part: Part, host_id: str, seen: Seen, refused: dict[str, str]) -> None:
        # Read one by one: what one item's taking over does may change the next one's.
        row = self.registry.items(tx, host_id, part.kind, [seen.id]).get(seen.id)
        if row is None:
            if not seen.gone:  # else it was said before
                refused[seen.id] = "it is not an item of this host"
        elif not seen.gone:
            part.seen(tx, host_id, seen, newest=seen.version == row.version)
        elif row.gone and seen.version == row.version:
            self.registry.forget(tx, row)
            part.gone(tx, host_id, seen.id)
        else:
            refused[seen.id] = "it is not to be removed"

    async def failed(self, host_id: str, kind: str, generation: int, reason: str) -> None:
        """The agent could not do anything of this kind at all."""
        await self.database.write(
            lambda tx: self.registry.applied(tx, host_id, kind, generation, reason),
            name=f"failed {kind}",
        )

    # --- the rest ---------------------------------------------------------------------------

    async def samples(self, host_id: str, samples: Sequence[Sample]) -> None:
        """Numbers that a host has seen of what is on it, just now; all else is dropped."""
        if self.sink is None:
            return
        named = sorted({each.resource_id[:ID_LENGTH] for each in samples})
        known: set[str] = set()
        for first in range(0, len(named), PAGE):
            some = named[first : first + PAGE]
            known |= await self.database.read(
                lambda tx, some=some: self.registry.has(tx, host_id, some)  # type: ignore[misc]
            )
        now = time.time()
        kept = [
            each
            for each in samples
            if each.resource_type != "host"
            and each.resource_id[:ID_LENGTH] in known
            and abs(each.at - now) < SKEW_SECONDS
        ]
        # Of itself a host tells what it likes, and of no other.
        kept += [
            msgspec.structs.replace(each, resource_id=host_id)
            for each in samples
            if each.resource_type == "host" and abs(each.at - now) < SKEW_SECONDS
        ]
        if kept:
            await self.sink.take(host_id, kept)

    async def heartbeat(self, host_id: str) -> None:
        def write(tx: Tx) -> None:
            host = self.registry.get(tx, host_id)
            if host is not None:
                self.registry.seen(tx, host)

        await self.database.write(write, name="heartbeat")

    def connect(
        self,
        host_id: str,
        asker: Callable[[Ask], Any],
        *,
        owner: object = None,
        liner: Callable[[Ask], Awaitable[Line]] | None = None,
    ) -> None:
        """An agent is connected; `asker` is an async function that puts a question to it, `owner`
        its connection, for `disconnect`. `liner`: the same for one that is answered by a line,
        where the answer itself cannot be (`asker`'s is a socket then)."""
        self._askers[host_id] = _Asker(asker, owner, liner)

    def disconnect(self, host_id: str, owner: object) -> None:
        """That connection has ended; another one of the host may be there already."""
        known = self._askers.get(host_id)
        if known is not None and known.owner is owner:
            del self._askers[host_id]
            self.registry.no_wake(host_id)

    def connected(self, host_id: str) -> bool:
        return host_id in self._askers

    async def ask(self, host_id: str, kind: str, question: str, **arguments: Any) -> Any:
        """Put a question to a host. Raises HostDown when it is not there or refuses."""
        message = Ask(kind, question, arguments)
        there = await self._elsewhere(host_id)
        if there is None:
            answer = await self.asked_here(host_id, message)
        else:
            other, node_id = there
            answer = await other.ask(node_id, host_id, message)
        if answer.refused is not None:
            raise (HostAway if answer.away else HostDown)(answer.refused)
        return answer.value

    async def line(self, host_id: str, kind: str, question: str, **arguments: Any) -> Line:
        """The same where the answer is a line. Raises HostDown."""
        message = Ask(kind, question, arguments)
        there = await self._elsewhere(host_id)
        if there is None:
            return await self.line_here(host_id, message)
        other, node_id = there
        return await other.line(node_id, host_id, message)

    async def _elsewhere(self, host_id: str) -> tuple[Elsewhere, str] | None:
        """The other node that a host is connected with."""
        if self.elsewhere is None:
            return None
        # A connection that is half dead may still be known here.
        row = await self.database.read(lambda tx: self.registry.get(tx, host_id))
        if row is None or row.node_id in (None, self.registry.node_id):
            return None
        return self.elsewhere, row.node_id

    async def asked_here(self, host_id: str, message: Ask) -> Answer:
        """Of a host that is connected with this process. Raises HostDown."""
        answer: Answer = await self._asker(host_id).ask(message)
        return answer

    async def line_here(self, host_id: str, message: Ask) -> Line:
        known = self._asker(host_id)
        if known.line is not None:
            return await known.line(message)
        answer: Answer = await known.ask(message)
        if answer.refused is not None:
            raise HostDown(answer.refused)
        return SocketLine(answer.value)

    def _asker(self, host_id: str) -> "_Asker":
        known = self._askers.get(host_id)
        if known is None:
            raise HostAway(f"host {host_id} is not connected")
        return known

    async def query(
        self, host_id: str, kind: str, question: str, arguments: Mapping[str, Any]
    ) -> Any:
        """A host asks what only the control plane knows. Raises HostDown where there is no
        answer."""
        part = self.parts.get(kind)
        if not isinstance(part, Answers):
            raise HostDown(f"{kind} has no answer to {question[:100]!r}")
        return await part.query(host_id, question, arguments)

    async def needs(self, host_id: str, content: Content) -> bool:
        """Whether something of that host is made of this content: of any other it is told
        nothing. The newest things first, some at a time."""
        for kind, part in self.parts.items():
            if not isinstance(part, Reads):
                continue
            known = await self.database.read(
                lambda tx, kind=kind: self.registry.versions(tx, host_id, kind)  # type: ignore[misc]
            )
            ids = [id for id, _ in sorted(known, key=lambda pair: -pair[1])]
            for first in range(0, len(ids), AT_ONCE):
                some = ids[first : first + AT_ONCE]
                states = await self.database.read(
                    lambda tx, part=part, some=some: part.items(tx, host_id, some)  # type: ignore[misc]
                )
                if any(c.id == content.id for s in states.values() for c in part.contents(s)):
                    return True
        return False

    def remove_host(self, tx: Tx, machines: Machines, host_id: str) -> None:
        """It is no host any more, in any service. Raises NotFound; Conflict as long as anything is
        on it. What it was to remove and has not: a living one is waited for, for a dead one nobody
        has to."""
        host = machines.check_empty(tx, host_id)
        leaving = self.registry.leaving(tx, host_id)
        if leaving and is_alive(host, tx.now):
            raise Conflict(f"{host_id} is still removing {len(leaving)} things. Try again soon.")
        for item in leaving:
            if item.kind in self.parts:
                self.parts[item.kind].gone(tx, host_id, item.id)
            self.registry.forget(tx, item)
        for part in self.parts.values():
            if isinstance(part, Leaves):
                part.host_left(tx, host_id)
        machines.remove(tx, host_id)

    def adopt(self, tx: Tx, host_id: str, kind: str, id: str, project_id: str) -> Mapping[str, Any]:
        """An operator gives something unknown to a project."""
        row = self.unknown.get(tx, host_id, kind, id)
        made = self.parts[kind].adopt(tx, row, project_id)
        self.unknown.adopted(tx, row, made)
        return dict(made)
