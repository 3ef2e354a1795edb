"""What is known of containers that are sent on to others."""

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.sync import OPTION, SyncedRow, SyncRow
from cumulo.object_store.queries import sync as queries


def note(tx: Tx, container_id: str, name: bytes, timestamp: str | None) -> None:
    """What the other container has of a name now; None: nothing."""
    row = tx.get(SyncedRow, container_id, name)
    if timestamp is None:
        if row is not None:
            tx.delete(row)
    elif row is None:
        tx.insert(SyncedRow(container_id, name, timestamp))
    else:
        tx.update(row, timestamp=timestamp)


def follow(tx: Tx, old: ContainerRow | None, new: ContainerRow | None) -> None:
    """A container is made, changed or removed: it is sent on from now on, to somebody else, or no
    more."""
    before = "" if old is None else (old.options.get(OPTION) or {}).get("to", "")
    after = "" if new is None else (new.options.get(OPTION) or {}).get("to", "")
    id = new.id if new is not None else old.id if old is not None else ""
    if before == after:
        return
    row = tx.get(SyncRow, id)
    if before:
        tx.run(queries.FORGET, container=id)
    if after and row is None:
        tx.insert(SyncRow(id, ""))
    elif not after and row is not None:
        tx.delete(row)
