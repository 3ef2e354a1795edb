"""Which hosts there are, and the generation of their desired state.

`touch(tx, host, kind)` is what a service calls when its transaction changes what a host must
do: the generation grows with the change, and the host's agent is woken after the commit.
"""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from cumulo.core.clock import Moment, later
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.model import HostRow, PartRow

ALIVE_SECONDS = 60.0

_h, _p = columns(HostRow), columns(PartRow)
_ALL = query(HostRow, sa.select(HostRow.sql_table).order_by(_h.id))
_GET = query(HostRow, sa.select(HostRow.sql_table).where(_h.id == sa.bindparam("id")))
_SEEN = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(last_seen=sa.bindparam("seen"), roles=sa.bindparam("kinds"))
)
_ENABLE = statement(
    sa.update(HostRow.sql_table)
    .where(_h.id == sa.bindparam("key"))
    .values(enabled=sa.bindparam("wanted"))
)
_PART = query(
    PartRow,
    sa.select(PartRow.sql_table).where(
        _p.host_id == sa.bindparam("h"), _p.kind == sa.bindparam("k")
    ),
)
_GROW = statement(
    sa.update(PartRow.sql_table)
    .where(_p.host_id == sa.bindparam("h"), _p.kind == sa.bindparam("k"))
    .values(generation=_p.generation + 1)
)
_APPLIED = statement(
    sa.update(PartRow.sql_table)
    .where(
        _p.host_id == sa.bindparam("h"),
        _p.kind == sa.bindparam("k"),
        _p.applied <= sa.bindparam("g"),
    )
    .values(applied=sa.bindparam("g"), fault=sa.bindparam("why"))
)


class HostRegistry:
    """The hosts table, and the bells of the agents that are connected to this process."""

    def __init__(self) -> None:
        self._bells: dict[tuple[str, str], Callable[[], None]] = {}

    def register(self, tx: Tx, host_id: str, kinds: Sequence[str]) -> HostRow:
        """Note that an agent is there; makes the host at its first time."""
        row = HostRow(host_id, 1, list(kinds), True, tx.now, tx.now)
        tx.insert(row, ignore_duplicate=True)
        tx.run(_SEEN, key=host_id, seen=tx.now, kinds=list(kinds))
        for kind in kinds:
            tx.insert(PartRow(host_id, kind, 1, 0, None), ignore_duplicate=True)
        found = self.get(tx, host_id)
        assert found is not None
        return found

    def get(self, tx: Tx, host_id: str) -> HostRow | None:
        return tx.one(_GET, id=host_id)

    def all(self, tx: Tx) -> list[HostRow]:
        return tx.all(_ALL)

    def seen(self, tx: Tx, host: HostRow) -> None:
        tx.run(_SEEN, key=host.id, seen=tx.now, kinds=host.roles)

    def enable(self, tx: Tx, host_id: str, wanted: bool) -> None:
        tx.run(_ENABLE, key=host_id, wanted=wanted)

    def part(self, tx: Tx, host_id: str, kind: str) -> PartRow | None:
        return tx.one(_PART, h=host_id, k=kind)

    def touch(self, tx: Tx, host_id: str, kind: str) -> None:
        """The desired state of this kind on this host changes with this transaction."""
        if tx.run(_GROW, h=host_id, k=kind) == 0:
            tx.insert(PartRow(host_id, kind, 1, 0, None), ignore_duplicate=True)
        bell = self._bells.get((host_id, kind))
        if bell is not None:
            tx.after_commit(bell)

    def applied(
        self, tx: Tx, host_id: str, kind: str, generation: int, fault: str | None
    ) -> None:
        tx.run(_APPLIED, h=host_id, k=kind, g=generation, why=fault)

    def on_wake(self, host_id: str, kind: str, bell: Callable[[], None]) -> None:
        """Ring this after each commit that touches the host's kind."""
        self._bells[(host_id, kind)] = bell


def is_alive(host: HostRow, now: Moment) -> bool:
    """An agent that was silent for a minute is not given new work."""
    return host.last_seen >= later(now, -ALIVE_SECONDS)
