"""A month's bill, to the last digit, against one made by hand."""

import asyncio
import csv
import io
import itertools
from collections.abc import Iterator
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo import settings as cloud_settings
from cumulo import wiring
from cumulo.core.clock import Moment, later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.telemetry.api.rating_v2 import FOCUS
from cumulo.telemetry.model.interval import IntervalRow
from cumulo.telemetry.queries import rating as queries
from cumulo.telemetry.service.frames import frames
from cumulo.telemetry.service.hashmap import Hashmap
from cumulo.telemetry.service.prices import PriceBook
from cumulo.telemetry.service.usage import EXACT, HOUR, Usage, microseconds, money
from tests.support.cloud import TestCloud, running_cloud

BEGIN, END = "2025-11-01T00:00:00.000000", "2025-12-01T00:00:00.000000"
numbers = itertools.count()


def at(hours: float) -> str:
    return later(BEGIN, hours * 3600)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = wiring.open_database(cloud_settings.load(tmp_path_factory.mktemp("rating")))
    yield opened
    opened.close()


def put(
    tx: Tx, project: str, kind: str, facts: dict[str, Any], began: float, ended: float | None
) -> None:
    end = None if ended is None else at(ended)
    tx.insert(IntervalRow(0, kind, kind, project, "u", kind, facts, at(began), end))


SMALL, LARGE = {"flavor_name": "small", "vcpus": 1}, {"flavor_name": "large", "vcpus": 4}


def a_month(database: Any) -> str:
    """A server came, grew and went; a volume grew; an address was there before and after. The
    project's id."""
    project = f"project-{next(numbers)}"

    def fill(tx: Tx) -> None:
        put(tx, project, "instance", SMALL, 10, 100)
        put(tx, project, "instance", LARGE, 100, 150.5)
        put(tx, project, "volume", {"size": 10}, 0, 240)
        put(tx, project, "volume", {"size": 25}, 240, None)
        put(tx, project, "floating_ip", {}, -500, None)

    database.write_now(fill)
    return project


def total(
    database: Any, usage: Usage, project: str, since: str = BEGIN, until: str = END
) -> Decimal:
    def read(tx: Tx) -> Decimal:
        with localcontext(EXACT):
            pieces = usage.pieces(tx, since, until, project)
            return money(sum((piece.cost for piece in pieces), Decimal(0)))

    found: Decimal = database.read_now(read)
    return found


def test_the_bill_of_a_month(database: Any) -> None:
    project = a_month(database)
    prices = {"instance.vcpus": 0.1, "volume.size": 0.001, "floating_ip": 0.01}
    usage = Usage(PriceBook(prices))
    wanted = (
        Decimal("0.1") * (90 + 4 * Decimal("50.5"))
        + Decimal("0.001") * (10 * 240 + 25 * 480)
        + Decimal("0.01") * 720
    )
    assert total(database, usage, project) == wanted
    parts = [total(database, usage, project, at(n * 24), at(n * 24 + 24)) for n in range(30)]
    assert sum(parts) == wanted


def test_prices_hold_from_when_to_when(database: Any) -> None:
    """Flat ones and factors, by fields and levels, in groups, of one project alone; a change
    re-rates what it touches, and nothing before."""
    project = a_month(database)
    book = PriceBook({})
    hashmap, usage = Hashmap(book), Usage(book)

    def make(tx: Tx) -> None:
        instance = hashmap.create_service(tx, "instance")
        volume = hashmap.create_service(tx, "volume")
        flavor = hashmap.create_field(tx, instance.id, "flavor_name")
        group = hashmap.create_group(tx, "servers")
        always = {"start": BEGIN, "type": "flat"}
        common = {**always, "group_id": group.id}
        for value, cost in (("small", "0.05"), ("large", "0.4")):
            hashmap.create_price(
                tx, {**common, "field_id": flavor.id, "value": value, "cost": cost}
            )
        # A tenth less in the second half of its first hundred hours; not for others.
        hashmap.create_price(
            tx,
            {
                **common,
                "service_id": instance.id,
                "type": "rate",
                "cost": "0.9",
                "start": at(50),
                "end": at(100),
                "tenant_id": project,
            },
        )
        hashmap.create_price(
            tx,
            {**common, "service_id": instance.id, "cost": "99", "tenant_id": "another"},
        )
        hashmap.create_price(tx, {**always, "service_id": volume.id, "cost": "0.002"})
        # From 20 GiB on it costs half.
        hashmap.create_price(
            tx,
            {**always, "service_id": volume.id, "level": "20", "type": "rate", "cost": "0.5"},
        )

    database.write_now(make)
    servers = Decimal("0.05") * (40 + 50 * Decimal("0.9")) + Decimal("0.4") * Decimal("50.5")
    volumes = Decimal("0.002") * (10 * 240 + Decimal("0.5") * 25 * 480)
    assert total(database, usage, project) == servers + volumes

    def change(tx: Tx) -> None:
        rows = hashmap.prices(tx)
        [row] = [row for row in rows if row.service_name == "volume" and row.level is None]
        hashmap.change_price(tx, row, {"cost": "7"})
        hashmap.delete_service(tx, rows[0].service_id or hashmap.services(tx)[0].id)

    database.write_now(change)
    # All of it is after the month that has been.
    assert total(database, usage, project) == servers + volumes


