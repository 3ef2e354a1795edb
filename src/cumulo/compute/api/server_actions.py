"""`POST /servers/{id}/action`, and the questions that only a server's host can answer."""

import re
from typing import Any

from msgspec import UNSET

from cumulo.compute.api import bodies
from cumulo.compute.api.common import action, server_of, who
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_int

_DISK_NAMES = {
    "read_bytes": "read",
    "reads": "read_req",
    "written_bytes": "write",
    "writes": "write_req",
}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class ServerActionsApi:
    def __init__(self, compute: ComputeService, database: Database, conductor: Conductor) -> None:
        self._compute = compute
        self._actions = compute.actions
        self._database = database
        self._conductor = conductor

    def operations(self) -> list[Operation]:
        servers, lock = "os_compute_api:servers", "os_compute_api:os-lock-server"
        pause = "os_compute_api:os-pause-server"
        return [
            action("reboot", self.reboot, f"{servers}:reboot", bodies.RebootAction),
            action("os-start", self.start, f"{servers}:start", bodies.StartAction),
            action("os-stop", self.stop, f"{servers}:stop", bodies.StopAction),
            action("pause", self.pause, f"{pause}:pause", bodies.PauseAction),
            action("unpause", self.unpause, f"{pause}:unpause", bodies.UnpauseAction),
            action("lock", self.old_lock, f"{lock}:lock", bodies.OldLockAction, until="2.72"),
            action("lock", self.lock, f"{lock}:lock", bodies.LockAction, since="2.73"),
            action("unlock", self.unlock, f"{lock}:unlock", bodies.UnlockAction),
            action(
                "forceDelete",
                self.force_delete,
                "os_compute_api:os-deferred-delete:force",
                bodies.ForceDeleteAction,
            ),
            action(
                "os-resetState",
                self.reset_state,
                "os_compute_api:os-admin-actions:reset_state",
                bodies.ResetStateAction,
            ),
            Operation(
                "POST",
                "/servers/{server_id}/action",
                self.console_output,
                policy="os_compute_api:os-console-output",
                early=False,
                body=bodies.ConsoleAction,
                action="os-getConsoleOutput",
                kind="stream",
            ),
            Operation(
                "GET",
                "/servers/{server_id}/diagnostics",
                self.diagnostics,
                policy="os_compute_api:os-server-diagnostics",
                early=False,
                kind="stream",
                since="2.48",
            ),
            Operation(
                "GET",
                "/servers/{server_id}/diagnostics",
                self.old_diagnostics,
                policy="os_compute_api:os-server-diagnostics",
                early=False,
                kind="stream",
                response=dict[str, int],
                until="2.47",
            ),
        ]

    def _server(self, call: Call, tx: Tx) -> ServerRow:
        return server_of(call, tx, self._compute)

    def reboot(self, call: Call, tx: Tx) -> None:
        kind = call.body.reboot.type.lower()
        if kind not in ("soft", "hard"):
            raise BadRequest(
                f"Invalid input for field/attribute type. Value: {call.body.reboot.type}. "
                f"'{call.body.reboot.type}' is not one of ['HARD', 'Hard', 'hard', 'SOFT', "
                "'Soft', 'soft']"
            )
        self._actions.reboot(tx, self._server(call, tx), kind, who(call))

    def start(self, call: Call, tx: Tx) -> None:
        self._actions.start(tx, self._server(call, tx), who(call))

    def stop(self, call: Call, tx: Tx) -> None:
        self._actions.stop(tx, self._server(call, tx), who(call))

    def pause(self, call: Call, tx: Tx) -> None:
        self._actions.pause(tx, self._server(call, tx), who(call))

    def unpause(self, call: Call, tx: Tx) -> None:
        self._actions.unpause(tx, self._server(call, tx), who(call))

    def old_lock(self, call: Call, tx: Tx) -> None:
        self._actions.lock(tx, self._server(call, tx), None, who(call))

    def lock(self, call: Call, tx: Tx) -> None:
        wish = call.body.lock
        reason = None
        if wish is not None and wish.locked_reason is not UNSET:
            reason = wish.locked_reason
        self._actions.lock(tx, self._server(call, tx), reason, who(call))

    def unlock(self, call: Call, tx: Tx) -> None:
        self._actions.unlock(tx, self._server(call, tx), who(call))

    def force_delete(self, call: Call, tx: Tx) -> None:
        self._compute.servers.delete(tx, self._server(call, tx), who(call))

    def reset_state(self, call: Call, tx: Tx) -> None:
        self._actions.reset_state(tx, self._server(call, tx), call.body.reset.state, who(call))

    # --- questions to the host --------------------------------------------------------------

    async def _ask(self, call: Call, question: str, **arguments: Any) -> Any:
        row = await self._database.read(lambda tx: self._server(call, tx))
        if row.host_id is None or row.launched_at is None:
            raise Conflict(f"Instance {row.id} is not ready")
        try:
            return await self._conductor.ask(
                row.host_id, "compute", question, id=row.id, **arguments
            )
        except HostDown as down:
            raise Conflict(f"Instance {row.id} is not ready: {down}") from None

    async def console_output(self, call: Call) -> Any:
        wanted = call.body.console.length
        lines = None
        if wanted is not None:
            number = as_int(wanted, "length", minimum=-1)
            lines = None if number < 0 else number
        text = await self._ask(call, "console_log", lines=lines)
        if lines is not None:
            # What follows the last line's end counts as one.
            text = "\n".join(text.split("\n")[-lines:]) if lines else ""
        return {"output": _CONTROL.sub("", text)}

    async def old_diagnostics(self, call: Call) -> Any:
        """In the names that libvirt's driver gave: of what the guest has used."""
        found = await self._ask(call, "diagnostics")
        row = await self._database.read(lambda tx: self._server(call, tx))
        used, memory = found["used"] or {}, row.flavor.ram * 1024
        body = {"memory": memory, "memory-actual": memory}
        body["cpu0_time"] = used.get("cpu_ns", 0)
        body["memory-rss"] = used.get("memory_bytes", 0) // 1024
        for disk in used.get("disks", ()):
            for key, name in _DISK_NAMES.items():
                body[f"{disk['name']}_{name}"] = disk[key]
            body[f"{disk['name']}_errors"] = -1
        return body

    async def diagnostics(self, call: Call) -> Any:
        seen = await self._ask(call, "diagnostics")
        row = await self._database.read(lambda tx: self._server(call, tx))
        ports = await self._database.read(lambda tx: self._compute.devices.ports(tx, row))
        macs = [port.mac_address for port in ports]
        states = {"on": "running", "paused": "paused", "off": "shutdown", "crashed": "crashed"}
        return {
            "state": states.get(seen["power"], "pending"),
            "driver": "libvirt",
            "hypervisor": "qemu",
            "hypervisor_os": "linux",
            "uptime": None,
            "config_drive": row.config_drive,
            "num_cpus": row.flavor.vcpus,
            "num_nics": len(seen["nics"]),
            "num_disks": len(seen["disks"]) + (row.image is not None),
            "cpu_details": _cpus(seen, row),
            "nic_details": [_nic(mac) for mac in macs],
            "disk_details": [_disk(each) for each in (seen["used"] or {}).get("disks", ())],
            "memory_details": _memory(seen, row),
        }


def _cpus(seen: dict[str, Any], row: ServerRow) -> list[dict[str, Any]]:
    """Their time is known of all together: it is told evenly."""
    count = row.flavor.vcpus
    time = None if not seen["used"] else seen["used"]["cpu_ns"] // count
    return [{"id": number, "time": time, "utilisation": None} for number in range(count)]


def _nic(mac: str) -> dict[str, Any]:
    counted = ("octets", "errors", "drop", "packets", "rate")
    names = [f"{way}_{name}" for way in ("rx", "tx") for name in counted]
    return {"mac_address": mac, **dict.fromkeys(names)}


def _disk(disk: dict[str, Any]) -> dict[str, Any]:
    return {
        "read_bytes": disk["read_bytes"],
        "read_requests": disk["reads"],
        "write_bytes": disk["written_bytes"],
        "write_requests": disk["writes"],
        "errors_count": None,
    }


def _memory(seen: dict[str, Any], row: ServerRow) -> dict[str, Any]:
    used = None if not seen["used"] else seen["used"]["memory_bytes"] // (1 << 20)
    return {"maximum": row.flavor.ram, "used": used}
