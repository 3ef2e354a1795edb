"""Inspection rules at work: what follows from what an inspection found. Pure functions.

A condition or an action has an `op`, `args` (a list or names), and may have a `loop` over items. In
texts, `{inventory[cpu][count]}`, `{plugin_data[…]}`, `{node.name}` and `{item}` stand for what was
found: a text that is nothing else has that value, in any other it is put in as text. What was found
is a stranger's: it is never looked at for references again, and a regular expression of a rule
takes linear time on it.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cumulo.baremetal.model.rule import RuleRow
from cumulo.baremetal.service.patches import Change, path_of
from cumulo.core.faults import BadRequest
from cumulo.core.wire.patterns import BadPattern, Pattern

_REFERENCE = re.compile(r"\{([a-z_]+)((?:\[[^\[\]{}]{1,100}\]|\.[A-Za-z0-9_]{1,100}){0,10})\}")
_STEP = re.compile(r"\[([^\[\]]+)\]|\.([A-Za-z0-9_]+)")
MOST_TEXT = 4096
MOST_ITEMS = 100
ROOTS = ("inventory", "plugin_data", "node", "item")


class RuleFailed(Exception):
    """A rule says that the inspection has failed, or cannot be applied to what was found."""


@dataclass
class Effects:
    changes: list[Change] = field(default_factory=list)
    """Of the node."""
    add_traits: list[str] = field(default_factory=list)
    remove_traits: list[str] = field(default_factory=list)
    capabilities: dict[str, str | None] = field(default_factory=dict)
    """None: it goes."""
    plugin_data: dict[str, Any] = field(default_factory=dict)


# --- what operations there are -------------------------------------------------------------------

Check = Callable[[Mapping[str, Any]], bool]


def _ordered(than: Callable[[Any, Any], bool]) -> Check:
    def check(args: Mapping[str, Any]) -> bool:
        values = list(args["values"])
        if args.get("force_strings"):
            values = [str(value) for value in values]
        elif any(_is_number(value) for value in values):
            values = [_number(value) for value in values]
        try:
            return all(than(a, b) for a, b in pairwise(values))
        except TypeError:
            return False

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if isinstance(value, str) and len(value) < 20:
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _in_net(args: Mapping[str, Any]) -> bool:
    try:
        net = ipaddress.ip_network(str(args["subnet"]), strict=False)
        return ipaddress.ip_address(str(args["address"])) in net
    except ValueError:
        return False


def _found(whole: bool) -> Check:
    def check(args: Mapping[str, Any]) -> bool:
        text = str(args["regex"])
        try:
            pattern = Pattern(f"^(?:{text})$" if whole else text)
        except BadPattern as error:
            raise RuleFailed(f"regex: {error}") from None
        return pattern.found_in(str(args["value"])[:MOST_TEXT])

    return check


def _truth(value: Any) -> bool:
    return value in (True, 1) or str(value).strip().lower() in ("true", "yes", "1", "on")


CONDITIONS: dict[str, tuple[tuple[str, ...], Check]] = {
    "is-true": (("value",), lambda args: _truth(args["value"])),
    "is-false": (
        ("value",),
        lambda args: args["value"] is not None and not _truth(args["value"]),
    ),
    "is-none": (("value",), lambda args: args["value"] in (None, "None")),
    "is-empty": (("value",), lambda args: args["value"] in (None, "", "None", [], {})),
    "eq": (("values",), _ordered(lambda a, b: bool(a == b))),
    "lt": (("values",), _ordered(lambda a, b: bool(a < b))),
    "gt": (("values",), _ordered(lambda a, b: bool(a > b))),
    "in-net": (("address", "subnet"), _in_net),
    "matches": (("value", "regex"), _found(True)),
    "contains": (("value", "regex"), _found(False)),
    "one-of": (
        ("value", "values"),
        lambda args: isinstance(args["values"], list) and args["value"] in args["values"],
    ),
}
ACTIONS: dict[str, tuple[str, ...]] = {
    "fail": ("msg",),
    "log": ("msg",),
    "set-attribute": ("path", "value"),
    "extend-attribute": ("path", "value"),
    "del-attribute": ("path",),
    "set-capability": ("name", "value"),
    "unset-capability": ("name",),
    "add-trait": ("name",),
    "remove-trait": ("name",),
    "set-plugin-data": ("path", "value"),
    "unset-plugin-data": ("path",),
}
OPTIONAL = ("force_strings", "level", "unique")


def check_rule(
    conditions: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]]
) -> None:
    """Raises BadRequest for operations that there are not, or with other arguments."""
    for entry in conditions:
        op = str(entry["op"]).lstrip("!").strip()
        if op not in CONDITIONS:
            raise BadRequest(f"There is no condition {op[:50]}; there are {', '.join(CONDITIONS)}")
        _check_args(op, CONDITIONS[op][0], entry["args"])
        if entry.get("multiple", "any") not in ("any", "all", "first", "last"):
            raise BadRequest("multiple of a condition is any, all, first or last")
    for entry in actions:
        op = str(entry["op"])
        if op not in ACTIONS:
            raise BadRequest(f"There is no action {op[:50]}; there are {', '.join(ACTIONS)}")
        _check_args(op, ACTIONS[op], entry["args"])


def _check_args(op: str, names: tuple[str, ...], args: Any) -> None:
    if names == ("values",):
        return
    if isinstance(args, dict):
        missing = [name for name in names if name not in args]
        unknown = sorted(set(args) - set(names) - set(OPTIONAL))
        if missing or unknown:
            raise BadRequest(f"{op} has the arguments {', '.join(names)}")
    elif len(args) < len(names) or len(args) > len(names) + 1:
        raise BadRequest(f"{op} has the arguments {', '.join(names)}")


# --- applying ------------------------------------------------------------------------------------


def applied(
    rules: Sequence[RuleRow],
    node: Mapping[str, Any],
    inventory: Mapping[str, Any],
    plugin_data: Mapping[str, Any],
) -> Effects:
    """What all rules do, in their order. Raises RuleFailed."""
    effects = Effects(plugin_data=dict(plugin_data))
    for rule in rules:
        seen = {"inventory": inventory, "plugin_data": effects.plugin_data, "node": node}
        if all(_holds(condition, seen) for condition in rule.conditions):
            for action in rule.actions:
                for item in _items(action, seen):
                    args = _named(ACTIONS[action["op"]], action["args"], {**seen, "item": item})
                    _act(action["op"], args, effects)
    return effects


def _holds(condition: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    op = str(condition["op"])
    names, check = CONDITIONS[op.lstrip("!").strip()]
    items = _items(condition, seen)
    multiple = condition.get("multiple", "any")
    if multiple in ("first", "last"):
        items = items[:1] if multiple == "first" else items[-1:]
    results = (check(_named(names, condition["args"], {**seen, "item": each})) for each in items)
    found = all(results) if multiple == "all" else any(results)
    return found != op.startswith("!")


def _items(entry: Mapping[str, Any], seen: Mapping[str, Any]) -> list[Any]:
    """What an entry is done for: once, or for each item of its loop."""
    if "loop" not in entry:
        return [None]
    found = _filled(entry["loop"], seen)
    if isinstance(found, dict):
        found = [{"key": key, "value": value} for key, value in found.items()]
    return list(found)[:MOST_ITEMS] if isinstance(found, list) else [found]


def _named(names: tuple[str, ...], args: Any, seen: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(args, seen)
    if isinstance(filled, dict):
        return filled
    if names == ("values",):
        return {"values": filled}
    return dict(zip(names, filled, strict=False))


def _filled(value: Any, seen: Mapping[str, Any]) -> Any:
    """With what its references stand for."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole is not None and whole[1] in ROOTS:
            return _value(whole, seen)
        return _REFERENCE.sub(lambda match: _text(match, seen), value)[:MOST_TEXT]
    if isinstance(value, list):
        return [_filled(each, seen) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, seen) for key, each in value.items()}
    return value


