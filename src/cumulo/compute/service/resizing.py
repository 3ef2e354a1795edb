"""Resize and cold migration, and what follows: confirm, or go back.

Until somebody confirms it, the server holds two flavors' resources: those of the new one by its own
id, those of the old one by the migration's. On one host the root disk is copied, and the copy
grows; the old one stays until then. To another host its root disk is carried by a job
(`compute.move`), and the old host keeps the guest, switched off.
"""

from typing import Any

import msgspec

from cumulo.compute.model.flavor import snapshot
from cumulo.compute.model.server import BeforeResize, FlavorSnapshot, MigrationRow, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.flavors import Flavors
from cumulo.compute.service.scheduling import resources_of
from cumulo.compute.service.servers import KIND, Servers, amounts_of, next_root
from cumulo.compute.service.who import Who
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs

MOVE, CONFIRM = "compute.move", "compute.confirm_resize"


class Move(msgspec.Struct, frozen=True):
    """The memo of a journey to another host."""

    target: str
    zone: str
    request_id: str
    action: str
    version: int | None = None
    """The number of its root disk there; it never was one's before."""


class Confirm(msgspec.Struct, frozen=True):
    """The memo of a resize that is confirmed by itself after a while: which one."""

    migration_id: int


class Resizing:
    def __init__(
        self, servers: Servers, flavors: Flavors, jobs: Jobs, *, confirm_seconds: float = 0.0
    ) -> None:
        self._servers = servers
        self._flavors = flavors
        self._jobs = jobs
        self._confirm_seconds = confirm_seconds

    # --- asked for --------------------------------------------------------------------------------

    def resize(
        self, tx: Tx, row: ServerRow, flavor_id: str, disk_config: str | None, who: Who
    ) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "resize", vm=("active", "stopped"))
        try:
            flavor = snapshot(self._flavors.get(tx, flavor_id, who.principal))
        except NotFound:
            raise BadRequest("Unable to locate requested flavor.") from None
        self._check(row, flavor)
        if disk_config is not None:
            row = self._servers.save(tx, row, disk_config=disk_config)
        self._take_quota(tx, row, flavor)
        self._leave(tx, row, flavor, who, "resize", never=[], host=None)

    def migrate(self, tx: Tx, row: ServerRow, host: str | None, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "migrate", vm=("active", "stopped"))
        if host is not None and host == row.host_id:
            raise BadRequest(f"Unable to migrate instance ({row.id}) to current host ({host}).")
        if host is not None:
            self._servers.placing.named(tx, host)
        never = [] if row.host_id is None else [row.host_id]
        self._leave(tx, row, row.flavor, who, "migrate", never=never, host=host)

    def _check(self, row: ServerRow, flavor: FlavorSnapshot) -> None:
        if flavor.id == row.flavor.id:
            raise BadRequest("When resizing, instances must change flavor!")
        if row.image is not None:
            if flavor.disk < row.flavor.disk or (flavor.disk == 0 and row.flavor.disk):
                raise BadRequest("Resize to a smaller disk is not possible.")
            if flavor.ram < row.image.min_ram:
                raise BadRequest("Flavor's memory is too small for requested image.")
        have = row.own_disks(row.flavor).ephemerals
        if flavor.ephemeral < sum(have):
            raise BadRequest("Resize to a smaller ephemeral disk is not possible.")

    def _take_quota(self, tx: Tx, row: ServerRow, flavor: FlavorSnapshot) -> None:
        more = {
            name: amount for name, amount in self._more(row.flavor, flavor).items() if amount > 0
        }
        if more:
            self._servers.quotas.take(tx, row.project_id, **more)

    def _more(self, old: FlavorSnapshot, new: FlavorSnapshot) -> dict[str, int]:
        before, after = amounts_of(old), amounts_of(new)
        return {name: after[name] - before[name] for name in after}

    def _leave(
        self,
        tx: Tx,
        row: ServerRow,
        flavor: FlavorSnapshot,
        who: Who,
        action: str,
        *,
        never: list[str],
        host: str | None,
    ) -> None:
        self._servers.require_settled(row, action)
        assert row.host_id is not None
        holder, source = new_id(), row.host_id
        self._servers.placement.hand_over(tx, row.id, holder, "MIGRATION")
        target = None if never or host else self._stay(tx, row, flavor)
        if target is None:
            self._servers.require_no_tpm(row, action)
            zone = row.pinned_zone
            target = self._servers.placing.again(tx, row, flavor, zone=zone, host=host, never=never)
        kind = "resize" if action == "resize" else "migration"
        migration = self.note(tx, row, flavor, who, kind, target.host_id, holder)
        self._servers.act(tx, row, action, who)
        before = BeforeResize(
            flavor=row.flavor,
            host_id=source,
            zone=row.zone,
            power=row.power,
            root_version=row.root_version,
            migration_id=migration.id,
            holder=holder,
        )
        version = next_root(row)
        if target.host_id == source:
            self._servers.desire(
                tx,
                row,
                flavor=flavor,
                before=before,
                operation="resize_finish",
                root_version=version,
                root_from=row.root_version,
                root_kept=row.root_version,
                reboot_nonce=max(row.reboot_nonce, row.reboot_done) + 1,
                reboot_kind="soft",
            )
            return
        self._servers.desire(
            tx, row, flavor=flavor, before=before, operation="resize_migrating", power="off"
        )
        memo = Move(target.host_id, target.zone, who.request_id, action, version)
        self._jobs.begin(tx, MOVE, row.id, memo, project_id=row.project_id)

    def _stay(self, tx: Tx, row: ServerRow, flavor: FlavorSnapshot) -> Any:
        """On its own host, if that has room for both flavors at once."""
        here = self._servers.placing.named(tx, row.host_id or "")
        if here.disabled or here.forced_down:
            return None
        wanted = resources_of(flavor, row.image)
        taken = self._servers.placement.claim(
            tx, row.id, here.uuid, wanted, project_id=row.project_id, user_id=row.user_id
        )
        return here if taken else None

    def note(
        self,
        tx: Tx,
        row: ServerRow,
        flavor: FlavorSnapshot,
        who: Who,
        kind: str,
        target: str,
        holder: str,
    ) -> MigrationRow:
        tx.insert(
            MigrationRow(
                id=0,
                uuid=holder,
                server_id=row.id,
                project_id=row.project_id,
                user_id=who.principal.user_id,
                kind=kind,
                status="migrating",
                source=row.host_id or "",
                target=target,
                old_flavor=row.flavor.id,
                new_flavor=flavor.id,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
        found = tx.one(queries.MIGRATION, uuid=holder)
        assert found is not None
        return found

    # --- what became of it ------------------------------------------------------------------------

    def moved(self, tx: Tx, row: ServerRow, memo: Move) -> None:
        """Its root disk is on the other host: from now on that one has it."""
        assert row.before is not None and row.host_id is not None
        self._servers.network.move_server(tx, row.id, memo.target)
        self._servers.volumes.move_server(tx, row.id, memo.target)
        self._servers.desire(
            tx,
            row,
            host_id=memo.target,
            zone=memo.zone,
            power=row.before.power,
            operation="resize_finish",
            root_version=memo.version or row.root_version + 1,
            root_from=None,
            root_kept=None,
            placed=False,
            seen_power="absent",
        )
        self._servers.registry.touch(tx, row.before.host_id, KIND, row.id)

    def finished(self, tx: Tx, row: ServerRow) -> None:
        if row.before is None:
            return
        self.mark(tx, row.before.migration_id, "finished")
        self._servers.finish_jobs_actions(tx, row, ("resize", "migrate"), None)
        if self._confirm_seconds > 0:
            memo = Confirm(row.before.migration_id)
            self._jobs.begin(tx, CONFIRM, row.id, memo, delay=self._confirm_seconds)

    def confirm(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "confirmResize", vm=("resized",))
        self._servers.act(tx, row, "confirmResize", who)
        self.confirmed(tx, row)

    def confirmed(self, tx: Tx, row: ServerRow) -> None:
        before = row.before
        assert before is not None
        self._servers.placement.release(tx, before.holder)
        less = {n: -amount for n, amount in self._more(before.flavor, row.flavor).items()}
        self._give_back(tx, row, less)
        if before.host_id != row.host_id:
            self._servers.registry.remove(tx, before.host_id, KIND, row.id)
        self.mark(tx, before.migration_id, "confirmed")
        self._servers.desire(tx, row, before=None, root_kept=None)

    def revert(self, tx: Tx, row: ServerRow, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "revertResize", vm=("resized",))
        self._servers.act(tx, row, "revertResize", who)
        self._go_back(tx, row, "resize_reverting")

    def give_up(self, tx: Tx, row: ServerRow) -> None:
        """The new flavor (or host) will not do."""
        self._go_back(tx, row, "resize_reverting")
        self._servers.finish_jobs_actions(
            tx, row, ("resize", "migrate"), "The resize failed on the host."
        )

    def _go_back(self, tx: Tx, row: ServerRow, operation: str) -> None:
        before = row.before
        assert before is not None
        self._servers.placement.release(tx, row.id)
        self._servers.placement.hand_over(tx, before.holder, row.id, "INSTANCE")
        self._give_back(tx, row, self._more(before.flavor, row.flavor))
        if before.host_id != row.host_id:
            self._servers.registry.remove(tx, row.host_id or "", KIND, row.id)
            self._servers.network.move_server(tx, row.id, before.host_id)
            self._servers.volumes.move_server(tx, row.id, before.host_id)
        self._servers.desire(
            tx,
            row,
            flavor=before.flavor,
            host_id=before.host_id,
            zone=before.zone,
            power=before.power,
            root_version=before.root_version,
            root_from=None,
            root_kept=None,
            operation=operation,
            placed=True,
            reboot_nonce=max(row.reboot_nonce, row.reboot_done) + 1,
            reboot_kind="soft",
            reason=None,
        )

    def reverted(self, tx: Tx, row: ServerRow) -> dict[str, Any]:
        if row.before is not None:
            self.mark(tx, row.before.migration_id, "reverted")
        return {"before": None}

    def undone(self, tx: Tx, row: ServerRow) -> None:
        """The journey to another host failed before it had it: as it was."""
        if row.before is None or row.operation != "resize_migrating":
            return
        self.mark(tx, row.before.migration_id, "error")
        self._go_back(tx, row, "resize_reverting")

    def _give_back(self, tx: Tx, row: ServerRow, amounts: dict[str, int]) -> None:
        back = {name: amount for name, amount in amounts.items() if amount > 0}
        if back:
            self._servers.quotas.give_back(tx, row.project_id, **back)

    def mark(self, tx: Tx, migration_id: int, status: str) -> None:
        row = tx.get(MigrationRow, migration_id)
        if row is not None:
            tx.update(row, status=status, updated_at=tx.now)
            emit(tx, "compute.server.migration", row.server_id, status=status, host=row.target)
