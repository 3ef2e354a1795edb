"""Accounts: made by the first write, counted with what is in them."""

from collections.abc import Mapping

from cumulo.core.db.transaction import Tx
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.account import AccountRow
from cumulo.object_store.model.container import POLICY, ContainerRow
from cumulo.object_store.model.faults import BadInput, Denied, TooLarge
from cumulo.object_store.model.headers import merged
from cumulo.object_store.queries import account as queries
from cumulo.object_store.service.access import Access

PLAIN = ("quota-bytes", "quota-count")
OF_POLICY = tuple(f"{name}-policy-{POLICY}" for name in PLAIN)
QUOTAS = (*PLAIN, *OF_POLICY)
"""Of all, and of what is in containers of a storage policy, of which there is one."""


class Accounts:
    def show(self, tx: Tx, name: str) -> AccountRow:
        """The account; an empty one as long as nothing was written to it."""
        found = tx.get(AccountRow, name)
        return found or AccountRow(name, timestamps.now(), 0, 0, 0, {})

    def there(self, tx: Tx, name: str) -> AccountRow:
        """The account, made now if need be."""
        found = tx.get(AccountRow, name)
        if found is None:
            found = AccountRow(name, timestamps.now(), 0, 0, 0, {})
            tx.insert(found)
        return found

    def post(self, tx: Tx, name: str, changes: Mapping[str, str], access: Access) -> None:
        """Raises Denied for a quota that is not the caller's to set."""
        access.check_account(writing=True)
        access.check_keys(changes)
        if any(name in changes for name in QUOTAS) and not access.reseller:
            raise Denied()
        check_quotas(changes)
        row = self.there(tx, name)
        tx.update(row, metadata=merged(row.metadata, changes))

    def count(
        self, tx: Tx, name: str, *, containers: int = 0, objects: int = 0, bytes: int = 0
    ) -> None:
        tx.run(queries.COUNT, account=name, containers=containers, objects=objects, bytes=bytes)

    def check_room(self, tx: Tx, name: str, *, objects: int, bytes: int) -> None:
        """Raises TooLarge when the account's quotas have no room for so much more."""
        row = tx.get(AccountRow, name)
        if row is not None:
            check_room(row, objects=objects, bytes=bytes)

    def keys(self, tx: Tx, name: str) -> list[str]:
        """The account's keys for signed URLs."""
        row = tx.get(AccountRow, name)
        return [] if row is None else url_keys(row.metadata)


def url_keys(metadata: Mapping[str, str]) -> list[str]:
    names = ("temp-url-key", "temp-url-key-2")
    return [metadata[name] for name in names if metadata.get(name)]


def check_quotas(changes: Mapping[str, str]) -> None:
    """Raises BadInput for a quota that is no number."""
    for name in QUOTAS:
        if changes.get(name) and _quota(changes, name) is None:
            raise BadInput(f"Invalid {'bytes' if 'bytes' in name else 'count'} quota.")


def check_room(row: AccountRow | ContainerRow, *, objects: int, bytes: int) -> None:
    """Raises TooLarge when there is more than its quotas allow with so much more."""
    for most_bytes, most_objects in (
        (_quota(row.metadata, n) for n in PLAIN),
        (_quota(row.metadata, n) for n in OF_POLICY),
    ):
        if most_bytes is not None and bytes > 0 and row.bytes + bytes > most_bytes:
            raise TooLarge("Upload exceeds quota.")
        if most_objects is not None and objects > 0 and row.objects + objects > most_objects:
            raise TooLarge("Upload exceeds quota.")


def _quota(metadata: Mapping[str, str], name: str) -> int | None:
    found = whole_or_none(metadata.get(name, ""))
    return None if found is None or found < 0 else found
