"""What orchestration tells the other services: its events, named as Heat's notifications."""

from cumulo.core.events.types import events, on

ACTIONS = (
    "create",
    "update",
    "delete",
    "rollback",
    "suspend",
    "resume",
    "check",
    "adopt",
    "snapshot",
    "restore",
)
ENDS = ("start", "end", "error")

EVENTS = events(
    "orchestration",
    on("stack", *(f"orchestration.stack.{a}.{e}" for a in ACTIONS for e in ENDS), name=str),
)
