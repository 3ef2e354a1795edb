"""A simulated host: the same contract, the same decisions, no processes.

For running the whole control plane without a hypervisor, for thousands of guests at once, and
for rehearsing failures: `faults` makes an effect fail as often as wanted, and `kill`,
`shut_down`, `write_console` play what happens inside or to a guest.
"""

import asyncio
import socket
import time
from collections.abc import Iterable
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
    NotReady,
    Power,
    SnapshotFailed,
    check_id,
    check_spec,
)
from cumulo.compute.drivers.fake_screen import show
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
from cumulo.core.blobs.disks import empty_qcow2
from cumulo.core.work import pools

CONSOLE_LIMIT = 64 * 1024
FIRST_PID = 100_000


class Fault(msgspec.Struct):
    """Makes an effect fail: with this message, this many times (-1: always).

    `guest`: only for this id. `delay`: seconds that the effect takes before it fails.
    """

    message: str
    count: int = -1
    guest: str | None = None
    delay: float = 0.0


class InjectedFault(Exception):
    """What a Fault raises inside the driver; it comes out as GuestState.fault."""


class FakeGuest(msgspec.Struct, kw_only=True):
    """A simulated guest: its record and what would be its process."""

    record: Record
    power: Power = "off"
    booted_at: float = 0.0
    disks: list[str] = msgspec.field(default_factory=list)
    nics: list[str] = msgspec.field(default_factory=list)
    name: str = ""
    root_gb: int = 0
    roots: list[int] = msgspec.field(default_factory=list)
    """Versions of its root disk that are there."""
    ephemerals: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """(place, GiB) of the ephemeral disks that are there."""
    rescued: bool = False
    frozen: bool = False
    password: str = ""
    cpu_ns: int = 0
    counted_at: float = 0.0
    console: str = ""
    greeted: bool = True


