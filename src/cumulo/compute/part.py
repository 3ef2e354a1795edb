"""The conductor's side of compute: what each host should run, and what it reports."""

from typing import Any

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.orders import (
    DesiredCompute,
    ObservedCompute,
    SeenGuest,
    WantedDisk,
    WantedGuest,
    WantedImage,
    WantedNic,
)
from cumulo.compute.model.server import ServerFault, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hosts import Hosts
from cumulo.compute.service.metadata import config_drive
from cumulo.compute.service.servers import FORMATS, KIND, Servers
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.network.interface import PortInfo

PATIENCE = 3
"""Failures in a row after which a server is in ERROR; its host goes on trying."""


class ComputePart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    desired_type: type = DesiredCompute
    observed_type: type = ObservedCompute

    def __init__(self, servers: Servers, hosts: Hosts) -> None:
        self._servers = servers
        self._hosts = hosts

    # --- desired ------------------------------------------------------------------------------

    def desired(self, tx: Tx, host_id: str, generation: int) -> DesiredCompute:
        rows = tx.all(queries.ON_HOST, host=host_id)
        ids = [row.id for row in rows if row.present]
        ports = self._servers.network.ports_of(tx, ids) if ids else {}
        volumes = self._servers.volumes.attachments_of(tx, ids) if ids else {}
        return DesiredCompute(
            [wanted(row, ports.get(row.id, []), volumes.get(row.id, [])) for row in rows]
        )

    # --- observed -----------------------------------------------------------------------------

    def observed(self, tx: Tx, host_id: str, report: ObservedCompute) -> None:
        self._hosts.register(tx, host_id, report.resources)
        rows = {row.id: row for row in tx.all(queries.ON_HOST, host=host_id)}
        present = [row.id for row in rows.values() if row.present]
        volumes = self._servers.volumes.attachments_of(tx, present) if present else {}
        busy = {id for (id,) in tx.tuples(queries.WITH_OPEN_ACTIONS, host=host_id)}
        for seen in report.guests:
            row = rows.get(seen.id)
            if row is not None and row.present:
                self._take_over(tx, row, seen, busy=row.id in busy)
                self._take_over_disks(tx, row, seen, volumes.get(row.id, []))
        for server_id in report.removed:
            row = rows.get(server_id)
            if row is not None and not row.present:
                self._servers.gone(tx, row)

    def _take_over(self, tx: Tx, row: ServerRow, seen: SeenGuest, *, busy: bool) -> None:
        """Facts are always taken; that the wish is fulfilled only for the wish of today.
        `busy`: some action on the server is not over."""
        changes: dict[str, Any] = {
            "seen_power": seen.power,
            "step": seen.step,
            "reboot_done": max(row.reboot_done, seen.reboot_done),
        }
        done = seen.done and seen.generation == row.generation
        if done:
            changes["seen_generation"] = seen.generation
        if row.launched_at is None and seen.power in ("on", "paused"):
            changes["launched_at"] = tx.now
        if seen.fault is not None and seen.failures >= PATIENCE:
            if row.fault is None or row.fault.message != seen.fault:
                changes["fault"] = ServerFault(code=500, message=seen.fault, created=tx.now)
        elif done and row.fault is not None and not row.fault.sticky:
            changes["fault"] = None
        stopped = done and row.power != "off" and seen.power in ("off", "crashed")
        if stopped and row.launched_at is not None:
            reason = seen.reason or "the guest ended"
            changes.update(power="off", reason=reason)
            emit(
                tx,
                "compute.server.stopped",
                row.id,
                project_id=row.project_id,
                reason=reason,
                crashed=seen.power == "crashed",
            )
        real = {name: value for name, value in changes.items() if getattr(row, name) != value}
        if real:
            row = self._servers.save(tx, row, **real)
        if busy and done:
            self._servers.finish_actions(tx, row, None)
        elif busy and "fault" in real and row.fault is not None:
            self._servers.finish_actions(tx, row, row.fault.message)

    def _take_over_disks(
        self, tx: Tx, row: ServerRow, seen: SeenGuest, attachments: list[Attachment]
    ) -> None:
        for each in attachments:
            if each.state == "attaching" and each.id in seen.disks:
                self._servers.volumes.plugged(tx, each.id)
            elif each.state == "detaching" and each.id not in seen.disks and _settled(row, seen):
                self._servers.volumes.unplugged(tx, each.id)


def _settled(row: ServerRow, seen: SeenGuest) -> bool:
    return seen.done and seen.generation == row.generation


def wanted(row: ServerRow, ports: list[PortInfo], volumes: list[Attachment]) -> WantedGuest:
    """A server as its host has to make it."""
    if not row.present:
        return WantedGuest(id=row.id, generation=row.generation, present=False)
    image = None
    if row.image is not None:
        image = WantedImage(
            id=row.image.id,
            path=row.image.path or "",
            sha512=row.image.sha512 or "",
            format="raw" if FORMATS.get(row.image.disk_format or "") == "raw" else "qcow2",
        )
    return WantedGuest(
        id=row.id,
        generation=row.generation,
        name=row.name,
        vcpus=row.flavor.vcpus,
        memory_mb=row.flavor.ram,
        disk_gb=row.flavor.disk,
        power=row.power,
        image=image,
        nics=[WantedNic(port.id, port.mac_address, port.tap, port.mtu) for port in ports],
        disks=[
            WantedDisk(
                each.volume_id,
                each.id,
                each.device.removeprefix("/dev/"),
                each.size,
                each.read_only,
                each.connection,
            )
            for each in volumes
            if each.state != "detaching"
        ],
        reboot_nonce=row.reboot_nonce,
        reboot_kind=row.reboot_kind,
        config_drive=config_drive(row, ports) if row.config_drive else None,
        properties={} if row.image is None else row.image.properties,
    )
