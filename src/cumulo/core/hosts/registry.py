"""Which hosts there are, what each shall be, and how to tell them.

`touch(tx, host, kind, id)` is what a service calls when its transaction changes what a host must
make of one thing, `remove` when the thing must go: the item gets the host's next version, and the
host's agent is woken after the commit.
"""

from collections.abc import Callable, Sequence
from functools import partial

from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.hosts import queries
from cumulo.core.hosts.model import CloudRow, HostRow, ItemRow, MachineRow, PartRow

ALIVE_SECONDS = 60.0


class HostRegistry:
    """The hosts table, and the bells of the agents that are connected to this process."""

    def __init__(self) -> None:
        self._bells: dict[tuple[str, str], Callable[[], None]] = {}
        self._cloud_id: str | None = None
        """It never changes."""
        self.node_id: str | None = None
        """This control node, where there may be others."""
        self.ring_elsewhere: Callable[[str, str], None] | None = None
        """Told of hosts and kinds that nobody here rings."""

    # --- hosts ------------------------------------------------------------------------------

    def register(self, tx: Tx, host_id: str, kinds: Sequence[str]) -> HostRow:
        """Note that an agent is there; makes the host at its first time."""
        row = HostRow(host_id, 1, list(kinds), True, tx.now, tx.now)
        tx.insert(row, ignore_duplicate=True)
        tx.run(queries.SEEN, key=host_id, seen=tx.now, kinds=list(kinds))
        if self.node_id is not None:
            tx.run(queries.HERE, key=host_id, node=self.node_id)
        for kind in kinds:
            tx.insert(PartRow(host_id, kind, 1, 0, None), ignore_duplicate=True)
        found = self.get(tx, host_id)
        assert found is not None
        return found

    def get(self, tx: Tx, host_id: str) -> HostRow | None:
        return tx.one(queries.GET, id=host_id)

    def some(self, tx: Tx, host_ids: Sequence[str]) -> dict[str, HostRow]:
        """Hosts by their names; those that are no hosts are missing."""
        found = tx.all(queries.BY_IDS, ids=list(host_ids)) if host_ids else []
        return {row.id: row for row in found}

    def is_machine(self, tx: Tx, host_id: str) -> bool:
        """Whether it is one that joined."""
        return tx.get(MachineRow, host_id) is not None

    def are_machines(self, tx: Tx) -> bool:
        """Whether hosts are machines of their own: a disk of one is not on another. (Simulated
        hosts, however many, are one machine.)"""
        return tx.value(queries.ANY_MACHINE) is not None

    def all(self, tx: Tx) -> list[HostRow]:
        return tx.all(queries.ALL)

    def seen(self, tx: Tx, host: HostRow) -> None:
        """It says so to this process: here it is asked, whatever a late hello elsewhere wrote."""
        tx.run(queries.SEEN, key=host.id, seen=tx.now, kinds=host.roles)
        if self.node_id is not None and host.node_id != self.node_id:
            tx.run(queries.HERE, key=host.id, node=self.node_id)

    def enable(self, tx: Tx, host_id: str, wanted: bool) -> None:
        tx.run(queries.ENABLE, key=host_id, wanted=wanted)

    def part(self, tx: Tx, host_id: str, kind: str) -> PartRow | None:
        return tx.one(queries.PART, h=host_id, k=kind)

    def parts(self, tx: Tx, host_ids: Sequence[str]) -> dict[tuple[str, str], PartRow]:
        """All kinds of work of some hosts."""
        found = tx.all(queries.PARTS_OF, ids=list(host_ids)) if host_ids else []
        return {(row.host_id, row.kind): row for row in found}

    def applied(self, tx: Tx, host_id: str, kind: str, generation: int, fault: str | None) -> None:
        tx.run(queries.APPLIED, h=host_id, k=kind, g=generation, why=fault)

    # --- the cloud and its epochs -------------------------------------------------------------

    def cloud_id(self, tx: Tx) -> str:
        if self._cloud_id is None:
            row = tx.one(queries.CLOUD)
            assert row is not None, "core.hosts.lineage makes it at the start"
            self._cloud_id = row.id
        return self._cloud_id

    def grow_epoch(self, tx: Tx, host: HostRow, beyond: int, reason: str) -> HostRow:
        """What was said to this host before does not count any more."""
        epoch = max(host.epoch, beyond) + 1
        emit(tx, "host.epoch.grow", host.id, epoch=epoch, reason=reason)
        for (host_id, _), bell in self._bells.items():
            if host_id == host.id:
                tx.after_commit(bell)
        return tx.update(host, epoch=epoch)

    def grow_epochs(self, tx: Tx, cloud: CloudRow, reason: str) -> None:
        """The same for all hosts."""
        tx.run(queries.GROW_EPOCHS)
        emit(tx, "cloud.epochs.grow", cloud.id, reason=reason)

    # --- items ------------------------------------------------------------------------------

    def touch(self, tx: Tx, host_id: str, kind: str, id: str) -> int:
        """What this host must make of this thing changes with this transaction: its version from
        now on. 0 for a name that is no host's."""
        return self._grow(tx, [host_id], kind, id, gone=False).get(host_id, 0)

    def remove(self, tx: Tx, host_id: str, kind: str, id: str) -> int:
        """This host must remove that thing: the only order that does."""
        return self._grow(tx, [host_id], kind, id, gone=True).get(host_id, 0)

    def leave(self, tx: Tx, host_id: str, kind: str, id: str) -> None:
        """Nothing is said of that thing any more: see `UnknownThings.left`."""
        row = tx.get(ItemRow, host_id, kind, id)
        if row is not None:
            tx.delete(row)

    def touch_all(self, tx: Tx, host_ids: Sequence[str], kind: str, id: str) -> dict[str, int]:
        """The same for all of the hosts that do this kind of work: their versions."""
        return self._grow(tx, host_ids, kind, id, gone=False)

    def remove_all(self, tx: Tx, host_ids: Sequence[str], kind: str, id: str) -> dict[str, int]:
        """All of the hosts must remove that thing."""
        return self._grow(tx, host_ids, kind, id, gone=True)

    def change(
        self, tx: Tx, host_id: str, kind: str, touched: Sequence[str], removed: Sequence[str] = ()
    ) -> int:
        """Several things of one host at once, in one version; 0 for a name that is no host's."""
        version = self._grow(tx, [host_id], kind, None, gone=False).get(host_id, 0)
        for gone, ids in ((False, touched), (True, removed)) if version else ():
            for id in ids:
                tx.run(queries.SET_ITEM, hosts=[host_id], k=kind, i=id, g=gone)
        return version

    def _grow(
        self, tx: Tx, host_ids: Sequence[str], kind: str, id: str | None, *, gone: bool
    ) -> dict[str, int]:
        grown: dict[str, int] = dict(
            tx.changed(queries.GROW, hosts=host_ids, k=kind) if host_ids else []
        )
        if len(host_ids) == 1 and not grown and self.get(tx, host_ids[0]) is not None:
            tx.insert(PartRow(host_ids[0], kind, 1, 0, None))
            grown = {host_ids[0]: 1}
        if id is not None and grown:
            tx.run(queries.SET_ITEM, hosts=list(grown), k=kind, i=id, g=gone)
        for host_id in grown:
            self._ring(tx, host_id, kind)
        return grown

    def _ring(self, tx: Tx, host_id: str, kind: str) -> None:
        bell = self._bells.get((host_id, kind))
        if bell is not None:
            tx.after_commit(bell)
        elif self.ring_elsewhere is not None:
            tx.after_commit(partial(self.ring_elsewhere, host_id, kind))

    def behind(self, tx: Tx) -> list[tuple[str, str]]:
        """Hosts that are connected here and have not got all there is, and the kind of work."""
        return [(str(h), str(k)) for h, k in tx.tuples(queries.BEHIND, node=self.node_id)]

    def ring(self, host_id: str, kind: str) -> None:
        """Another process has touched it."""
        bell = self._bells.get((host_id, kind))
        if bell is not None:
            bell()

    def ring_all(self) -> None:
        """All hosts that are connected here shall ask."""
        for bell in list(self._bells.values()):
            bell()

    def items_since(
        self, tx: Tx, host_id: str, kind: str, since: int, most: int
    ) -> tuple[list[ItemRow], bool]:
        """Items newer than that, the oldest change first; True when there are more. Items of one
        version stay together."""
        rows = tx.all(queries.ITEMS_SINCE, h=host_id, k=kind, since=since, most=most)
        if len(rows) < most:
            return rows, False
        last = rows[-1].version
        kept = [row for row in rows if row.version < last]
        return kept or tx.all(queries.ITEMS_AT, h=host_id, k=kind, version=last), True

    def items(self, tx: Tx, host_id: str, kind: str, ids: Sequence[str]) -> dict[str, ItemRow]:
        found = tx.all(queries.ITEMS_BY_ID, h=host_id, k=kind, ids=ids) if ids else []
        return {row.id: row for row in found}

    def has(self, tx: Tx, host_id: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are items of this host, of whatever kind."""
        return {str(id) for (id,) in tx.tuples(queries.HAS, h=host_id, ids=ids)} if ids else set()

    def versions(self, tx: Tx, host_id: str, kind: str) -> list[tuple[str, int]]:
        return [(str(id), int(v)) for id, v in tx.tuples(queries.VERSIONS, h=host_id, k=kind)]

    def leaving(self, tx: Tx, host_id: str) -> list[ItemRow]:
        """What a host is to remove and has not, of whatever kind."""
        return tx.all(queries.LEAVING, h=host_id)

    def forget(self, tx: Tx, row: ItemRow) -> None:
        """The host has confirmed that nothing is left of it."""
        tx.delete(row)

    def on_wake(self, host_id: str, kind: str, bell: Callable[[], None]) -> None:
        """Ring this after each commit that touches the host's kind."""
        self._bells[(host_id, kind)] = bell

    def no_wake(self, host_id: str) -> None:
        """Nobody is there to be woken."""
        for known in [each for each in self._bells if each[0] == host_id]:
            del self._bells[known]


def is_alive(host: HostRow, now: Moment) -> bool:
    """An agent that was silent for a minute is not given new work."""
    return host.last_seen >= later(now, -ALIVE_SECONDS)
