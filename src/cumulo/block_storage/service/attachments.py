"""Attachments: compute's (which plugs and unplugs), and those that clients make themselves."""

from collections.abc import Callable, Sequence
from typing import Any

from cumulo.block_storage.interface import AttachedViews, Attachment
from cumulo.block_storage.model.attachment import AttachmentRow, State
from cumulo.block_storage.model.volume import Mark, VolumeRow
from cumulo.block_storage.queries import attachment as queries
from cumulo.block_storage.queries import snapshot as snapshots
from cumulo.block_storage.service.qos import Qos
from cumulo.block_storage.service.volumes import AT_WORK, RESTORING, Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id

# A volume that is still being made may be attached: its server waits for it.
_ATTACHABLE = ("available", "reserved", "creating", "downloading")


class Attachments:
    """Implements the attachment part of `block_storage.interface.BlockStorage`."""

    listing = queries.ATTACHMENTS

    def __init__(
        self, volumes: Volumes, qos: Qos, views: Callable[[], AttachedViews | None]
    ) -> None:
        self._volumes = volumes
        self._qos = qos
        self._views = views

    # --- what compute asks ------------------------------------------------------------------

    def attach(
        self,
        tx: Tx,
        principal: Principal,
        *,
        volume_id: str,
        server_id: str,
        host_id: str | None,
        device: str,
        delete_on_termination: bool = False,
        boot_index: int | None = None,
        tag: str | None = None,
    ) -> Attachment:
        volume = self._volumes.get(tx, volume_id, principal)
        if volume.attachments and not volume.multiattach:
            raise BadRequest(f"Invalid volume: volume {volume_id} already attached")
        if boot_index == 0 and not volume.bootable and volume.created_at < tx.now:
            raise BadRequest(f"Block Device {volume_id} is not bootable.")
        allowed = (*_ATTACHABLE, "in-use") if volume.multiattach else _ATTACHABLE
        if volume.status not in allowed or volume.mark == RESTORING:
            raise BadRequest(
                f"Invalid volume: volume '{volume_id}' status must be 'available' or 'reserved'. "
                f"Currently in '{volume.status}'"
            )
        self._check_machine(tx, volume, host_id)
        if tx.value(snapshots.BEING_MADE, volume_id=volume_id):
            raise BadRequest(f"Invalid volume: volume '{volume_id}' is being copied.")
        row = self._insert(
            tx,
            volume,
            "attaching",
            server_id=server_id,
            host_id=host_id,
            device=device,
            by_compute=True,
            delete_on_termination=delete_on_termination,
            boot_index=boot_index,
            tag=tag,
        )
        emit(tx, "volume.attach.start", volume.id, principal=principal, server=server_id)
        return _seen(row, volume)

    def _check_machine(self, tx: Tx, volume: VolumeRow, host_id: str | None) -> None:
        """A volume is a file of its host: servers of other machines cannot have it."""
        elsewhere = host_id is not None and volume.host_id not in (None, host_id)
        if elsewhere and self._volumes.are_machines(tx):
            raise BadRequest(
                f"Invalid volume: volume {volume.id} is on the machine {volume.host_id}, the "
                f"server on {host_id}. A volume serves the servers of its own machine."
            )

    def check_owned(self, tx: Tx, principal: Principal, volume_id: str) -> None:
        self._volumes.get(tx, volume_id, principal)

    def machine_of(self, tx: Tx, volume_ids: Sequence[str]) -> str | None:
        if not volume_ids or not self._volumes.are_machines(tx):
            return None
        found = self._volumes.listing.page(tx, where={"ids": sorted(set(volume_ids))})
        places = {row.id: row.host_id for row in found}
        return next((places[id] for id in volume_ids if places.get(id)), None)

    def attachments_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        rows = tx.all(queries.OF_SERVERS, servers=list(server_ids)) if server_ids else []
        where = {"ids": sorted({row.volume_id for row in rows})}
        volumes = {v.id: v for v in self._volumes.listing.page(tx, where=where)} if rows else {}
        found: dict[str, list[Attachment]] = {}
        for row in rows:
            if row.server_id is not None and row.by_compute:
                mine = found.setdefault(row.server_id, [])
                mine.append(_seen(row, volumes[row.volume_id]))
        return found

    def detach(self, tx: Tx, attachment_id: str) -> None:
        row = tx.get(AttachmentRow, attachment_id)
        if row is not None and row.state != "detaching":
            self._state(tx, row, "detaching")
            emit(tx, "volume.detach.start", row.volume_id, server=row.server_id)

    def set_deletion(self, tx: Tx, attachment_id: str, wanted: bool) -> None:
        row = tx.get(AttachmentRow, attachment_id)
        if row is not None:
            self._show(tx, tx.update(row, delete_on_termination=wanted))

    def plugged(self, tx: Tx, attachment_id: str) -> None:
        row = tx.get(AttachmentRow, attachment_id)
        if row is not None and row.state == "attaching":
            self._state(tx, row, "attached", attached_at=tx.now)
            emit(tx, "volume.attach.end", row.volume_id, server=row.server_id)

    def unplugged(self, tx: Tx, attachment_id: str) -> None:
        row = tx.get(AttachmentRow, attachment_id)
        if row is not None:
            self.remove(tx, row)

    def move_server(self, tx: Tx, server_id: str, host_id: str | None) -> None:
        for row in tx.all(queries.OF_SERVERS, servers=[server_id]):
            if row.by_compute:
                tx.update(row, host_id=host_id, generation=row.generation + 1)

    def release_server(self, tx: Tx, server_id: str) -> None:
        for row in tx.all(queries.OF_SERVERS, servers=[server_id]):
            if not row.by_compute:
                continue  # Whoever made it named a server; that does not make it the server's.
            volume = self.remove(tx, row)
            if row.delete_on_termination and not volume.attachments:
                self._end(tx, volume)

    def _end(self, tx: Tx, volume: VolumeRow) -> None:
        """It goes with its server, or stays where something depends on it."""
        try:
            self._volumes.delete(tx, volume, None, force=True, cascade=False)
        except BadRequest as fault:
            emit(
                tx,
                "volume.delete.error",
                volume.id,
                project_id=volume.project_id,
                reason=fault.message,
            )

    # --- what clients ask -------------------------------------------------------------------

    def get(self, tx: Tx, attachment_id: str, who: Principal) -> AttachmentRow:
        row = tx.get(AttachmentRow, attachment_id)
        if row is None or not (who.is_admin or row.project_id == who.project_id):
            raise NotFound(f"Volume attachment could not be found with filter: {attachment_id}.")
        return row

    def reserve(
        self,
        tx: Tx,
        volume: VolumeRow,
        server_id: str | None,
        connector: dict[str, Any] | None,
        mode: str,
    ) -> AttachmentRow:
        """`POST /attachments`: reserved, or attaching when the connector is known."""
        self.refuse_unfit(tx, volume)
        state: State = "attaching" if connector else "reserved"
        fields = {"server_id": server_id, "connector": connector, "mode": mode}
        return self._insert(tx, volume, state, **fields)

    def refuse_unfit(self, tx: Tx, volume: VolumeRow) -> None:
        fit = ("available", "in-use", "reserved") if volume.multiattach else ("available",)
        if volume.status not in fit or volume.mark == RESTORING:
            raise BadRequest(
                f"Invalid volume: Volume {volume.id} status must be available or downloading to "
                f"reserve, but the current status is {volume.status}."
            )
        if tx.value(snapshots.BEING_MADE, volume_id=volume.id):
            raise BadRequest(f"Invalid volume: Volume {volume.id} is being copied.")

    def attach_now(
        self, tx: Tx, volume: VolumeRow, server_id: str | None, device: str | None, mode: str
    ) -> AttachmentRow:
        """`os-attach`: a client that connects by itself says that it has done so."""
        if volume.status not in ("available", "attaching", "reserved", "in-use") or (
            volume.attachments and not volume.multiattach
        ):
            raise BadRequest(
                f"Invalid volume: Volume status must be available or attaching; it is "
                f"{volume.status}."
            )
        fields = {"server_id": server_id, "device": device, "mode": mode}
        row = self._insert(tx, volume, "attached", attached_at=tx.now, **fields)
        emit(tx, "volume.attach.end", volume.id, server=server_id)
        return row

    def connect(self, tx: Tx, row: AttachmentRow, connector: dict[str, Any]) -> AttachmentRow:
        return self._state(tx, row, "attaching", connector=connector)

    def complete(self, tx: Tx, row: AttachmentRow) -> AttachmentRow:
        if row.state != "attaching":
            raise BadRequest(f"Invalid volume: the attachment is {row.state}, not attaching.")
        emit(tx, "volume.attach.end", row.volume_id, server=row.server_id)
        return self._state(tx, row, "attached", attached_at=tx.now)

    def release(self, tx: Tx, row: AttachmentRow) -> None:
        """A client's own end of an attachment; compute's are ended by compute only."""
        _refuse_computes(row)
        self.remove(tx, row)

    def refuse_foreign(self, tx: Tx, volume: VolumeRow) -> None:
        """409 for a client's own connection to a volume that servers have and that is not to be
        shared."""
        for row in self._volumes.attachments_of(tx, [volume.id]).get(volume.id, []):
            if not volume.multiattach:
                _refuse_computes(row)

    # --- rows -------------------------------------------------------------------------------

    def remove(self, tx: Tx, row: AttachmentRow) -> VolumeRow:
        tx.delete(row)
        self._show(tx, row)
        emit(tx, "volume.detach.end", row.volume_id, server=row.server_id)
        return self._follow(tx, row.volume_id)

    def _insert(self, tx: Tx, volume: VolumeRow, state: State, **fields: Any) -> AttachmentRow:
        known: dict[str, Any] = {
            "server_id": None,
            "host_id": None,
            "device": None,
            "by_compute": False,
            "mode": "ro" if volume.read_only else "rw",
            "delete_on_termination": False,
            "boot_index": None,
            "tag": None,
            "connector": None,
            "attached_at": None,
            "throttle": self._qos.throttle_of(tx, volume),
        }
        row = AttachmentRow(
            id=new_id(),
            volume_id=volume.id,
            project_id=volume.project_id,
            state=state,
            generation=1,
            created_at=tx.now,
            **{**known, **fields},
        )
        tx.insert(row)
        self._show(tx, row)
        self._follow(tx, volume.id)
        return row

    def _show(self, tx: Tx, row: AttachmentRow) -> None:
        views = self._views()
        if views is not None and row.by_compute and row.server_id is not None:
            views.changed(tx, [row.server_id])

    def _state(self, tx: Tx, row: AttachmentRow, state: State, **changes: Any) -> AttachmentRow:
        row = tx.update(row, state=state, generation=row.generation + 1, **changes)
        self._follow(tx, row.volume_id)
        return row

    def _follow(self, tx: Tx, volume_id: str) -> VolumeRow:
        """The volume's status depends on the states of its attachments, and its host must know
        whether somebody has it open."""
        volume = tx.get(VolumeRow, volume_id)
        assert volume is not None
        rows = self._volumes.attachments_of(tx, [volume_id]).get(volume_id, [])
        # What clients have announced is over; what a job has begun is not.
        mark: Mark = volume.mark if volume.mark in AT_WORK else ""
        volume = self._volumes.refresh(tx, volume, attachments=[r.state for r in rows], mark=mark)
        if 0 < volume.observed_size < volume.size:
            self._volumes.order(tx, volume)  # who lets it grow depends on it
        return volume


def _refuse_computes(row: AttachmentRow) -> None:
    if row.by_compute:
        raise Conflict(f"Detach volume from instance {row.server_id} using the Compute API")


def _seen(row: AttachmentRow, volume: VolumeRow) -> Attachment:
    return Attachment(
        id=row.id,
        volume_id=row.volume_id,
        server_id=row.server_id or "",
        host_id=row.host_id or "",
        device=row.device or "",
        state="attaching" if row.state == "reserved" else row.state,
        delete_on_termination=row.delete_on_termination,
        read_only=row.mode == "ro",
        boot_index=row.boot_index,
        tag=row.tag,
        size=volume.size,
        image_id=volume.image_id,
        shared=volume.multiattach,
        generation=row.generation,
        connection=volume.connection,
        throttle=row.throttle,
    )
