"""Which host gets a server: a report of why and why not, inside the transaction that asks."""

from collections.abc import Sequence

import msgspec

from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.model.server import FlavorSnapshot, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hosts import Hosts
from cumulo.core.db.transaction import Tx
from cumulo.placement.interface import Placement


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server goes (None: nowhere), and the whole table that led to it."""

    host: str | None
    free: dict[str, int]
    considered: dict[str, str]
    """host → `chosen`, `has room`, or why not"""


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
    ) -> Decision:
        """Choose a host and take its resources; the first that has room, the emptiest first."""
        names, considered = self._hosts.schedulable(tx, zone)
        if host is not None:
            considered.update({name: "another host is asked for" for name in names if name != host})
            names = [name for name in names if name == host]
        names = self._by_group(tx, names, considered, group)
        wanted = resources_of(flavor, local_disk=local_disk)
        candidates, rejected = self._placement.candidates(tx, wanted, among=names)
        considered.update({each.name: each.reason for each in rejected})
        chosen, free = None, {}
        for candidate in candidates:
            if chosen is not None:
                considered[candidate.name] = "has room"
            elif self._placement.claim(
                tx,
                server_id,
                candidate.provider_id,
                wanted,
                project_id=project_id,
                user_id=user_id,
            ):
                chosen, free = candidate.name, candidate.free
                considered[chosen] = "chosen"
            else:
                considered[candidate.name] = "its room was taken at the same time"
        return Decision(host=chosen, free=free, considered=considered)

    def _by_group(
        self,
        tx: Tx,
        names: Sequence[str],
        considered: dict[str, str],
        group: ServerGroupRow | None,
    ) -> list[str]:
        if group is None or not group.members:
            return list(names)
        members = queries.SERVERS.page(tx, where={"ids": group.members, "existing": True})
        counts: dict[str, int] = {}
        for row in members:
            if row.host_id is not None:
                counts[row.host_id] = counts.get(row.host_id, 0) + 1
        if group.policy == "affinity" and counts:
            reason, fit = "the server group is elsewhere", set(counts)
        elif group.policy == "anti-affinity":
            most = group.rules.get("max_server_per_host", 1)
            reason = "it has a server of the group"
            fit = {name for name in names if counts.get(name, 0) < most}
        else:
            return list(names)
        considered.update({name: reason for name in names if name not in fit})
        return [name for name in names if name in fit]


def resources_of(flavor: FlavorSnapshot, *, local_disk: bool) -> dict[str, int]:
    """What a server takes of its host."""
    disk = (flavor.disk if local_disk else 0) + flavor.ephemeral + (flavor.swap + 1023) // 1024
    wanted = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    return {name: amount for name, amount in wanted.items() if amount}


def explain(server: ServerRow, decision: Decision) -> str:
    """The details of the fault of a server that nobody has room for."""
    lines = [f"{host}: {reason}" for host, reason in sorted(decision.considered.items())]
    return "\n".join(lines) or f"There is no compute host for {server.id}."
