"""Transfers of volumes between projects: the verbs.

Whoever offers a volume gets a key, once; whoever knows it, and the transfer's id, takes the volume
over: with its quota, and with its snapshots unless they are to stay. Until then nobody can do
anything with it (`awaiting-transfer`).
"""

import hashlib
import hmac
import secrets

from cumulo.block_storage.meters import SNAPSHOTS
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.transfer import TransferRow
from cumulo.block_storage.model.type import TypeRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.queries import snapshot as snapshots
from cumulo.block_storage.queries import transfer as queries
from cumulo.block_storage.service.quotas import VolumeQuotas
from cumulo.block_storage.service.types import Types
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id

WAITING = "awaiting-transfer"


class Transfers:
    listing = queries.TRANSFERS

    def __init__(self, volumes: Volumes, quotas: VolumeQuotas, types: Types) -> None:
        self._volumes = volumes
        self._quotas = quotas
        self._types = types

    def get(self, tx: Tx, transfer_id: str, who: Principal) -> TransferRow:
        """One that the caller's project has made (an administrator: any). Raises NotFound."""
        row = tx.get(TransferRow, transfer_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Transfer {transfer_id} could not be found.")
        return row

    def create(
        self, tx: Tx, volume: VolumeRow, name: str | None, who: Principal, *, no_snapshots: bool
    ) -> tuple[TransferRow, str]:
        """The transfer, and its key. Raises BadRequest."""
        if volume.status != "available" or volume.mark or volume.attachments:
            raise BadRequest("Invalid volume: status must be available")
        if volume.group_id is not None:
            raise BadRequest(f"Invalid volume: volume {volume.id} is part of a group.")
        if not no_snapshots:
            for each in self._own_snapshots(tx, volume):
                if each.status != "available":
                    raise BadRequest(
                        f"Invalid volume: snapshot: {each.id} status must be available"
                    )
        self._volumes.refuse_busy(tx, volume)
        key, salt = secrets.token_hex(8), secrets.token_hex(8)
        row = TransferRow(
            id=new_id(),
            volume_id=volume.id,
            project_id=volume.project_id,
            name=name,
            salt=salt,
            hash=_hash(salt, key),
            no_snapshots=no_snapshots,
            created_at=tx.now,
        )
        tx.insert(row)
        self._volumes.refresh(tx, volume, mark=WAITING)
        emit(tx, "volume.transfer.create", volume.id, principal=who, transfer=row.id)
        return row, key

    def delete(self, tx: Tx, row: TransferRow, who: Principal) -> None:
        """It is taken back."""
        tx.delete(row)
        volume = tx.get(VolumeRow, row.volume_id)
        if volume is not None and volume.mark == WAITING:
            self._volumes.refresh(tx, volume, mark="")
        emit(tx, "volume.transfer.delete", row.volume_id, principal=who, transfer=row.id)

    def accept(self, tx: Tx, transfer_id: str, key: str, who: Principal) -> TransferRow:
        """The caller's project has it from now on. Raises NotFound, BadRequest, QuotaExceeded."""
        row, project = tx.get(TransferRow, transfer_id), who.project_id
        if row is None:
            raise NotFound(f"Transfer {transfer_id} could not be found.")
        if project is None:
            raise BadRequest("A token that is scoped to a project is required.")
        if not hmac.compare_digest(row.hash, _hash(row.salt, key)):
            raise BadRequest(
                f"Invalid auth key: Attempt to transfer {transfer_id} with invalid auth key."
            )
        volume = tx.get(VolumeRow, row.volume_id)
        if volume is None or (volume.status, volume.mark) != (WAITING, WAITING):
            raise BadRequest("Invalid volume: status must be awaiting-transfer")
        self._hand_over(tx, row, volume, project, who)
        tx.delete(row)
        emit(
            tx,
            "volume.transfer.accept",
            volume.id,
            project_id=project,
            principal=who,
            transfer=row.id,
        )
        return row

    def _own_snapshots(self, tx: Tx, volume: VolumeRow) -> list[SnapshotRow]:
        """Not those that stayed with another project when the volume was given away before."""
        every = tx.all(snapshots.OF_VOLUME, volume_id=volume.id)
        return [each for each in every if each.project_id == volume.project_id]

    def _hand_over(
        self, tx: Tx, row: TransferRow, volume: VolumeRow, project: str, who: Principal
    ) -> None:
        kind = tx.get(TypeRow, volume.type_id)
        assert kind is not None
        if not self._types.may_use(tx, kind, who):
            raise BadRequest(
                f"Invalid volume type: project {project} has no access to {kind.name}."
            )
        found = [] if row.no_snapshots else self._own_snapshots(tx, volume)
        amounts = {"volumes": 1, "gigabytes": volume.size + sum(each.size for each in found)}
        if found:
            amounts["snapshots"] = len(found)
        if project != volume.project_id:
            self._quotas.take(tx, project, kind.name, **amounts)
            self._quotas.check_size(tx, project, volume.size)
            self._quotas.give_back(tx, volume.project_id, kind.name, **amounts)
        for each in found:
            given = tx.update(each, project_id=project, user_id=who.user_id, updated_at=tx.now)
            SNAPSHOTS.changed(tx, each, given)
        self._volumes.refresh(
            tx, volume, mark="", declared=None, project_id=project, user_id=who.user_id
        )


def _hash(salt: str, key: str) -> str:
    """Keys are random, 64 bits: there is nothing to guess slowly."""
    return hmac.new(salt.encode(), key.encode(), hashlib.sha256).hexdigest()
