"""What changes a server as a whole: suspend, rescue, rebuild, shelve, soft deletion, and back.

Each is a wish, written in one transaction; the host makes it true. What is done by a host's report
is taken over by `fulfilled`; what a host cannot do is taken back by `give_up`, where there is
something to go back to.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.server import ImageRef, ServerFault, ServerRow
from cumulo.compute.model.state import BY_HOST, Power, RebootKind
from cumulo.compute.service.evacuation import Evacuation
from cumulo.compute.service.hosts import DEFAULT_ZONE
from cumulo.compute.service.resizing import Resizing
from cumulo.compute.service.servers import KIND, USABLE, Servers, check_image, image_ref, next_root
from cumulo.compute.service.snapshots import Snapshots
from cumulo.compute.service.who import Who
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs

SHELVE, RECLAIM, REIMAGE = "compute.shelve", "compute.reclaim", "compute.reimage"
ATTEMPTS, PINNED = 3, "*"
"""Hosts that a new server is tried on; a server that is to be on one host is tried there only."""
REIMAGING = "rebuild_block_device_mapping"
"""The operation of a server whose volume is being written."""


class Shelving(msgspec.Struct, frozen=True):
    """The memo of the job that shelves a server."""

    image_id: str | None
    request_id: str
    user_id: str
    user_name: str
    project_id: str
    copied: bool = False
    power: Power | None = None
    """What it was to be before."""


class Reimaging(msgspec.Struct, frozen=True):
    """The memo of the job that writes another image over the volume that a server boots from."""

    image_id: str
    volume_id: str
    power: Power
    user_id: str
    user_name: str
    project_id: str


class Reclaim(msgspec.Struct, frozen=True):
    """The memo of the end of a soft-deleted server: when it was deleted."""

    at: str


class Operations:
    def __init__(
        self,
        servers: Servers,
        resizing: Resizing,
        evacuation: Evacuation,
        snapshots: Snapshots,
        jobs: Jobs,
        *,
        reclaim_seconds: float = 0.0,
        offload_seconds: float = 0.0,
    ) -> None:
        self._servers = servers
        self._resizing = resizing
        self._evacuation = evacuation
        self._snapshots = snapshots
        self.stays_on_host = offload_seconds < 0
        self._jobs = jobs
        self._reclaim = reclaim_seconds

    def _begin(
        self,
        tx: Tx,
        row: ServerRow,
        action: str,
        who: Who,
        vm: tuple[str, ...],
        name: str | None = None,
    ) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, name or action, vm=vm)
        self._servers.act(tx, row, action, who)

    # --- memory ---------------------------------------------------------------------------------

    def suspend(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._begin(tx, row, "suspend", who, ("active",))
        self._servers.desire(tx, row, power="suspended")

    def resume(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._begin(tx, row, "resume", who, ("suspended",))
        self._servers.desire(tx, row, power="on")

    # --- rescue ---------------------------------------------------------------------------------

    def rescue(
        self, tx: Tx, row: ServerRow, image_id: str | None, password: str, who: Who, *, stable: bool
    ) -> None:
        """`stable`: a server that boots from a volume may be rescued, too (API 2.87)."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "rescue", vm=("active", "stopped", "error"))
        self._servers.require_settled(row, "rescue")
        if row.launched_at is None:
            raise Conflict(f"Cannot 'rescue' instance {row.id} while it is in vm_state error")
        if row.image is None and not stable:
            raise BadRequest("Cannot rescue a volume-backed instance")
        image = row.image
        if image_id is not None:
            try:
                info = self._servers.images.usable(tx, image_id, who.principal)
            except (NotFound, Forbidden):
                raise BadRequest(f"Image {image_id} could not be found.") from None
            check_image(info, None)
            image = image_ref(info)
        if image is None:
            raise BadRequest("Cannot rescue a volume-backed instance without an image")
        self._servers.act(tx, row, "rescue", who)
        changes: dict[str, Any] = {"rescue": image, "operation": "rescuing", "power": "on"}
        changes |= {"admin_password": password, "fault": None}
        self._servers.desire(tx, row, **changes, **restarted(row, "soft"))

    def unrescue(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """The system it is rescued with ends at once, as Nova's does: it may be just booting, and
        deaf to a button for as long as a soft stop waits."""
        self._begin(tx, row, "unrescue", who, ("rescued",))
        changes: dict[str, Any] = {"rescue": None, "operation": "unrescuing", "power": "on"}
        self._servers.desire(tx, row, **changes, **restarted(row, "hard"))

    # --- rebuild ----------------------------------------------------------------------------------

    def rebuild(
        self,
        tx: Tx,
        row: ServerRow,
        image_id: str,
        changes: Mapping[str, Any],
        who: Who,
        *,
        volumes_too: bool = False,
    ) -> ServerRow:
        """A new root disk of this image; `changes`: columns of the row that go with it.
        `volumes_too`: a volume that it boots from may get another image (API 2.93)."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "rebuild", vm=("active", "stopped", "error"))
        self._servers.require_settled(row, "rebuild")
        if row.launched_at is None:
            raise Conflict(f"Cannot 'rebuild' instance {row.id} while it is in vm_state building")
        try:
            info = self._servers.images.usable(tx, image_id, who.principal)
        except (NotFound, Forbidden):
            raise BadRequest("Cannot find image for rebuild") from None
        if "metadata" in changes:
            self._servers.check_metadata(tx, row.project_id, changes["metadata"])
        wanted: dict[str, Any] = dict(changes)
        if row.image is None:
            root = self._root_volume(tx, row)
            # One that an earlier try could not write is written again.
            if root is None or root.image_id != image_id or root.connection is None:
                if root is None or not volumes_too:
                    raise BadRequest(
                        "Unable to rebuild with a different image for a volume-backed server."
                    )
                return self._reimage(tx, row, root.volume_id, image_id, wanted, who)
        else:
            check_image(info, row.flavor)
            wanted |= {"image": image_ref(info), "base": None, "root_from": None}
            wanted |= {"root_version": next_root(row), "root_kept": None}
        self._servers.act(tx, row, "rebuild", who)
        if row.vm_state == "error":
            wanted["power"] = "on"
        return self._servers.desire(
            tx, row, operation="rebuilding", fault=None, **wanted, **restarted(row, "hard")
        )

    def _root_volume(self, tx: Tx, row: ServerRow) -> Attachment | None:
        attached = self._servers.volumes.attachments_of(tx, [row.id]).get(row.id, [])
        return next((each for each in attached if each.boot_index == 0), None)

    def _reimage(
        self,
        tx: Tx,
        row: ServerRow,
        volume_id: str,
        image_id: str,
        changes: Mapping[str, Any],
        who: Who,
    ) -> ServerRow:
        """Off, its volume written anew, and on again: by a job."""
        principal = who.principal
        self._servers.volumes.check_image(tx, principal, volume_id, image_id)
        self._servers.act(tx, row, "rebuild", who)
        power: Power = "on" if row.vm_state == "error" else row.power
        memo = Reimaging(
            image_id,
            volume_id,
            power,
            principal.user_id,
            principal.user_name,
            principal.project_id or row.project_id,
        )
        row = self._servers.desire(
            tx, row, operation=REIMAGING, fault=None, **{**changes, "power": "off"}
        )
        self._jobs.begin(tx, REIMAGE, row.id, memo, project_id=row.project_id)
        return row

    def reimaged(self, tx: Tx, row: ServerRow, power: Power) -> None:
        """Its volume has the other image: it goes on."""
        self._servers.desire(
            tx, row, operation="rebuild_spawning", power=power, **restarted(row, "hard")
        )

    def not_reimaged(self, tx: Tx, row: ServerRow, reason: str) -> None:
        """What its volume has nobody knows: it stays off, in ERROR."""
        fault = ServerFault(code=500, message=reason, created=tx.now, sticky=True)
        self._servers.save(tx, row, operation=None, fault=fault)
        self._servers.finish_actions(tx, row, reason)

    # --- shelving ---------------------------------------------------------------------------------

    def shelve(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """Off, its root disk kept as an image, and away from its host: by a job."""
        self._servers.require_no_tpm(row, "shelve")
        self._begin(tx, row, "shelve", who, USABLE)
        image_id, power = None, row.power
        if row.image is not None:
            image_id = self._snapshots.reserve(tx, row, f"{row.name}-shelved", who.principal, {})
        row = self._servers.desire(
            tx, row, power="off", operation="shelving", shelved_image_id=image_id
        )
        memo = Shelving(
            image_id,
            who.request_id,
            who.principal.user_id,
            who.principal.user_name,
            who.principal.project_id or row.project_id,
            power=power,
        )
        self._jobs.begin(tx, SHELVE, row.id, memo, project_id=row.project_id)

    def offload(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._begin(tx, row, "shelveOffload", who, ("shelved",))
        self.leave_host(tx, row)

    def shelved(self, tx: Tx, row: ServerRow) -> None:
        """It stays on its host, switched off: where the cloud's settings say so."""
        self._servers.save(tx, row, operation=None, shelved=True)
        self._servers.finish_jobs_actions(tx, row, ("shelve",), None)

    def leave_host(self, tx: Tx, row: ServerRow) -> None:
        """It ends on its host, which confirms it; `left` goes on then."""
        row = self._servers.save(
            tx, row, operation="shelving_offloading", shelved=True, generation=row.generation + 1
        )
        if row.host_id is None:
            self.left(tx, row)
        else:
            self._servers.registry.remove(tx, row.host_id, KIND, row.id)

    def left(self, tx: Tx, row: ServerRow) -> None:
        """Nothing of it is on its host any more, but it is kept: its host's room is free."""
        self._servers.placement.release(tx, row.id)
        self._servers.network.move_server(tx, row.id, None)
        self._servers.volumes.move_server(tx, row.id, None)
        self._servers.finish_jobs_actions(tx, row, ("shelve", "shelveOffload"), None)
        self._servers.save(
            tx,
            row,
            host_id=None,
            placed=False,
            operation=None,
            step=None,
            seen_power="absent",
            seen_generation=row.generation,
            zone=row.pinned_zone or DEFAULT_ZONE,
        )

    def unshelve(
        self,
        tx: Tx,
        row: ServerRow,
        who: Who,
        *,
        zone: str | None,
        unpin: bool,
        host: str | None,
    ) -> None:
        """Where it is, or on a new host, chosen as for a new server. `zone`: it is in this one from
        now on; `unpin`: it may be in any."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "unshelve", vm=("shelved", "shelved_offloaded"))
        elsewhere = zone is not None or unpin or host is not None
        if row.vm_state == "shelved" and elsewhere:
            raise Conflict(
                "Unshelve with a zone or a host is for instances in status SHELVED_OFFLOADED; "
                f"{row.id} is {row.vm_state}"
            )
        if zone is not None and not self._servers.placing.hosts.has_zone(tx, zone):
            raise BadRequest(f"The requested availability zone is not available: {zone}")
        self._servers.act(tx, row, "unshelve", who)
        if row.host_id is not None:
            self._servers.desire(tx, row, power="on", operation="unshelving")
            return
        pinned = None if unpin else (zone or row.pinned_zone)
        base = self._shelved_image(tx, row)
        try:
            placed = self._servers.placing.again(tx, row, row.flavor, zone=pinned, host=host)
        except BadRequest as nowhere:  # It stays on its shelf, and the action says why.
            self._servers.finish_actions(tx, row, nowhere.message)
            return
        moved: dict[str, Any] = {"pinned_zone": pinned, "base": base, "placed": False}
        moved |= {"root_version": next_root(row), "root_from": None, "root_kept": None}
        self._servers.network.move_server(tx, row.id, placed.host_id)
        self._servers.volumes.move_server(tx, row.id, placed.host_id)
        self._servers.desire(
            tx,
            row,
            host_id=placed.host_id,
            zone=placed.zone,
            power="on",
            operation="unshelving",
            **moved,
        )

    def _shelved_image(self, tx: Tx, row: ServerRow) -> ImageRef | None:
        if row.image is None:
            return None
        id = row.shelved_image_id or ""
        found = self._servers.images.find(tx, [id]).get(id)
        if found is None or found.status != "active":
            raise Conflict(f"Instance {row.id} cannot be unshelved: its image {id} is gone.")
        kept = {"min_disk": 0, "min_ram": 0, "properties": row.image.properties}
        return msgspec.structs.replace(image_ref(found), **kept)

    # --- deletion that can be taken back ----------------------------------------------------------

    def delete(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """At once, or in a while where the cloud's settings say so."""
        soft = self._reclaim > 0 and row.vm_state in (*USABLE, "rescued") and row.present
        if not soft or row.operation is not None:
            self._servers.delete(tx, row, who)
            return
        self._servers.require_unlocked(row, who.principal)
        self._servers.act(tx, row, "delete", who)
        self._servers.desire(tx, row, power="off", soft_deleted_at=tx.now)
        self._jobs.begin(tx, RECLAIM, row.id, Reclaim(tx.now), delay=self._reclaim)

    def restore(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._begin(tx, row, "restore", who, ("soft-delete",))
        self._servers.desire(
            tx, row, power="on", soft_deleted_at=None, operation="restoring", reason=None
        )

    # --- what a host says -------------------------------------------------------------------------

    def fulfilled(self, tx: Tx, row: ServerRow) -> dict[str, Any]:
        """The host has done what is desired today: what follows for the row."""
        operation = row.operation or _stumbled(row)
        if operation not in BY_HOST:
            return {}
        changes: dict[str, Any] = {"operation": None}
        if operation == "unshelving":
            if row.shelved_image_id is not None:
                self._servers.images.remove(tx, row.shelved_image_id)
            changes |= {"shelved": False, "shelved_image_id": None}
        elif operation == "rebuilding":
            self._evacuation.ended(tx, row, "done")
        elif operation == "resize_finish":
            self._resizing.finished(tx, row)
        elif operation == "resize_reverting":
            changes |= self._resizing.reverted(tx, row)
        return changes

    def give_up(self, tx: Tx, row: ServerRow, reason: str) -> bool:
        """The host cannot do it: back to what it was before, if there is a way. The action tells
        why."""
        if row.operation == "rescuing":
            back: dict[str, Any] = {"rescue": None, "operation": "unrescuing"}
            self._servers.desire(tx, row, **back, **restarted(row, "soft"))
        elif row.operation == "resize_finish" and row.before is not None:
            self._resizing.give_up(tx, row)
        elif row.operation == "unshelving" and not row.placed:
            self._servers.finish_actions(tx, row, reason)
            self.leave_host(tx, row)
            return True
        else:
            if row.operation == "rebuilding":
                self._evacuation.ended(tx, row, "failed")
            return False
        self._servers.finish_actions(tx, row, reason)
        return True

    def elsewhere(self, tx: Tx, row: ServerRow, reason: str) -> bool:
        """A host could not make a new server: another one is asked, as long as there is one. What
        has volumes stays with them."""
        tried = [*row.tried, row.host_id or ""]
        new = row.launched_at is None and row.operation is None and row.present and not row.metal
        if not new or PINNED in tried or len(tried) >= ATTEMPTS or row.host_id is None:
            return False
        if self._servers.volumes.attachments_of(tx, [row.id]).get(row.id):
            return False
        holder, source = new_id(), row.host_id
        self._servers.placement.hand_over(tx, row.id, holder, "INSTANCE")
        try:
            placed = self._servers.placing.again(
                tx, row, row.flavor, zone=row.pinned_zone, never=tried
            )
        except BadRequest:
            self._servers.placement.hand_over(tx, holder, row.id, "INSTANCE")
            return False
        self._servers.placement.release(tx, holder)
        self._servers.registry.remove(tx, source, KIND, row.id)
        self._servers.network.move_server(tx, row.id, placed.host_id)
        why = {source: reason, placed.host_id: "chosen"}
        emit(
            tx,
            "compute.server.schedule",
            row.id,
            project_id=row.project_id,
            host=placed.host_id,
            considered=why,
        )
        self._servers.desire(
            tx,
            row,
            host_id=placed.host_id,
            zone=placed.zone,
            tried=tried,
            step=None,
            fault=None,
            seen_power="absent",
        )
        return True

    def abandon(self, tx: Tx, row: ServerRow, actions: tuple[str, ...], reason: str) -> None:
        """A job that was undone: the server is as it was."""
        self._servers.finish_jobs_actions(tx, row, actions, reason)
        if row.operation is not None and row.present:
            self._servers.save(tx, row, operation=None)


def _stumbled(row: ServerRow) -> str | None:
    """What its host did at last, after a failure had ended the operation."""
    if row.went_back:
        return "resize_reverting"
    if row.shelved and row.power == "on" and row.host_id is not None:
        return "unshelving"
    return None


def restarted(row: ServerRow, kind: RebootKind) -> dict[str, Any]:
    """What makes its host start it anew, once."""
    return {
        "reboot_nonce": max(row.reboot_nonce, row.reboot_done) + 1,
        "reboot_kind": kind,
        "reason": None,
    }
