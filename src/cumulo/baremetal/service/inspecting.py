"""What an agent says that its machine is, as far as it can be believed: sizes that there are,
addresses that are some, and no more than a machine has."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.baremetal.model.hardware import POWER_OFF, Inspected
from cumulo.baremetal.service.fields import MAC
from cumulo.core.work.jobs import Failed

MOST_BYTES = 256 * 1024
MOST_CARDS = 256
SECTIONS = (
    "interfaces", "cpu", "disks", "memory", "bmc_address", "bmc_v6address", "system_vendor",
    "boot", "hostname",
)  # fmt: skip


def inspected(told: Mapping[str, Any]) -> Inspected:
    """Raises Failed."""
    inventory = {name: told[name] for name in SECTIONS if name in told}
    if not inventory or len(msgspec.json.encode(inventory)) > MOST_BYTES:
        raise Failed("the agent's inventory is empty, or larger than any machine's")
    found: dict[str, Any] = {}
    cpu, memory = _object(inventory, "cpu"), _object(inventory, "memory")
    count = _whole(cpu.get("count"), 1 << 16)
    if count:
        found["cpus"] = count
    if isinstance(cpu.get("architecture"), str):
        found["cpu_arch"] = cpu["architecture"][:32]
    size = _whole(memory.get("physical_mb"), 1 << 32)
    if size:
        found["memory_mb"] = size
    disks = [_whole(each.get("size"), 1 << 60) for each in _objects(inventory, "disks")]
    whole = [each for each in disks if each >= 1 << 30]
    if whole:
        found["local_gb"] = min(whole) >> 30
    cards = [str(each.get("mac_address")) for each in _objects(inventory, "interfaces")]
    addresses = [each for each in cards if MAC.fullmatch(each)][:MOST_CARDS]
    return Inspected(found, tuple(addresses), inventory, POWER_OFF)


def _object(inventory: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = inventory.get(name)
    return found if isinstance(found, dict) else {}


def _objects(inventory: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = inventory.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _whole(value: Any, most: int) -> int:
    """0 for what is no such number."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value < most
    return int(value) if fits else 0
