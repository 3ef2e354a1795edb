"""Transfers (2.77): a share, with its snapshots, changes its project by a key that one project
tells another. Shares in a share network stay: their address is in a network of the project."""

import hashlib
import hmac
import secrets

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.meters import SHARE_SNAPSHOTS, SHARES
from cumulo.shared_file_system.model.share import AWAITING_TRANSFER, ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.model.transfer import KEPT_SECONDS, TransferRow
from cumulo.shared_file_system.queries import share as shares
from cumulo.shared_file_system.queries import snapshot as snapshots
from cumulo.shared_file_system.queries import transfer as queries
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.quotas import ShareQuotas
from cumulo.shared_file_system.service.rules import Rules
from cumulo.shared_file_system.service.shares import Shares
from cumulo.shared_file_system.service.types import Types


class Transfers:
    listing = queries.TRANSFERS

    def __init__(
        self, shares: Shares, quotas: ShareQuotas, types: Types, rules: Rules, locks: Locks
    ) -> None:
        self._shares = shares
        self._quotas = quotas
        self._types = types
        self._rules = rules
        self._locks = locks

    def get(self, tx: Tx, id: str, who: Principal) -> TransferRow:
        row = tx.get(TransferRow, id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Transfer {id} could not be found.")
        return row

    def create(
        self, tx: Tx, share: ShareRow, who: Principal, name: str | None
    ) -> tuple[TransferRow, str]:
        """The transfer, and the key that nobody sees again."""
        if share.status != "available" or share.delete_at is not None:
            raise BadRequest(f"Invalid share: it must be available, and is {share.status}.")
        if share.share_network_id is not None:
            raise BadRequest(
                "Invalid share: a share in a share network cannot be transferred: its address is "
                "in a network of its project."
            )
        if tx.one(queries.OF, share_id=share.id) is not None:
            raise BadRequest("Invalid share: it is being transferred already.")
        self._refuse_locked(tx, share)
        key, salt = secrets.token_hex(8), secrets.token_hex(8)
        row = TransferRow(
            id=new_id(),
            share_id=share.id,
            project_id=share.project_id,
            name=name,
            salt=salt,
            key_hash=_hashed(salt, key),
            created_at=tx.now,
            expires_at=later(tx.now, KEPT_SECONDS),
        )
        tx.insert(row)
        self._shares.refresh(tx, share, declared=AWAITING_TRANSFER)
        emit(tx, "share.transfer.create", share.id, principal=who, transfer=row.id)
        return row, key

    def _refuse_locked(self, tx: Tx, share: ShareRow) -> None:
        """A share that shall stay does not leave its project, nor do rules that are locked: whoever
        gets it could do away with them."""
        rules = [rule.id for rule in tx.all(shares.RULES_OF, ids=[share.id])]
        found = [row.id for row in self._locks.of(tx, share.id, *rules)]
        if found:
            raise BadRequest(
                f"Invalid share: it, or an access rule of it, is locked ({', '.join(found[:10])}): "
                "a share with locks is not transferred."
            )

    def delete(self, tx: Tx, row: TransferRow, who: Principal) -> None:
        self.forget(tx, row)
        emit(tx, "share.transfer.delete", row.share_id, principal=who, transfer=row.id)

    def forget(self, tx: Tx, row: TransferRow) -> None:
        """The share stays where it is."""
        tx.delete(row)
        share = tx.get(ShareRow, row.share_id)
        if share is not None and share.declared == AWAITING_TRANSFER:
            self._shares.refresh(tx, share, declared=None)

    def accept(self, tx: Tx, id: str, who: Principal, key: str, *, clear_rules: bool) -> None:
        """The caller's project gets it, if the key is right and its quotas have room. Raises
        NotFound, BadRequest, QuotaExceeded."""
        row = tx.get(TransferRow, id)
        share = None if row is None else tx.get(ShareRow, row.share_id)
        if row is None or share is None or row.expires_at <= tx.now:
            raise NotFound(f"Transfer {id} could not be found.")
        if not hmac.compare_digest(row.key_hash, _hashed(row.salt, key)):
            raise BadRequest(
                f"Invalid auth key: Attempt to transfer {row.id} with invalid auth key."
            )
        project_id = who.project_id
        if project_id is None or project_id == share.project_id:
            raise BadRequest("Invalid share: it is of this project already.")
        if share.status not in (AWAITING_TRANSFER, "available") or share.delete_at is not None:
            raise BadRequest(f"Invalid share: it must be waiting for it, and is {share.status}.")
        self._refuse_locked(tx, share)
        try:
            self._types.get(tx, share.type_id, who)
        except NotFound:
            raise BadRequest("Invalid share: its share type is not of this project.") from None
        share = self._shares.refresh(tx, share, declared=None)
        self._move(tx, share, who, project_id)
        for rule in tx.all(shares.RULES_OF, ids=[share.id]):
            tx.update(rule, project_id=project_id)
            if clear_rules:
                self._rules.deny(tx, rule, tx.get(ShareRow, share.id) or share, who)
        tx.delete(row)
        emit(tx, "share.transfer.accept", share.id, project_id=project_id, principal=who,
             transfer=row.id)  # fmt: skip

    def _move(self, tx: Tx, share: ShareRow, who: Principal, project_id: str) -> None:
        """Rows, quotas and meters of the share and of its snapshots."""
        moved = {"project_id": project_id, "user_id": who.user_id}
        amounts = {"shares": 1, "gigabytes": share.size}
        self._pass_on(tx, share, share.type_id, who, project_id, amounts)
        SHARES.changed(tx, share, None)
        SHARES.changed(tx, None, tx.update(share, updated_at=tx.now, **moved))
        for each in tx.all(snapshots.OF_SHARE, share_id=share.id):
            amounts = {"snapshots": 1, "snapshot_gigabytes": each.size}
            self._pass_on(tx, each, share.type_id, who, project_id, amounts)
            SHARE_SNAPSHOTS.changed(tx, each, None)
            SHARE_SNAPSHOTS.changed(tx, None, tx.update(each, updated_at=tx.now, **moved))

    def _pass_on(
        self,
        tx: Tx,
        row: ShareRow | SnapshotRow,
        type_id: str,
        who: Principal,
        project_id: str,
        amounts: dict[str, int],
    ) -> None:
        self._quotas.take(tx, project_id, who.user_id, type_id, **amounts)
        self._quotas.give_back(tx, row.project_id, row.user_id, type_id, **amounts)


def _hashed(salt: str, key: str) -> str:
    return hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()
