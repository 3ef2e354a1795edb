"""What a host remembers of a guest, and the decision that follows from it.

The decision is pure and shared by all drivers, so that the simulated host and the real one
agree on the hard cases: a guest that died, an order that came twice, a crash of ours between
two effects. A driver writes the record *before* each effect.
"""

from typing import Literal

import msgspec

from cumulo.compute.drivers.driver import GuestSpec, StaleOrder

# never: was not started yet; starting: a process may exist whose pid we did not note;
# stopping: we are ending it; off: we ended it; stopped: it ended although nobody asked;
# saving: we write its memory down, and end it then; suspended: we did.
Phase = Literal[
    "never",
    "starting",
    "running",
    "stopping",
    "off",
    "stopped",
    "removing",
    "saving",
    "suspended",
]
Action = Literal["start", "stop", "reboot", "suspend", "forget", "plug", "rest"]


class Record(msgspec.Struct, kw_only=True):
    """Durable state of one guest on one host."""

    id: str
    generation: int = 0
    converged_generation: int = -1
    reboot_nonce: int = 0
    phase: Phase = "never"
    pid: int = 0
    started: int = 0
    reason: str | None = None
    crashed: bool = False
    stopped_generation: int = -1
    fault: str | None = None
    disks: list[str] = msgspec.field(default_factory=list)
    nics: list[str] = msgspec.field(default_factory=list)
    root_version: int = 0
    """Of the root disk that it ran from last."""
    pins: list[int] = msgspec.field(default_factory=list)
    """Of the host's processors, one for each of its own."""
    shaped: bool = False
    """Its network cards have limits."""
    places: dict[str, str] = msgspec.field(default_factory=dict)
    """Of a suspended guest: device → the port that it is plugged into."""


def accept(record: Record, spec: GuestSpec) -> bool:
    """Take a newer generation into the record. True when it was newer. Raises StaleOrder."""
    if spec.generation < record.generation:
        raise StaleOrder(
            f"guest {spec.id}: generation {spec.generation} is older than {record.generation}"
        )
    newer = spec.generation > record.generation
    record.generation = spec.generation
    return newer


def note_stop(record: Record, generation: int, reason: str, *, crashed: bool) -> None:
    """The guest ended and nobody asked: it stays so until an order newer than `generation`."""
    record.phase = "stopped"
    record.stopped_generation = max(generation, record.generation)
    record.reason = reason
    record.crashed = crashed
    record.pid = record.started = 0


HOST_STOPPED = "stopped with its host"


def note_off(record: Record) -> None:
    """The guest ended because we ended it."""
    record.phase = "off"
    record.reason = None
    record.crashed = False
    record.pid = record.started = 0


def note_suspended(record: Record) -> None:
    """Its memory is written down and its process ended, because we did so."""
    note_off(record)
    record.phase = "suspended"


def note_start(record: Record, spec: GuestSpec) -> None:
    """The intention to start: from here on a process may exist."""
    record.phase = "starting"
    record.reason = None
    record.crashed = False
    record.pid = record.started = 0
    # A fresh start is a reboot too: whatever was ordered before is done by it.
    record.reboot_nonce = reboot_target(record, spec)


def reboot_target(record: Record, spec: GuestSpec) -> int:
    return max(record.reboot_nonce, spec.reboot.nonce if spec.reboot else 0)


def decide(record: Record, spec: GuestSpec, *, alive: bool) -> Action:
    """The next thing to do to bring the guest to `spec`; "rest" when nothing is."""
    rebooting = reboot_target(record, spec) > record.reboot_nonce
    if alive and record.phase == "stopping":
        return "stop"  # a stop once begun is finished, whatever was ordered since
    if alive and record.phase == "saving":
        return "suspend"
    if not alive and record.phase == "suspended" and (rebooting or spec.power == "off"):
        return "forget"  # what it had in memory is not wanted any more
    if spec.power == "off":
        return "stop" if alive else "rest"
    if spec.power == "suspended":
        # One that ended meanwhile has nothing in memory: it stays as it is.
        return "suspend" if alive else "rest"
    if alive:
        return "reboot" if rebooting else "plug"
    if record.phase == "stopped" and not rebooting:
        return "start" if spec.generation > record.stopped_generation else "rest"
    return "start"
