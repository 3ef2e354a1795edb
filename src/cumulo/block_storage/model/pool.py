"""Pools: the room for volumes on each host."""

from collections.abc import Mapping
from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, table

OVERSUBSCRIPTION = 20
"""Volumes are thin: so many times the real room may be promised (Cinder's default)."""


@table("volume_pools")
class PoolRow(Row, frozen=True):
    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    driver: str
    total_gb: int | None
    """None: the host has not reported yet."""
    free_gb: int
    allocated_gb: int
    """What volumes and snapshots on it may grow to."""
    updated_at: Moment
    frozen: bool = False
    """Nothing that it has is changed, and it gets nothing new."""
    disabled_reason: str | None = None


CAPABILITIES: Mapping[str, str | bool] = {
    "volume_backend_name": "file",
    "vendor_name": "Cumulo",
    "driver_version": "1",
    "storage_protocol": "file",
    "thin_provisioning_support": True,
    "multiattach": True,
    "QoS_support": False,
}
"""What every pool can do; a volume type's extra specs ask for it by these names."""

_TRUE = ("1", "t", "true", "on", "y", "yes")


def missing_capability(specs: Mapping[str, str]) -> str | None:
    """The first extra spec that the pools do not fulfil. A spec of another scope than
    `capabilities:` is a word to somebody else."""
    for spec, wanted in specs.items():
        scope, colon, name = spec.rpartition(":")
        if colon and scope != "capabilities":
            continue
        if name not in CAPABILITIES or not _fulfils(CAPABILITIES[name], wanted):
            return f"{spec} is not {wanted}"
    return None


def _fulfils(has: str | bool, wanted: str) -> bool:
    operator, _, rest = wanted.strip().partition(" ")
    if operator == "<is>":
        return (str(has).lower() in _TRUE) == (rest.strip().lower() in _TRUE)
    if operator == "<in>":
        return rest.strip() in str(has)
    if operator == "<or>":
        return str(has) in [each.strip() for each in rest.split("<or>")]
    return str(has) == wanted.strip()
