"""Numbers for changes, notes of what they touch, and what follows when all servers have one."""

from collections.abc import Callable

from cumulo.core.clock import seconds_of
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Tx
from cumulo.dns.model.change import COUNTER, SECRETS, ChangeRow, CounterRow
from cumulo.dns.queries import change as queries


class Changes:
    def __init__(self) -> None:
        self.ring: Callable[[], None] = lambda: None
        """Rung, in every process of the cloud, when there is a change."""
        self.announcement = Announcement("dns_changes", lambda: self.ring())
        self._last: tuple[Tx, int] | None = None

    def number(self, tx: Tx) -> int:
        """The number of this transaction's changes."""
        last = self._last  # other threads write it, too, on PostgreSQL
        if last is not None and last[0] is tx:
            return last[1]
        now = int(seconds_of(tx.now))
        found = tx.changed(queries.NEXT, counter=COUNTER, now=now)
        if not found:
            tx.insert(CounterRow(COUNTER, 0), ignore_duplicate=True)
            found = tx.changed(queries.NEXT, counter=COUNTER, now=now)
        tx.after_commit(self.announcement)
        number = int(found[0][0])
        self._last = (tx, number)
        return number

    def note(self, tx: Tx, zone_id: str, name: str = "", type: str = "") -> int:
        """Records that are changed, or, without a name, a whole zone; the number."""
        number = self.number(tx)
        tx.insert(ChangeRow(number, zone_id, name, type), ignore_duplicate=True)
        return number

    def note_secrets(self, tx: Tx) -> int:
        """The keys of other name servers are changed; the number."""
        number = self.number(tx)
        tx.insert(ChangeRow(number, SECRETS, "", ""), ignore_duplicate=True)
        return number

    def newest(self, tx: Tx) -> int:
        row = tx.get(CounterRow, COUNTER)
        return 0 if row is None else row.value

    def since(self, tx: Tx, number: int, most: int) -> list[ChangeRow]:
        """What was touched after a number, in order, `most` notes at the most."""
        return tx.all(queries.SINCE, number=number, most=most)

    def forget(self, tx: Tx, upto: int) -> None:
        """Drop the notes that nobody will read any more."""
        tx.run(queries.FORGET, upto=upto)