def test_what_is_switched_leaves_the_past_alone(database: Any) -> None:
    """The hashmap off and on again, and other prices in the settings at another start."""
    project = f"project-{next(numbers)}"
    book = PriceBook({"floating_ip": 1.0})
    hashmap = Hashmap(book)

    def begin(tx: Tx) -> Moment:
        book.note(tx)
        service = hashmap.create_service(tx, "floating_ip")
        always = {"service_id": service.id, "type": "flat", "start": BEGIN}
        hashmap.create_price(tx, {**always, "cost": "10", "tenant_id": project})
        put(tx, project, "floating_ip", {}, 0, None)
        return tx.now

    def after(step: Any) -> Moment:
        def run(tx: Tx) -> Moment:
            step(tx)
            return tx.now

        found: Moment = database.write_now(run)
        return found

    began = database.write_now(begin)
    off = after(lambda tx: hashmap.set_module(tx, False, None))
    dear = PriceBook({"floating_ip": 3.0})
    changed = after(dear.note)
    on = after(lambda tx: Hashmap(dear).set_module(tx, True, None))
    after(dear.note)
    spans = [(began, off, 11), (off, changed, 1), (changed, on, 3), (on, later(on, 3600), 13)]
    for book in (PriceBook({}), dear):
        for since, until, price in [*spans, (BEGIN, at(1), 11)]:
            length = microseconds(until) - microseconds(since)
            assert length > 0
            cost = total(database, Usage(book), project, since, until)
            assert cost == money(Decimal(price * length))
    database.write_now(lambda tx: [tx.delete(row) for row in tx.all(queries.TERMS)])


lives = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, 5)), max_size=8
)


@settings(max_examples=25, deadline=None)
@given(life=lives, cut=st.integers(1, 40))
def test_hours_add_up_to_the_whole(database: Any, life: list[Any], cut: int) -> None:
    project = f"project-{next(numbers)}"

    def fill(tx: Tx) -> None:
        for number, (began, length, size) in enumerate(life):
            begin = later(BEGIN, began / 1000)
            end = later(BEGIN, (began + length) / 1000)
            facts = {"size": size}
            tx.insert(
                IntervalRow(0, f"v{number}", "volume", project, None, None, facts, begin, end)
            )

    database.write_now(fill)
    usage = Usage(PriceBook({"volume.size": 3.6}))

    def page(first: int, limit: int) -> Any:
        return database.read_now(
            lambda tx: frames(usage, tx, BEGIN, END, project, offset=first, limit=limit)
        )

    whole = page(0, 1000)
    pages: list[Any] = []
    for first in range(0, min(whole.total, 200), cut):
        pages += page(first, cut).frames
    assert pages == whole.frames[: len(pages)]
    if whole.total <= 1000:
        assert len(whole.frames) == whole.total
        priced = sum((each.price for each in whole.frames), Decimal(0))
        near = Decimal("0.00000001") * max(1, whole.total)
        assert abs(priced - total(database, usage, project)) <= near


async def over_months(cloud: TestCloud) -> None:
    """FOCUS: a charge lies in its billing period. And the first API gives all frames, or none: it
    has no pages."""
    mine = cloud.projects["demo"]
    database: Any = cloud.cloud.database
    began, ended = "2025-10-15T00:00:00.000000", "2025-12-10T00:00:00.000000"
    row = IntervalRow(0, "v", "volume", mine, "u", "-1+cmd|x", {"size": 1}, began, ended)
    await database.write(lambda tx: tx.insert(row), name="of old")
    time = "begin=2025-10-01&end=2026-01-01"
    focus = await cloud.call("GET", f"/rating/v1/usage/focus?{time}")
    lines = list(csv.DictReader(io.StringIO(focus.raw.decode())))
    assert [line["BillingPeriodStart"][:7] for line in lines] == ["2025-10", "2025-11", "2025-12"]
    for line in lines:
        assert line["BillingPeriodStart"] <= line["ChargePeriodStart"]
        assert line["ChargePeriodEnd"] <= line["BillingPeriodEnd"]
        assert line["ResourceName"].startswith("'-")
    for as_, more in (("demo", ""), ("admin", "")):
        path = f"/rating/v1/storage/dataframes?{time}{more}"
        frames = (await cloud.call("GET", path, as_=as_)).json["dataframes"]
        assert len(frames) == 56 * 24, as_