def _text(match: re.Match[str], seen: Mapping[str, Any]) -> str:
    if match[1] not in ROOTS:
        return match[0]
    found = _value(match, seen)
    return "" if found is None else str(found)[:MOST_TEXT]


def _value(match: re.Match[str], seen: Mapping[str, Any]) -> Any:
    found: Any = seen.get(match[1])
    for step in _STEP.finditer(match[2]):
        name = step[1] if step[1] is not None else step[2]
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name[:6]) < len(found):
            found = found[int(name[:6])]
        else:
            return None
    return found


def _act(op: str, args: Mapping[str, Any], effects: Effects) -> None:
    if op == "fail":
        raise RuleFailed(str(args["msg"])[:1000])
    if op in ("add-trait", "remove-trait"):
        into = effects.add_traits if op == "add-trait" else effects.remove_traits
        into.append(str(args["name"]))
    elif op in ("set-capability", "unset-capability"):
        value = args.get("value")
        effects.capabilities[str(args["name"])] = None if value is None else str(value)
    elif op.endswith("-plugin-data"):
        name = str(args["path"]).strip("/")
        effects.plugin_data.pop(name, None)
        if op == "set-plugin-data":
            effects.plugin_data[name] = args["value"]
    elif op.endswith("-attribute"):
        try:
            path = path_of(str(args["path"]))
        except BadRequest as fault:
            raise RuleFailed(fault.message) from None
        if op == "extend-attribute":
            path = (*path, "-")
        kind: Any = "remove" if op == "del-attribute" else "add"
        effects.changes.append(Change(kind, path, args.get("value")))
