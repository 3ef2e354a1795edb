"""Accounts: made by the first write, counted with what is in them."""

from collections.abc import Mapping

from cumulo.core.db.transaction import Tx
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.account import AccountRow, project_of
from cumulo.object_store.model.faults import Denied, TooLarge
from cumulo.object_store.model.headers import merged
from cumulo.object_store.queries import account as queries
from cumulo.object_store.service.access import Access

QUOTA = "quota-bytes"


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
        if QUOTA in changes and not access.reseller:
            raise Denied()
        row = self.there(tx, name)
        tx.update(row, metadata=merged(row.metadata, changes))

    def count(
        self, tx: Tx, name: str, *, containers: int = 0, objects: int = 0, bytes: int = 0
    ) -> None:
        tx.run(queries.COUNT, account=name, containers=containers, objects=objects, bytes=bytes)

    def check_room(self, tx: Tx, name: str, more: int) -> None:
        """Raises TooLarge when the account's quota has no room for so many bytes more."""
        row = tx.get(AccountRow, name)
        quota = None if row is None else whole_or_none(row.metadata.get(QUOTA, ""))
        if row is not None and quota is not None and 0 <= quota < row.bytes + more:
            raise TooLarge("Upload exceeds quota.")

    def keys(self, tx: Tx, name: str) -> list[str]:
        """The account's keys for signed URLs."""
        row = tx.get(AccountRow, name)
        return [] if row is None else url_keys(row.metadata)


def url_keys(metadata: Mapping[str, str]) -> list[str]:
    names = ("temp-url-key", "temp-url-key-2")
    return [metadata[name] for name in names if metadata.get(name)]


def owner_of(account: str) -> str | None:
    return project_of(account)
