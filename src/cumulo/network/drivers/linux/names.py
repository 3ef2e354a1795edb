"""Names of namespaces and devices. All follow from ids, numbers and MACs, so they are found again.

Interface names hold 15 characters. A veth that joins a namespace to a bridge is named by its MAC,
which is the port's: a changed MAC is another device.
"""

import re

_PREFIX = re.compile(r"[a-z][a-z0-9]{1,6}")

METADATA_ADDRESS = "169.254.169.254"
METADATA_PORT = 9697


def check_prefix(prefix: str) -> str:
    """2 to 7 lower-case letters and digits, so that `outer_device` has room for six digits."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"network prefix {prefix!r}: 2 to 7 lower-case letters and digits")
    return prefix


def host_namespace(prefix: str) -> str:
    return f"{prefix}-host"


def network_namespace(prefix: str, network_id: str) -> str:
    return f"{prefix}-n-{network_id[:8]}"


def router_namespace(prefix: str, router_id: str) -> str:
    return f"{prefix}-r-{router_id[:8]}"


def bridge(number: int) -> str:
    return f"br{number}"


def tunnel(number: int) -> str:
    return f"vx{number}"


def veth(kind: str, mac: str) -> str:
    """kind: "nh"/"ns" a network namespace's host and inner end, "qh" and "qr"/"qg" a router's."""
    return kind + mac.replace(":", "")


def external_device(number: int) -> str:
    """The data-plane end of the veth to the outside."""
    return f"xh{number}"


def outer_device(prefix: str, number: int) -> str:
    """The outside's end, which carries the external subnets' gateway addresses."""
    return f"{prefix}ex{number}"
