"""Which host gets a server: a report of why and why not, inside the transaction that asks.

Placement's database finds who has room and the traits, the emptiest (or the fullest) first, a few
at a time; of those the filters look at each.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from cumulo.compute.model.cells import Layout, layout_of
from cumulo.compute.model.hypervisor import HypervisorRow, ServerGroupRow
from cumulo.compute.model.server import FlavorSnapshot, ImageRef, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.filters import Asked, Filters, HostFacts
from cumulo.compute.service.hints import hosts_of
from cumulo.compute.service.hosts import Hosts
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.placement.interface import Candidate, Placement

NO_HINTS: Mapping[str, Any] = {}
AT_ONCE = 16
"""Candidates that are read at once; the first one mostly gets the server."""
ROUNDS = 8
EXPLAINED = 50
"""Hosts of which a server that nobody has room for is told why not they."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server goes (None: nowhere), and why."""

    host: str | None
    on: HypervisorRow | None = None
    """The same, all of it."""
    considered: dict[str, str]
    """host → `chosen`, or why not; of few hosts, and of none but the chosen one where all is
    well."""
    more: int = 0
    """Hosts that `considered` says nothing of."""


class Weights(NamedTuple):
    """How much what is left of each resource counts; below zero: the fullest host is the best."""

    ram: float = 1.0
    cpu: float = 0.0
    disk: float = 0.0

    @property
    def first(self) -> tuple[str, float]:
        """The class that counts most: hosts are found in its order."""
        each = {"MEMORY_MB": self.ram, "VCPU": self.cpu, "DISK_GB": self.disk}
        return max(each.items(), key=lambda pair: abs(pair[1]))

    @property
    def several(self) -> bool:
        """Hosts are not found in the order of all that counts."""
        return sum(1 for weight in self if weight) > 1


class Choice(NamedTuple):
    """How hosts are chosen, by the cloud's settings."""

    filters: Filters = Filters()
    weights: Weights = Weights()


USUAL_CHOICE = Choice()


