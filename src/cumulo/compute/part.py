"""The conductor's side of compute: what each host should run, and what it reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.hypervisor import HostResources
from cumulo.compute.model.orders import (
    SeenGuest,
    WantedDisk,
    WantedGuest,
    WantedNic,
    WantedRoot,
)
from cumulo.compute.model.server import BeforeResize, ImageRef, ServerFault, ServerRow
from cumulo.compute.model.state import BY_HOST
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hosts import Hosts
from cumulo.compute.service.metadata import Details, Metadata, More, config_drive
from cumulo.compute.service.operations import REIMAGING, Operations
from cumulo.compute.service.precaching import Precaching
from cumulo.compute.service.servers import FORMATS, KIND, Servers
from cumulo.core.blobs.content import Content
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.messages import Seen
from cumulo.core.hosts.model import UnknownRow
from cumulo.network.interface import PortInfo

STABLE = {"hw_rescue_device", "hw_rescue_bus"}
"""Properties of an image that asks for its place after a server's own disks"""
PATIENCE = 3
"""Failures in a row after which a server is in ERROR; its host goes on trying."""


class ComputePart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    item_type = WantedGuest
    seen_type = SeenGuest
    host_type = HostResources

    def __init__(
        self,
        servers: Servers,
        hosts: Hosts,
        operations: Operations,
        metadata: Metadata,
        precaching: Precaching,
    ) -> None:
        self._precaching = precaching
        self._metadata = metadata
        self._operations = operations
        self._servers = servers
        self._hosts = hosts

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, WantedGuest]:
        images = self._precaching.items(tx, host_id, ids)
        rows = tx.all(queries.BY_IDS, ids=ids) if ids else []
        mine = [row for row in rows if row.host_id == host_id and row.present]
        left = {
            row.id: waiting(row, row.before)
            for row in rows
            if row.before is not None and row.before.host_id == host_id != row.host_id
        }
        left |= images
        if not mine:
            return left
        ids = [row.id for row in mine]
        ports = self._servers.network.ports_of(tx, ids)
        volumes = self._servers.volumes.attachments_of(tx, ids)
        told = self._metadata.details(tx, [row for row in mine if row.config_drive], ports)
        found = {
            row.id: self._wanted(row, ports.get(row.id, []), volumes.get(row.id, []), told)
            for row in mine
        }
        return left | found

    def _wanted(
        self, row: ServerRow, ports: list[PortInfo], volumes: list[Attachment], told: Details
    ) -> WantedGuest:
        return wanted(row, ports, volumes, self._metadata.more(row, volumes, told))

    def host(self, tx: Tx, host_id: str, state: HostResources) -> None:
        self._hosts.register(tx, host_id, state)

    def contents(self, state: WantedGuest) -> list[Content]:
        """Implements `core.hosts.conductor.Reads`."""
        return [each for each in (state.image, state.rescue) if each is not None]

    def host_left(self, tx: Tx, host_id: str) -> None:
        self._hosts.forget(tx, host_id)

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        row = tx.get(ServerRow, seen.id)
        if row is None or row.host_id != host_id or row.deleted_at is not None:
            return
        if row.present:
            done = seen.done and newest
            self._take_over(tx, row, seen, done=done)
            if seen.state is not None:
                self._take_over_disks(tx, row, seen.state, done=done)
        elif seen.failures == PATIENCE:
            emit(
                tx,
                "compute.server.delete.error",
                row.id,
                project_id=row.project_id,
                reason=seen.fault,
            )

    def node_says(
        self,
        tx: Tx,
        row: ServerRow,
        guest: SeenGuest | None,
        *,
        done: bool = False,
        step: str | None = None,
        fault: str | None = None,
    ) -> None:
        """Of a machine of bare metal: taken over as any host's report. A failure is one at once."""
        seen = Seen(
            id=row.id,
            version=0,
            done=done,
            state=guest,
            fault=fault,
            failures=0 if fault is None else PATIENCE,
            final=fault is not None,
            step=step,
        )
        if row.present:
            self._take_over(tx, row, seen, done=done)
        elif row.fault is None or row.fault.message != fault:
            self._servers.save(
                tx, row, fault=ServerFault(code=500, message=fault or "", created=tx.now)
            )

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        row = tx.get(ServerRow, id)
        if row is None or row.host_id != host_id or row.deleted_at is not None:
            return
        if not row.present:
            self._servers.gone(tx, row)
        elif row.operation == "shelving_offloading":
            self._operations.left(tx, row)

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        raise BadRequest(
            f"Guest {row.id} cannot be adopted: its flavor, image and ports are not known here. It "
            "goes on as it is until it is removed, or a newer copy of the database is restored."
        )

    def _take_over(self, tx: Tx, row: ServerRow, seen: Seen, *, done: bool) -> None:
        """Facts are always taken; that the wish is fulfilled only for the wish of today."""
        guest: SeenGuest | None = seen.state
        changes: dict[str, Any] = {"step": seen.step}
        stuck = seen.fault is not None and (seen.failures >= PATIENCE or seen.final)
        if guest is not None:
            changes["seen_power"] = guest.power
            changes["pins"] = guest.pins
            changes["reboot_done"] = max(row.reboot_done, guest.reboot_done)
            if guest.power in ("on", "paused"):
                changes["placed"] = True
                if row.launched_at is None:
                    changes["launched_at"] = tx.now
        if done:
            changes |= {"seen_generation": row.generation, "root_made": row.root_version}
            changes |= self._operations.fulfilled(tx, row)
        if stuck and (
            self._operations.elsewhere(tx, row, seen.fault or "")
            or self._operations.give_up(tx, row, seen.fault or "")
        ):
            return
        if stuck:
            if row.operation in BY_HOST:  # Others are jobs': those end them.
                changes["operation"] = None
            if row.fault is None or row.fault.message != seen.fault:
                reason = seen.fault or ""
                changes["fault"] = ServerFault(code=500, message=reason, created=tx.now)
        elif done and row.fault is not None and not row.fault.sticky:
            changes["fault"] = None
        if done and guest is not None and row.power in ("on", "paused") and row.placed:
            changes |= self._stopped(tx, row, guest)
        real = {name: value for name, value in changes.items() if getattr(row, name) != value}
        if real:
            row = self._servers.save(tx, row, **real)
        if done and row.operation != REIMAGING:  # A job ends that.
            self._servers.finish_actions(tx, row, None)
        elif "fault" in real and row.fault is not None:
            self._servers.finish_actions(tx, row, row.fault.message)

    def _stopped(self, tx: Tx, row: ServerRow, guest: SeenGuest) -> dict[str, Any]:
        """A guest that ended by itself is wanted off from now on."""
        if guest.power not in ("off", "crashed"):
            return {}
        reason = guest.reason or "the guest ended"
        emit(
            tx,
            "compute.server.stopped",
            row.id,
            project_id=row.project_id,
            reason=reason,
            crashed=guest.power == "crashed",
        )
        return {"power": "off", "reason": reason}

    def _take_over_disks(self, tx: Tx, row: ServerRow, guest: SeenGuest, *, done: bool) -> None:
        volumes = self._servers.volumes
        for each in volumes.attachments_of(tx, [row.id]).get(row.id, []):
            if each.state == "attaching" and each.id in guest.disks:
                volumes.plugged(tx, each.id)
            elif each.state == "detaching" and each.id not in guest.disks and done:
                volumes.unplugged(tx, each.id)


