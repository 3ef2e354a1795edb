"""What may be done to a server that is there."""

from collections.abc import Mapping
from typing import Any, Literal

from cumulo.compute.model.server import ServerFault, ServerRow
from cumulo.compute.model.state import RebootKind
from cumulo.compute.service.operations import RECLAIM
from cumulo.compute.service.resizing import CONFIRM
from cumulo.compute.service.servers import USABLE, Servers
from cumulo.compute.service.who import Who
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound

TAGS_MOST = 50


class Actions:
    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    # --- power ------------------------------------------------------------------------------

    def reboot(self, tx: Tx, row: ServerRow, kind: RebootKind, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        if kind == "soft":
            self._servers.require(row, "reboot", vm=("active",))
        else:
            tasks = (None, "rebooting", "rebooting_hard", "powering-on", "powering-off")
            self._servers.require(row, "reboot", vm=(*USABLE, "error"), task=tasks)
            if row.launched_at is None:
                raise Conflict(f"Cannot 'reboot' instance {row.id} while it is in vm_state error")
        self._servers.act(tx, row, "reboot", who, kind=kind)
        self._servers.desire(
            tx,
            row,
            power="on",
            reboot_nonce=max(row.reboot_nonce, row.reboot_done) + 1,
            reboot_kind=kind,
            reason=None,
            fault=None,
        )

    def start(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "start", vm=("stopped",))
        self._servers.act(tx, row, "start", who)
        self._servers.desire(tx, row, power="on", reason=None)

    def stop(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "stop", vm=("active", "error"))
        self._servers.act(tx, row, "stop", who)
        self._servers.desire(tx, row, power="off")

    def pause(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "pause", vm=("active",))
        self._servers.act(tx, row, "pause", who)
        self._servers.desire(tx, row, power="paused")

    def unpause(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "unpause", vm=("paused",))
        self._servers.act(tx, row, "unpause", who)
        self._servers.desire(tx, row, power="on")

    # --- administration -----------------------------------------------------------------------

    def lock(self, tx: Tx, row: ServerRow, reason: str | None, who: Who) -> None:
        by = "owner" if who.principal.project_id == row.project_id else "admin"
        self._servers.save(tx, row, locked_by=by, locked_reason=reason)
        self._servers.act(tx, row, "lock", who, over=True, reason=reason)

    def unlock(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """What an administrator locked, only an administrator unlocks."""
        if row.locked_by == "admin" and not who.principal.is_admin:
            raise Forbidden(
                "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be "
                "performed."
            )
        self._servers.save(tx, row, locked_by=None, locked_reason=None)
        self._servers.act(tx, row, "unlock", who, over=True)

    def reset_state(
        self, tx: Tx, row: ServerRow, state: Literal["active", "error"], who: Who
    ) -> None:
        """Forget the failure and look again; or declare one. What is at work on it is taken
        back, as far as it can be."""
        reason = "an administrator has reset the server's state"
        self._servers.cancel_jobs(tx, row, reason, but=(CONFIRM, RECLAIM))
        emit(
            tx,
            "compute.server.reset_state",
            row.id,
            project_id=row.project_id,
            principal=who.principal,
            request_id=who.request_id,
            state=state,
        )
        if state == "error":
            fault = ServerFault(
                code=500, message="Set to error by an administrator", created=tx.now, sticky=True
            )
            self._servers.save(tx, row, fault=fault)
        elif row.host_id is not None:
            self._servers.desire(tx, row, fault=None)
        else:
            raise Conflict(
                f"Cannot 'reset_state' instance {row.id}: it has no host, so it can not be active"
            )

    # --- attributes -----------------------------------------------------------------------------

    def update(self, tx: Tx, row: ServerRow, changes: Mapping[str, Any], who: Who) -> ServerRow:
        """`changes`: columns of the row."""
        if not changes:
            return row
        row = self._servers.save(tx, row, **changes)
        emit(
            tx,
            "compute.server.update",
            row.id,
            project_id=row.project_id,
            principal=who.principal,
            changed=sorted(changes),
        )
        return row

    def pinned(self, row: ServerRow, zone: str | None) -> str | None:
        """The zone that it may be pinned to: the one where it is, unless it is pinned already.
        None lets it go anywhere at its next move. Raises Conflict."""
        if zone is None or zone == row.pinned_zone:
            return zone
        if row.pinned_zone is not None:
            raise Conflict(
                "Cannot change pinned availability zone directly. Unpin first by setting "
                "pinned_availability_zone to null."
            )
        if zone != row.zone:
            raise Conflict(
                f"Server can only be pinned to its current availability zone '{row.zone}', but "
                f"'{zone}' was requested."
            )
        return zone

    def set_metadata(
        self, tx: Tx, row: ServerRow, metadata: Mapping[str, str], who: Who
    ) -> dict[str, str]:
        """The whole of it, anew."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "update metadata", vm=USABLE, task=(None, row.task_state))
        self._servers.check_metadata(tx, row.project_id, metadata)
        self.update(tx, row, {"metadata": dict(metadata)}, who)
        return dict(metadata)

    def drop_metadata(self, tx: Tx, row: ServerRow, key: str, who: Who) -> None:
        if key not in row.metadata:
            raise NotFound("Metadata item was not found")
        rest = {name: value for name, value in row.metadata.items() if name != key}
        self._servers.require(row, "delete metadata", vm=USABLE, task=(None, row.task_state))
        self._servers.require_unlocked(row, who.principal)
        self.update(tx, row, {"metadata": rest}, who)

    def set_tags(self, tx: Tx, row: ServerRow, tags: list[str], who: Who) -> list[str]:
        self._servers.require(row, "update tags", vm=USABLE, task=(None, row.task_state))
        wanted = list(dict.fromkeys(tags))
        if len(wanted) > TAGS_MOST:
            raise BadRequest(f"The number of tags exceeded the per-server limit {TAGS_MOST}")
        self.update(tx, row, {"tags": wanted}, who)
        return wanted

    def drop_tag(self, tx: Tx, row: ServerRow, tag: str, who: Who) -> None:
        if tag not in row.tags:
            raise NotFound(f"Server {row.id} has no tag '{tag}'")
        self.set_tags(tx, row, [name for name in row.tags if name != tag], who)
