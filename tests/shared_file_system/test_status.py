"""The words of the API, from what is wanted and what is seen."""

from typing import Any

import pytest

from cumulo.core.faults import BadRequest
from cumulo.shared_file_system.model.access import rules_status, state_of
from cumulo.shared_file_system.model.share import status_of
from cumulo.shared_file_system.model.snapshot import snapshot_status_of
from cumulo.shared_file_system.service.rules import clean


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ({"observed_size": 0}, "creating"),
        ({"observed_size": 0, "from_snapshot": True}, "creating_from_snapshot"),
        ({"observed_size": 0, "fault": "no room"}, "error"),
        ({"observed_size": 1}, "extending"),
        ({"observed_size": 1, "fault": "full"}, "extending_error"),
        ({"observed_size": 2}, "available"),
        # The fault of a rule: the share itself is as it shall be.
        ({"observed_size": 2, "fault": "a rule"}, "available"),
        ({"observed_size": 2, "fault": "gone", "lost": True}, "error"),
        ({"observed_size": 2, "declared": "error"}, "error"),
        ({"observed_size": 2, "wanted": "absent", "declared": "error"}, "deleting"),
        ({"observed_size": 2, "wanted": "absent", "fault": "busy"}, "error_deleting"),
    ],
)
def test_share(seen: dict[str, Any], word: str) -> None:
    assert status_of(**{"wanted": "present", "size": 2, "fault": None, **seen}) == word


def test_snapshot() -> None:
    def word(**seen: Any) -> str:
        return snapshot_status_of(**{"wanted": "present", "made": False, "fault": None, **seen})

    assert [word(), word(made=True), word(fault="x"), word(declared="error_deleting")] == [
        "creating",
        "available",
        "error",
        "error_deleting",
    ]
    assert [word(wanted="absent"), word(wanted="absent", fault="x")] == [
        "deleting",
        "error_deleting",
    ]


def test_rule() -> None:
    def word(wanted: str, applied: bool, told: bool, fault: str | None = None) -> str:
        return state_of(wanted=wanted, applied=applied, told=told, fault=fault)

    assert word("present", False, False) == "queued_to_apply"
    assert word("present", False, True) == "applying"
    assert word("present", True, True) == "active"
    assert word("absent", False, False) == "queued_to_deny"
    assert word("absent", False, True) == "denying"
    assert word("present", False, True, "x") == "error"
    assert [rules_status(each) for each in ([], ["active"], ["active", "applying"])] == [
        "active",
        "active",
        "syncing",
    ]
    assert rules_status(["applying", "error"]) == "error"


@pytest.mark.parametrize(
    ("to", "form"),
    [
        (" 10.0.0.7/32", "10.0.0.7"),
        ("10.0.0.9/24", "10.0.0.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00:0::1", "fd00::1"),
        ("fd00::1/64", "fd00::/64"),
    ],
)
def test_addresses_have_one_form(to: str, form: str) -> None:
    assert clean("ip", to, six=True) == form


@pytest.mark.parametrize("to", ["10.0.0.300", "", "fe80::1%eth0", "*", "10.0.0.1;rw", "x" * 90])
def test_no_addresses(to: str) -> None:
    with pytest.raises(BadRequest):
        clean("ip", to, six=True)
