"""What ends by its time: shares in the recycle bin, messages, transfers that nobody accepted."""

from cumulo.core.db.transaction import Database, Tx
from cumulo.shared_file_system.model.message import MessageRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.transfer import TransferRow
from cumulo.shared_file_system.queries import message as messages
from cumulo.shared_file_system.queries import share as shares
from cumulo.shared_file_system.queries import transfer as transfers
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService


class Expired:
    """Implements core.work.Reconciler."""

    name = "expired shares, messages and transfers"

    def __init__(self, database: Database, service: SharedFileSystemService) -> None:
        self._database = database
        self._shares = service.shares
        self._transfers = service.transfers

    def due(self, tx: Tx, most: int) -> list[str]:
        found = []
        for what, wanted in (
            ("share", shares.EXPIRED),
            ("message", messages.EXPIRED),
            ("transfer", transfers.EXPIRED),
        ):
            found += [f"{what}/{id}" for (id,) in tx.tuples(wanted, now=tx.now, most=most)]
        return found[:most]

    async def step(self, id: str) -> None:
        what, _, own = id.partition("/")
        await self._database.write(lambda tx: self._end(tx, what, own), name=f"expired {what}")

    def _end(self, tx: Tx, what: str, id: str) -> None:
        """As far as it still is: somebody may have restored it meanwhile."""
        if what == "share":
            share = tx.get(ShareRow, id)
            if share is not None and share.delete_at is not None and share.delete_at <= tx.now:
                self._shares.delete(tx, share, None, force=True)
            return
        if what == "transfer":
            transfer = tx.get(TransferRow, id)
            if transfer is not None and transfer.expires_at <= tx.now:
                self._transfers.forget(tx, transfer)
            return
        message = tx.get(MessageRow, id)
        if message is not None and message.expires_at <= tx.now:
            tx.delete(message)

    def failed(self, tx: Tx, id: str, reason: str) -> None:
        """It stays: the next sweep finds it again."""
