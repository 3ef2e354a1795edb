"""What a node's provision state is, and what may be asked of it there: pure functions.

A node stands on a stage (where it was at rest last). An action leads from one stage to the next; it
has a step while it runs, and may have failed. The words that clients watch for follow from that.
The words and the moves are those of the Bare Metal API's state machine.
"""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["enroll", "manageable", "available", "active", "rescue"]
Action = Literal[
    "manage", "inspect", "provide", "clean", "deploy", "rebuild", "undeploy", "adopt", "rescue",
    "unrescue", "service",
]  # fmt: skip
Step = Literal["work", "clean", "wait", "hold"]
"""`clean`: of an undeployment, after the machine was torn down. `wait`: the machine is at it, and
no job has the node for itself. `hold`: it is an operator's turn."""

_RUNNING: dict[tuple[str, str], str] = {
    ("manage", "work"): "verifying",
    ("inspect", "work"): "inspecting",
    ("inspect", "wait"): "inspect wait",
    ("provide", "work"): "cleaning",
    ("provide", "wait"): "clean wait",
    ("clean", "work"): "cleaning",
    ("clean", "wait"): "clean wait",
    ("clean", "hold"): "clean hold",
    ("deploy", "work"): "deploying",
    ("deploy", "wait"): "wait call-back",
    ("deploy", "hold"): "deploy hold",
    ("rebuild", "work"): "deploying",
    ("rebuild", "wait"): "wait call-back",
    ("rebuild", "hold"): "deploy hold",
    ("undeploy", "work"): "deleting",
    ("undeploy", "clean"): "cleaning",
    ("undeploy", "wait"): "clean wait",
    ("adopt", "work"): "adopting",
    ("rescue", "work"): "rescuing",
    ("rescue", "wait"): "rescue wait",
    ("unrescue", "work"): "unrescuing",
    ("service", "work"): "servicing",
    ("service", "wait"): "service wait",
    ("service", "hold"): "service hold",
}
_FAILED: dict[tuple[str, str], str] = {
    pair: {
        "inspecting": "inspect failed",
        "inspect wait": "inspect failed",
        "cleaning": "clean failed",
        "clean wait": "clean failed",
        "clean hold": "clean failed",
        "deploy hold": "deploy failed",
        "service hold": "service failed",
        "deploying": "deploy failed",
        "wait call-back": "deploy failed",
        "deleting": "error",
        "adopting": "adopt failed",
        "verifying": "enroll",
        "rescuing": "rescue failed",
        "rescue wait": "rescue failed",
        "unrescuing": "unrescue failed",
        "servicing": "service failed",
        "service wait": "service failed",
    }[word]
    for pair, word in _RUNNING.items()
}
GOAL: dict[str, Stage] = {
    "manage": "manageable",
    "inspect": "manageable",
    "clean": "manageable",
    "provide": "available",
    "undeploy": "available",
    "deploy": "active",
    "rebuild": "active",
    "adopt": "active",
    "rescue": "rescue",
    "unrescue": "active",
    "service": "active",
}


def provision_of(
    stage: Stage, action: str | None, step: str | None, failed: bool
) -> tuple[str, str | None]:
    """(provision state, target provision state). The target stays after a failure, as it says
    where the node was going; a verification that failed leaves nothing but the reason."""
    if action is None:
        return stage, None
    pair = (action, step or "work")
    if not failed:
        return _RUNNING[pair], GOAL[action]
    word = _FAILED[pair]
    return word, None if word == "enroll" else GOAL[action]


@dataclass(frozen=True, slots=True)
class Move:
    """What a verb does in a state: begin the action, or stand on the stage at once."""

    action: Action | None = None
    stage: Stage | None = None


_AT_REST = Move(stage="manageable")
MOVES: dict[str, dict[str, Move]] = {
    "manage": {
        "enroll": Move("manage"),
        "available": _AT_REST,
        "adopt failed": _AT_REST,
        "clean failed": _AT_REST,
        "inspect failed": _AT_REST,
    },
    "inspect": {"manageable": Move("inspect"), "inspect failed": Move("inspect")},
    "provide": {"manageable": Move("provide")},
    "clean": {"manageable": Move("clean")},
    "adopt": {"manageable": Move("adopt"), "adopt failed": Move("adopt")},
    "active": {"available": Move("deploy"), "deploy failed": Move("deploy")},
    "rebuild": {word: Move("rebuild") for word in ("active", "deploy failed", "error")},
    "deleted": {
        word: Move("undeploy")
        for word in (
            "active", "deploy failed", "error", "wait call-back", "rescue", "rescue failed",
            "rescue wait", "unrescue failed", "service failed", "service wait",
        )
    },
    "rescue": {
        word: Move("rescue")
        for word in ("active", "rescue", "rescue failed", "unrescue failed", "service failed")
    },
    "unrescue": {
        word: Move("unrescue") for word in ("rescue", "rescue failed", "unrescue failed")
    },
    "service": {word: Move("service") for word in ("active", "service failed")},
    "unhold": {word: Move() for word in ("clean hold", "deploy hold", "service hold")},
}  # fmt: skip
SAME_AS = {"deploy": "active", "undeploy": "deleted"}
"""Newer words of verbs."""
ABORTABLE = {
    "clean wait": "1.13", "inspect wait": "1.41", "rescue wait": "1.38", "service wait": "1.87",
    "wait call-back": "1.110", "clean hold": "1.85", "deploy hold": "1.110", "service hold": "1.87",
}  # fmt: skip
"""State → since when it can be aborted."""
HOLDS = ("clean hold", "deploy hold", "service hold")
WAITS = ("clean wait", "inspect wait", "wait call-back", "rescue wait", "service wait")
DELETABLE = ("enroll", "manageable", "available", "adopt failed")
SINCE: dict[str, str] = {
    "active": "1.1",
    "deleted": "1.1",
    "rebuild": "1.1",
    "manage": "1.4",
    "provide": "1.4",
    "inspect": "1.6",
    "abort": "1.13",
    "clean": "1.15",
    "adopt": "1.17",
    "rescue": "1.38",
    "unrescue": "1.38",
    "deploy": "1.73",
    "undeploy": "1.73",
    "unhold": "1.85",
    "service": "1.87",
}
"""The microversion that brought each verb."""


def move_of(verb: str, state: str) -> Move | None:
    """None: that cannot be asked in this state."""
    return MOVES[verb].get(state)
