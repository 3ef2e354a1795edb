"""What cleaning does: the agent's steps by their priorities, or those that were asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.baremetal.service.steps import is_agents
from cumulo.core.work.jobs import Failed

MOST_STEPS = 100
WHOLE = "erase_devices"
LABELS = "erase_devices_metadata"


def planned(
    answer: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]] | None, erase: str
) -> list[dict[str, Any]]:
    """The steps to do. `answer`: of the agent, by hardware manager; `wanted`: of cleaning by hand;
    `erase`: `devices` or `metadata`. Raises Failed for what the agent does not know."""
    by_manager = answer.get("clean_steps")
    if not isinstance(by_manager, dict):
        raise Failed("the agent did not say what it can clean")
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for steps in by_manager.values():
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict) and len(known) < MOST_STEPS:
                known[str(step.get("interface")), str(step.get("step"))] = step
    if wanted is not None:
        missing = [
            str(each["step"])[:100]
            for each in wanted
            if is_agents(each) and (each["interface"], each["step"]) not in known
        ]
        if missing:
            raise Failed(f"the agent has no clean steps {', '.join(missing)}")
        return [dict(each) for each in wanted]
    found = [{**step, "priority": _priority(step, erase)} for step in known.values()]
    chosen = [step for step in found if step["priority"] > 0]
    return sorted(chosen, key=lambda step: (-int(step["priority"]), str(step.get("step"))))


def _priority(step: Mapping[str, Any], erase: str) -> int:
    name, own = step.get("step"), step.get("priority")
    if name == WHOLE and erase != "devices":
        return 0
    if name == LABELS and erase == "devices":
        # Everything goes, labels with it.
        return 0
    return own if isinstance(own, int) and not isinstance(own, bool) else 0
