"""Plugs disks and ports into a running guest, and out of it, until they match its specification.

Each pair of effects (node and device, netdev and device) may have been cut between the two: what
is half there is completed or cleared first.
"""

import contextlib
import os

from cumulo.compute.drivers.driver import DiskSpec, GuestSpec, NicSpec
from cumulo.compute.drivers.qemu import command, disks, limits, shaping, taps
from cumulo.compute.drivers.qemu.folder import GuestFolder
from cumulo.compute.drivers.qemu.hardware import hardware_of, throttle_of
from cumulo.compute.drivers.qemu.monitor import Monitor, Refused
from cumulo.compute.drivers.record import Record
from cumulo.core.work import pools


class PlugFault(Exception):
    """A device could not be plugged in or out; the message says why."""


class Plugs:
    """`unplug_seconds`: how long a guest may take to let go of a device."""

    def __init__(
        self, namespace: str | None, uid: int, gid: int, unplug_seconds: float = 10.0
    ) -> None:
        self._namespace = namespace
        self._uid, self._gid = uid, gid
        self._unplug_seconds = unplug_seconds

    async def match(
        self, monitor: Monitor, spec: GuestSpec, folder: GuestFolder, record: Record
    ) -> None:
        """Raises PlugFault, DiskFault, NotReady, MonitorError; all that could be done is done."""
        present = await monitor.devices()
        wanted = {command.disk_device(disk.id) for disk in spec.disks}
        wanted |= {command.nic_device(nic.id) for nic in spec.nics}
        surplus = {d for d in present - wanted if d.startswith(("disk-", "nic-"))}
        faults = []
        for device in sorted(surplus):
            try:
                await self._unplug(monitor, device)
            except PlugFault as fault:
                faults.append(str(fault))
        await self._clear_nodes(monitor, spec)
        made = hardware_of(spec)
        for nic in spec.nics:
            if command.nic_device(nic.id) not in present:
                await self._plug_nic(monitor, nic, made.nic)
        for disk in command.ordered_disks(spec):
            if command.disk_device(disk.id) not in present:
                await self._plug_disk(monitor, disk, scsi=made.scsi)
        await self._grow(monitor, spec)
        await self.throttle(monitor, spec, folder, record, anew=False)
        if faults:
            raise PlugFault("; ".join(faults))

    async def _unplug(self, monitor: Monitor, device: str) -> None:
        # Asking twice is refused; the first request is still standing then.
        with contextlib.suppress(Refused):
            await monitor.execute("device_del", id=device)
        if not await monitor.wait_gone(device, self._unplug_seconds):
            raise PlugFault(
                f"the guest has not let go of {device} within {self._unplug_seconds:g} s"
            )
        if device.startswith("nic-"):
            with contextlib.suppress(Refused):
                await monitor.execute("netdev_del", id="net-" + device.removeprefix("nic-"))

    async def _clear_nodes(self, monitor: Monitor, spec: GuestSpec) -> None:
        """Close the block nodes of disks that are not in the guest any more."""
        in_use = {disks.node_name(disk.id) for disk in spec.disks}
        in_use |= {
            disks.node_name(device.removeprefix("disk-"))
            for device in await monitor.devices()
            if device.startswith("disk-")
        }
        for node in await monitor.nodes():
            if node.startswith("v-") and node not in in_use:
                await monitor.execute("blockdev-del", node_name=node)

    async def _port(self, monitor: Monitor) -> str:
        free = await monitor.free_ports("rp")
        if not free:
            raise PlugFault("no free PCI port: a hard reboot makes room for more devices")
        return free[0]

    async def _plug_disk(self, monitor: Monitor, disk: DiskSpec, *, scsi: bool) -> None:
        disks.grant(disk, self._uid, self._gid)
        node = disks.node_name(disk.id)
        if node not in await monitor.nodes():
            arguments = disks.block_device(disk.connection, node, read_only=disk.read_only)
            await monitor.execute_raw("blockdev-add", arguments)
        port = "" if scsi else await self._port(monitor)
        await monitor.execute_raw("device_add", command.disk_arguments(disk, port, scsi=scsi))

    async def _plug_nic(self, monitor: Monitor, nic: NicSpec, model: str) -> None:
        port = await self._port(monitor)
        with contextlib.suppress(Refused):
            await monitor.execute("netdev_del", id=f"net-{nic.id}")
        name = f"tap-{nic.id}"
        descriptor = taps.open_tap(nic.tap, self._namespace)
        try:
            await monitor.send_descriptor(name, descriptor)
        finally:
            os.close(descriptor)
        try:
            await monitor.execute_raw("netdev_add", command.netdev_arguments(nic, name))
        except Refused:
            with contextlib.suppress(Refused):
                await monitor.execute("closefd", fdname=name)
            raise
        await monitor.execute_raw("device_add", command.nic_arguments(nic, port, model))

    async def throttle(
        self, monitor: Monitor, spec: GuestSpec, folder: GuestFolder, record: Record, *, anew: bool
    ) -> None:
        """The flavor's limits of disks and network cards, for each of them. `anew`: the guest is
        just starting, maybe with another flavor than before."""
        await self._throttle_disks(monitor, spec)
        cards, wanted = [nic.tap for nic in spec.nics], shaping.is_wanted(spec.specs)
        if record.shaped and anew:
            await shaping.forget(self._namespace, spec.id, cards)
        if record.shaped != wanted:
            # Before there is anything to forget.
            record.shaped = wanted
            await pools.DISK(folder.save, record)
        await shaping.apply(self._namespace, spec.id, cards, spec.specs)

    async def forget(self, record: Record) -> None:
        """Its limits, of a guest that has ended."""
        await limits.forget(record.id)
        if record.shaped:
            await shaping.forget(self._namespace, record.id)

    async def _throttle_disks(self, monitor: Monitor, spec: GuestSpec) -> None:
        """A volume's own limits go before the flavor's."""
        found = throttle_of(spec.specs)
        own = {command.disk_device(disk.id): disk.throttle for disk in spec.disks if disk.throttle}
        if not found and not own:
            return
        mine = {"root", "rescue", "swap"}
        mine |= {command.ephemeral_node(place) for place in range(len(spec.ephemerals))}
        for device in sorted(await monitor.devices()):
            wanted = own.get(device, found)
            if wanted and (device in mine or device.startswith("disk-")):
                made = hardware_of(spec)
                blk = not made.scsi and (made.bus == "virtio" or device.startswith("disk-"))
                path = f"/machine/peripheral/{device}" + ("/virtio-backend" if blk else "")
                await monitor.execute_raw("block_set_io_throttle", {"id": path, **wanted})

    async def _grow(self, monitor: Monitor, spec: GuestSpec) -> None:
        """Let the guest see what has grown: volumes, and its root disk."""
        wanted = {disks.node_name(disk.id): disk.size_gb for disk in spec.disks}
        if spec.root is not None:
            wanted[disks.ROOT_NODE] = spec.root.size_gb
        sizes = await monitor.nodes()
        for node, size_gb in wanted.items():
            if node in sizes and size_gb * disks.GIB > sizes[node]:
                await monitor.execute("block_resize", node_name=node, size=size_gb * disks.GIB)
