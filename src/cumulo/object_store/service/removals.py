"""What rows let go of: noted in the same transaction, removed from the disks by a reconciler.

A blob may have several rows (copies): the one that is removed last takes the bytes along. A blob
that somebody is reading now is left until they are done.
"""

from collections import Counter
from collections.abc import Callable

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.work.reconciler import backoff
from cumulo.object_store.model import lock
from cumulo.object_store.model.container import RemovalRow
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import VersionRow
from cumulo.object_store.queries import container as queries
from cumulo.object_store.queries import object as object_queries
from cumulo.object_store.queries import version as version_queries

PARTS_AT_ONCE = 500
BUSY = 5.0
"""Seconds until a blob that is being read is looked at again."""


class Removals:
    def __init__(self) -> None:
        self.ring: Callable[[], None] = lambda: None
        """Wakes the reconciler."""
        self.readers: Counter[str] = Counter()
        """Blobs that answers of this process are reading."""

    def of(self, tx: Tx, row: ObjectRow | VersionRow, *, bypass: bool = False) -> None:
        """The bytes of an object that is removed or replaced. Raises Denied for what is locked:
        whoever comes here, it stays. `bypass`: although it is governed."""
        lock.check_removal(row.extra, bypass=bypass)
        if row.blob is not None:
            self.blob(tx, row.blob)
        if row.assembly is not None:
            self.parts(tx, row.assembly)

    def blob(self, tx: Tx, blob: str) -> None:
        self._note(tx, blob, "blob")

    def parts(self, tx: Tx, assembly: str) -> None:
        self._note(tx, assembly, "parts")

    def _note(self, tx: Tx, id: str, kind: str) -> None:
        tx.insert(RemovalRow(id, kind, 0, tx.now, ""), ignore_duplicate=True)
        tx.after_commit(self.ring)

    def due(self, tx: Tx, most: int) -> list[RemovalRow]:
        return tx.all(queries.DUE, now=tx.now, most=most)

    def unused(self, tx: Tx, row: RemovalRow) -> bool:
        """True when nothing has the blob any more: its file may go. False: the removal is over
        or put off. Nobody can come to have it later, for copies are made of rows."""
        if self.readers[row.id]:
            tx.update(row, due=later(tx.now, BUSY))
            return False
        for query in (
            object_queries.OBJECTS_WITH_BLOB,
            object_queries.PARTS_WITH_BLOB,
            version_queries.WITH_BLOB,
        ):
            if tx.value(query, blob=row.id) is not None:
                tx.delete(row)
                return False
        return True

    def expand(self, tx: Tx, row: RemovalRow) -> None:
        """Some of an assembly's parts; all of them after a few calls, once nobody reads them."""
        if self.readers[row.id]:
            tx.update(row, due=later(tx.now, BUSY))
            return
        for query in (object_queries.OBJECTS_WITH_PARTS, version_queries.WITH_PARTS):
            if tx.value(query, assembly=row.id) is not None:
                tx.delete(row)
                return
        parts = tx.all(object_queries.PARTS, assembly=row.id, after=-1, most=PARTS_AT_ONCE)
        for part in parts:
            if part.blob is not None:
                self.blob(tx, part.blob)
            tx.delete(part)
        if len(parts) < PARTS_AT_ONCE:
            tx.delete(row)

    def done(self, tx: Tx, row: RemovalRow) -> None:
        tx.delete(row)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        row = tx.get(RemovalRow, id)
        if row is not None:
            attempts = row.attempts + 1
            due = later(tx.now, backoff(attempts))
            tx.update(row, attempts=attempts, due=due, reason=reason)

    def unknown(self, tx: Tx, blobs: list[str]) -> list[str]:
        """Which of them no row has."""
        if not blobs:
            return []
        known: set[str] = set()
        for query in (
            object_queries.KNOWN_OBJECTS,
            object_queries.KNOWN_PARTS,
            version_queries.KNOWN,
        ):
            known |= {blob for (blob,) in tx.tuples(query, blobs=blobs)}
        return [blob for blob in blobs if blob not in known]
