"""The words of the API, from what is wanted and what is seen."""

from typing import Any

import pytest

from cumulo.core.faults import BadRequest
from cumulo.shared_file_system.model.access import rules_status, state_of
from cumulo.shared_file_system.model.capabilities import fits, lacks
from cumulo.shared_file_system.model.location import MOST, location_id, owners_of
from cumulo.shared_file_system.model.share import status_of
from cumulo.shared_file_system.model.snapshot import snapshot_status_of
from cumulo.shared_file_system.model.type import SERVED_IN
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
        ({"observed_size": 2, "shrinking": True}, "shrinking"),
        ({"observed_size": 2, "shrinking": True, "fault": "x"}, "shrinking_error"),
        (
            {"observed_size": 2, "shrinking": True, "fault": "full", "data_loss": True},
            "shrinking_possible_data_loss_error",
        ),
        ({"observed_size": 2, "reverting": True}, "reverting"),
        ({"observed_size": 2, "reverting": True, "fault": "x"}, "reverting_error"),
        ({"observed_size": 1, "reverting": True}, "extending"),
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
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00:0::1", "fd00::1"),
        ("FD00:0::/64", "fd00::/64"),
    ],
)
def test_addresses_have_one_form(to: str, form: str) -> None:
    assert clean("ip", to, six=True) == form


@pytest.mark.parametrize(
    ("has", "wish", "fit"),
    [
        (True, "True", True),
        (True, "<is> True", True),
        (True, "<is> False", False),
        (False, "true", False),
        ("NFS", "NFS", True),
        ("NFS", "<in> nf", True),
        ("NFS", "<or> CIFS <or> nfs", True),
        ("NFS", "CIFS", False),
        ("NFS", "s== NFS", True),
        (20.0, ">= 10", True),
        (20.0, "< 10", False),
        ("NFS", ">= 10", False),
        (None, "dr", False),
    ],
)
def test_what_a_type_asks_of_a_pool(has: Any, wish: str, fit: bool) -> None:
    assert fits(has, wish) is fit


def test_the_first_extra_spec_that_no_pool_has_is_named() -> None:
    assert lacks({"driver_handles_share_servers": "True", "snapshot_support": "True"}) is None
    assert lacks({"other:flavour": "mint", "availability_zones": "nova"}) is None
    assert lacks({"driver_handles_share_servers": "False"}) == "driver_handles_share_servers"
    assert lacks({"driver_handles_share_servers": "False", SERVED_IN: "network"}) is None
    assert lacks({"replication_type": "dr", "snapshot_support": "True"}) == "replication_type"
    assert lacks({"capabilities:qos": "<is> True"}) == "capabilities:qos"


def test_locations_lead_back_to_their_share() -> None:
    id = "0b3a2f34-7d8a-4c1b-9a3e-1f2e3d4c5b6a"
    ids = [location_id(id, number) for number in range(MOST)]
    assert len({id, *ids}) == MOST + 1
    assert all(id in owners_of(each) for each in ids)
    assert owners_of("no id") == []


@pytest.mark.parametrize("to", ["10.0.0.300", "", "fe80::1%eth0", "*", "10.0.0.1;rw", "x" * 90])
def test_no_addresses(to: str) -> None:
    with pytest.raises(BadRequest):
        clean("ip", to, six=True)
