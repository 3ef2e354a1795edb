"""How long a step waits for what it has begun: seconds, by the names of Rally's options.

They stand in `[openstack]` of a `rally.conf` of Rally's own, which has many other options: of all
that is here not (how often it is asked, how many threads) nothing is read.
"""

import configparser
from collections.abc import Mapping
from types import MappingProxyType

SECTION = "openstack"
LONGEST = 30 * 86400.0

_NOVA = {
    **dict.fromkeys(
        (
            *("boot", "delete", "start", "stop", "reboot", "soft_reboot", "rebuild", "rescue"),
            *("unrescue", "suspend", "resume", "pause", "unpause", "shelve", "unshelve"),
            "image_create",
        ),
        300.0,
    ),
    **dict.fromkeys(("resize", "live_migrate", "migrate"), 400.0),
    **dict.fromkeys(("resize_confirm", "resize_revert"), 200.0),
}
_HEAT = ("create", "delete", "check", "update", "suspend", "resume", "snapshot", "restore", "scale")

DEFAULTS: Mapping[str, float] = MappingProxyType(
    {
        **{f"nova_server_{name}_timeout": seconds for name, seconds in _NOVA.items()},
        "nova_detach_volume_timeout": 200.0,
        "cinder_volume_create_timeout": 600.0,
        "cinder_volume_delete_timeout": 600.0,
        "cinder_backup_restore_timeout": 600.0,
        "glance_image_create_timeout": 120.0,
        "glance_image_delete_timeout": 120.0,
        "glance_image_import_timeout": 120.0,
        **{f"heat_stack_{name}_timeout": 3600.0 for name in _HEAT},
        "ironic_node_create_timeout": 300.0,
        "ironic_node_delete_timeout": 300.0,
        "manila_share_create_timeout": 300.0,
        "manila_share_delete_timeout": 180.0,
        "manila_access_create_timeout": 300.0,
        "manila_access_delete_timeout": 180.0,
        "vm_ping_timeout": 300.0,
    }
)


class BadTimeouts(ValueError):
    """The file cannot be read as a configuration, or has a time that is none."""


def parse(text: str) -> dict[str, float]:
    """The time-outs that a `rally.conf` sets. Raises BadTimeouts."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise BadTimeouts(str(error).replace("\n", " ")) from None
    if not parser.has_section(SECTION):
        return {}
    return {
        name: _seconds(name, value)
        for name, value in parser.items(SECTION)
        if name in DEFAULTS and value is not None
    }


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST:
        raise BadTimeouts(f"{name}: seconds are wanted, up to {LONGEST:g}, not {value!r:.100}")
    return seconds
