"""`POST /servers/{id}/action`: what changes a server as a whole."""

import secrets
from typing import Any

from msgspec import UNSET

from cumulo.compute.api import bodies
from cumulo.compute.api.common import action, address_of, files_of, server_of, user_data_of, who
from cumulo.compute.api.views import RebuiltServer, Views
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, Gone
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Version

P = "os_compute_api"


class OperationsApi:
    def __init__(self, compute: ComputeService, database: Database, conductor: Conductor) -> None:
        self._compute = compute
        self._operations = compute.operations
        self._resizing = compute.resizing
        self._snapshots = compute.snapshots
        self._views = Views(compute)
        self._database = database
        self._conductor = conductor

    def operations(self) -> list[Operation]:
        suspend, shelve = f"{P}:os-suspend-server", f"{P}:os-shelve"
        rebuild: dict[str, Any] = {"status": 202}
        return [
            action("suspend", self.suspend, f"{suspend}:suspend", bodies.SuspendAction),
            action("resume", self.resume, f"{suspend}:resume", bodies.ResumeAction),
            action("rescue", self.rescue, f"{P}:os-rescue", bodies.RescueAction, status=200),
            action("unrescue", self.unrescue, f"{P}:os-unrescue", bodies.UnrescueAction),
            action(
                "rebuild",
                self.rebuild,
                f"{P}:servers:rebuild",
                bodies.RebuildActionBefore294,
                until="2.93",
                **rebuild,
            ),
            action(
                "rebuild",
                self.rebuild,
                f"{P}:servers:rebuild",
                bodies.RebuildAction,
                since="2.94",
                **rebuild,
            ),
            *self._moving(),
            *self._copying(),
            action("shelve", self.shelve, f"{shelve}:shelve", bodies.ShelveAction),
            action(
                "shelveOffload",
                self.offload,
                f"{shelve}:shelve_offload",
                bodies.ShelveOffloadAction,
            ),
            *self._unshelving(f"{shelve}:unshelve"),
            action(
                "restore", self.restore, f"{P}:os-deferred-delete:restore", bodies.RestoreAction
            ),
            *self._inside(),
        ]

    def _moving(self) -> list[Operation]:
        servers, migrate = f"{P}:servers", f"{P}:os-migrate-server:migrate"
        return [
            action("resize", self.resize, f"{servers}:resize", bodies.ResizeAction),
            action(
                "confirmResize",
                self.confirm,
                f"{servers}:confirm_resize",
                bodies.ConfirmResizeAction,
                status=204,
            ),
            action(
                "revertResize", self.revert, f"{servers}:revert_resize", bodies.RevertResizeAction
            ),
            action("migrate", self.migrate, migrate, bodies.OldMigrateAction, until="2.55"),
            action("migrate", self.migrate, migrate, bodies.MigrateAction, since="2.56"),
            action(
                "evacuate",
                self.evacuate,
                f"{P}:os-evacuate",
                bodies.EvacuateActionBefore214,
                until="2.13",
                status=200,
            ),
            action(
                "evacuate",
                self.evacuate,
                f"{P}:os-evacuate",
                bodies.EvacuateAction,
                since="2.14",
                status=200,
            ),
        ]

    def _copying(self) -> list[Operation]:
        image, backup = f"{P}:servers:create_image", f"{P}:os-create-backup"
        return [
            action("createImage", self.create_image, image, bodies.CreateImageAction),
            action("createBackup", self.create_backup, backup, bodies.CreateBackupAction),
        ]

    def _unshelving(self, rule: str) -> list[Operation]:
        name, zone = "unshelve", bodies.UnshelveToZoneAction
        return [
            action(name, self.unshelve, rule, bodies.OldUnshelveAction, until="2.76"),
            action(name, self.unshelve, rule, zone, since="2.77", until="2.90"),
            action(name, self.unshelve, rule, bodies.UnshelveAction, since="2.91"),
        ]

    def _inside(self) -> list[Operation]:
        admin = f"{P}:os-admin-actions"
        return [
            action(
                "changePassword",
                self.change_password,
                f"{P}:os-admin-password",
                bodies.ChangePasswordAction,
                kind="stream",
            ),
            action(
                "trigger_crash_dump",
                self.crash_dump,
                f"{P}:servers:trigger_crash_dump",
                bodies.CrashDumpAction,
                kind="stream",
                since="2.17",
            ),
            action(
                "resetNetwork",
                self.reset_network,
                f"{admin}:reset_network",
                bodies.ResetNetworkAction,
            ),
            action(
                "injectNetworkInfo",
                self.inject_network_info,
                f"{admin}:inject_network_info",
                bodies.InjectNetworkInfoAction,
            ),
        ]

    def _server(self, call: Call, tx: Tx) -> ServerRow:
        return server_of(call, tx, self._compute)

    # --- memory, rescue, rebuild --------------------------------------------------------------

    def suspend(self, call: Call, tx: Tx) -> None:
        self._operations.suspend(tx, self._server(call, tx), who(call))

    def resume(self, call: Call, tx: Tx) -> None:
        self._operations.resume(tx, self._server(call, tx), who(call))

    def rescue(self, call: Call, tx: Tx) -> Any:
        wish = call.body.rescue or bodies.Rescue()
        password = secrets.token_urlsafe(9) if wish.adminPass is UNSET else str(wish.adminPass)
        image = None if wish.rescue_image_ref is UNSET else str(wish.rescue_image_ref)
        self._operations.rescue(
            tx,
            self._server(call, tx),
            image,
            password,
            who(call),
            stable=_at(call, 87),
        )
        return {"adminPass": password}

    def unrescue(self, call: Call, tx: Tx) -> None:
        self._operations.unrescue(tx, self._server(call, tx), who(call))

    def rebuild(self, call: Call, tx: Tx) -> Reply:
        wish: bodies.Rebuild = call.body.rebuild
        files = files_of(wish.personality)
        row = self._server(call, tx)
        password = secrets.token_urlsafe(9) if wish.adminPass is UNSET else str(wish.adminPass)
        image_id = wish.imageRef.rpartition("/")[2]
        changes: dict[str, Any] = {
            "name": wish.name,
            "metadata": wish.metadata,
            "description": wish.description,
            "disk_config": wish.disk_config,
            "hostname": wish.hostname,
            "certificates": wish.trusted_image_certificates,
            "access_ipv4": UNSET if wish.accessIPv4 is UNSET else address_of(wish.accessIPv4, 4),
            "access_ipv6": UNSET if wish.accessIPv6 is UNSET else address_of(wish.accessIPv6, 6),
            "user_data": UNSET if wish.user_data is UNSET else user_data_of(wish.user_data),
        }
        given = {name: value for name, value in changes.items() if value is not UNSET}
        if wish.key_name is not UNSET:
            pairs, key = self._compute.keypairs, wish.key_name
            given["key"] = None if key is None else pairs.for_server(tx, row.user_id, str(key))
        given["admin_password"] = password
        newer = _at(call, 93)
        row = self._operations.rebuild(tx, row, image_id, given, who(call), volumes_too=newer)
        if wish.personality is not UNSET:
            self._compute.servers.set_files(tx, row, files)
        body = self._views.server(call, tx, row, RebuiltServer)
        body.adminPass, body.plain_user_data = password, row.user_data
        body.user_data = UNSET  # it stands there under its own name
        headers = {"Location": body.links[0]["href"]}
        return Reply(202, {"server": body}, headers)

    # --- other flavors and hosts ----------------------------------------------------------------

    def resize(self, call: Call, tx: Tx) -> None:
        wish = call.body.resize
        config = None if wish.disk_config is UNSET else str(wish.disk_config)
        row = self._server(call, tx)
        self._resizing.resize(tx, row, str(wish.flavorRef).rpartition("/")[2], config, who(call))

    def confirm(self, call: Call, tx: Tx) -> None:
        self._resizing.confirm(tx, self._server(call, tx), who(call))

    def revert(self, call: Call, tx: Tx) -> None:
        self._resizing.revert(tx, self._server(call, tx), who(call))

    def migrate(self, call: Call, tx: Tx) -> None:
        wish = call.body.migrate
        host = wish.host if isinstance(wish, bodies.Migrate) else None
        row = self._server(call, tx)
        if host is not None:
            call.allow(action=f"{P}:os-migrate-server:migrate:host")
        self._resizing.migrate(tx, row, host, who(call))

    def evacuate(self, call: Call, tx: Tx) -> Any:
        """A host of choice is checked as any other one (`force` of API 2.29 to 2.67 or not)."""
        wish = call.body.evacuate
        before = isinstance(wish, bodies.EvacuateBefore214)
        if before and as_bool(wish.onSharedStorage, "onSharedStorage"):
            raise BadRequest("Invalid shared storage: root disks are on the hosts themselves.")
        forced = getattr(wish, "force", UNSET)
        if forced is not UNSET and as_bool(forced, "force") and wish.host is UNSET:
            raise BadRequest("Can't force to a non-provided destination")
        password = secrets.token_urlsafe(9) if wish.adminPass is UNSET else str(wish.adminPass)
        self._compute.evacuation.evacuate(
            tx,
            self._server(call, tx),
            who(call),
            host=None if wish.host is UNSET else str(wish.host),
            password=password,
            stopped=_at(call, 95),
        )
        return {"adminPass": password} if before else None

    # --- images ---------------------------------------------------------------------------------

    def create_image(self, call: Call, tx: Tx) -> Reply:
        wish = call.body.createImage
        row = self._server(call, tx)
        return self._made(
            call, self._snapshots.create(tx, row, wish.name, wish.metadata, who(call))
        )

    def create_backup(self, call: Call, tx: Tx) -> Reply:
        wish = call.body.createBackup
        row = self._server(call, tx)
        rotation = as_int(wish.rotation, "rotation", minimum=0, maximum=10_000)
        image_id = self._snapshots.backup(
            tx, row, wish.name, wish.backup_type, rotation, wish.metadata, who(call)
        )
        return self._made(call, image_id)

    def _made(self, call: Call, image_id: str) -> Reply:
        """API 2.45 says the id; before it a header says where the image is."""
        if _at(call, 45):
            return Reply(202, {"image_id": image_id}, {})
        base = call.base_url.removesuffix("/compute")
        return Reply(202, None, {"Location": f"{base}/image/v2/images/{image_id}"})

    # --- shelf ----------------------------------------------------------------------------------

    def shelve(self, call: Call, tx: Tx) -> None:
        self._operations.shelve(tx, self._server(call, tx), who(call))

    def offload(self, call: Call, tx: Tx) -> None:
        self._operations.offload(tx, self._server(call, tx), who(call))

    def unshelve(self, call: Call, tx: Tx) -> None:
        wish = call.body.unshelve
        zone: Any = getattr(wish, "availability_zone", UNSET)
        host: Any = getattr(wish, "host", UNSET)
        if isinstance(wish, bodies.Unshelve) and zone is UNSET and host is UNSET:
            raise BadRequest(
                "Invalid input for field/attribute unshelve. Value: {}. {} does not have enough "
                "properties"
            )
        row = self._server(call, tx)
        if host is not UNSET:
            call.allow(action=f"{P}:os-shelve:unshelve_to_host")
        self._operations.unshelve(
            tx,
            row,
            who(call),
            zone=None if zone is UNSET or zone is None else str(zone),
            unpin=zone is None,
            host=None if host is UNSET else str(host),
        )

    def restore(self, call: Call, tx: Tx) -> None:
        self._operations.restore(tx, self._server(call, tx), who(call))

    # --- inside the guest -------------------------------------------------------------------------

    async def change_password(self, call: Call) -> None:
        password = call.body.changePassword.adminPass
        row = await self._database.read(
            lambda tx: self._ready(call, tx, ("active",), "changePassword")
        )
        image = row.image
        user = "root" if image is None else image.properties.get("os_admin_user", "root")
        reason = await self._ask(row, "password", user=user, password=password)
        if reason is not None:
            raise Conflict(f"Failed to set admin password on {row.id}: {reason}")

        def note(tx: Tx) -> None:
            found = self._server(call, tx)
            self._compute.servers.act(tx, found, "changePassword", who(call), over=True)

        await self._database.write(note, name="change password")

    async def crash_dump(self, call: Call) -> None:
        fit = ("active", "paused", "rescued", "resized", "error")
        row = await self._database.read(lambda tx: self._ready(call, tx, fit, "trigger_crash_dump"))
        reason = await self._ask(row, "interrupt")
        if reason is not None:
            raise Conflict(f"Failed to trigger a crash dump of {row.id}: {reason}")

        def note(tx: Tx) -> None:
            found = self._server(call, tx)
            self._compute.servers.act(tx, found, "trigger_crash_dump", who(call), over=True)

        await self._database.write(note, name="trigger crash dump")

    def _ready(self, call: Call, tx: Tx, vm: tuple[str, ...], name: str) -> ServerRow:
        row = self._server(call, tx)
        self._compute.servers.require_unlocked(row, call.principal)
        self._compute.servers.require(row, name, vm=vm)
        return row

    async def _ask(self, row: ServerRow, question: str, **arguments: Any) -> Any:
        if row.host_id is None:
            raise Conflict(f"Instance {row.id} is not ready")
        try:
            return await self._conductor.ask(
                row.host_id, "compute", question, id=row.id, **arguments
            )
        except HostDown as down:
            raise Conflict(f"Instance {row.id} is not ready: {down}") from None

    def reset_network(self, call: Call, tx: Tx) -> None:
        self._server(call, tx)
        raise Gone("This resource is no longer available. No forwarding address is given.")

    def inject_network_info(self, call: Call, tx: Tx) -> None:
        """Guests are told by DHCP and by metadata: there is nothing to put into them."""
        row = self._server(call, tx)
        self._compute.servers.require(row, "inject_network_info")


def _at(call: Call, minor: int) -> bool:
    return call.version is not None and call.version >= Version(2, minor)
