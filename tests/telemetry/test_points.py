"""Points against plain lists of measures, and states of alarms as pure functions."""

import itertools
import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo import settings as cloud_settings
from cumulo import wiring
from cumulo.telemetry.model.alarm import decide, joined
from cumulo.telemetry.model.metric import ArchivePolicyRow, Definition
from cumulo.telemetry.model.points import METHODS
from cumulo.telemetry.queries import points as queries
from cumulo.telemetry.service.store import Fold, Store

measures = st.lists(
    st.tuples(st.integers(0, 2999), st.integers(0, 100_000)),
    min_size=1,
    max_size=40,
    unique_by=lambda pair: pair[0],
).map(sorted)
POLICY = ArchivePolicyRow(
    "all", [Definition(300, 1000), Definition(1000, 1000)], sorted(METHODS), 0
)
numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite"])
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = wiring.open_database(cloud_settings.load(tmp_path_factory.mktemp("points")))
    yield opened
    opened.close()


def differences(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [
        (at, now - before if now >= before else now)
        for (_, before), (at, now) in itertools.pairwise(found)
    ]


def plain(method: str, values: list[int]) -> float | None:
    if not values:
        return None
    if method == "std":
        return statistics.stdev(values) if len(values) > 1 else None
    return float(
        {
            "mean": lambda: statistics.mean(values),
            "sum": lambda: sum(values),
            "min": lambda: min(values),
            "max": lambda: max(values),
            "count": lambda: len(values),
            "first": lambda: values[0],
            "last": lambda: values[-1],
            "median": lambda: statistics.median(values),
        }[method]()
    )


def stored(database: Any, batches: list[list[tuple[int, int]]]) -> str:
    store, id = Store(), f"metric-{next(numbers)}"
    for batch in batches:
        if batch:
            points = [(float(at), float(value)) for at, value in batch]
            database.write_now(lambda tx, points=points: store.add(tx, [Fold(id, POLICY, points)]))
    return id


def read(database: Any, id: str, method: str, granularity: int) -> dict[int, float]:
    return dict(
        database.read_now(lambda tx: Store().read(tx, id, granularity, method, most=10_000))
    )


@settings(max_examples=40, deadline=None)
@given(found=measures, cuts=st.sets(st.integers(1, 39), max_size=5))
def test_every_aggregate_is_what_the_list_says(
    database: Any, found: list[tuple[int, int]], cuts: set[int]
) -> None:
    """In whatever batches they come: values, their growth, a counter that begins anew."""
    places = [0, *sorted(cuts), len(found)]
    id = stored(database, [found[a:b] for a, b in itertools.pairwise(places)])
    for granularity, method in itertools.product((300, 1000), ("", "rate:")):
        of = found if not method else differences(found)
        spans: dict[int, list[int]] = {}
        for at, value in of:
            spans.setdefault(at // granularity * granularity, []).append(value)
        for name in ("mean", "sum", "min", "max", "count", "first", "last", "std", "median"):
            if method and name == "median":
                continue
            wanted = {at: plain(name, values) for at, values in spans.items()}
            wanted = {at: value for at, value in wanted.items() if value is not None}
            # Of squares of large numbers a difference is little sure.
            near = {"rel": 1e-6, "abs": 0.5 if name == "std" else 1e-6}
            assert read(database, id, method + name, granularity) == pytest.approx(wanted, **near)


@settings(max_examples=20, deadline=None)
@given(found=measures, order=st.randoms())
def test_values_may_come_in_any_order(
    database: Any, found: list[tuple[int, int]], order: Any
) -> None:
    mixed = list(found)
    order.shuffle(mixed)
    one = stored(database, [[each] for each in mixed])
    all_ = stored(database, [found])
    for method in ("mean", "sum", "min", "max", "count", "first", "last", "median"):
        wanted = read(database, all_, method, 300)
        assert read(database, one, method, 300) == pytest.approx(wanted)


def test_percentiles_of_many_values_are_near(database: Any) -> None:
    values = [(n % 290, (n * 7919) % 10_000) for n in range(3000)]
    id = stored(database, [values[:1000], values[1000:1200], values[1200:]])
    [found] = read(database, id, "90pct", 300).values()
    assert found == pytest.approx(9000, abs=400)
    [middle] = read(database, id, "median", 300).values()
    assert middle == pytest.approx(5000, abs=800)
    kept = database.read_now(lambda tx: tx.tuples(queries.KEPT, metric=id, granularity=300, at=0))
    assert len(kept[0][1]) == 500 * 8


def test_old_points_go(database: Any) -> None:
    """Whenever a client measures, and in whatever order."""
    store = Store()
    policy = ArchivePolicyRow("short", [Definition(300, 10)], ["mean"], 0)
    for id, times in (
        ("hourly", [n * 3600 + 300 for n in range(400)]),
        ("backwards", [n * 3600 for n in range(400, 0, -1)]),
    ):
        for at in times:
            database.write_now(
                lambda tx, id=id, at=at: store.add(tx, [Fold(id, policy, [(float(at), 1.0)])])
            )
        left = database.read_now(lambda tx, id=id: store.read(tx, id, 300, "mean", most=1000))
        assert len(left) <= 74


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
        ([9.0, 1.0], "insufficient data", "ok"),
    ],
)
def test_states(values: list[float], before: str, state: str) -> None:
    verdict = decide(values, operator="gt", threshold=5.0, periods=2, before=before)  # type: ignore[arg-type]
    assert verdict.state == state and verdict.reason


@pytest.mark.parametrize(
    ("word", "parts", "state"),
    [
        ("and", ["alarm", "alarm"], "alarm"),
        ("and", ["alarm", "ok"], "ok"),
        ("and", ["ok", "insufficient data"], "ok"),
        ("and", ["alarm", "insufficient data"], "insufficient data"),
        ("or", ["ok", "ok"], "ok"),
        ("or", ["alarm", "insufficient data"], "alarm"),
        ("or", ["ok", "insufficient data"], "insufficient data"),
    ],
)
def test_rules_are_joined(word: str, parts: list[Any], state: str) -> None:
    assert joined(word, parts) == state
