"""Which host gets a server: a report of why and why not, inside the transaction that asks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.model.server import FlavorSnapshot, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hints import hosts_of
from cumulo.compute.service.hosts import Hosts
from cumulo.core.db.transaction import Tx
from cumulo.placement.interface import Placement

NO_HINTS: Mapping[str, Any] = {}
AT_ONCE = 16
"""Candidates that are read at once; the first one mostly gets the server."""
ROUNDS = 8
EXPLAINED = 50
"""Hosts of which a server that nobody has room for is told why not they."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server goes (None: nowhere), and why."""

    host: str | None
    considered: dict[str, str]
    """host → `chosen`, or why not; of few hosts, and of none but the chosen one where all is
    well."""
    more: int = 0
    """Hosts that `considered` says nothing of."""


class Scheduler:
    def __init__(self, hosts: Hosts, placement: Placement) -> None:
        self._hosts = hosts
        self._placement = placement

    def place(
        self,
        tx: Tx,
        server_id: str,
        flavor: FlavorSnapshot,
        *,
        local_disk: bool,
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
        wanted = resources_of(flavor, local_disk=local_disk)
        only, full, reason = self._by_group(tx, group)
        near, far = hosts_of(tx, hints, project_id)
        never = [*never, *full, *far]
        if near is not None:
            only = [name for name in near if only is None or name in only]
        if host is not None:
            only = [host] if only is None or host in only else []
        search = _Search(server_id, wanted, zone, project_id, user_id)
        considered: dict[str, str] = {}
        for better, worse in self._wishes(tx, group) if host is None and near is None else ():
            found = self._take(tx, search, better, [*never, *worse], {})
            if found is not None:
                return found
        found = self._take(tx, search, only, never, considered)
        if found is not None:
            return found
        return self._nowhere(
            tx,
            wanted,
            zone,
            host,
            (only, never, reason or "it is to be another host"),
            considered,
        )

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
            where = self._hosts.may_be_given(tx, search.zone, only, [*never, *considered])
            found = self._placement.candidates(tx, search.wanted, where, most=AT_ONCE)
            refused = self._hosts.refused(tx, [each.name for each in found])
            considered.update(refused)
            for each in found:
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
                    return Decision(host=each.name, considered={each.name: "chosen"})
                considered[each.name] = "its room was taken at the same time"
            if len(found) < AT_ONCE:
                break
        return None

    def _nowhere(
        self,
        tx: Tx,
        wanted: dict[str, int],
        zone: str | None,
        host: str | None,
        group: "Members",
        considered: dict[str, str],
    ) -> Decision:
        """Host by host why not, for as many as somebody would read."""
        total = self._hosts.count(tx)
        rows = self._hosts.first(tx, EXPLAINED, named=host)
        refused = self._hosts.refused(tx, [row.host_id for row in rows], rows, zone)
        lacks = self._placement.lacks(tx, wanted, [row.host_id for row in rows])
        only, never, reason = group
        for row in rows:
            name = row.host_id
            why = refused.get(name) or considered.get(name)
            if why is None and ((only is not None and name not in only) or name in never):
                why = reason
            considered[name] = why or lacks[name] or "it was not asked"
        if host is not None and host not in considered:
            considered[host] = "there is no such compute host"
        return Decision(host=None, considered=considered, more=max(0, total - len(considered)))

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


Members = tuple[list[str] | None, list[str], str]


def resources_of(flavor: FlavorSnapshot, *, local_disk: bool) -> dict[str, int]:
    """What a server takes of its host."""
    disk = (flavor.disk if local_disk else 0) + flavor.ephemeral + (flavor.swap + 1023) // 1024
    wanted = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    return {name: amount for name, amount in wanted.items() if amount}


def explain(server: ServerRow, decision: Decision) -> str:
    """The details of the fault of a server that nobody has room for."""
    lines = [f"{host}: {reason}" for host, reason in sorted(decision.considered.items())]
    if decision.more:
        lines.append(f"and {decision.more} more hosts")
    return "\n".join(lines) or f"There is no compute host for {server.id}."
