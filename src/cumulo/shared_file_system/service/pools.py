"""Which host takes a new share, and how much each has promised."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.shared_file_system.model.capabilities import lacks
from cumulo.shared_file_system.model.message import NO_CAPABILITY, NO_HOST, NO_ROOM, Why
from cumulo.shared_file_system.model.pool import PoolRow
from cumulo.shared_file_system.model.type import TypeRow
from cumulo.shared_file_system.queries import pool as queries

KIND = "shared_file_system"
ZONE = "nova"


class Found(NamedTuple):
    host_id: str | None
    reasons: list[str]
    """Of each host that was not chosen."""
    why: Why
    """The same in one word, for when none was."""


class Pools:
    def __init__(self, registry: HostRegistry) -> None:
        self._registry = registry

    def all(self, tx: Tx) -> Sequence[PoolRow]:
        return tx.all(queries.ALL)

    def faults(self, tx: Tx) -> dict[str, str]:
        """By host: why it keeps no shares."""
        return {pool.host_id: pool.fault for pool in self.all(tx) if pool.fault}

    def take(
        self,
        tx: Tx,
        size: int,
        kind: TypeRow,
        *,
        only: str | None = None,
        without: Collection[str] = (),
    ) -> Found:
        """A host with room, whose room is taken; and why the others were not chosen."""
        lack = lacks(kind.extra_specs)
        if lack is not None:
            wish = kind.extra_specs[lack]
            return Found(
                None, [f"no pool has {lack} as share type {kind.name} asks: {wish}"], NO_CAPABILITY
            )
        reasons: list[str] = []
        why = NO_HOST
        pools = {pool.host_id: pool for pool in self.all(tx)}
        hosts = [host for host in self._registry.all(tx) if KIND in host.roles]
        hosts.sort(key=lambda host: pools[host.id].allocated_gb if host.id in pools else 0)
        for host in hosts:
            pool = pools.get(host.id)
            if only is not None and host.id != only:
                reasons.append(f"{host.id}: it must be on {only}")
            elif host.id in without:
                reasons.append(f"{host.id}: a share that it must not be with is there")
            elif not host.enabled:
                reasons.append(f"{host.id}: disabled")
            elif not is_alive(host, tx.now):
                reasons.append(f"{host.id}: not heard of since {host.last_seen[:19]}")
            elif pool is not None and pool.fault is not None:
                reasons.append(f"{host.id}: {pool.fault}")
            else:
                empty = PoolRow(host.id, "", None, 0, 0, None, None, tx.now)
                tx.insert(empty, ignore_duplicate=True)
                if tx.run(queries.TAKE, h=host.id, n=size):
                    return Found(host.id, reasons, why)
                reasons.append(f"{host.id}: no room for {size} GiB")
                why = NO_ROOM
        return Found(None, reasons or ["no host keeps shares"], why)

    def say_disabled(self, tx: Tx, host_id: str, reason: str | None) -> None:
        """Why its host takes no new shares; the registry keeps whether."""
        row = tx.get(PoolRow, host_id)
        if row is not None:
            tx.update(row, disabled_reason=reason)

    def grow(self, tx: Tx, host_id: str, amount: int) -> bool:
        return tx.run(queries.TAKE, h=host_id, n=amount) > 0

    def give_back(self, tx: Tx, host_id: str | None, size: int) -> None:
        if host_id is not None:
            tx.run(queries.GIVE, h=host_id, n=size)
