"""Points and alarms as pure functions."""

import sqlite3
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.telemetry.model.alarm import decide
from cumulo.telemetry.model.metric import merged, value_of

measures = st.lists(
    st.tuples(st.integers(0, 299), st.integers(-1000, 1000)),
    min_size=2,
    max_size=30,
    unique_by=lambda pair: pair[0],
)


@given(measures, st.integers(1, 29))
def test_however_they_come_the_point_is_the_same(found: list[tuple[int, int]], cut: int) -> None:
    pairs = [(float(at), float(value)) for at, value in found]
    cut = min(cut, len(pairs) - 1)
    whole = merged(None, "m", 300, 0, pairs)
    parts = merged(merged(None, "m", 300, 0, pairs[cut:]), "m", 300, 0, pairs[:cut])
    assert parts == whole
    values = [value for _, value in sorted(pairs)]
    assert value_of(whole, "mean", None) == pytest.approx(statistics.mean(values))
    assert value_of(whole, "std", None) == pytest.approx(statistics.stdev(values), abs=1e-6)
    assert value_of(whole, "last", None) == values[-1]
    assert (value_of(whole, "min", None), value_of(whole, "max", None)) == (
        min(values),
        max(values),
    )


def test_large_whole_numbers_are_stored(tmp_path: Path) -> None:
    """A guest's nanoseconds of CPU: after three seconds their square is beyond 64 bits."""
    point = merged(None, "m", 300, 0, [(0.0, 4_000_000_000), (60.0, 9_000_000_000)])
    database = sqlite3.connect(tmp_path / "points.db")
    database.execute("CREATE TABLE points (total, squares, most)")
    database.execute(
        "INSERT INTO points VALUES (?, ?, ?)", (point.total, point.squares, point.most)
    )
    assert database.execute("SELECT total, squares, most FROM points").fetchone() == (
        13e9,
        pytest.approx(97e18),
        9e9,
    )
    database.close()


def test_a_counter_that_begins_anew_never_shrinks() -> None:
    first = merged(None, "m", 300, 0, [(0.0, 100.0), (60.0, 160.0)])
    second = merged(None, "m", 300, 300, [(300.0, 220.0)])
    anew = merged(None, "m", 300, 600, [(600.0, 5.0)])
    assert value_of(first, "rate:mean", None) == 60
    assert value_of(second, "rate:mean", first) == 60
    assert value_of(anew, "rate:mean", second) == 5


@pytest.mark.parametrize(
    ("values", "before", "state"),
    [
        ([], "ok", "insufficient data"),
        ([9.0], "ok", "insufficient data"),
        ([1.0, 9.0, 9.0], "ok", "alarm"),
        ([9.0, 1.0, 1.0], "alarm", "ok"),
        ([1.0, 9.0], "ok", "ok"),
        ([9.0, 1.0], "alarm", "alarm"),
        ([1.0, 9.0], "insufficient data", "alarm"),
    ],
)
def test_states(values: list[float], before: str, state: str) -> None:
    found, reason = decide(values, operator="gt", threshold=5.0, periods=2, before=before)  # type: ignore[arg-type]
    assert found == state and reason