class FakeDriver:
    """Simulated guests in memory, or with `data` also in files that survive a restart.

    `spawn_seconds`: how long a start takes. `boot_seconds`: how long after it the login prompt
    is on the console. `faults`: by effect, one of "spawn", "attach_disk", "detach_disk",
    "attach_nic", "detach_nic", "power_off", "reboot", "suspend", "snapshot", "remove", "list",
    "agent".
    `missing_taps`: names for which a guest is not ready.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        spawn_seconds: float = 0.0,
        boot_seconds: float = 0.0,
        faults: dict[str, Fault] | None = None,
        missing_taps: Iterable[str] = (),
        on_change: ChangeListener | None = None,
    ) -> None:
        self.faults = faults if faults is not None else {}
        self.missing_taps = set(missing_taps)
        self._echoes: set[asyncio.Task[None]] = set()
        self.load: dict[str, float] = {}
        self._folder = None if data is None else data / "fake-guests"
        self._spawn_seconds = spawn_seconds
        self._boot_seconds = boot_seconds
        self._on_change = on_change
        self._guests: dict[str, FakeGuest] = {}
        self._steps: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._next_pid = FIRST_PID
        self._load()

    # --- the contract -----------------------------------------------------------------------

    async def capabilities(self) -> Capabilities:
        return Capabilities(
            driver="fake", accelerator="none", graphical_console=True, serial_console=True
        )

    async def ensure(self, spec: GuestSpec) -> GuestState:
        check_spec(spec)
        async with self._locks.setdefault(spec.id, asyncio.Lock()):
            guest = self._guests.get(spec.id) or FakeGuest(record=Record(id=spec.id))
            accept(guest.record, spec)
            self._guests[spec.id] = guest
            guest.name = spec.name
            guest.root_gb = max(spec.root.size_gb, 1) if spec.root else 0
            self._keep_roots(guest, spec)
            try:
                self._observe(guest)
                await self._converge(guest, spec)
                guest.record.fault = None
                guest.record.converged_generation = spec.generation
            except InjectedFault as fault:
                guest.record.fault = str(fault)
            finally:
                self._steps.pop(spec.id, None)
                self._save(guest)
            return self._state(guest)

    async def usage(self, guest_id: str) -> GuestUsage | None:
        """`load`: how many processors the guest keeps busy, by its id."""
        guest = self._guests.get(check_id(guest_id))
        if guest is None or guest.power != "on":
            return None
        now = time.time()
        if guest.counted_at:
            busy = self.load.get(guest_id, self.load.get("*", 0.01))
            guest.cpu_ns += int((now - guest.counted_at) * busy * 1e9)
        guest.counted_at = now
        return GuestUsage(cpu_ns=guest.cpu_ns, memory_bytes=64 << 20)

    async def stop(self, guest_id: str) -> None:
        guest = self._guests.get(check_id(guest_id))
        if guest is not None and guest.power in ("on", "paused"):
            guest.power = "off"
            note_stop(guest.record, guest.record.generation, HOST_STOPPED, crashed=False)
            self._save(guest)

    async def remove(self, guest_id: str) -> None:
        check_id(guest_id)
        async with self._locks.setdefault(guest_id, asyncio.Lock()):
            if guest_id in self._guests:
                try:
                    await self._effect("remove", guest_id)
                except InjectedFault as fault:
                    raise OSError(str(fault)) from fault
                del self._guests[guest_id]
                if self._folder is not None:
                    self._file(guest_id).unlink(missing_ok=True)
        self._locks.pop(guest_id, None)

    async def inspect(self, guest_id: str) -> GuestState:
        guest = self._guests.get(check_id(guest_id))
        if guest is None:
            return GuestState(id=guest_id, generation=0, power="absent")
        if guest_id not in self._steps and self._observe(guest):
            self._save(guest)
        return self._state(guest)

    async def names(self) -> "list[str]":
        try:
            await self._effect("list", "")
        except InjectedFault as fault:
            raise OSError(str(fault)) from fault
        return sorted(self._guests)

    async def list(self) -> "list[GuestState]":
        try:
            await self._effect("list", "")
        except InjectedFault as fault:
            raise OSError(str(fault)) from fault
        return [await self.inspect(guest_id) for guest_id in sorted(self._guests)]

    async def console_log(self, guest_id: str, lines: int | None = None) -> str:
        guest = self._guests.get(check_id(guest_id))
        if guest is None:
            return ""
        self._greet(guest)
        if lines is None:
            return guest.console
        return "".join(guest.console.splitlines(keepends=True)[-lines:]) if lines > 0 else ""

    def open_console(self, guest_id: str, kind: Literal["serial", "vnc", "spice"]) -> socket.socket:
        """A serial line that says again what it is told; a screen of one colour."""
        guest = self._guests.get(check_id(guest_id))
        if guest is None or guest.power != "on" or kind == "spice":
            raise OSError(f"guest {guest_id} has no {kind} console")
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        work = _echo(mine) if kind == "serial" else show(mine, guest_id)
        task = loop.create_task(work)
        self._echoes.add(task)
        task.add_done_callback(self._echoes.discard)
        return theirs

    async def snapshot(self, guest_id: str, target: Path) -> None:
        guest = self._guests.get(check_id(guest_id))
        try:
            await self._effect("snapshot", guest_id)
        except InjectedFault as fault:
            raise SnapshotFailed(str(fault)) from fault
        if guest is None or not guest.root_gb:
            raise SnapshotFailed("the guest has no root disk of its own")
        await pools.DISK(target.write_bytes, empty_qcow2(guest.root_gb * 1024**3))

    async def take_root(self, guest_id: str, version: int, source: Path) -> None:
        guest = self._guests.setdefault(check_id(guest_id), FakeGuest(record=Record(id=guest_id)))
        if version not in guest.roots:
            guest.roots.append(version)
        await pools.DISK(source.unlink, True)
        self._save(guest)

    async def copy_ephemeral(self, guest_id: str, place: int, size_gb: int, target: Path) -> None:
        guest = self._guests.get(check_id(guest_id))
        try:
            await self._effect("snapshot", guest_id)
        except InjectedFault as fault:
            raise SnapshotFailed(str(fault)) from fault
        if guest is None or (place, size_gb) not in guest.ephemerals:
            raise SnapshotFailed(f"the guest has no ephemeral disk {place} of {size_gb} GiB")
        await pools.DISK(target.write_bytes, empty_qcow2(size_gb * 1024**3))

    async def take_ephemeral(self, guest_id: str, place: int, size_gb: int, source: Path) -> None:
        guest = self._guests.setdefault(check_id(guest_id), FakeGuest(record=Record(id=guest_id)))
        if (place, size_gb) not in guest.ephemerals:
            guest.ephemerals.append((place, size_gb))
        await pools.DISK(source.unlink, True)
        self._save(guest)

    async def freeze(self, guest_id: str, wanted: bool) -> bool:
        guest = self._running(guest_id)
        if guest is not None:
            guest.frozen = wanted
        return guest is not None

    async def set_password(self, guest_id: str, user: str, password: str) -> None:
        guest = self._running(guest_id)
        try:
            await self._effect("agent", guest_id)
        except InjectedFault as fault:
            raise NotPossible(str(fault)) from fault
        if guest is None:
            raise NotPossible("the guest does not run")
        guest.password = password
        self._write(guest, f"passwd: password of {user} changed\n")
        self._save(guest)

    async def interrupt(self, guest_id: str) -> None:
        guest = self._running(guest_id)
        if guest is None:
            raise NotPossible("the guest does not run")
        self._write(guest, "Uhhuh. NMI received for unknown reason 30 on CPU 0.\n")
        self._save(guest)

    async def close(self) -> None:
        """Guests in memory stay for whoever holds this object; files stay on the disk."""

    # --- what happens to a guest --------------------------------------------------------------

    def kill(self, guest_id: str) -> None:
        """The guest's process vanishes, as by an OOM killer."""
        self._end(self._guests[guest_id], "crashed")

    def shut_down(self, guest_id: str) -> None:
        """The guest shuts itself down."""
        self._write(self._guests[guest_id], "reboot: Power down\n")
        self._end(self._guests[guest_id], "off")

    def write_console(self, guest_id: str, text: str) -> None:
        """The guest writes to its serial line."""
        self._write(self._guests[guest_id], text)
        self._save(self._guests[guest_id])

    def _running(self, guest_id: str) -> FakeGuest | None:
        guest = self._guests.get(check_id(guest_id))
        return guest if guest is not None and guest.power in ("on", "paused") else None

    def _keep_roots(self, guest: FakeGuest, spec: GuestSpec) -> None:
        if spec.root is not None and guest.power not in ("on", "paused"):
            kept = {spec.root.version, spec.root.kept}
            guest.roots = sorted({spec.root.version, *(v for v in guest.roots if v in kept)})
        if guest.power not in ("on", "paused"):
            older = set(enumerate(spec.ephemerals_kept)) & set(guest.ephemerals)
            guest.ephemerals = sorted({*enumerate(spec.ephemerals), *older})

    def _end(self, guest: FakeGuest, power: Power) -> None:
        guest.power = power
        self._save(guest)
        if self._on_change is not None:
            self._on_change(guest.record.id)

    # --- converging -----------------------------------------------------------------------------

    async def _converge(self, guest: FakeGuest, spec: GuestSpec) -> None:
        for _ in range(4):
            alive = guest.power in ("on", "paused")
            match decide(guest.record, spec, alive=alive):
                case "stop":
                    await self._stop(guest, "power_off", "stopping")
                case "reboot":
                    kind = spec.reboot.kind if spec.reboot else "hard"
                    await self._stop(guest, "reboot", f"rebooting ({kind})")
                case "start":
                    await self._start(guest, spec)
                    return
                case "suspend":
                    await self._suspend(guest)
                    return
                case "forget":
                    guest.power = "off"
                    note_off(guest.record)
                case "plug":
                    guest.power = spec.power
                    await self._plug(guest, spec)
                    return
                case _:
                    if spec.power == "off":
                        guest.record.reboot_nonce = reboot_target(guest.record, spec)
                        guest.record.reason, guest.record.crashed = None, False
                    self._configure(guest, spec)
                    return

    async def _suspend(self, guest: FakeGuest) -> None:
        self._steps.setdefault(guest.record.id, "suspending")
        await self._effect("suspend", guest.record.id)
        guest.power = "suspended"
        note_suspended(guest.record)

    async def _start(self, guest: FakeGuest, spec: GuestSpec) -> None:
        resumed = guest.record.phase == "suspended"
        self._steps.setdefault(spec.id, "spawning")
        self._check_taps(spec)
        note_start(guest.record, spec)
        await asyncio.sleep(self._spawn_seconds)
        await self._effect("spawn", spec.id)
        self._next_pid += 1
        guest.record.pid = self._next_pid
        guest.record.phase = "running"
        self._keep_roots(guest, spec)
        guest.power = spec.power
        self._configure(guest, spec)
        if resumed:
            return
        guest.rescued = spec.rescue is not None
        guest.booted_at = time.time() + self._boot_seconds
        guest.greeted = False
        self._write(guest, f"Linux version 6.1.0-cloud-amd64 (simulated) {spec.memory_mb}M\n")

    async def _stop(self, guest: FakeGuest, effect: str, step: str) -> None:
        self._steps.setdefault(guest.record.id, step)
        await self._effect(effect, guest.record.id)
        guest.power = "off"
        note_off(guest.record)

    async def _plug(self, guest: FakeGuest, spec: GuestSpec) -> None:
        self._check_taps(spec, attached=guest.nics)
        wanted = {"disk": [d.id for d in spec.disks], "nic": [n.id for n in spec.nics]}
        for noun, plugged in (("disk", guest.disks), ("nic", guest.nics)):
            for surplus in [one for one in plugged if one not in wanted[noun]]:
                await self._effect(f"detach_{noun}", spec.id)
                plugged.remove(surplus)
            for missing in [one for one in wanted[noun] if one not in plugged]:
                await self._effect(f"attach_{noun}", spec.id)
                plugged.append(missing)
        guest.record.disks, guest.record.nics = list(guest.disks), list(guest.nics)

    def _configure(self, guest: FakeGuest, spec: GuestSpec) -> None:
        guest.disks = guest.record.disks = [disk.id for disk in spec.disks]
        guest.nics = guest.record.nics = [nic.id for nic in spec.nics]

    def _check_taps(self, spec: GuestSpec, attached: Iterable[str] = ()) -> None:
        for nic in spec.nics:
            if nic.tap in self.missing_taps and nic.id not in attached:
                raise NotReady(f"tap {nic.tap} does not exist yet")

    async def _effect(self, name: str, guest_id: str) -> None:
        """An effect that may have been told to fail."""
        fault = self.faults.get(name)
        if fault is None or fault.count == 0 or fault.guest not in (None, guest_id):
            return
        fault.count -= 1 if fault.count > 0 else 0
        await asyncio.sleep(fault.delay)
        raise InjectedFault(fault.message)

    # --- observing ------------------------------------------------------------------------------

    def _observe(self, guest: FakeGuest) -> bool:
        """Note a stop that nobody asked for. True when there was one."""
        record = guest.record
        if record.phase != "running" or guest.power in ("on", "paused"):
            return False
        crashed = guest.power == "crashed"
        reason = f"process {record.pid} ended with signal 9" if crashed else "guest shut down"
        note_stop(record, record.generation, reason, crashed=crashed)
        return True

    def _state(self, guest: FakeGuest) -> GuestState:
        record = guest.record
        return GuestState(
            id=record.id,
            generation=record.generation,
            converged=record.converged_generation == record.generation and not record.fault,
            power="crashed" if record.crashed else guest.power,
            step=self._steps.get(record.id),
            fault=record.fault,
            reason=record.reason,
            reboot_done=record.reboot_nonce,
            disks=sorted(guest.disks),
            nics=sorted(guest.nics),
            pid=record.pid or None,
        )

    def _greet(self, guest: FakeGuest) -> None:
        """The login prompt appears when the simulated boot is over."""
        if guest.greeted or guest.power != "on" or time.time() < guest.booted_at:
            return
        guest.greeted = True
        self._write(guest, f"cloud-boot: finished\n\n{guest.name} login: \n")

    def _write(self, guest: FakeGuest, text: str) -> None:
        guest.console = (guest.console + text)[-CONSOLE_LIMIT:]

    # --- keeping --------------------------------------------------------------------------------

    def _file(self, guest_id: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{guest_id}.json"

    def _load(self) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.glob("*.json"):
            guest = msgspec.json.decode(path.read_bytes(), type=FakeGuest)
            self._guests[guest.record.id] = guest
            self._next_pid = max(self._next_pid, guest.record.pid)

    def _save(self, guest: FakeGuest) -> None:
        if self._folder is None:
            return
        path = self._file(guest.record.id)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(guest))
        temporary.replace(path)


async def _echo(line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with line:
        while data := await loop.sock_recv(line, 4096):
            await loop.sock_sendall(line, data)