def test_the_same_is_priced_once(database: Any) -> None:
    """A script that runs twice doubles nothing; other times and other projects are others."""
    hashmap = Hashmap(PriceBook({}))

    def story(tx: Tx) -> None:
        service = hashmap.create_service(tx, "image")
        wish = {"service_id": service.id, "type": "rate", "cost": "0.5", "start": BEGIN}
        hashmap.create_price(tx, {**wish, "end": at(10)})
        hashmap.create_price(tx, {**wish, "tenant_id": "p"})
        hashmap.create_price(tx, {**wish, "start": at(10)})
        hashmap.create_price(tx, {**wish, "level": "5"})
        for again in (wish, {**wish, "tenant_id": "p"}, {**wish, "level": 5}):
            with pytest.raises(Conflict):
                hashmap.create_price(tx, again)
        # And the past stays as it is.
        [ended, *_] = [row for row in hashmap.prices(tx) if row.end == at(10)]
        [own] = [row for row in hashmap.prices(tx) if row.tenant_id == "p"]
        for row, end in ((ended, None), (own, END), (own, BEGIN)):
            with pytest.raises(BadRequest):
                hashmap.change_price(tx, row, {"end": end})
        assert hashmap.change_price(tx, own, {"end": later(tx.now, 60)}).end is not None
        hashmap.delete_service(tx, service.id)

    database.write_now(story)


def test_reports(tmp_path: Path) -> None:
    """By every way that there is: the same sum; and a member sees its own alone."""

    async def story() -> None:
        async with running_cloud(tmp_path, telemetry={"prices": {"volume.size": 0.5}}) as cloud:
            await cloud.token("admin")
            made = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 2}})
            assert made.status == 202, made.raw
            v1, v2 = "/rating/v1", "/rating/v2"
            await cloud.until(f"{v1}/usage", lambda a: len(a.json["usage"]) == 1)
            project, mine = cloud.projects["admin"], cloud.projects["demo"]
            for path in (
                f"{v2}/summary?filters=project_id:{project}&groupby=project_id",
                f"{v2}/summary?project_id={project}&groupby=project_id",
            ):
                found = (await cloud.call("GET", path)).json
                assert [row[4] for row in found["results"]] == [mine], found
            foreign = await cloud.call("GET", f"{v2}/dataframes?filters=project_id:{project}")
            [period] = foreign.json["dataframes"]
            assert period["usage"]["volume"][0]["groupby"]["project_id"] == mine
            old = await cloud.call("GET", f"{v1}/storage/dataframes?tenant_id={project}")
            assert {each["tenant_id"] for each in old.json["dataframes"]} == {mine}
            assert (await cloud.call("GET", f"{v1}/report/total?tenant_id={project}")).status == 403
            assert (await cloud.call("GET", f"{v1}/report/tenants")).status == 403
            everybody = await cloud.call(
                "GET", f"{v2}/summary?groupby=project_id,type", as_="admin"
            )
            assert mine in {row[4] for row in everybody.json["results"]}
            by_hour = await cloud.call("GET", f"{v2}/summary?groupby=time&response_format=object")
            assert by_hour.json["results"][0]["qty"] > 0, by_hour.raw
            for name, first in (("csv", "begin"), ("focus", FOCUS[0])):
                text = (await cloud.call("GET", f"{v1}/usage/{name}")).raw.decode()
                rows = list(csv.reader(io.StringIO(text)))
                assert rows[0][0] == first and len(rows) == 2, text
            asked = {"resources": [{"service": "volume", "desc": {"size": 4}, "volume": "2"}]}
            quote = await cloud.call("POST", f"{v1}/rating/quote", json_=asked)
            assert quote.json == "4", quote.raw
            endless = {"resources": [{"service": "volume", "desc": {"size": 1e100}}]}
            refused = await cloud.call("POST", f"{v1}/rating/quote", json_=endless)
            assert refused.status == 400, refused.raw
            await over_months(cloud)
            for path in (
                f"{v2}/summary?groupby=time&begin=2000-01-01",
                f"{v2}/summary?custom_fields=x",
                f"{v2}/summary?filters=x",
                f"{v1}/report/summary?groupby=x",
                f"{v2}/dataframes?limit=-1",
            ):
                assert (await cloud.call("GET", path)).status == 400, path

    asyncio.run(story())


def test_times_are_whole_microseconds() -> None:
    assert microseconds("1970-01-01T01:00:00.000001") == HOUR + 1
