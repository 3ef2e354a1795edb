"""What is on hosts and in no item: shown, and decided upon by an operator.

A thing gets here when a copy of the database was restored that is older than the thing, when a
machine is given to another cloud, or when somebody put it there. Nothing is removed for that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts import queries
from cumulo.core.hosts.messages import Stranger
from cumulo.core.hosts.model import UnknownRow
from cumulo.core.hosts.registry import HostRegistry

MOST = 1000
"""Of one kind on one host: more are as good as that many."""


class UnknownThings:
    def __init__(self, registry: HostRegistry) -> None:
        self._registry = registry

    def all(self, tx: Tx) -> list[UnknownRow]:
        return tx.all(queries.UNKNOWN, most=MOST)

    def on(self, tx: Tx, host_id: str, kind: str) -> list[UnknownRow]:
        """What one host has of a kind: MOST at most."""
        return tx.all(queries.UNKNOWN_ON, h=host_id, k=kind)

    def left(self, tx: Tx, host_id: str, kind: str, id: str, facts: Mapping[str, Any]) -> None:
        """Its service says nothing more of it: it stays there as it is. The host finds out at its
        next audit; what it has is known before."""
        self._registry.leave(tx, host_id, kind, id)
        row = UnknownRow(host_id, kind, id, dict(facts), tx.now)
        tx.insert(row, ignore_duplicate=True)

    def counts(self, tx: Tx) -> list[tuple[str, str, int]]:
        """(host, kind, how many)"""
        return [(str(h), str(k), int(n)) for h, k, n in tx.tuples(queries.UNKNOWN_COUNTS)]

    def get(self, tx: Tx, host_id: str, kind: str, id: str) -> UnknownRow:
        row = tx.get(UnknownRow, host_id, kind, id)
        if row is None:
            raise NotFound(f"There is no unknown {kind} {id} on host {host_id}.")
        return row

    def note(self, tx: Tx, host_id: str, kind: str, found: Sequence[Stranger]) -> None:
        """These, and no others, are on the host now."""
        before = {row.id: row for row in tx.all(queries.UNKNOWN_ON, h=host_id, k=kind)}
        now = {each.id: each for each in found[:MOST]}
        for id, row in before.items():
            if id not in now:
                tx.delete(row)
        for id, each in now.items():
            known = before.get(id)
            if known is None:
                tx.insert(UnknownRow(host_id, kind, id, each.facts, tx.now))
                emit(tx, "host.unknown.found", id, host=host_id, kind=kind)
            elif known.facts != each.facts:
                tx.update(known, facts=each.facts)

    def remove(self, tx: Tx, host_id: str, kind: str, id: str) -> None:
        """An operator has decided: the host removes it."""
        row = self.get(tx, host_id, kind, id)
        if not row.facts.get("removable", True):
            raise BadRequest(f"{kind} {id} cannot be removed from here.")
        emit(tx, "host.unknown.remove", id, host=host_id, kind=kind)
        self._registry.remove(tx, host_id, kind, id)
        tx.delete(row)

    def adopted(self, tx: Tx, row: UnknownRow, detail: Mapping[str, Any]) -> None:
        """Its service has made rows for it."""
        emit(tx, "host.unknown.adopt", row.id, host=row.host_id, kind=row.kind, told=dict(detail))
        tx.delete(row)
