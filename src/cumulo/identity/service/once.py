"""What is good once: it is noted in the transaction of what it was good for, for every process."""

import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.identity.model.once import UsedOnceRow
from cumulo.identity.queries import once as queries


class Once(NamedTuple):
    """Something that may be used once. `expires`: from then on it is refused for its age, seconds
    since the epoch."""

    what: str
    expires: float


def use_once(tx: Tx, once: Once) -> bool:
    """Whether this is the first time."""
    id = hashlib.sha256(once.what.encode("utf-8", "replace")).hexdigest()
    return tx.insert(UsedOnceRow(id, once.expires), ignore_duplicate=True)


class UsedOnce:
    """What ends, see `reconcile.Expired`."""

    what = "things used once"

    def expired(self, tx: Tx, most: int) -> Sequence[UsedOnceRow]:
        return tx.all(queries.EXPIRED, now=time.time(), most=most)

    def forget_expired(self, tx: Tx, row: UsedOnceRow) -> None:
        tx.delete(row)