class Scheduler:
    def __init__(self, hosts: Hosts, placement: Placement, choice: Choice = USUAL_CHOICE) -> None:
        self._hosts = hosts
        self._placement = placement
        self._filters, self._weights = choice

    def place(
        self,
        tx: Tx,
        server_id: str,
        flavor: FlavorSnapshot,
        *,
        image: ImageRef | None,
        zone: str | None,
        host: str | None,
        group: ServerGroupRow | None,
        project_id: str,
        user_id: str,
        never: Sequence[str] = (),
        hints: Mapping[str, Any] = NO_HINTS,
    ) -> Decision:
        """Choose a host and take its resources; the first that has room, the emptiest first. What
        is read does not grow with the number of hosts."""
        wanted = resources_of(flavor, image)
        only, full, reason = self._by_group(tx, group)
        near, far = hosts_of(tx, hints, project_id)
        never = [*never, *full, *far]
        if near is not None:
            only = [name for name in near if only is None or name in only]
        if host is not None:
            only = [host] if only is None or host in only else []
        traits = traits_of(flavor, image)
        asked = Asked(flavor, image, project_id, hints)
        search = _Search(server_id, wanted, zone, project_id, user_id, traits, asked)
        considered: dict[str, str] = {}
        for better, worse in self._wishes(tx, group) if host is None and near is None else ():
            found = self._take(tx, search, better, [*never, *worse], {})
            if found is not None:
                return found
        found = self._take(tx, search, only, never, considered)
        if found is not None:
            return found
        group_says = (only, never, reason or "it is to be another host")
        return self._nowhere(tx, search, host, group_says, considered)

    def _take(
        self,
        tx: Tx,
        search: "_Search",
        only: list[str] | None,
        never: Sequence[str],
        considered: dict[str, str],
    ) -> Decision | None:
        """The first host that has room for it, and gives it."""
        for _ in range(ROUNDS):
            found = self._candidates(tx, search, only, [*never, *considered])
            for some in (found,) if self._weights.several else (found[:1], found[1:]):
                # The first mostly will do: no others are looked at, unless they may be better.
                decision = self._claim_of(tx, search, some, considered) if some else None
                if decision is not None:
                    return decision
            if len(found) < AT_ONCE:
                break
        return None

    def _claim_of(
        self,
        tx: Tx,
        search: "_Search",
        found: Sequence[Candidate],
        considered: dict[str, str],
    ) -> Decision | None:
        """Room on the best of these that will do."""
        names = [each.name for each in found]
        rows = self._hosts.rows(tx, names)
        refused = self._hosts.refused(tx, names, rows)
        refused |= self._unfit(tx, search.asked, [r for r in rows if r.host_id not in refused])
        considered.update(refused)
        for each in self._weighed(tx, rows, found):
            if each.name in refused:
                continue
            if self._placement.claim(
                tx,
                search.server_id,
                each.provider_id,
                search.wanted,
                project_id=search.project_id,
                user_id=search.user_id,
            ):
                return Decision(
                    host=each.name,
                    on=next(row for row in rows if row.host_id == each.name),
                    considered={each.name: "chosen"},
                )
            considered[each.name] = "its room was taken at the same time"
        return None

    def _candidates(
        self, tx: Tx, search: "_Search", only: list[str] | None, never: Sequence[str]
    ) -> list[Candidate]:
        needed, unwanted = search.traits
        where = self._hosts.may_be_given(
            tx, search.zone, only, never, required=needed, forbidden=unwanted
        )
        by, weight = self._weights.first
        return self._placement.candidates(
            tx, search.wanted, where, most=AT_ONCE, by=by, fullest=weight < 0
        )

    def _unfit(self, tx: Tx, asked: Asked, rows: Sequence[HypervisorRow]) -> dict[str, str]:
        """Which of these the filters refuse, and why; only what they ask for is read."""
        names = [row.host_id for row in rows]
        used: dict[str, dict[str, int]] = {}
        servers: dict[str, int] = {}
        metadata: dict[str, dict[str, frozenset[str]]] = {}
        if self._filters.reads_use(asked):
            used, servers = self._hosts.used(tx, rows), self._hosts.servers_on(tx, names)
        if self._filters.reads_aggregates(asked):
            metadata = self._hosts.metadata_of(tx, names)
        found = {}
        for row in rows:
            id = row.host_id
            facts = HostFacts(row, used.get(id, {}), servers.get(id, 0), metadata.get(id, {}))
            reason = self._filters.refusal(facts, asked)
            if reason is not None:
                found[id] = reason
        return found

    def _weighed(
        self, tx: Tx, rows: Sequence[HypervisorRow], found: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """In the order of all weights; as they were found where only one counts."""
        weights = self._weights
        if len(found) < 2 or not weights.several:
            return found
        used, left = self._hosts.used(tx, rows), {}
        for row in rows:
            have, taken = row.resources, used[row.host_id]
            left[row.host_id] = (
                have.memory_mb - taken["MEMORY_MB"],
                have.vcpus - taken["VCPU"],
                have.disk_gb - taken["DISK_GB"],
            )
        spans = [_span([each[place] for each in left.values()]) for place in range(3)]

        def weight(one: Candidate) -> float:
            each = left.get(one.name, (0, 0, 0))
            return sum(
                factor * (value - low) / (high - low)
                for factor, value, (low, high) in zip(weights, each, spans, strict=True)
                if high > low
            )

        return sorted(found, key=weight, reverse=True)

    def _nowhere(
        self,
        tx: Tx,
        search: "_Search",
        host: str | None,
        group: "Members",
        considered: dict[str, str],
    ) -> Decision:
        """Host by host why not, for as many as somebody would read."""
        total = self._hosts.count(tx)
        rows = self._hosts.first(tx, EXPLAINED, named=host)
        refused = self._hosts.refused(tx, [row.host_id for row in rows], rows, search.zone)
        lacks = self._placement.lacks(tx, search.wanted, [row.host_id for row in rows])
        strange = self._strange(tx, search, rows)
        only, never, reason = group
        for row in rows:
            name = row.host_id
            why = refused.get(name) or considered.get(name)
            if why is None and ((only is not None and name not in only) or name in never):
                why = reason
            considered[name] = why or lacks[name] or strange.get(name) or "it was not asked"
        if host is not None and host not in considered:
            considered[host] = "there is no such compute host"
        return Decision(host=None, considered=considered, more=max(0, total - len(considered)))

    def _strange(self, tx: Tx, search: "_Search", rows: Sequence[HypervisorRow]) -> dict[str, str]:
        """Which of these lack a trait, or have one that is not wanted."""
        needed, unwanted = search.traits
        if not needed and not unwanted:
            return {}
        traits = self._placement.traits_of(tx, [row.uuid for row in rows])
        found = {}
        for row in rows:
            lacking = sorted(set(needed) - traits[row.uuid])
            surplus = sorted(set(unwanted) & traits[row.uuid])
            if lacking:
                found[row.host_id] = f"it lacks {', '.join(lacking)}"
            elif surplus:
                found[row.host_id] = f"it has {', '.join(surplus)}"
        return found

    def _wishes(
        self, tx: Tx, group: ServerGroupRow | None
    ) -> list[tuple[list[str] | None, list[str]]]:
        """Of a soft policy: (only these hosts, not those) that are better than any other, the best
        first; whoever has no room there goes anywhere."""
        if group is None or not group.members or not group.policy.startswith("soft-"):
            return []
        counts = self._counts(tx, group)
        if group.policy == "soft-affinity":
            return [([name], []) for name, _ in counts.most_common(ROUNDS)]
        fewest = sorted(counts.items(), key=lambda pair: pair[1])[:ROUNDS]
        return [(None, list(counts)), *(([name], []) for name, _ in fewest)]

    def _counts(self, tx: Tx, group: ServerGroupRow) -> Counter[str]:
        found = tx.tuples(queries.COUNT_OF_GROUP, ids=group.members)
        return Counter({str(host): int(count) for host, count in found})

    def _by_group(self, tx: Tx, group: ServerGroupRow | None) -> "Members":
        """The only hosts that the group lets it go to (None: any), those that it does not, and
        why."""
        if group is None or not group.members:
            return None, [], ""
        counts = self._counts(tx, group)
        if group.policy == "affinity" and counts:
            return sorted(counts), [], "the server group is elsewhere"
        if group.policy == "anti-affinity":
            most = group.rules.get("max_server_per_host", 1)
            full = [name for name, count in counts.items() if count >= most]
            return None, full, "it has a server of the group"
        return None, [], ""


class _Search(NamedTuple):
    """What is looked for, and for whom."""

    server_id: str
    wanted: dict[str, int]
    zone: str | None
    project_id: str
    user_id: str
    traits: tuple[list[str], list[str]]
    """Those that it needs, and those that it must not have."""
    asked: Asked


Members = tuple[list[str] | None, list[str], str]


_RESOURCE = re.compile(r"resources\w*:([A-Z0-9_]+)")
_TRAIT = re.compile(r"trait\w*:([A-Z0-9_]+)")


def resources_of(flavor: FlavorSnapshot, image: ImageRef | None) -> dict[str, int]:
    """What a server takes of its host. The flavor's extra specs `resources:CLASS` have the last
    word (0: nothing of it); groups with numbers are taken of the same host. Raises BadRequest."""
    disk = (0 if image is None else flavor.disk) + flavor.ephemeral + (flavor.swap + 1023) // 1024
    processors = "PCPU" if layout(flavor, image).dedicated else "VCPU"
    wanted = {processors: flavor.vcpus, "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    said: Counter[str] = Counter()
    for name, text in flavor.extra_specs.items():
        match = _RESOURCE.fullmatch(name)
        if match is None:
            continue
        if not text.isdecimal() or len(text) > 9:
            raise BadRequest(f"Invalid extra spec of the flavor: {name:.80}: {text:.40}")
        said[match[1]] += int(text)
    return {name: amount for name, amount in {**wanted, **said}.items() if amount}


def layout(flavor: FlavorSnapshot, image: ImageRef | None) -> Layout:
    """Raises BadRequest."""
    properties = {} if image is None else image.properties
    try:
        return layout_of(flavor.vcpus, flavor.ram, flavor.extra_specs, properties)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def traits_of(flavor: FlavorSnapshot, image: ImageRef | None) -> tuple[list[str], list[str]]:
    """(needed, unwanted) traits of a host, by the flavor's extra specs and the image's
    properties."""
    said = {**({} if image is None else image.properties), **flavor.extra_specs}
    found: dict[str, set[str]] = {"required": set(), "forbidden": set()}
    for name, word in said.items():
        match = _TRAIT.fullmatch(name)
        if match is not None and word in found:
            found[word].add(match[1])
    return sorted(found["required"]), sorted(found["forbidden"])


def _span(values: Sequence[int]) -> tuple[int, int]:
    return min(values, default=0), max(values, default=0)


def explain(server: ServerRow, decision: Decision) -> str:
    """The details of the fault of a server that nobody has room for."""
    lines = [f"{host}: {reason}" for host, reason in sorted(decision.considered.items())]
    if decision.more:
        lines.append(f"and {decision.more} more hosts")
    return "\n".join(lines) or f"There is no compute host for {server.id}."
