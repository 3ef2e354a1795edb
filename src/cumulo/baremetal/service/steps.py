"""Steps that somebody asked for: of cleaning, deployment and service, by themselves, by a runbook
or a deploy template; checked as far as that can be before the machine is asked.

    any interface   hold, wait, power_on, power_off, reboot
    bios            apply_configuration {settings: [{name, value}]}, factory_reset
    deploy          what the agent in the ramdisk says that it can
    others          of fake hardware alone, which can everything
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.baremetal.model.hardware import Capabilities
from cumulo.baremetal.model.node import NodeRow
from cumulo.core.faults import BadRequest

HOLD, WAIT = "hold", "wait"
POWER = {"power_on": "power on", "power_off": "power off", "reboot": "rebooting"}
RESERVED = (HOLD, WAIT, *POWER)
MOST_WAIT = 3600
MOST_SETTINGS = 1000
WRITE: dict[str, Any] = {"interface": "deploy", "step": "write_image", "args": {}, "priority": 80}
"""Of a deployment: what stands before it is done before, by their priorities."""
BIOS = ("apply_configuration", "factory_reset")


def checked(
    kind: str, steps: Any, node: NodeRow, can: Capabilities, *, ramdisk: bool
) -> list[dict[str, Any]]:
    """`kind`: clean, deploy, service. `ramdisk`: one is on the machine. Raises BadRequest."""
    found = []
    for step in steps:
        interface, name = step.get("interface"), step.get("step")
        args = step.get("args") or {}
        if not isinstance(name, str) or not isinstance(args, dict):
            raise BadRequest(f"A {kind} step has an interface and a step")
        if name not in RESERVED and not isinstance(interface, str):
            raise BadRequest(f"A {kind} step has an interface and a step")
        if set(step) - {"interface", "step", "args", "priority"}:
            raise BadRequest(
                f"A {kind} step has interface, step, args, and in deployments priority"
            )
        one = {"interface": interface or "deploy", "step": name[:255], "args": args}
        if kind == "deploy":
            one["priority"] = _priority(step.get("priority"))
        _check(kind, one, node, can, ramdisk)
        found.append(one)
    return found


def _priority(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        raise BadRequest("A deploy step has a priority of 0 to 1000000")
    return value


def _check(
    kind: str, step: Mapping[str, Any], node: NodeRow, can: Capabilities, ramdisk: bool
) -> None:
    interface, name, args = step["interface"], step["step"], step["args"]
    if name in RESERVED:
        if name == WAIT and not 0 < _seconds(args) <= MOST_WAIT:
            raise BadRequest(f"A wait has seconds of 1 to {MOST_WAIT} among its args")
        if name in POWER and ramdisk:
            raise BadRequest(f"{name} is no step for a machine whose ramdisk does the others")
        return
    if node.interfaces.get(interface, "no-").startswith("no-"):
        raise BadRequest(f"Driver {node.driver} has no steps of {interface[:50]}")
    if interface == "bios":
        if name not in BIOS:
            raise BadRequest(f"There is no {kind} step {name[:100]} of bios: {', '.join(BIOS)}")
        settings_of(step)
    elif can.ramdisk and (interface != "deploy" or not ramdisk):
        raise BadRequest(f"There are no {kind} steps of {interface[:50]} that can be asked for")


def _seconds(args: Mapping[str, Any]) -> int:
    value = args.get("seconds", 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def settings_of(step: Mapping[str, Any]) -> dict[str, str] | None:
    """What a step of bios sets; None: all as the maker delivers it. Raises BadRequest."""
    if step["step"] == "factory_reset":
        return None
    listed = step["args"].get("settings")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_SETTINGS:
        raise BadRequest("apply_configuration has a list of settings, each with name and value")
    found = {}
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise BadRequest("A BIOS setting has a name and a value")
        value = each.get("value")
        if not isinstance(value, str | int | bool) or len(str(value)) > 255:
            raise BadRequest(f"The BIOS setting {each['name'][:100]} needs a value")
        found[each["name"][:255]] = str(value)
    return found


def deployment(asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """With the writing of the image among them; a priority of 0 leaves a step out."""
    chosen = [dict(step) for step in asked if step["priority"] > 0]
    steps = sorted([*chosen, WRITE], key=lambda step: (-int(step["priority"]), step["step"]))
    return [dict(step) for step in steps]


def is_agents(step: Mapping[str, Any]) -> bool:
    """Whether the agent in the ramdisk does it."""
    return step["interface"] == "deploy" and step["step"] not in RESERVED
