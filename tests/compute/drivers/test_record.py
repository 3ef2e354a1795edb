from typing import Any

import pytest

from cumulo.compute.drivers.driver import GuestSpec, RebootOrder, RootDisk
from cumulo.compute.drivers.record import Record, decide


def spec(generation: int = 1, power: Any = "on", nonce: int = 0) -> GuestSpec:
    return GuestSpec(
        id="a",
        generation=generation,
        name="a",
        vcpus=1,
        memory_mb=64,
        power=power,
        root=RootDisk("/a", "raw"),
        reboot=RebootOrder(nonce, "hard") if nonce else None,
    )


@pytest.mark.parametrize(
    ("phase", "alive", "order", "action"),
    [
        ("never", False, spec(), "start"),
        ("never", False, spec(power="off"), "rest"),
        ("starting", False, spec(), "start"),
        ("starting", True, spec(), "plug"),
        ("running", True, spec(), "plug"),
        ("running", True, spec(power="paused"), "plug"),
        ("running", True, spec(power="off"), "stop"),
        ("running", True, spec(nonce=1), "reboot"),
        ("stopping", True, spec(), "stop"),
        ("off", False, spec(), "start"),
        ("off", False, spec(power="off", nonce=1), "rest"),
        ("stopped", False, spec(generation=4), "rest"),
        ("stopped", False, spec(generation=5), "rest"),
        ("stopped", False, spec(generation=6), "start"),
        ("stopped", False, spec(generation=5, nonce=1), "start"),
        ("stopped", False, spec(generation=6, power="off"), "rest"),
    ],
)
def test_decision(phase: Any, alive: bool, order: GuestSpec, action: str) -> None:
    record = Record(id="a", phase=phase, stopped_generation=5)
    assert decide(record, order, alive=alive) == action
