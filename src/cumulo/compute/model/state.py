"""What a server is, as the API says it: a pure function of what is desired and what was seen.

| desired            | seen on the host            | status (vm_state / task_state)             |
|--------------------|-----------------------------|--------------------------------------------|
| present, never ran | nothing yet                 | BUILD (building / scheduling … spawning)   |
| power on           | on                          | ACTIVE (active / -)                        |
| power on, newer    | off                         | SHUTOFF (stopped / powering-on)            |
| power off, newer   | on                          | ACTIVE (active / powering-off)             |
| power off          | off                         | SHUTOFF (stopped / -)                      |
| reboot not done    | anything                    | REBOOT, HARD_REBOOT (active / rebooting…)  |
| power paused       | paused                      | PAUSED (paused / -)                        |
| a fault            | anything                    | ERROR (error / -)                          |
| absent             | still there                 | as before (… / deleting)                   |
| absent             | confirmed                   | DELETED (deleted / -)                      |

A guest that ends by itself is SHUTOFF: the report that says so turns the desired power off, as
the compute API promises, and keeps the reason.
"""

from typing import Literal, NamedTuple

import msgspec

Power = Literal["on", "off", "paused"]
SeenPower = Literal["on", "off", "paused", "crashed", "absent"]
RebootKind = Literal["soft", "hard"]

NOSTATE, RUNNING, PAUSED, SHUTDOWN, CRASHED = 0, 1, 3, 4, 6
_POWER_STATES = {"on": RUNNING, "paused": PAUSED, "off": SHUTDOWN, "crashed": CRASHED, "absent": 0}


class State(NamedTuple):
    """The four words of the compute API."""

    status: str
    vm_state: str
    task_state: str | None
    power_state: int


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a server's state follows from."""

    present: bool = True
    gone: bool = False
    """Absence was confirmed."""
    scheduled: bool = True
    power: Power = "on"
    newer: bool = False
    """The host has not yet done what is desired now."""
    launched: bool = True
    seen: SeenPower = "absent"
    step: str | None = None
    reboot: RebootKind | None = None
    """A reboot that is not done."""
    fault: bool = False


def state_of(facts: Facts) -> State:
    """The server's state; see the table above."""
    power_state = _POWER_STATES[facts.seen]
    if facts.gone:
        return State("DELETED", "deleted", None, NOSTATE)
    vm_state = _vm_state(facts)
    if not facts.present:
        return State(_STATUS[vm_state], vm_state, "deleting", power_state)
    if vm_state == "error":
        return State("ERROR", "error", None, power_state)
    if vm_state == "building":
        return State("BUILD", "building", _building(facts), power_state)
    task = _task(facts, vm_state)
    status = _REBOOTS.get(task or "", _STATUS[vm_state])
    return State(status, vm_state, task, power_state)


_STATUS = {
    "building": "BUILD",
    "active": "ACTIVE",
    "stopped": "SHUTOFF",
    "paused": "PAUSED",
    "error": "ERROR",
}
_REBOOTS = {"rebooting": "REBOOT", "rebooting_hard": "HARD_REBOOT"}


def _vm_state(facts: Facts) -> str:
    if facts.fault:
        return "error"
    if not facts.launched:
        return "building"
    return {"on": "active", "paused": "paused"}.get(facts.seen, "stopped")


def _building(facts: Facts) -> str:
    if not facts.scheduled:
        return "scheduling"
    return facts.step if facts.step in ("networking", "block_device_mapping") else "spawning"


def _task(facts: Facts, vm_state: str) -> str | None:
    if facts.reboot is not None:
        return "rebooting_hard" if facts.reboot == "hard" else "rebooting"
    if not facts.newer:
        return None
    wanted = {"on": "active", "off": "stopped", "paused": "paused"}[facts.power]
    if wanted == vm_state:
        return None
    if wanted == "stopped":
        return "powering-off"
    if wanted == "paused":
        return "pausing"
    return "unpausing" if vm_state == "paused" else "powering-on"
