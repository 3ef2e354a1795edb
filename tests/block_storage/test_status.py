"""The status of volumes and snapshots, as a table."""

from typing import Any

import pytest

from cumulo.block_storage.model.snapshot import snapshot_status_of
from cumulo.block_storage.model.volume import status_of

MADE: dict[str, Any] = {"wanted": "present", "size": 2, "observed_size": 2, "fault": None}
NEW: dict[str, Any] = {**MADE, "observed_size": 0}


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (NEW, "creating"),
        ({**NEW, "from_image": True}, "downloading"),
        ({**NEW, "fault": "no space"}, "error"),
        ({**NEW, "attachments": ["attaching"]}, "creating"),
        (MADE, "available"),
        ({**MADE, "from_image": True}, "available"),
        ({**MADE, "size": 3}, "extending"),
        ({**MADE, "size": 3, "fault": "no space"}, "error_extending"),
        ({**MADE, "size": 3, "attachments": ["attached"]}, "extending"),
        ({**MADE, "mark": "attaching"}, "attaching"),
        ({**MADE, "attachments": ["reserved"]}, "reserved"),
        ({**MADE, "attachments": ["attaching"]}, "attaching"),
        ({**MADE, "attachments": ["attached"]}, "in-use"),
        ({**MADE, "attachments": ["attached", "attaching"]}, "in-use"),
        ({**MADE, "attachments": ["detaching"]}, "detaching"),
        ({**MADE, "attachments": ["attached"], "mark": "detaching"}, "detaching"),
        ({**MADE, "wanted": "absent"}, "deleting"),
        ({**MADE, "wanted": "absent", "fault": "busy"}, "error_deleting"),
        ({**NEW, "wanted": "absent"}, "deleting"),
        ({**MADE, "declared": "maintenance"}, "maintenance"),
        ({**MADE, "wanted": "absent", "declared": "error"}, "deleting"),
    ],
)
def test_volume(facts: dict[str, Any], status: str) -> None:
    assert status_of(**facts) == status


@pytest.mark.parametrize(
    ("wanted", "size", "fault", "declared", "status"),
    [
        ("present", 0, None, None, "creating"),
        ("present", 0, "no space", None, "error"),
        ("present", 1, None, None, "available"),
        ("present", 1, None, "error", "error"),
        ("absent", 1, None, None, "deleting"),
        ("absent", 1, "busy", "error", "error_deleting"),
    ],
)
def test_snapshot(
    wanted: Any, size: int, fault: str | None, declared: str | None, status: str
) -> None:
    found = snapshot_status_of(wanted=wanted, observed_size=size, fault=fault, declared=declared)
    assert found == status
