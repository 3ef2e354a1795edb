"""What orchestration tells the other services: its events.

Notifications of stacks as Heat's: `orchestration.stack.create.complete`, … for each action and how it
ended; `orchestration.stack.create` when one is asked for.
"""

from cumulo.core.events.types import events, on

ACTIONS = ("create", "update", "delete", "rollback", "suspend", "resume", "check")

EVENTS = events(
    "orchestration",
    on("stack", "stack.create", name=str),
    on("stack", *(f"stack.{a}.{end}" for a in ACTIONS for end in ("complete", "failed")), name=str),
)
