"""What the fields of bare metal's simple nouns may hold: each a check that gives what is stored."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import as_bool

Check = Callable[[str, Any], Any]

UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
MAC = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.I)
TRAIT = re.compile(r"[A-Z][A-Z0-9_]*")
NAME = re.compile(r"[A-Za-z0-9\-._~]+")
MOST_BYTES = 64 * 1024
MOST_STEPS = 100
STEP_INTERFACES = ("bios", "deploy", "management", "power", "raid", "vendor", "firmware")


def text(most: int = 255, *, needed: bool = False, choices: Sequence[str] = ()) -> Check:
    def check(name: str, value: Any) -> Any:
        if value is None and not needed:
            return None
        if not isinstance(value, str) or len(value) > most or (needed and not value):
            raise BadRequest(f"{name} has to be a text of at most {most} characters")
        if choices and value not in choices:
            raise BadRequest(f"{name} has to be one of {', '.join(choices)}")
        return value

    return check


def logical_name(name: str, value: Any) -> str | None:
    """A name that is none of an id."""
    found = text(255)(name, value)
    if not found:
        return None
    if not NAME.fullmatch(found) or UUID.fullmatch(found):
        raise BadRequest(f"'{found}' is not a valid {name}")
    return str(found)


def trait_name(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 255 or not TRAIT.fullmatch(value):
        raise BadRequest(
            f"{name} '{str(value)[:255]}' is not a trait: it has to be of capitals, digits and "
            "underscores, a standard one or with CUSTOM_ before it"
        )
    return value


def document(most: int = MOST_BYTES) -> Check:
    def check(name: str, value: Any) -> dict[str, Any]:
        found = {} if value is None else value
        if not isinstance(found, dict):
            raise BadRequest(f"{name}: '{str(value)[:100]}' is not of type 'object'")
        if len(msgspec.json.encode(found)) > most:
            raise BadRequest(f"{name} holds at most {most} bytes")
        return found

    return check


def flag(absent: bool) -> Check:
    def check(name: str, value: Any) -> bool:
        return absent if value is None else flag_of(name, value)

    return check


def flag_of(name: str, value: Any) -> bool:
    """Clients write `True` and `"true"`."""
    if isinstance(value, str) and len(value) < 8:
        return as_bool(value, name)
    if not isinstance(value, bool):
        raise BadRequest(f"Value for {name} is not a boolean")
    return value


def number(least: int, most: int, absent: int | None = None) -> Check:
    def check(name: str, value: Any) -> int:
        found = absent if value is None else value
        if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 10:
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise BadRequest(f"{name} has to be a whole number of {least} to {most}")
        return found

    return check


def mac(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not MAC.fullmatch(value):
        raise BadRequest(f"Expected a MAC address but received {str(value)[:100]}.")
    return value.lower().replace("-", ":")


def traits(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 50:
        raise BadRequest(f"{name} has to be a list of at most 50 traits")
    return [trait_name(name, each) for each in value]


def steps_of(rank: str) -> Check:
    """Steps with `interface`, `step`, `args` and a number, which is called `rank`."""

    def check(name: str, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_STEPS:
            raise BadRequest(f"{name} has to be a list of 1 to {MOST_STEPS} steps")
        if len(msgspec.json.encode(value)) > MOST_BYTES:
            raise BadRequest(f"{name} holds at most {MOST_BYTES} bytes")
        found = [_step(name, each, rank) for each in value]
        pairs = [(each["interface"], each["step"]) for each in found]
        if rank == "priority" and len(set(pairs)) < len(pairs):
            raise BadRequest(f"{name} has a step twice")
        return found

    return check


def _step(name: str, step: Any, rank: str) -> dict[str, Any]:
    if not isinstance(step, dict) or set(step) - {"interface", "step", "args", rank}:
        raise BadRequest(f"{name}: a step has interface, step, args and {rank}")
    interface, verb, args = step.get("interface"), step.get("step"), step.get("args")
    if interface not in STEP_INTERFACES or not isinstance(verb, str) or not verb:
        raise BadRequest(f"{name}: a step has an interface ({', '.join(STEP_INTERFACES)}) and step")
    if not isinstance(args, dict):
        raise BadRequest(f"{name}: args of the step {verb[:100]} has to be an object")
    number(0, 1_000_000)(f"{name}: {rank} of the step {verb[:100]}", step.get(rank))
    return dict(step)


def operations(name: str, value: Any) -> list[dict[str, Any]]:
    """Conditions or actions of an inspection rule."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_STEPS:
        raise BadRequest(f"{name} has to be a list of at most {MOST_STEPS} entries")
    if len(msgspec.json.encode(value)) > MOST_BYTES:
        raise BadRequest(f"{name} holds at most {MOST_BYTES} bytes")
    for each in value:
        if not isinstance(each, dict) or set(each) - {"op", "args", "loop", "multiple"}:
            raise BadRequest(f"{name}: an entry has op, args, loop and multiple")
        if not isinstance(each.get("op"), str) or not isinstance(each.get("args"), (dict, list)):
            raise BadRequest(f"{name}: an entry has an op and args")
    return value
