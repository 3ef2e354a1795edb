"""The driver: observes a guest's process, decides (see `record`), and orders the effects.

The record is saved before every effect, and every effect can be repeated: a control plane that
is killed anywhere in here converges at the next `ensure`, and never runs a guest twice (QEMU's
lock on the pid file and on the root disk would refuse the second process anyway).
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from cumulo.compute.drivers.driver import (
    Capabilities,
    ChangeListener,
    GuestSpec,
    GuestState,
    GuestUsage,
    NotPossible,
    Power,
    SnapshotFailed,
    check_spec,
)
from cumulo.compute.drivers.qemu import (
    command,
    console,
    disks,
    guest_agent,
    limits,
    memory,
    pinning,
    snapshot,
    spice,
    taps,
    tpm,
)
from cumulo.compute.drivers.qemu.disks import DiskFault
from cumulo.compute.drivers.qemu.folder import GuestFolder, ending
from cumulo.compute.drivers.qemu.hardware import HardwareFault, hardware_of
from cumulo.compute.drivers.qemu.monitor import Monitor, MonitorError, connect_socket
from cumulo.compute.drivers.qemu.plugs import PlugFault, Plugs
from cumulo.compute.drivers.qemu.power import PAUSED, press
from cumulo.compute.drivers.qemu.sessions import Sessions
from cumulo.compute.drivers.qemu.sleep import Sleep
from cumulo.compute.drivers.qemu.usage import of_guest
from cumulo.compute.drivers.record import (
    HOST_STOPPED,
    Record,
    accept,
    decide,
    note_off,
    note_start,
    note_stop,
    note_suspended,
    reboot_target,
)
from cumulo.core.run import accelerator as accelerator_module
from cumulo.core.run.commands import CommandFailed
from cumulo.core.run.daemons import Daemon, start_daemon
from cumulo.core.run.sandbox import SandboxFailed
from cumulo.core.work import pools

_HOST_FAULTS = (
    *(CommandFailed, SandboxFailed, DiskFault, HardwareFault, PlugFault, MonitorError, OSError),
)
_START_SECONDS = 20.0
_POWER: dict[str, Power] = {"shutdown": "off", "internal-error": "crashed"}


class QemuDriver:
    """Guests of one host, below `data`/guests.

    `namespace`: the network namespace that the taps are in. `uid`, `gid`: whom QEMU runs as.
    `dedicated`: processors of the host that are set aside, see `pinning`.
    `soft_seconds`: how long a guest may take to shut itself down. `on_change` is called with a
    guest's id when something happened to it that may be worth an `inspect`; it is a hint.
    """

    def __init__(
        self,
        data: Path,
        *,
        namespace: str | None = None,
        uid: int = 65534,
        gid: int = 65534,
        binary: str = "qemu-system-x86_64",
        accelerator: Literal["auto", "kvm", "tcg"] = "auto",
        dedicated: Sequence[int] = (),
        soft_seconds: float = 60.0,
        unplug_seconds: float = 10.0,
        on_change: ChangeListener | None = None,
    ) -> None:
        self._data = data
        self._guests = data / "guests"
        self._guests.mkdir(parents=True, exist_ok=True)
        self._guests.chmod(0o711)
        self._namespace = namespace
        self._uid, self._gid = uid, gid
        self._binary = shutil.which(binary) or binary
        self._accelerator: Literal["auto", "kvm", "tcg"] = accelerator
        self._soft_seconds = soft_seconds
        self._dedicated = list(dedicated)
        self._choosing = asyncio.Lock()
        self._plugs = Plugs(namespace, uid, gid, unplug_seconds)
        self._locks: dict[str, asyncio.Lock] = {}
        self._sessions = Sessions(on_change)
        self._sleep = Sleep(self._end)
        self._steps: dict[str, str] = {}
        self._probing = asyncio.Lock()
        self._found: accelerator_module.Accelerator | None = None

    # --- the contract -----------------------------------------------------------------------

    async def capabilities(self) -> Capabilities:
        found = await self._accelerate()
        return Capabilities(
            driver="qemu",
            accelerator=found.name,
            graphical_console=True,
            serial_console=True,
        )

    async def ensure(self, spec: GuestSpec) -> GuestState:
        check_spec(spec)
        spec = disks.resolved(spec, self._data)
        folder = GuestFolder(self._guests, spec.id)
        async with self._lock(spec.id):
            record = folder.load()
            if record.phase == "removing":
                await self._remove(folder, record)
                record = folder.load()
            accept(record, spec)
            folder.create(self._uid, self._gid)
            await pools.DISK(folder.save, record)
            try:
                await self._observe(folder, record)
                await self._converge(folder, record, spec)
                record.fault = None
                record.converged_generation = spec.generation
            except _HOST_FAULTS as fault:
                record.fault = str(fault) or type(fault).__name__
            finally:
                self._steps.pop(spec.id, None)
                await pools.DISK(folder.save, record)
            return await self._state(folder, record)

    async def stop(self, guest_id: str) -> None:
        folder = GuestFolder(self._guests, guest_id)
        if not folder.exists():
            return
        async with self._lock(guest_id):
            record = folder.load()
            try:
                process = await self._observe(folder, record)
                if process is not None:
                    await self._stop(folder, record, process, hard=False)
                    note_stop(record, record.generation, HOST_STOPPED, crashed=False)
            finally:
                self._steps.pop(guest_id, None)
                await pools.DISK(folder.save, record)

    async def remove(self, guest_id: str) -> None:
        folder = GuestFolder(self._guests, guest_id)
        async with self._lock(guest_id):
            if folder.exists():
                await self._remove(folder, folder.load())
        self._locks.pop(guest_id, None)

    async def inspect(self, guest_id: str) -> GuestState:
        folder = GuestFolder(self._guests, guest_id)
        if not folder.exists():
            return GuestState(id=guest_id, generation=0, power="absent")
        lock = self._lock(guest_id)
        if lock.locked():  # being worked on: say so instead of waiting for a minute
            return await self._state(folder, folder.load())
        async with lock:
            record = folder.load()
            before = record.phase
            await self._observe(folder, record)
            if record.phase != before:
                await pools.DISK(folder.save, record)
            return await self._state(folder, record)

    async def names(self) -> "list[str]":
        return sorted(entry.name for entry in self._guests.iterdir() if entry.is_dir())

    async def list(self) -> "list[GuestState]":
        # At once: one that does not answer holds up no other.
        states = await asyncio.gather(*(self.inspect(name) for name in await self.names()))
        return [state for state in states if state.power != "absent"]

    async def usage(self, guest_id: str) -> GuestUsage | None:
        folder = GuestFolder(self._guests, guest_id)
        record = folder.load() if folder.exists() else None
        process = None if record is None else await self._observe(folder, record)
        if record is None or process is None:
            return None
        try:
            found = await of_guest(process.pid, await self._sessions.of(folder))
        except MonitorError:
            return None
        if found is None or not record.nics:
            return found
        names = [taps.name_of(id) for id in record.nics]
        try:
            nics = await pools.TOOLS(taps.counters, self._namespace, names)
        except OSError:  # its namespace goes at this moment
            return found
        return msgspec.structs.replace(found, nics=nics)

    async def console_log(self, guest_id: str, lines: int | None = None) -> str:
        folder = GuestFolder(self._guests, guest_id)
        await pools.DISK(console.trim, folder.console)
        return await pools.DISK(console.tail, folder.console, lines)

    async def snapshot(self, guest_id: str, target: Path) -> None:
        folder = GuestFolder(self._guests, guest_id)
        async with self._lock(guest_id):
            record = await pools.DISK(folder.load)
            process = await pools.DISK(folder.process, record)
            self._steps[guest_id] = "snapshotting"
            try:
                if process is None:
                    version = record.root_version
                    await pools.COPY(snapshot.copy_stopped, folder.run, target, version)
                else:
                    monitor = await self._sessions.of(folder)
                    await snapshot.copy_running(monitor, folder.run, target, self._uid, self._gid)
            except (KeyError, *_HOST_FAULTS) as fault:
                raise SnapshotFailed(str(fault)) from fault
            finally:
                self._steps.pop(guest_id, None)

    async def take_root(self, guest_id: str, version: int, source: Path) -> None:
        folder = GuestFolder(self._guests, guest_id)
        async with self._lock(guest_id):
            folder.create(self._uid, self._gid)
            try:
                await pools.COPY(disks.take_root, folder.run, version, source, self._uid, self._gid)
            except DiskFault as fault:
                raise OSError(str(fault)) from fault

    async def copy_ephemeral(self, guest_id: str, place: int, size_gb: int, target: Path) -> None:
        folder = GuestFolder(self._guests, guest_id)
        async with self._lock(guest_id):
            try:
                await pools.COPY(snapshot.copy_ephemeral, folder.run, target, place, size_gb)
            except _HOST_FAULTS as fault:
                raise SnapshotFailed(str(fault)) from fault

    async def take_ephemeral(self, guest_id: str, place: int, size_gb: int, source: Path) -> None:
        folder, ours = GuestFolder(self._guests, guest_id), (self._uid, self._gid)
        async with self._lock(guest_id):
            folder.create(*ours)
            what = (folder.run, place, size_gb, source)
            try:
                await pools.COPY(disks.take_ephemeral, *what, *ours)
            except (DiskFault, SandboxFailed) as fault:
                raise OSError(str(fault)) from fault

    async def freeze(self, guest_id: str, wanted: bool) -> bool:
        try:
            await guest_agent.freeze(GuestFolder(self._guests, guest_id).run, wanted)
        except NotPossible:
            return False
        return True

    async def set_password(self, guest_id: str, user: str, password: str) -> None:
        await guest_agent.set_password(GuestFolder(self._guests, guest_id).run, user, password)

    async def interrupt(self, guest_id: str) -> None:
        try:
            monitor = await self._sessions.of(GuestFolder(self._guests, guest_id))
            await monitor.execute("inject-nmi")
        except MonitorError as error:
            raise NotPossible(str(error)) from error

    async def close(self) -> None:
        await self._sessions.close()

    # --- beyond the contract ----------------------------------------------------------------

    def open_console(self, guest_id: str, kind: Literal["serial", "vnc", "spice"]) -> socket.socket:
        """A non-blocking connection to the guest's serial line or VNC server. Raises OSError."""
        return connect_socket(GuestFolder(self._guests, guest_id).run, kind)

    # --- observing --------------------------------------------------------------------------

    async def _observe(self, folder: GuestFolder, record: Record) -> Daemon | None:
        """Bring the record up to date with the process; its process when it is alive."""
        await pools.DISK(console.trim, folder.console)
        process = await pools.DISK(folder.process, record)
        if process is None:
            await self._sessions.forget(record.id)
            self._note_end(folder, record)
            return None
        record.pid, record.started = process.pid, process.started
        if record.phase == "running" and await self._status(folder) == "shutdown":
            await self._end(folder, record, process)
            note_stop(record, record.generation, "guest shut down", crashed=False)
            return None
        return process

    def _note_end(self, folder: GuestFolder, record: Record) -> None:
        """There is no process: was that asked for?"""
        pid, phase = record.pid, record.phase
        how = ending(pid) if pid else ""
        record.pid = record.started = 0
        if phase == "running":
            words = folder.last_words()
            reason = f"process {pid} ended{how}" + (f": {words}" if words else "")
            note_stop(record, record.generation, reason, crashed=True)
        elif phase == "stopping":
            note_off(record)
        elif phase == "saving":
            if (folder.path / memory.FILE).exists():
                note_suspended(record)
            else:
                reason = f"process {pid} ended{how} while its memory was written"
                note_stop(record, record.generation, reason, crashed=True)

    async def _status(self, folder: GuestFolder) -> str | None:
        """QEMU's run state; None when it does not say."""
        try:
            return await (await self._sessions.of(folder)).status()
        except MonitorError:
            return None

    async def _state(self, folder: GuestFolder, record: Record) -> GuestState:
        power: Power = "crashed" if record.crashed else "off"
        if record.phase == "suspended":
            power = "suspended"
        plugged, nics, fault = record.disks, record.nics, record.fault
        process = await pools.DISK(folder.process, record)
        if not folder.exists():
            power = "absent"
        if process is not None:
            power = "on"
            try:
                monitor = await self._sessions.of(folder)
                status = await monitor.status()
                devices = sorted(await monitor.devices())
            except MonitorError as error:
                fault = fault or str(error)
            else:
                power = _POWER.get(status, "paused" if status in PAUSED else "on")
                plugged = [d.removeprefix("disk-") for d in devices if d.startswith("disk-")]
                nics = [d.removeprefix("nic-") for d in devices if d.startswith("nic-")]
                if status == "io-error":
                    fault = fault or "stopped by an I/O error of one of its disks"
        return GuestState(
            id=record.id,
            generation=record.generation,
            converged=record.converged_generation == record.generation and not record.fault,
            power=power,
            step=self._steps.get(record.id),
            fault=fault,
            reason=record.reason,
            reboot_done=record.reboot_nonce,
            disks=list(plugged),
            nics=list(nics),
            pid=process.pid if process else None,
            pins=list(record.pins) if process else [],
        )

    # --- converging -------------------------------------------------------------------------

    async def _converge(self, folder: GuestFolder, record: Record, spec: GuestSpec) -> None:
        for _ in range(4):  # stop, start, plug at most
            process = await pools.DISK(folder.process, record)
            match decide(record, spec, alive=process is not None):
                case "stop" if process is not None:
                    hard = spec.power != "off" and record.phase != "stopping"
                    await self._stop(folder, record, process, hard=hard)
                case "reboot" if process is not None and spec.reboot is not None:
                    self._steps[spec.id] = f"rebooting ({spec.reboot.kind})"
                    hard = spec.reboot.kind == "hard"
                    await self._stop(folder, record, process, hard=hard)
                case "suspend" if process is not None:
                    self._steps.setdefault(record.id, "suspending")
                    await self._sleep.put(folder, record, process, await self._sessions.of(folder))
                    return
                case "forget":
                    await pools.DISK(memory.forget, folder.path)
                    note_off(record)
                case "start":
                    await self._start(folder, record, spec)
                    return
                case "plug" if process is not None:
                    await self._match(folder, record, spec, process)
                    return
                case _:
                    await self._rest(folder, record, spec)
                    return

    async def _rest(self, folder: GuestFolder, record: Record, spec: GuestSpec) -> None:
        """Off, as it should be: its devices are configured, and a reboot has nothing to do."""
        if spec.power == "off":
            record.reboot_nonce = reboot_target(record, spec)
            record.reason, record.crashed = None, False
            await self._prepare(folder, spec)
            record.root_version = 0 if spec.root is None else spec.root.version
        self._configure(record, spec)

    def _configure(self, record: Record, spec: GuestSpec) -> None:
        record.disks = [disk.id for disk in spec.disks]
        record.nics = [nic.id for nic in spec.nics]

    async def _prepare(self, folder: GuestFolder, spec: GuestSpec) -> None:
        ours = (self._uid, self._gid)
        if spec.root is not None:
            await pools.TOOLS(disks.ensure_root, folder.run, spec.root, *ours)
        await pools.TOOLS(disks.ensure_rescue, folder.run, spec.rescue, *ours)
        await pools.TOOLS(disks.ensure_extras, folder.run, spec, *ours)
        firmware = hardware_of(spec).firmware
        source = None if firmware is None else firmware.variables
        await pools.TOOLS(disks.ensure_variables, folder.run, source, *ours)
        await pools.TOOLS(disks.ensure_config_drive, folder.run, spec.config_drive)

    async def _start(self, folder: GuestFolder, record: Record, spec: GuestSpec) -> None:
        self._steps.setdefault(spec.id, "spawning")
        found = await self._accelerate()
        resumed = (folder.path / memory.FILE).exists()
        await self._prepare(folder, spec)
        made = hardware_of(spec)
        await pools.TOOLS(spice.check, made, self._binary)
        await self._choose_pins(record, spec, dedicated=made.layout.dedicated)
        for disk in spec.disks:
            await pools.DISK(disks.grant, disk, self._uid, self._gid)
        with contextlib.ExitStack() as opened:
            descriptors = {}
            if resumed:
                descriptors[memory.FILE] = os.open(folder.path / memory.FILE, os.O_RDONLY)
                opened.callback(os.close, descriptors[memory.FILE])
            for nic in spec.nics:
                descriptors[nic.id] = taps.open_tap(nic.tap, self._namespace)
                opened.callback(os.close, descriptors[nic.id])
            argv = command.build_command(
                spec,
                binary=self._binary,
                accelerator=found,
                tap_fds=descriptors,
                places=record.places if resumed else None,
                memory_fd=descriptors.get(memory.FILE),
                host_nodes=pinning.host_nodes(),
            )
            note_start(record, spec)
            record.root_version = 0 if spec.root is None else spec.root.version
            self._configure(record, spec)
            await pools.DISK(folder.save, record)
            (folder.run / "pid").unlink(missing_ok=True)
            folder.log.write_bytes(b"")
            if made.tpm is not None:
                ours = (self._uid, self._gid)
                await pools.TOOLS(tpm.start, folder.path, made.tpm.version, *ours)
            process = await pools.TOOLS(
                start_daemon,
                argv,
                log=folder.log,
                pass_fds=list(descriptors.values()),
                user=self._uid,
                group=self._gid if found.group is None else found.group,
                cwd=folder.run,
            )
        record.pid, record.started = process.pid, process.started
        await pools.DISK(folder.save, record)
        await self._set_going(folder, record, spec, process)

    async def _choose_pins(self, record: Record, spec: GuestSpec, *, dedicated: bool) -> None:
        if not dedicated:
            record.pins = []
            return
        async with self._choosing:
            others = [name for name in await self.names() if name != spec.id]
            folders = [GuestFolder(self._guests, name) for name in others]
            known = [await pools.DISK(folder.load) for folder in folders]
            taken = {cpu for each in known for cpu in each.pins}
            record.pins = pinning.chosen(record.pins, spec.vcpus, self._dedicated, taken)
            await pools.DISK(GuestFolder(self._guests, spec.id).save, record)

    async def _pin(self, record: Record, process: Daemon, monitor: Monitor) -> None:
        if not self._dedicated:
            return
        found = await monitor.execute("query-cpus-fast")
        threads = {int(each["cpu-index"]): int(each["thread-id"]) for each in found}
        what = (process.pid, record.pins, threads, self._dedicated)
        await pools.DISK(pinning.apply, *what)

    async def _set_going(
        self, folder: GuestFolder, record: Record, spec: GuestSpec, process: Daemon
    ) -> None:
        """A process that waits at its first instruction becomes a running guest."""
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                monitor = await self._sessions.of(folder)
                break
            except MonitorError as error:
                if not process.alive():
                    record.pid = record.started = 0
                    self._sleep.note_unread(folder, record)
                    how = ending(process.pid)
                    raise MonitorError(f"QEMU ended{how}: {folder.last_words()}") from error
                if time.monotonic() > end:
                    process.send(signal.SIGKILL)
                    raise
                await asyncio.sleep(0.02)
        await pools.DISK(limits.apply, record.id, process.pid, spec.specs)
        await self._pin(record, process, monitor)
        await self._plugs.throttle(monitor, spec, folder, record, anew=True)
        await self._sleep.wake(folder, record, process, monitor)
        # Before its first instruction: from now on a stop is a stop of the guest.
        record.phase = "running"
        await pools.DISK(folder.save, record)
        if spec.power == "on":
            await monitor.execute("cont")

    async def _match(
        self, folder: GuestFolder, record: Record, spec: GuestSpec, process: Daemon
    ) -> None:
        """The guest runs: make its devices and its pause match."""
        if record.phase == "starting":
            await self._set_going(folder, record, spec, process)
        monitor = await self._sessions.of(folder)
        status = await monitor.status()
        if spec.power == "paused" and status == "running":
            await monitor.execute("stop")
        elif spec.power == "on" and status in PAUSED:
            await monitor.execute("cont")
        await self._plugs.match(monitor, spec, folder, record)
        if spec.root is not None and spec.root.version == record.root_version:
            await pools.DISK(disks.forget_others, folder.run, spec.root)
        self._configure(record, spec)

    # --- ending -----------------------------------------------------------------------------

    async def _stop(
        self, folder: GuestFolder, record: Record, process: Daemon, *, hard: bool
    ) -> None:
        self._steps.setdefault(record.id, "stopping")
        record.phase = "stopping"
        await pools.DISK(folder.save, record)
        if not hard:
            await press(self._sessions, folder, process, self._soft_seconds)
        await self._end(folder, record, process)
        note_off(record)
        await pools.DISK(folder.save, record)

    async def _end(self, folder: GuestFolder, record: Record, process: Daemon) -> None:
        """End the process: by QMP, which writes back its disks, or by force."""
        with contextlib.suppress(MonitorError):
            await (await self._sessions.of(folder)).execute("quit")
        await self._sessions.forget(record.id)
        if not await pools.TOOLS(process.wait, 5.0):
            process.send(signal.SIGKILL)
            if not await pools.TOOLS(process.wait, 5.0):
                raise OSError(f"process {process.pid} cannot be ended")

    async def _remove(self, folder: GuestFolder, record: Record) -> None:
        process = await pools.DISK(folder.process, record)
        if record.phase != "removing":
            if process is not None:
                record.pid, record.started = process.pid, process.started
            record.phase = "removing"
            await pools.DISK(folder.save, record)
            process = await pools.DISK(folder.process, record)
        if process is not None:
            self._steps[record.id] = "removing"
            await self._end(folder, record, process)
        await self._sessions.forget(record.id)
        self._steps.pop(record.id, None)
        await pools.TOOLS(tpm.stop, folder.path)
        await self._plugs.forget(record)
        await pools.DISK(folder.remove)

    # --- helpers ----------------------------------------------------------------------------

    def _lock(self, guest_id: str) -> asyncio.Lock:
        return self._locks.setdefault(guest_id, asyncio.Lock())

    async def _accelerate(self) -> accelerator_module.Accelerator:
        async with self._probing:
            if self._found is None:
                self._found = await pools.DISK(
                    accelerator_module.remembered,
                    self._binary,
                    self._data / "accelerator.json",
                    self._accelerator,
                )
            return self._found
