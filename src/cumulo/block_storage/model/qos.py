"""QoS specs: what a volume may do in a second. Types name one; who enforces it is its consumer."""

from collections.abc import Mapping
from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table

Consumer = Literal["front-end", "back-end", "both"]
CONSUMERS: tuple[Consumer, ...] = ("front-end", "back-end", "both")
_KINDS = {"bytes": "bps", "iops": "iops"}
_WAYS = {"total": "", "read": "_rd", "write": "_wr"}
LIMITS = {
    f"{way}_{kind}_sec": f"{short}{end}"
    for kind, short in _KINDS.items()
    for way, end in _WAYS.items()
}
"""Cinder's names, and those of QEMU's `block_set_io_throttle`."""
LARGEST = 10**15
"""QEMU takes no more."""


@table("volume_qos_specs", Unique("name"))
class QosRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    consumer: Consumer
    specs: dict[str, str]
    created_at: Moment
    updated_at: Moment | None


def mistake_in(consumer: str, specs: Mapping[str, str]) -> str | None:
    """Why the hypervisor cannot keep to these; None: it can. Names that it does not know are for
    others."""
    if consumer == "back-end":
        return None
    for name, text in specs.items():
        base = name.removesuffix("_max").removesuffix("_per_gb")
        known = base in LIMITS or name in ("size_iops_sec",) or _is_least(name)
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))
        if known and not (digits and 0 < int(text) <= LARGEST):
            return f"{name} is no number between 1 and {LARGEST}"
    for kind in _KINDS:
        parts = [f"{way}_{kind}_sec" for way in ("read", "write")]
        total = f"total_{kind}_sec"
        if _has(specs, total) and any(_has(specs, part) for part in parts):
            return f"{total} goes with neither {parts[0]} nor {parts[1]}"
        for one in (total, *parts):
            if f"{one}_max" in specs and not _has(specs, one):
                return f"{one}_max without {one}"
    return None


def _is_least(name: str) -> bool:
    base = name.removesuffix("_per_gb_min")
    return base != name and base in LIMITS


def _has(specs: Mapping[str, str], name: str) -> bool:
    return name in specs or f"{name}_per_gb" in specs


def throttle_of(consumer: str, specs: Mapping[str, str], size: int) -> dict[str, int]:
    """What QEMU is told for a volume of `size` GiB (`block_set_io_throttle`); empty: no limits."""
    if consumer == "back-end" or mistake_in(consumer, specs) is not None:
        return {}
    found: dict[str, int] = {}
    for name, short in LIMITS.items():
        limit = int(specs.get(name, "0"))
        by_size = specs.get(f"{name}_per_gb")
        if by_size is not None:
            # The source of the rule: Cinder's documents of QoS by size.
            limit = max(int(by_size) * size, int(specs.get(f"{name}_per_gb_min", "0")))
        found[short] = min(limit, LARGEST)
        most = int(specs.get(f"{name}_max", "0"))
        if most and limit:
            found[f"{short}_max"] = min(max(most, limit), LARGEST)
    if not any(found.values()):
        return {}
    if "size_iops_sec" in specs and any(found[name] for name in ("iops", "iops_rd", "iops_wr")):
        found["iops_size"] = int(specs["size_iops_sec"])
    return found
