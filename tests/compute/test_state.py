"""The table of server states."""

import msgspec
import pytest

from cumulo.compute.model.state import Facts, State, state_of

NEW = Facts(launched=False)
UP = Facts(seen="on")
DOWN = Facts(seen="off", power="off")


@pytest.mark.parametrize(
    ("facts", "changes", "wanted"),
    [
        (NEW, {"scheduled": False}, ("BUILD", "building", "scheduling", 0)),
        (NEW, {"step": "networking"}, ("BUILD", "building", "networking", 0)),
        (NEW, {"step": "block_device_mapping"}, ("BUILD", "building", "block_device_mapping", 0)),
        (NEW, {}, ("BUILD", "building", "spawning", 0)),
        (NEW, {"step": "anything else"}, ("BUILD", "building", "spawning", 0)),
        (NEW, {"fault": True}, ("ERROR", "error", None, 0)),
        (NEW, {"fault": True, "scheduled": False}, ("ERROR", "error", None, 0)),
        (NEW, {"present": False}, ("BUILD", "building", "deleting", 0)),
        (UP, {}, ("ACTIVE", "active", None, 1)),
        (UP, {"newer": True}, ("ACTIVE", "active", None, 1)),
        (UP, {"newer": True, "power": "off"}, ("ACTIVE", "active", "powering-off", 1)),
        (UP, {"newer": True, "power": "paused"}, ("ACTIVE", "active", "pausing", 1)),
        (UP, {"reboot": "soft", "newer": True}, ("REBOOT", "active", "rebooting", 1)),
        (UP, {"reboot": "hard"}, ("HARD_REBOOT", "active", "rebooting_hard", 1)),
        (UP, {"fault": True}, ("ERROR", "error", None, 1)),
        (UP, {"present": False}, ("ACTIVE", "active", "deleting", 1)),
        (UP, {"present": False, "reboot": "hard"}, ("ACTIVE", "active", "deleting", 1)),
        (DOWN, {}, ("SHUTOFF", "stopped", None, 4)),
        (DOWN, {"newer": True, "power": "on"}, ("SHUTOFF", "stopped", "powering-on", 4)),
        (DOWN, {"seen": "crashed"}, ("SHUTOFF", "stopped", None, 6)),
        (DOWN, {"seen": "absent"}, ("SHUTOFF", "stopped", None, 0)),
        (DOWN, {"seen": "paused", "power": "paused"}, ("PAUSED", "paused", None, 3)),
        (
            DOWN,
            {"seen": "paused", "power": "on", "newer": True},
            ("PAUSED", "paused", "unpausing", 3),
        ),
        (DOWN, {"present": False, "gone": True}, ("DELETED", "deleted", None, 0)),
        (NEW, {"gone": True, "fault": True}, ("DELETED", "deleted", None, 0)),
    ],
)
def test_state(facts: Facts, changes: dict[str, object], wanted: tuple[object, ...]) -> None:
    assert state_of(msgspec.structs.replace(facts, **changes)) == State(*wanted)  # type: ignore[arg-type]
