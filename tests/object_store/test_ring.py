"""The ring: fair by weight, replicas apart, and few moves."""

import pytest

from cumulo.object_store.model.ring import Device, Ring


def test_one_device_keeps_everything() -> None:
    ring = Ring([Device("d1")])
    assert {ring.keepers(p)[0].name for p in range(256)} == {"d1"}
    assert ring.partition("ff" + "0" * 30) == 255
    assert ring.partition("0" * 32) == 0


def test_shares_follow_weights() -> None:
    ring = Ring([Device("a", 1), Device("b", 2), Device("c", 1)], power=12)
    assert ring.share("b") == pytest.approx(0.5, abs=0.05)
    assert ring.share("a") == pytest.approx(0.25, abs=0.05)


def test_replicas_are_in_different_zones() -> None:
    devices = [Device(f"d{i}", zone=f"z{i % 3}", region=f"r{i % 2}") for i in range(12)]
    ring = Ring(devices, replicas=3)
    for partition in range(256):
        kept = ring.keepers(partition)
        assert len({device.name for device in kept}) == 3
        assert len({device.region for device in kept}) == 2
        assert len({(device.region, device.zone) for device in kept}) == 3


def test_a_new_device_moves_only_what_it_gets() -> None:
    old = Ring([Device(f"d{i}") for i in range(4)], power=12)
    new = Ring([Device(f"d{i}") for i in range(5)], power=12)
    moved = [p for p in range(1 << 12) if old.keepers(p) != new.keepers(p)]
    assert all(new.keepers(p)[0].name == "d4" for p in moved)
    assert len(moved) == pytest.approx((1 << 12) / 5, rel=0.2)


def test_handoffs_are_the_others() -> None:
    ring = Ring([Device(f"d{i}") for i in range(4)], replicas=2)
    names = {device.name for device in (*ring.keepers(7), *ring.handoffs(7))}
    assert names == {"d0", "d1", "d2", "d3"}


def test_no_device_no_ring() -> None:
    with pytest.raises(ValueError):
        Ring([Device("a", 0)])
