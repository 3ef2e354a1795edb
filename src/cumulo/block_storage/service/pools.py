"""Which host takes a new volume, and how much each has promised."""

from collections.abc import Sequence

from cumulo.block_storage.model.pool import PoolRow
from cumulo.block_storage.queries import pool as queries
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.registry import ALIVE_SECONDS, HostRegistry, is_alive

KIND = "block_storage"
CANDIDATES = 8
MOST_REASONS = 50


class Pools:
    def __init__(self, registry: HostRegistry) -> None:
        self._registry = registry

    def all(self, tx: Tx) -> Sequence[PoolRow]:
        return tx.all(queries.ALL)

    def take(self, tx: Tx, size: int, *, only: str | None = None) -> tuple[str | None, list[str]]:
        """A host with room, whose room is taken; and why the others were not chosen."""
        if only is None:
            since = later(tx.now, -ALIVE_SECONDS)
            found = tx.tuples(queries.CANDIDATES, n=size, alive_since=since, most=CANDIDATES)
        else:
            found = [(only,)]
        for (host_id,) in found:
            host = self._registry.get(tx, host_id)
            if host is None or not host.enabled or not is_alive(host, tx.now):
                continue
            if tx.run(queries.TAKE, h=host_id, n=size):
                return str(host_id), []
        return self._take_anyhow(tx, size, only)

    def _take_anyhow(self, tx: Tx, size: int, only: str | None) -> tuple[str | None, list[str]]:
        """The same host by host: one that has not told of its pool yet is taken, too."""
        reasons = []
        for host in self._registry.all(tx):
            if KIND not in host.roles:
                continue
            if only is not None and host.id != only:
                reasons.append(f"{host.id}: the source is on {only}")
            elif not host.enabled:
                reasons.append(f"{host.id}: disabled")
            elif not is_alive(host, tx.now):
                reasons.append(f"{host.id}: not heard of since {host.last_seen[:19]}")
            else:
                tx.insert(PoolRow(host.id, "", None, 0, 0, tx.now), ignore_duplicate=True)
                if tx.run(queries.TAKE, h=host.id, n=size):
                    return host.id, reasons
                pool = tx.get(PoolRow, host.id)
                frozen = pool is not None and pool.frozen
                reasons.append(f"{host.id}: {'frozen' if frozen else f'no room for {size} GiB'}")
        if len(reasons) > MOST_REASONS:
            reasons = [*reasons[:MOST_REASONS], f"and {len(reasons) - MOST_REASONS} more hosts"]
        return None, reasons or ["no host keeps volumes"]

    def refuse_frozen(self, tx: Tx, host_id: str | None) -> None:
        """400: what is on a frozen host stays as it is."""
        pool = None if host_id is None else tx.get(PoolRow, host_id)
        if pool is not None and pool.frozen:
            raise BadRequest(f"Invalid volume: its host {host_id} is frozen.")

    def grow(self, tx: Tx, host_id: str, amount: int) -> bool:
        return tx.run(queries.TAKE, h=host_id, n=amount) > 0

    def give_back(self, tx: Tx, host_id: str | None, size: int) -> None:
        if host_id is not None:
            tx.run(queries.GIVE, h=host_id, n=size)
