"""Which hosts there are, and the generation of their desired state.

`touch(tx, host, kind)` is what a service calls when its transaction changes what a host must
do: the generation grows with the change, and the host's agent is woken after the commit.
"""

from collections.abc import Callable, Sequence

from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts import queries
from cumulo.core.hosts.model import HostRow, PartRow

ALIVE_SECONDS = 60.0


class HostRegistry:
    """The hosts table, and the bells of the agents that are connected to this process."""

    def __init__(self) -> None:
        self._bells: dict[tuple[str, str], Callable[[], None]] = {}

    def register(self, tx: Tx, host_id: str, kinds: Sequence[str]) -> HostRow:
        """Note that an agent is there; makes the host at its first time."""
        row = HostRow(host_id, 1, list(kinds), True, tx.now, tx.now)
        tx.insert(row, ignore_duplicate=True)
        tx.run(queries.SEEN, key=host_id, seen=tx.now, kinds=list(kinds))
        for kind in kinds:
            tx.insert(PartRow(host_id, kind, 1, 0, None), ignore_duplicate=True)
        found = self.get(tx, host_id)
        assert found is not None
        return found

    def get(self, tx: Tx, host_id: str) -> HostRow | None:
        return tx.one(queries.GET, id=host_id)

    def all(self, tx: Tx) -> list[HostRow]:
        return tx.all(queries.ALL)

    def seen(self, tx: Tx, host: HostRow) -> None:
        tx.run(queries.SEEN, key=host.id, seen=tx.now, kinds=host.roles)

    def enable(self, tx: Tx, host_id: str, wanted: bool) -> None:
        tx.run(queries.ENABLE, key=host_id, wanted=wanted)

    def part(self, tx: Tx, host_id: str, kind: str) -> PartRow | None:
        return tx.one(queries.PART, h=host_id, k=kind)

    def touch(self, tx: Tx, host_id: str, kind: str) -> int:
        """The desired state of this kind on this host changes with this transaction: its
        generation from now on. 0 for a name that is no host's."""
        grown = self.touch_all(tx, [host_id], kind)
        if host_id in grown:
            return grown[host_id]
        if self.get(tx, host_id) is None:
            return 0
        tx.insert(PartRow(host_id, kind, 1, 0, None))
        self._ring(tx, host_id, kind)
        return 1

    def touch_all(self, tx: Tx, host_ids: Sequence[str], kind: str) -> dict[str, int]:
        """The same for those of the hosts that do this kind of work: their generations."""
        grown = tx.changed(queries.GROW, hosts=host_ids, k=kind) if host_ids else []
        for host_id, _ in grown:
            self._ring(tx, host_id, kind)
        return dict(grown)

    def _ring(self, tx: Tx, host_id: str, kind: str) -> None:
        bell = self._bells.get((host_id, kind))
        if bell is not None:
            tx.after_commit(bell)

    def applied(self, tx: Tx, host_id: str, kind: str, generation: int, fault: str | None) -> None:
        tx.run(queries.APPLIED, h=host_id, k=kind, g=generation, why=fault)

    def on_wake(self, host_id: str, kind: str, bell: Callable[[], None]) -> None:
        """Ring this after each commit that touches the host's kind."""
        self._bells[(host_id, kind)] = bell


def is_alive(host: HostRow, now: Moment) -> bool:
    """An agent that was silent for a minute is not given new work."""
    return host.last_seen >= later(now, -ALIVE_SECONDS)
