"""What volumes may do in a second: from an operator's words to QEMU's."""

import pytest

from cumulo.block_storage.model.qos import LARGEST, mistake_in, throttle_of

ZERO = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)


def test_words() -> None:
    given = {"read_bytes_sec": "1000", "write_iops_sec": "5", "size_iops_sec": "4096", "x": "y"}
    assert throttle_of("front-end", given, 1) == {
        **ZERO,
        "bps_rd": 1000,
        "iops_wr": 5,
        "iops_size": 4096,
    }
    assert throttle_of("both", {"x": "y"}, 1) == {}
    assert throttle_of("back-end", given, 1) == {}


def test_by_size() -> None:
    given = {"total_iops_sec_per_gb": "10", "total_iops_sec_per_gb_min": "50"}
    assert throttle_of("both", given, 2)["iops"] == 50
    assert throttle_of("both", given, 20)["iops"] == 200
    assert throttle_of("both", {"total_iops_sec_per_gb": str(LARGEST)}, 20)["iops"] == LARGEST
    # QEMU refuses a burst that is less than the limit.
    most = {"total_iops_sec_per_gb": "10", "total_iops_sec_max": "50"}
    assert throttle_of("both", most, 20)["iops_max"] == 200


@pytest.mark.parametrize(
    "specs",
    [
        {"total_iops_sec": "0"},
        {"total_iops_sec": "-1"},
        {"total_iops_sec": "1" * 300},
        {"total_iops_sec": "1", "total_iops_sec_max": "1" + "0" * 16},
        {"size_iops_sec": "1" + "0" * 250},
        {"total_iops_sec": "\u0661"},
        {"total_iops_sec_per_gb_min": "x"},
        {"total_bytes_sec": "1", "read_bytes_sec": "1"},
        {"total_bytes_sec": "1", "read_bytes_sec_per_gb": "1"},
        {"read_iops_sec_max": "1"},
    ],
)
def test_what_cannot_be_kept(specs: dict[str, str]) -> None:
    assert mistake_in("front-end", specs) is not None
    assert mistake_in("back-end", specs) is None
