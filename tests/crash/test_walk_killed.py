"""`kill -9` of the control plane at every named point of a user's walk, on fake drivers.

A first walk without a crash notes the points that it passes, in order. Each later walk dies at
some of them, one after the other, is restarted each time, and takes up where it was. At its end
everything was deleted, and the leak check compares with the walk that never died.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane, Died
from tests.crash.runner import run_walk
from tests.crash.walk import Walk

SHARDS = 6
LEAST_POINTS = 30
BESIDE = ("events of", "known place", "object removals", "name server leaves", "names of pools")
"""Points of what comes at its own time, once in a cloud's life, or at its process's end: not in
the order of the walk. They are died at whenever they come."""
USAGE = ["before commit: events of telemetry usage#2"]
"""While intervals of what the walk made are written, not only at the first event. (The commit that
was lost comes again in the next life, where it is died after, as at all that comes beside.)"""
ITEMS = ("block_storage", "compute")
"""Kinds of work whose things are worked at one by one."""


def state(data_dir: Path) -> dict[str, Any]:
    return {
        "rows": leaks.counts(data_dir),
        "quota": leaks.used_quota(data_dir),
        "files": leaks.files(data_dir, "guests", "volumes"),
    }


def check(data_dir: Path, left: dict[str, Any]) -> None:
    """The leak check."""
    found = state(data_dir)
    rows = {k: (v, left["rows"][k]) for k, v in found["rows"].items() if v != left["rows"].get(k)}
    assert not rows
    assert found == left


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, Any]]:
    """The points in order of their first passing, and what is left after a walk."""
    folder = tmp_path_factory.mktemp("undisturbed")
    log = folder / "points"
    plane = ControlPlane(folder / "data")
    plane.start(points=log)
    try:
        for step in Walk(plane).steps():
            step()
    finally:
        plane.stop()
    points = list(dict.fromkeys(log.read_text().splitlines()))
    leaks.settle(plane)
    return points, state(folder / "data")


def is_beside(point: str) -> bool:
    return any(word in point for word in BESIDE)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_converges(
    shard: int, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    points, left = undisturbed
    assert len(points) >= LEAST_POINTS
    in_order = [point for point in points if not is_beside(point)]
    converges(tmp_path / "data", in_order[shard::SHARDS], [], left)


def test_converges_at_what_comes_beside(
    undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    points, left = undisturbed
    beside = [point for point in points if is_beside(point)]
    assert len(beside) >= 14
    assert {word for word in BESIDE for point in beside if word in point} == set(BESIDE)
    converges(tmp_path / "data", USAGE, beside, left)


def converges(data_dir: Path, mine: list[str], beside: list[str], left: dict[str, Any]) -> None:
    plane = ControlPlane(data_dir)
    try:
        reached = run_walk(plane, mine, anytime=beside)
    finally:
        plane.stop()
    assert [point for point in reached if point in mine] == mine
    assert sorted(reached) == sorted([*mine, *beside])
    leaks.settle(plane)
    check(data_dir, left)


def test_the_next_start_carries_out_what_was_ordered(tmp_path: Path) -> None:
    """Killed right after the commit of a removal, before any host could hear of it."""
    plane = ControlPlane(tmp_path / "data")
    walk = Walk(plane)
    plane.start(crash_at="after commit: DELETE /network/v2.0/networks/{id}")
    try:
        walk.network()
        walk.subnet()
        walk.router()
        walk.interface()
        walk.delete_interface()
        walk.delete_router()
        with pytest.raises(Died):
            walk.delete_network()
        assert leaks.open_ends(plane.data_dir)["orders"]
        leaks.settle(plane)
    finally:
        plane.stop()


@pytest.mark.parametrize("kind", ["network", "compute", "block_storage"])
@pytest.mark.parametrize("point", ["after apply: {}", "before commit: report {}"])
def test_converges_when_hosts_and_rows_disagree(
    point: str, kind: str, undisturbed: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    """Dies between an effect on the host and its report: at the first thing that is worked at
    after each start; kinds that have no items yet in the second pass, which is when the host has
    just made what the last request asked for."""
    _, left = undisturbed
    name = point.format(kind)
    plane = ControlPlane(tmp_path / "data")
    try:
        times = 1 if kind in ITEMS else 2
        reached = run_walk(plane, [f"{name}#{times}"] * 4)
    finally:
        plane.stop()
    assert len(reached) >= 3
    leaks.settle(plane)
    check(tmp_path / "data", left)