def wanted(
    row: ServerRow,
    ports: list[PortInfo],
    volumes: list[Attachment],
    more: More,
) -> WantedGuest:
    """A server as its host has to make it: as it was, as long as it is on its way elsewhere."""
    leaving = row.before is not None and row.operation == "resize_migrating"
    flavor = row.before.flavor if leaving and row.before is not None else row.flavor
    disks = row.own_disks(flavor)
    return WantedGuest(
        id=row.id,
        generation=row.generation,
        name=row.name,
        vcpus=flavor.vcpus,
        memory_mb=flavor.ram,
        disk_gb=flavor.disk,
        power=row.power,
        image=content_of(row.base or row.image),
        root=WantedRoot(row.root_version, row.root_from, row.root_kept, _carried(row)),
        rescue=content_of(row.rescue),
        rescue_last=row.rescue is not None and bool(STABLE & row.rescue.properties.keys()),
        ephemeral_gb=flavor.ephemeral,
        ephemerals=disks.ephemerals,
        ephemerals_kept=[] if row.before is None else row.own_disks(row.before.flavor).ephemerals,
        swap_mb=disks.swap_mb,
        launched=row.placed,
        nics=[WantedNic(port.id, port.mac_address, port.tap, port.mtu) for port in ports],
        disks=[
            WantedDisk(
                each.volume_id,
                each.id,
                each.device.removeprefix("/dev/"),
                each.size,
                each.read_only,
                each.connection,
                each.shared,
                each.throttle,
            )
            for each in volumes
            if each.state != "detaching"
        ],
        reboot_nonce=row.reboot_nonce,
        reboot_kind=row.reboot_kind,
        config_drive=config_drive(row, ports, more) if row.config_drive else None,
        properties={} if row.image is None else row.image.properties,
        specs=flavor.extra_specs,
    )


def _carried(row: ServerRow) -> bool:
    """Its root disk is there, or was brought there: it is not to be made anew."""
    if row.root_made == row.root_version and row.placed:
        return True
    return row.before is not None and row.root_from is None


def content_of(image: ImageRef | None) -> Content | None:
    if image is None:
        return None
    return Content(
        id=image.id,
        sha512=image.sha512 or "",
        size=image.size,
        format="raw" if FORMATS.get(image.disk_format or "") == "raw" else "qcow2",
    )


def waiting(row: ServerRow, before: BeforeResize) -> WantedGuest:
    """On the host that it was resized away from: off, until nobody can go back any more."""
    return WantedGuest(
        id=row.id,
        generation=row.generation,
        name=row.name,
        vcpus=before.flavor.vcpus,
        memory_mb=before.flavor.ram,
        disk_gb=before.flavor.disk,
        power="off",
        image=content_of(row.base or row.image),
        root=WantedRoot(before.root_version, carried=True),
        ephemeral_gb=before.flavor.ephemeral,
        ephemerals=row.own_disks(before.flavor).ephemerals,
        launched=True,
    )
