"""What a pool can do, and whether that is what a share type asks for.

The words of extra specs are those of OpenStack's schedulers: `<is> True`, `<in> x`,
`<or> a <or> b`, `>= 2`, `s== text`; any other text must be the capability's own.
"""

from collections.abc import Mapping
from typing import Any

from cumulo.shared_file_system.model.type import HANDLES_SERVERS, SERVED_IN

OF_POOLS: dict[str, Any] = {
    "share_backend_name": "local",
    "vendor_name": "Cumulo",
    "storage_protocol": "NFS",
    "driver_handles_share_servers": True,
    "snapshot_support": True,
    "create_share_from_snapshot_support": True,
    "revert_to_snapshot_support": True,
    "mount_snapshot_support": True,
    "snapshot_inherit_share_access_support": True,
    "thin_provisioning": True,
    "ipv4_support": True,
    "ipv6_support": True,
    "dedupe": False,
    "compression": False,
    "qos": False,
    "replication_type": None,
    "mount_point_name_support": False,
    "encryption_support": None,
    "security_service_update_support": False,
    "network_allocation_update_support": False,
    "share_server_multiple_subnet_support": True,
}
_OF_THE_API = ("availability_zones",)
"""Extra specs without a scope that no pool is asked for."""


def lacks(extra_specs: Mapping[str, str]) -> str | None:
    """The first extra spec that pools do not have as it is asked for; None: they have all."""
    for name, wish in sorted(extra_specs.items()):
        scope, colon, rest = name.partition(":")
        if colon and scope != "capabilities":
            continue  # another scope: for the driver, or for the API
        key = rest if colon else name
        if key == HANDLES_SERVERS and SERVED_IN in extra_specs:
            continue
        if key not in _OF_THE_API and not (key in OF_POOLS and fits(OF_POOLS[key], wish)):
            return name
    return None


def fits(has: Any, wish: str) -> bool:
    word, _, rest = wish.strip().partition(" ")
    rest = rest.strip()
    if word == "<is>":
        return _truth(has) == _truth(rest)
    if word == "<in>":
        return rest.lower() in str(has).lower()
    if word == "<or>":
        return any(_same(has, each.strip()) for each in rest.split("<or>"))
    if word in ("s==", "s!=", "s<", "s<=", "s>", "s>="):
        return _compared(word[1:], str(has), rest)
    if word in ("=", "==", "!=", "<", "<=", ">", ">="):
        try:
            return _compared(word, float(has), float(rest))
        except (TypeError, ValueError):
            return False
    return _same(has, wish.strip())


def _same(has: Any, text: str) -> bool:
    if isinstance(has, bool):
        return has == _truth(text)
    return str(has).lower() == text.lower()


def _truth(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "t", "true", "on", "y", "yes")


def _compared(word: str, left: Any, right: Any) -> bool:
    if word == "=":
        return bool(left >= right)
    return bool(
        {
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
        }[word]
    )
