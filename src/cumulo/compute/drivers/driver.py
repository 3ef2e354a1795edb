"""The contract between a compute host's agent and what runs guests there.

An agent says what a guest *should be* (`GuestSpec`, with a generation that only grows) and the
driver makes it so, as often as it is asked; what the guest *is* comes back as a `GuestState`.
A guest that stops although nobody ordered it stays stopped, with its reason, until an order
that is newer than the stop arrives: a crash must be seen, not papered over.
"""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

Power = Literal["on", "off", "paused", "suspended", "crashed", "absent"]
WantedPower = Literal["on", "off", "paused", "suspended"]
ChangeListener = Callable[[str], None]

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class NotReady(Exception):
    """Something that the guest needs is not there yet (its tap, say): try again later."""


class StaleOrder(Exception):
    """The specification is older than one that this host has already accepted."""


class SnapshotFailed(Exception):
    """The guest's root disk could not be copied; the message says why."""


class NotPossible(Exception):
    """The guest cannot do what it was asked for; the message says why."""


class RebootOrder(msgspec.Struct, frozen=True):
    """A nonce greater than the one last done means: do it once."""

    nonce: int
    kind: Literal["soft", "hard"]


class RootDisk(msgspec.Struct, frozen=True):
    """A writable layer over an image. `size_gb` 0: as large as the image.

    A guest may have had several: `version` is the one that it runs from. It is made, once, as a
    copy of the version `source`, or of the image; then all others go but `kept`.
    """

    base: str
    format: Literal["qcow2", "raw"]
    size_gb: int = 0
    version: int = 0
    source: int | None = None
    kept: int | None = None
    carried: bool = False
    """It came from elsewhere: where it is missing, no other is made in its place."""


class DiskSpec(msgspec.Struct, frozen=True):
    """A volume. `connection` is what the block storage driver's `connection` returned.

    `device` (vdb, vdc, ...) orders the disks at boot. `size_gb` lets a running guest see that a
    volume has grown; 0 leaves the size alone. `shared`: other guests may write to it at the same
    time (raw volumes only). `serial` is what the guest finds in
    /sys/block/*/serial: the first 20 characters of the volume's id. `throttle`: what the guest may
    do with it in a second (arguments of QEMU's block_set_io_throttle); empty: what the flavor says.
    """

    id: str
    device: str
    connection: dict[str, Any]
    read_only: bool = False
    serial: str = ""
    size_gb: int = 0
    shared: bool = False
    throttle: dict[str, int] = msgspec.field(default_factory=dict)


class NicSpec(msgspec.Struct, frozen=True):
    """A port. `tap` is a persistent device that the network driver has made."""

    id: str
    mac: str
    tap: str
    mtu: int = 1500


class GuestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What one guest should be. Without `root` the first disk is the one it boots from.

    With `rescue` it boots from a layer over that image, and its own root disk is its second one
    (`rescue_last`: its own disks keep their places, and that one comes after them);
    what changes between the two, its size and its root disk's version count from the next start,
    which a reboot order asks for. `specs` are the flavor's extra specs.

    `config_drive`: path inside the drive (openstack/latest/meta_data.json) to content.
    """

    id: str
    generation: int
    name: str
    vcpus: int
    memory_mb: int
    power: WantedPower
    root: RootDisk | None = None
    rescue: RootDisk | None = None
    rescue_last: bool = False
    ephemerals: list[int] = msgspec.field(default_factory=list)
    """GiB of each disk that it has besides the root disk, in order."""
    ephemerals_kept: list[int] = msgspec.field(default_factory=list)
    """Those of an earlier size that must not go yet: a resize may be reverted."""
    swap_mb: int = 0
    disks: list[DiskSpec] = msgspec.field(default_factory=list)
    nics: list[NicSpec] = msgspec.field(default_factory=list)
    reboot: RebootOrder | None = None
    config_drive: dict[str, bytes] | None = None
    properties: dict[str, str] = msgspec.field(default_factory=dict)
    specs: dict[str, str] = msgspec.field(default_factory=dict)


class GuestState(msgspec.Struct, frozen=True, kw_only=True):
    """What one guest is.

    `generation`: the newest one that this host accepted. `converged`: the driver has nothing
    left to do for it (a guest that stopped by itself stays stopped: nothing to do). `step`: what
    is being done right now. `fault`: why the last attempt did not succeed. `reason`: why the
    guest stopped although nobody asked. `disks`, `nics`: ids plugged in (for a guest that is
    off: configured).
    """

    id: str
    generation: int
    power: Power
    converged: bool = False
    step: str | None = None
    fault: str | None = None
    reason: str | None = None
    reboot_done: int = 0
    disks: list[str] = msgspec.field(default_factory=list)
    nics: list[str] = msgspec.field(default_factory=list)
    pid: int | None = None
    pins: list[int] = msgspec.field(default_factory=list)
    """Processors of the host that its own have for themselves, in order."""


class DiskUsage(msgspec.Struct, frozen=True):
    """What went through one disk of a guest since it was started."""

    name: str
    read_bytes: int
    written_bytes: int
    reads: int
    writes: int


class NicUsage(msgspec.Struct, frozen=True):
    """What went through one port of a guest since its tap was made, as the guest sees it."""

    name: str
    """Of the tap."""
    incoming_bytes: int
    incoming_packets: int
    incoming_errors: int
    incoming_drops: int
    outgoing_bytes: int
    outgoing_packets: int
    outgoing_errors: int
    outgoing_drops: int


class GuestUsage(msgspec.Struct, frozen=True):
    """What a running guest has used since it was started, and holds now."""

    cpu_ns: int
    memory_bytes: int
    disks: list[DiskUsage] = msgspec.field(default_factory=list)
    nics: list[NicUsage] = msgspec.field(default_factory=list)


class Capabilities(msgspec.Struct, frozen=True):
    """What a driver can do. `accelerator`: "kvm", "tcg" or "none" (simulated)."""

    driver: str
    accelerator: str
    hot_plug: bool = True
    soft_reboot: bool = True
    pause: bool = True
    suspend: bool = True
    config_drive: bool = True
    graphical_console: bool = False
    serial_console: bool = False


class ComputeDriver(Protocol):
    """Runs guests on one host. Every method may be called again after a crash at any point."""

    async def capabilities(self) -> Capabilities: ...

    async def ensure(self, spec: GuestSpec) -> GuestState:
        """Make the guest as described, and say what it is now.

        Failures of the host's side are reported in `fault`, not raised; calling again tries
        again. New vcpus and memory count from the next start. Raises NotReady (try later),
        StaleOrder, ValueError (an id that is not one).
        """
        ...

    async def stop(self, guest_id: str) -> None:
        """Shut the guest down on the host's own behalf (`cumulo down --guests`).

        It stays off, with the reason, until an order that is newer. Nothing to do: no error.
        """
        ...

    async def remove(self, guest_id: str) -> None:
        """End the guest and remove all that this host keeps of it. Nothing to do: no error.

        Raises OSError when the host did not let us; calling again tries again.
        """
        ...

    async def inspect(self, guest_id: str) -> GuestState:
        """What the guest is, without changing it; power "absent" when there is none."""
        ...

    async def names(self) -> "list[str]":
        """The ids of all guests found on this host, also of those that nobody ordered. Cheap."""
        ...

    async def list(self) -> "list[GuestState]":
        """Every guest found on this host, also those that nobody ordered."""
        ...

    async def usage(self, guest_id: str) -> GuestUsage | None:
        """What the guest has used; None when it does not run."""
        ...

    async def console_log(self, guest_id: str, lines: int | None = None) -> str:
        """The tail of what the guest wrote to its serial console; "" when there is nothing."""
        ...

    def open_console(self, guest_id: str, kind: Literal["serial", "vnc", "spice"]) -> socket.socket:
        """A non-blocking connection to the guest's serial line or its screen (RFB). Raises
        OSError where there is none."""
        ...

    async def snapshot(self, guest_id: str, target: Path) -> None:
        """Write the guest's root disk, as of one moment, to the new qcow2 file `target`.

        The guest goes on running. Done twice it is made anew. Raises SnapshotFailed.
        """
        ...

    async def take_root(self, guest_id: str, version: int, source: Path) -> None:
        """This file (qcow2, on nothing) becomes the guest's root disk of that version, where it
        has none yet: it comes from another host. Raises OSError."""
        ...

    async def copy_ephemeral(self, guest_id: str, place: int, size_gb: int, target: Path) -> None:
        """The same of an ephemeral disk of a guest that is off."""
        ...

    async def take_ephemeral(self, guest_id: str, place: int, size_gb: int, source: Path) -> None:
        """This file becomes the guest's ephemeral disk of that place and size. Raises OSError."""
        ...

    async def freeze(self, guest_id: str, wanted: bool) -> bool:
        """Let the guest's agent write back and hold its file systems, or go on; True when it
        did. A guest without an agent is no error."""
        ...

    async def set_password(self, guest_id: str, user: str, password: str) -> None:
        """By the guest's agent. Raises NotPossible."""
        ...

    async def interrupt(self, guest_id: str) -> None:
        """A non-maskable interrupt: guests that are set up so write a dump of their kernel.
        Raises NotPossible."""
        ...

    async def close(self) -> None:
        """Let go of the guests without touching them."""
        ...


def check_id(value: str) -> str:
    """An id that may become part of a path and an argument. Raises ValueError."""
    if not _ID.fullmatch(value):
        raise ValueError(f"not an id: {value!r}")
    return value


def check_spec(spec: GuestSpec) -> None:
    """Raises ValueError for what no driver can make."""
    for value in (spec.id, *(d.id for d in spec.disks), *(n.id for n in spec.nics)):
        check_id(value)
    if spec.vcpus < 1 or spec.memory_mb < 1:
        raise ValueError("a guest needs a processor and memory")
    if spec.root is None and not spec.disks:
        raise ValueError("a guest needs a disk to boot from")
