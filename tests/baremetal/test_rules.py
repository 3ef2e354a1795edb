"""Inspection rules: what they ask and do, and what a stranger's inventory cannot do to them."""

from typing import Any

import pytest

from cumulo.baremetal.model.rule import RuleRow
from cumulo.baremetal.service.inspecting import inspected
from cumulo.baremetal.service.patches import Change
from cumulo.baremetal.service.rules import Effects, RuleFailed, applied, check_rule
from cumulo.core.clock import now
from cumulo.core.faults import BadRequest
from cumulo.core.work.jobs import Failed

INVENTORY: dict[str, Any] = {
    "cpu": {"count": 8, "architecture": "x86_64"},
    "system_vendor": {"manufacturer": "Dell Inc.", "product_name": "{node.name}"},
    "disks": [{"name": "/dev/sda", "size": 10}, {"name": "/dev/sdb", "size": 20}],
    "bmc_address": "10.1.2.3",
}
VENDOR = "inventory[system_vendor]"
NODE = {"uuid": "u", "name": "metal", "properties": {"a": "1"}}


def rule(conditions: list[Any], actions: list[Any]) -> RuleRow:
    check_rule(conditions, actions)
    moment = now()
    return RuleRow("r", None, 0, False, "main", conditions, actions, moment, None)


def apply(conditions: list[Any], *actions: Any) -> Effects:
    return applied([rule(conditions, list(actions))], NODE, INVENTORY, {})


def holds(op: str, args: Any, **more: Any) -> bool:
    found = apply([{"op": op, "args": args, **more}], {"op": "add-trait", "args": ["CUSTOM_X"]})
    return found.add_traits == ["CUSTOM_X"]


@pytest.mark.parametrize(
    ("op", "args", "true"),
    [
        ("eq", ["{inventory[cpu][count]}", 8], True),
        ("eq", ["{inventory[cpu][count]}", "8"], True),
        ("!eq", ["{inventory.cpu.count}", 9], True),
        ("gt", ["{inventory[cpu][count]}", 4, 2], True),
        ("lt", ["{inventory[cpu][count]}", 4], False),
        ("eq", {"values": [1, "1"], "force_strings": True}, True),
        ("contains", {"value": f"{{{VENDOR}[manufacturer]}}", "regex": "(?i)dell"}, True),
        ("matches", ["{inventory[system_vendor][manufacturer]}", "Dell"], False),
        ("in-net", ["{inventory[bmc_address]}", "10.0.0.0/8"], True),
        ("in-net", ["nonsense", "10.0.0.0/8"], False),
        ("is-none", ["{inventory[gpu]}"], True),
        ("is-empty", ["{inventory[disks]}"], False),
        ("one-of", ["{node.name}", ["metal", "other"]], True),
        ("is-true", ["yes"], True),
        ("is-false", ["{inventory[none]}"], False),
        ("lt", ["a", 1], False),
    ],
)  # fmt: skip
def test_conditions(op: str, args: Any, true: bool) -> None:
    assert holds(op, args) is true


def test_loops() -> None:
    sizes = {"op": "gt", "args": ["{item[size]}", 15], "loop": "{inventory[disks]}"}
    assert holds(sizes["op"], sizes["args"], loop=sizes["loop"])
    assert not holds(sizes["op"], sizes["args"], loop=sizes["loop"], multiple="all")
    assert not holds(sizes["op"], sizes["args"], loop=sizes["loop"], multiple="first")
    each = {"op": "set-attribute", "args": ["/extra/{item[name]}", "{item[size]}"],
            "loop": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}  # fmt: skip
    assert apply([], each).changes == [
        Change("add", ("extra", "a"), 1),
        Change("add", ("extra", "b"), 2),
    ]


def test_actions() -> None:
    found = apply(
        [],
        {"op": "set-capability", "args": {"name": "boot_mode", "value": "uefi"}},
        {"op": "remove-trait", "args": ["CUSTOM_Y"]},
        {"op": "extend-attribute", "args": ["/extra/list", "more"]},
        {"op": "del-attribute", "args": {"path": "/extra/old"}},
        {"op": "set-plugin-data", "args": ["seen", "{inventory[cpu]}"]},
    )
    assert found.capabilities == {"boot_mode": "uefi"} and found.remove_traits == ["CUSTOM_Y"]
    assert found.changes[0].path == ("extra", "list", "-")
    assert found.plugin_data["seen"]["count"] == 8
    with pytest.raises(RuleFailed, match="not ours: Dell"):
        apply([], {"op": "fail", "args": ["not ours: {inventory[system_vendor][manufacturer]}"]})


def test_what_was_found_is_never_read_again() -> None:
    """A product name that looks like a reference stays text."""
    asked = {
        "op": "set-attribute",
        "args": ["/extra/p", f"{{{VENDOR}[product_name]}}"],
    }
    assert apply([], asked).changes[0].value == "{node.name}"
    text = {
        "op": "set-attribute",
        "args": ["/extra/p", f"is {{{VENDOR}[product_name]}}"],
    }
    assert apply([], text).changes[0].value == "is {node.name}"
    odd = {"op": "set-attribute", "args": ["/extra/p", "{inventory.__class__} {0} {node!r} {x}"]}
    assert apply([], odd).changes[0].value == " {0} {node!r} {x}"


@pytest.mark.parametrize(
    ("conditions", "actions"),
    [
        ([{"op": "eval", "args": ["1"]}], []),
        ([{"op": "in-net", "args": ["1"]}], []),
        ([{"op": "is-true", "args": {"value": 1, "more": 2}}], []),
        ([{"op": "eq", "args": [1, 1], "multiple": "some"}], []),
        ([], [{"op": "call-api-hook", "args": {"url": "http://x"}}]),
        ([], [{"op": "set-attribute", "args": ["/a"]}]),
    ],
)
def test_rules_that_there_are_not(conditions: list[Any], actions: list[Any]) -> None:
    with pytest.raises(BadRequest):
        check_rule(conditions, actions)


def test_inventories_of_strangers() -> None:
    found = inspected(
        {
            "cpu": {"count": 10**30, "architecture": 7},
            "memory": {"physical_mb": "much"},
            "disks": [{"size": -1}, "x", {"size": 5 << 30}, {"size": True}],
            "interfaces": [{"mac_address": "52:54:00:00:00:01"}, {"mac_address": "x"}, 3],
            "unheard": "of",
        }
    )
    assert found.properties == {"local_gb": 5}
    assert list(found.addresses) == ["52:54:00:00:00:01"]
    assert "unheard" not in (found.inventory or {})
    for told in ({}, {"hostname": "x" * 300_000}, {"nothing": 1}):
        with pytest.raises(Failed):
            inspected(told)
