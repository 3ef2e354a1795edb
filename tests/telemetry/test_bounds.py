"""One project's URLs, cron lines, events and numbers cost the others nothing."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from cumulo import settings, wiring
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import to_moment
from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.faults import BadRequest
from cumulo.core.work.reconciler import ReconcilerLoop
from cumulo.telemetry import reconcile
from cumulo.telemetry.model import hours
from cumulo.telemetry.model.alarm import AlarmChangeRow, AlarmRow, CallRow
from cumulo.telemetry.model.operations import Frame, evaluate, read, resampled
from cumulo.telemetry.model.points import METHODS
from cumulo.telemetry.model.rating import HashPriceRow
from cumulo.telemetry.model.values import search_of as searched
from cumulo.telemetry.reconcile import AlarmCalls, AlarmLooks
from cumulo.telemetry.service.alarm_events import AlarmEvents
from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.policies import Policies
from cumulo.telemetry.service.prices import Prices, Term
from cumulo.telemetry.service.rules import Rules
from cumulo.telemetry.service.types import Types

CHANGES = statement(
    sa.select(AlarmChangeRow.sql_table.c.id).where(
        AlarmChangeRow.sql_table.c.alarm_id == sa.bindparam("alarm")
    )
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    opened = wiring.open_database(settings.load(tmp_path))
    yield opened
    opened.close()


def alarms() -> Alarms:
    return Alarms(Rules(Metrics(), Types()), lambda *_: None, 60.0, 1000)


def alarm_row(id: str, project: str, now: str, **more: Any) -> AlarmRow:
    known: dict[str, Any] = {
        "id": id,
        "name": id,
        "description": "",
        "type": "event",
        "rule": {"event_type": "*", "query": []},
        "enabled": True,
        "state": "ok",
        "state_reason": "",
        "state_timestamp": now,
        "severity": "low",
        "actions": {},
        "repeat_actions": False,
        "time_constraints": [],
        "project_id": project,
        "user_id": "u",
        "lent": {},
        "own": False,
        "searches": False,
        "found_at": "",
        "repeated_at": "",
        "due": now,
        "created_at": now,
        "updated_at": now,
    }
    return AlarmRow(**{**known, **more})


def test_urls_that_hang_hold_up_nobody(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older calls of three projects hang, a thousand of them; one of a fourth is made at once, and
    none takes longer than it may."""
    monkeypatch.setattr(reconcile, "CALL_SECONDS", 0.5)
    called: list[str] = []

    async def post(url: str, body: bytes, who: Principal | None) -> None:
        if "slow" in url:
            await asyncio.sleep(3600)
        called.append(url)

    def fill(tx: Tx) -> None:
        for project in ("a", "b", "c", "good"):
            tx.insert(alarm_row(project, project, tx.now))
        for number in range(999):
            project, due = "abc"[number % 3], to_moment(1_700_000_000.0 + number)
            url = f"http://slow/{number}"
            tx.insert(CallRow(f"c{number}", project, project, url, {}, 0, due))
        tx.insert(CallRow("good", "good", "good", "http://good/", {}, 0, tx.now))

    async def story() -> None:
        await database.write(fill, name="calls")
        calls = AlarmCalls(database, alarms(), post)
        loop = ReconcilerLoop(database, calls)
        running = asyncio.create_task(loop.run())
        begin = time.monotonic()
        while not called:
            assert time.monotonic() - begin < 5
            await asyncio.sleep(0.01)
        assert called == ["http://good/"]

        def tried(tx: Tx) -> int:
            rows = [tx.get(CallRow, f"c{number}") for number in range(6)]
            return sum(row is None or row.tries > 0 for row in rows)

        while database.read_now(tried) < 4:
            assert time.monotonic() - begin < 20
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.parametrize("zone", ["", "Europe/Amsterdam", "America/St_Johns"])
def test_a_cron_lines_latest_time(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by walking back minute by minute, and with few times looked at."""
    where = ZoneInfo(zone) if zone else UTC
    count = [0]

    class Counted(datetime):
        def __new__(cls, *values: Any, **named: Any) -> "Counted":
            count[0] += 1
            return super().__new__(cls, *values, **named)

    monkeypatch.setattr(hours, "datetime", Counted)
    at = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    lines = {
        "* * * * *": lambda local: True,
        "7-40/3 * * * *": lambda local: local.minute in range(7, 41, 3),
        "30 4 * * sun": lambda local: (local.hour, local.minute, local.isoweekday()) == (4, 30, 7),
    }
    for step in range(12):
        now = (at + timedelta(minutes=37 * step, seconds=11)).timestamp()
        for line, fits in lines.items():
            count[0] = 0
            found = hours.last_start(line, zone, now, 86400 * 8)
            assert count[0] <= 40
            place = now - now % 60
            while not fits(datetime.fromtimestamp(place, where)):
                place -= 60
            assert found == place, (line, step)
    assert not hours.within([{"start": "* * * * *", "timezone": zone, "duration": 0}], now)


def test_of_a_flood_of_events_each_alarm_hears_of_the_last(database: Any) -> None:
    """One transaction takes so many events of all projects: it must not last."""
    number = 300
    at = "2026-01-01T00:00:00.000000"
    events = [
        EventRow(
            n, n, at, "image.create", "image", "image", f"i{n}", "p", None, None, {"name": "x"}
        )
        for n in range(number)
    ]

    def story(tx: Tx) -> list[Any]:
        tx.insert(alarm_row("flooded", "p", tx.now, repeat_actions=True))
        tx.insert(alarm_row("once", "p", tx.now))
        AlarmEvents(alarms()).handle(tx, events[:50])
        AlarmEvents(alarms()).handle(tx, events)
        return tx.tuples(CHANGES, alarm="flooded")

    count = [row for row in database.write_now(story)]
    assert len(count) == 51


def price(id: str, type: str, cost: str, tenant: str | None) -> HashPriceRow:
    return HashPriceRow(
        id=id,
        service_id=None,
        field_id="f",
        service_name="instance",
        field_name="flavor_name",
        group_id=None,
        tenant_id=tenant,
        value="small",
        level=None,
        cost=cost,
        type=type,
        name=id,
        description=None,
        start="2026-01-01T00:00:00.000000",
        end=None,
        deleted=None,
        created_at="2026-01-01T00:00:00.000000",
    )


def test_a_projects_own_price_stands_in_the_place_of_everybodys() -> None:
    """As in CloudKitty: neither the greater one, nor both factors."""
    at, facts = "2026-02-01T00:00:00.000000", {"flavor_name": "small"}
    rows = [price("general", "flat", "0.05", None), price("own", "flat", "0.02", "p")]
    prices = Prices([Term("", {}, True)], rows)
    assert str(prices.hour("p", "instance", facts, at)) == "0.02"
    assert str(prices.hour("q", "instance", facts, at)) == "0.05"


def test_all_methods_and_sums_without_end(database: Any) -> None:
    def made(tx: Tx) -> list[str]:
        policies = Policies()
        policies.first(tx)
        low = policies.get(tx, "low")
        return policies.create(tx, "all", low.definition, ["*"], 0).aggregation_methods

    assert set(database.write_now(made)) == METHODS
    node = read(["aggregate", "sum", ["metric", "m", "mean"]])
    columns = [(("m", "mean"), [1.7e308]), (("n", "mean"), [1.7e308])]
    frame: Frame = evaluate(node, 60.0, [0], lambda reference: list(columns))
    assert frame.columns == [(None, [None])]


def test_who_looks_from_now_on_looks_at_all(database: Any) -> None:
    """Another process may have had hints of new measures."""
    far = "2100-01-01T00:00:00.000000"
    kind = "gnocchi_aggregation_by_metrics_threshold"
    rule: dict[str, Any] = {
        "metrics": ["none"],
        "aggregation_method": "max",
        "granularity": 1,
        "evaluation_periods": 1,
        "threshold": 1.0,
        "comparison_operator": "gt",
    }

    def fill(tx: Tx) -> None:
        tx.insert(alarm_row("later", "p", tx.now, type=kind, rule=rule, due=far))

    async def story() -> None:
        await database.write(fill, name="alarm")
        loop = ReconcilerLoop(database, AlarmLooks(database, alarms()))
        await loop.once()
        assert database.read_now(lambda tx: tx.get(AlarmRow, "later")).due == far
        loop.gained()
        await loop.once()
        await loop.once()
        row = database.read_now(lambda tx: tx.get(AlarmRow, "later"))
        assert row.due < far and row.state == "insufficient data"

    asyncio.run(story())


def test_values_are_searched(database: Any) -> None:
    """Comparisons, joins, and arithmetic before them; what is no search is refused."""
    values = (0.0, 4.0, 5.0, 8.0, 60.0)
    for given, wanted in (
        ({">": 4}, [5.0, 8.0, 60.0]),
        ({"and": [{">=": 4}, {"<": 60}]}, [4.0, 5.0, 8.0]),
        ({"\u2228": [{"=": 0}, {"\u2265": 60}]}, [0.0, 60.0]),
        ({"not": {"<": 60}}, [60.0]),
        ({"=": [{"%": 4}, 0]}, [0.0, 4.0, 8.0, 60.0]),
        ({">": [{"/": [8, {"+": 0}]}, 1]}, [4.0, 5.0]),
    ):
        fits = searched(given)
        assert [each for each in values if fits(each)] == wanted, given
    deep: Any = {"=": 1}
    for _ in range(20):
        deep = {"not": deep}
    wrong: list[Any] = [{}, [], {"=": "1"}, {"=": 10**400}, {"and": []}, {"x": 1}, {"=": [1]}, deep]
    for given in wrong:
        with pytest.raises(BadRequest):
            searched(given)


@pytest.mark.parametrize(
    ("letter", "begin"),
    [
        ("Y", "2024-01-01"),
        ("H", "2024-07-01"),
        ("Q", "2024-07-01"),
        ("M", "2024-08-01"),
        ("W", "2024-08-25"),
    ],
)
def test_spans_of_the_calendar(letter: str, begin: str) -> None:
    """Weeks begin on Sunday, as Gnocchi's do."""
    first = datetime.fromisoformat(begin).replace(tzinfo=UTC).timestamp()
    at = [datetime(2024, 8, 25 + n, 5, tzinfo=UTC).timestamp() for n in range(7)]
    series = [(int(each), 300.0, 1.0) for each in at]
    assert resampled(series, "sum", letter) == [(first, letter, 7.0)]
    node = read(["resample", "sum", letter, ["metric", "m", "mean"]])
    columns = [(("m", "mean"), [1.0] * 7)]
    frame = evaluate(node, 300.0, [int(each) for each in at], lambda reference: list(columns))
    assert (frame.granularity, frame.times) == (letter, [first])
