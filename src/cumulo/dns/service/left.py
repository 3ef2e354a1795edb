"""What the cloud's own name servers answer for although nobody has it here: abandoned zones.

Designate forgets such a zone and leaves it on its name servers, so that names go on while others
take the zone over. The cloud's own servers have what is in the database and nothing else; so the
zone's content stays there, as it was, until its project (or who may edit managed records) makes a
zone of that name, or an operator ends it. Nobody else makes one there, below or above it.
"""

from cumulo.core.db.transaction import Tx
from cumulo.dns.model.left import LeftRow, Sets, packed
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import left as queries
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.refusals import bad_request, not_found

MOST = 1000


class Left:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def keep(self, tx: Tx, row: ZoneRow, sets: Sets) -> None:
        """A zone is abandoned."""
        if int(tx.value(queries.COUNT)) >= MOST:
            raise bad_request(f"There are {MOST} abandoned zones, and no more are kept")
        content = packed(sets)
        tx.insert(LeftRow(row.id, row.name, row.pool_id, row.project_id, content, tx.now))

    def end(self, tx: Tx, name: str) -> bool:
        """It is answered for no more as it was. Whether there was an abandoned zone."""
        row = tx.one(queries.NAMED, name=name)
        if row is None:
            return False
        tx.delete(row)
        self._changes.note(tx, row.id)
        return True

    def end_of(self, tx: Tx, name: str) -> None:
        """An operator wants it answered for no more. Raises NotFound."""
        if not self.end(tx, f"{name.lower().rstrip('.')}."):
            raise not_found("Zone", "zone")

    def all(self, tx: Tx) -> list[LeftRow]:
        """MOST at the most, by name."""
        return tx.all(queries.ALL)

    def find(self, tx: Tx, id: str) -> LeftRow | None:
        return tx.get(LeftRow, id)

    def after(self, tx: Tx, id: str) -> LeftRow | None:
        """The next one by id."""
        return tx.one(queries.AFTER, id=id)

    def has(self, tx: Tx, name: str) -> bool:
        """Whether there is an abandoned zone of that name."""
        return tx.one(queries.NAMED, name=name) is not None

    def any(self, tx: Tx) -> bool:
        return int(tx.value(queries.COUNT)) > 0
