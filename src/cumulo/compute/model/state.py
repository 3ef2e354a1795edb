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
| power suspended    | suspended                   | SUSPENDED (suspended / -)                  |
| a rescue image     | runs from it                | RESCUE (rescued / -)                       |
| two flavors        | runs with the new one       | VERIFY_RESIZE (resized / -)                |
| shelved, on a host | off                         | SHELVED (shelved / -)                      |
| shelved, no host   | nothing                     | SHELVED_OFFLOADED (shelved_offloaded / -)  |
| soft-deleted       | off                         | SOFT_DELETED (soft-delete / -)             |
| an operation       | not done yet                | as before (… / its task), or its own word  |
| a fault            | anything                    | ERROR (error / -)                          |
| absent             | still there                 | as before (… / deleting)                   |
| absent             | confirmed                   | DELETED (deleted / -)                      |

An *operation* is what was asked for and is not done, by the word that clients know as `task_state`;
those of `BY_HOST` end with the host's report, the others are jobs.

A guest that ends by itself is SHUTOFF: the report that says so turns the desired power off, as
the compute API promises, and keeps the reason.
"""

from typing import Literal, NamedTuple

import msgspec

Power = Literal["on", "off", "paused", "suspended"]
SeenPower = Literal["on", "off", "paused", "suspended", "crashed", "absent"]
RebootKind = Literal["soft", "hard"]

NOSTATE, RUNNING, PAUSED, SHUTDOWN, CRASHED = 0, 1, 3, 4, 6
_POWER_STATES = {
    "on": RUNNING,
    "paused": PAUSED,
    "off": SHUTDOWN,
    "suspended": SHUTDOWN,
    "crashed": CRASHED,
    "absent": NOSTATE,
}
BY_HOST = (
    *("suspending", "resuming", "rescuing", "unrescuing", "restoring", "unshelving"),
    *("rebuilding", "rebuild_spawning"),
    *("resize_finish", "resize_reverting"),
)
"""Operations that are done when the host has done what is desired."""


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
    operation: str | None = None
    """See above."""
    rescue: bool = False
    resized: bool = False
    """It has another flavor (or host) than before, and may go back."""
    shelved: bool = False
    soft_deleted: bool = False


def state_of(facts: Facts) -> State:
    """The server's state; see the table above."""
    power_state = _POWER_STATES[facts.seen]
    if facts.gone:
        return State("DELETED", "deleted", None, NOSTATE)
    vm_state = _vm_state(facts)
    if not facts.present:
        return State(_STATUS[vm_state], vm_state, "deleting", power_state)
    if vm_state == "error":
        return State("ERROR", "error", facts.operation, power_state)
    if vm_state == "building":
        return State("BUILD", "building", _building(facts), power_state)
    task = _task(facts, vm_state)
    status = _TASKS.get(task or "", _STATUS[vm_state])
    return State(status, vm_state, task, power_state)


_STATUS = {
    "building": "BUILD",
    "active": "ACTIVE",
    "stopped": "SHUTOFF",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "rescued": "RESCUE",
    "resized": "VERIFY_RESIZE",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "soft-delete": "SOFT_DELETED",
    "error": "ERROR",
}
_TASKS = {
    "rebooting": "REBOOT",
    "rebooting_hard": "HARD_REBOOT",
    "rebuilding": "REBUILD",
    "rebuild_block_device_mapping": "REBUILD",
    "rebuild_spawning": "REBUILD",
    "resize_prep": "RESIZE",
    "resize_migrating": "RESIZE",
    "resize_migrated": "RESIZE",
    "resize_finish": "RESIZE",
    "resize_reverting": "REVERT_RESIZE",
    "updating_password": "PASSWORD",
}
"""Tasks that have a status of their own."""
_BY_POWER = {"on": "active", "paused": "paused", "suspended": "suspended"}


def _vm_state(facts: Facts) -> str:
    if facts.fault:
        return "error"
    if facts.soft_deleted:
        return "soft-delete"
    if not facts.launched:
        return "building"
    if facts.shelved:
        placed = facts.scheduled and facts.operation != "unshelving"
        return "shelved" if placed else "shelved_offloaded"
    if facts.resized and facts.operation not in ("resize_finish", "resize_migrating"):
        return "resized"
    if facts.operation == "unrescuing" or (facts.rescue and facts.operation != "rescuing"):
        return "rescued"
    return _BY_POWER.get(facts.seen, "stopped")


def _building(facts: Facts) -> str:
    if not facts.scheduled:
        return "scheduling"
    return facts.step if facts.step in ("networking", "block_device_mapping") else "spawning"


def _task(facts: Facts, vm_state: str) -> str | None:
    if facts.operation is not None:
        return facts.operation
    if facts.reboot is not None:
        return "rebooting_hard" if facts.reboot == "hard" else "rebooting"
    if not facts.newer or vm_state not in _TASKS_OF:
        return None
    wanted = {"off": "stopped", **_BY_POWER}[facts.power]
    return None if wanted == vm_state else _TASKS_OF[vm_state].get(wanted, "powering-on")


_TASKS_OF = {
    "active": {"stopped": "powering-off", "paused": "pausing", "suspended": "suspending"},
    "paused": {"stopped": "powering-off", "active": "unpausing"},
    "suspended": {"stopped": "powering-off", "active": "resuming"},
    "stopped": {"active": "powering-on", "paused": "pausing"},
}
"""The way from what it is to what it shall be."""
