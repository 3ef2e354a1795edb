"""Both engines behind one transaction type: the same tests, the same meaning."""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.core.db import listing
from cumulo.core.db.listing import (
    Listing,
    contains,
    contains_folded,
    equals,
    one_of,
    starts_with,
)
from cumulo.core.db.postgresql import RETRIES, PostgresqlDatabase
from cumulo.core.db.rows import Index, Key, Row, Unique, columns, table
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.statements import DIALECTS, query, statement
from cumulo.core.db.transaction import IntegrityError, Overtaken, ReadOnly, TooLong, Tx, Unstorable
from cumulo.core.http.execution import fault_of
from cumulo.core.ids import new_id
from cumulo.core.quotas.model import LimitRow, UsageRow


@table("test_things", Unique("owner", "name"))
class ThingRow(Row, frozen=True):
    id: Annotated[str, Key()]
    owner: Annotated[str, Index()]
    name: str
    size: int
    ratio: float
    good: bool
    tags: list[str]
    extra: dict[str, Any] | None
    note: str | None
    grade: int | None = None
    since: float | None = None
    kept: bool | None = None


C = columns(ThingRow)
BY_OWNER = query(
    ThingRow, sa.select(ThingRow.sql_table).where(C.owner == sa.bindparam("owner")).order_by(C.id)
)
BY_IDS = query(
    ThingRow,
    sa.select(ThingRow.sql_table)
    .where(C.id.in_(sa.bindparam("ids", expanding=True)), C.good.is_(True))
    .order_by(C.id),
)
GROW = statement(
    sa.update(ThingRow.sql_table)
    .where(C.id == sa.bindparam("key"), C.size < sa.bindparam("most"))
    .values(size=C.size + 1)
)
COUNT = statement(sa.select(sa.func.count()).select_from(ThingRow.sql_table))
THINGS = Listing(
    ThingRow,
    filters={
        "owner": equals(C.owner),
        "ids": one_of(C.id),
        "like": contains(C.name),
        "folded": contains_folded(C.name),
        "begins": starts_with(C.name),
    },
    sort_keys={name: C[name] for name in ("name", "size", "note", "grade", "since", "kept", "id")},
    default_sort=(("name", "asc"),),
)

NOTE = statement(sa.insert(sa.table("notes", sa.column("x"))).values(x=sa.bindparam("x")))
NOTES = statement(sa.select(sa.func.count()).select_from(sa.table("notes")))

Engine = SqliteDatabase | PostgresqlDatabase


@pytest.fixture
def database(database_url: str, tmp_path: Any) -> Iterator[Engine]:
    made: Engine = (
        PostgresqlDatabase(database_url) if database_url else SqliteDatabase(tmp_path / "x.db")
    )
    tables = [ThingRow.sql_table, UsageRow.sql_table, LimitRow.sql_table]
    dialect = DIALECTS[made.engine]
    made.run_script([str(sa.schema.CreateTable(t).compile(dialect=dialect)) for t in tables])
    yield made
    made.close()


def thing(id: str, **changes: Any) -> ThingRow:
    values: dict[str, Any] = {
        "owner": "o",
        "name": f"n{id}",
        "size": 1,
        "ratio": 0.5,
        "good": True,
        "tags": ["a"],
        "extra": {"k": [1, None]},
        "note": None,
    }
    return ThingRow(id=id, **{**values, **changes})


class TestRows:
    def test_a_row_comes_back_as_it_was(self, database: Engine) -> None:
        rows = [thing("1"), thing("2", good=False, extra=None, note="it's 100% :fine"), thing("3")]
        database.write_now(lambda tx: [tx.insert(row) for row in rows])
        assert database.read_now(lambda tx: tx.all(BY_OWNER, owner="o")) == rows
        assert database.read_now(lambda tx: tx.get(ThingRow, "2")) == rows[1]
        assert database.read_now(lambda tx: tx.get(ThingRow, "9")) is None
        assert database.read_now(lambda tx: tx.value(COUNT)) == 3

    def test_update_and_delete_by_key(self, database: Engine) -> None:
        def change(tx: Tx) -> ThingRow:
            row = thing("1")
            tx.insert(row)
            return tx.update(row, size=7, tags=["b", "c"], good=False)

        changed = database.write_now(change)
        assert changed == thing("1", size=7, tags=["b", "c"], good=False)
        assert database.read_now(lambda tx: tx.get(ThingRow, "1")) == changed
        assert database.write_now(lambda tx: tx.delete(changed)) is True
        assert database.write_now(lambda tx: tx.delete(changed)) is False

    def test_lists_of_values(self, database: Engine) -> None:
        rows = [thing(str(n), good=n != 3) for n in range(5)]
        database.write_now(lambda tx: [tx.insert(row) for row in rows])
        for ids, found in ((["1", "3", "4"], ["1", "4"]), (["2"], ["2"]), ([], [])):
            result = database.read_now(lambda tx, ids=ids: tx.all(BY_IDS, ids=ids))
            assert [row.id for row in result] == found

    def test_a_duplicate_is_refused_or_ignored(self, database: Engine) -> None:
        database.write_now(lambda tx: tx.insert(thing("1")))
        with pytest.raises(IntegrityError):
            database.write_now(lambda tx: tx.insert(thing("2", name="n1")))
        again = database.write_now(lambda tx: tx.insert(thing("1"), ignore_duplicate=True))
        assert again is False
        assert database.read_now(lambda tx: tx.value(COUNT)) == 1


class TestTransactions:
    def test_all_or_nothing(self, database: Engine) -> None:
        called: list[int] = []

        def fail(tx: Tx) -> None:
            tx.insert(thing("1"))
            tx.after_commit(lambda: called.append(1))
            raise LookupError

        with pytest.raises(LookupError):
            database.write_now(fail)
        assert database.read_now(lambda tx: tx.value(COUNT)) == 0
        assert called == []

    def test_after_commit_runs_after_the_commit(self, database: Engine) -> None:
        seen: list[int] = []

        def look() -> None:
            seen.append(database.read_now(lambda tx: tx.value(COUNT)))

        def write(tx: Tx) -> None:
            tx.insert(thing("1"))
            tx.after_commit(look)

        asyncio.run(database.write(write))
        assert seen == [1]

    def test_what_has_no_room_is_refused_by_its_own_name(self, database: Engine) -> None:
        with pytest.raises(Unstorable):
            database.write_now(lambda tx: tx.insert(thing("1", size=2**70)))
        with pytest.raises(Unstorable):
            database.read_now(lambda tx: tx.get(ThingRow, "\ud800"))
        # The engine is as good as before.
        database.write_now(lambda tx: tx.insert(thing("2")))
        assert database.read_now(lambda tx: tx.value(COUNT)) == 1

    def test_a_reader_cannot_write(self, database: Engine) -> None:
        with pytest.raises(ReadOnly):
            database.read_now(lambda tx: tx.insert(thing("1")))

    def test_concurrent_increments_are_not_lost(self, database: Engine) -> None:
        """Read, decide, write: serialisable on both engines, so nothing is counted twice."""
        database.write_now(lambda tx: tx.insert(thing("1", size=0)))

        def increment(tx: Tx) -> None:
            row = tx.get(ThingRow, "1")
            assert row is not None
            tx.update(row, size=row.size + 1)

        async def main() -> None:
            await asyncio.gather(*(database.write(increment) for _ in range(25)))

        asyncio.run(main())
        row = database.read_now(lambda tx: tx.get(ThingRow, "1"))
        assert row is not None and row.size == 25

    def test_the_same_name_at_once_is_looked_at_again(self, database: Engine) -> None:
        """Whoever comes second sees the first, and says so in the words of the service."""

        def make(tx: Tx) -> str:
            if tx.all(BY_OWNER, owner="o"):
                return "there"
            tx.insert(thing(new_id(), name="same"))
            return "made"

        async def all_at_once() -> list[str]:
            return await asyncio.gather(*[database.write(make) for _ in range(8)])

        assert sorted(asyncio.run(all_at_once())) == ["made", *["there"] * 7]
        with pytest.raises(IntegrityError):
            database.write_now(lambda tx: tx.insert(thing("2", name="same")))

    def test_many_at_once_each_get_their_turn(self, database: Engine) -> None:
        """Longer transactions that all read what each of them writes: whoever lost is not
        overtaken for ever. (All of them going on at once used up their tries.)"""
        looked = 0

        def make(tx: Tx) -> None:
            nonlocal looked
            looked += 1
            there = len(tx.all(BY_OWNER, owner="o"))
            time.sleep(0.05)
            tx.insert(thing(new_id(), name=str(there)))

        async def all_at_once() -> None:
            await asyncio.gather(*[database.write(make) for _ in range(24)])

        asyncio.run(all_at_once())
        made = database.read_now(lambda tx: tx.all(BY_OWNER, owner="o"))
        assert sorted(int(each.name) for each in made) == list(range(24))
        assert looked < 24 * 4

    def test_a_conditional_update_stops_at_the_bound(self, database: Engine) -> None:
        database.write_now(lambda tx: tx.insert(thing("1", size=0)))
        grown = [database.write_now(lambda tx: tx.run(GROW, key="1", most=3)) for _ in range(5)]
        assert grown == [1, 1, 1, 0, 0]


names = st.text("abcde%_", min_size=1, max_size=3)


class TestListing:
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(
            st.tuples(
                names,
                st.integers(0, 3),
                st.none() | names,
                st.none() | st.integers(-2, 2),
                st.none() | st.sampled_from([-0.5, 1.5]),
                st.none() | st.booleans(),
            ),
            max_size=12,
        ),
        st.lists(
            st.tuples(
                st.sampled_from(["name", "size", "note", "grade", "since", "kept"]),
                st.sampled_from(["asc", "desc"]),
            ),
            max_size=3,
            unique_by=lambda pair: pair[0],
        ),
        st.integers(1, 4),
    )
    def test_pages_together_are_the_whole_list(
        self, database: Engine, made: Any, sort: Any, limit: int
    ) -> None:
        def fill(tx: Tx) -> None:
            for row in THINGS.page(tx, where={}):
                tx.delete(row)
            for n, (name, size, note, grade, since, kept) in enumerate(made):
                more = {"note": note, "grade": grade, "since": since, "kept": kept}
                tx.insert(thing(f"{n:02}", owner=str(n), name=name, size=size, **more))

        database.write_now(fill)
        whole = database.read_now(lambda tx: THINGS.page(tx, where={}, sort=sort))
        pages: list[ThingRow] = []
        while True:
            last = pages[-1] if pages else None
            page = database.read_now(
                lambda tx, last=last: THINGS.page(tx, where={}, sort=sort, marker=last, limit=limit)
            )
            pages.extend(page)
            if len(page) < limit:
                break
        assert pages == whole
        assert sorted(row.id for row in whole) == [f"{n:02}" for n in range(len(made))]
        for key, direction in sort[:1]:
            none = "" if key in ("name", "note") else -9 if key != "kept" else False
            values = [none if (v := getattr(row, key)) is None else v for row in whole]
            assert values == sorted(values, reverse=direction == "desc")

    def test_filters(self, database: Engine) -> None:
        rows = [thing("1", name="red"), thing("2", name="r_d"), thing("3", owner="x", name="blue")]
        database.write_now(lambda tx: [tx.insert(row) for row in rows])

        def ids(**where: Any) -> list[str]:
            found = database.read_now(lambda tx: THINGS.page(tx, where=where))
            return sorted(row.id for row in found)

        assert ids(owner="o") == ["1", "2"]
        assert ids(owner="o", ids=["2", "3"]) == ["2"]
        assert ids(like="e") == ["1", "3"]
        assert ids(like="_") == ["2"] and ids(like="r_d") == ["2"]
        assert ids(like="%") == [] and ids(like="RED") == [] and ids(like="") == ["1", "2", "3"]
        assert ids(folded="RED") == ["1"] and ids(folded="R_") == ["2"] and ids(folded="%") == []
        assert ids(begins="r") == ["1", "2"] and ids(begins="r_") == ["2"] and ids(begins="e") == []
        with pytest.raises(KeyError):
            ids(unknown=1)


class TestLook:
    """Rows that only the program can choose: pages of them are the whole list, and no more than
    a bounded number is looked at."""

    @pytest.mark.parametrize("sort", [[], [("grade", "desc"), ("name", "asc")], [("size", "desc")]])
    def test_pages(self, database: Engine, sort: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "LOOK_AT_ONCE", 5)
        made = [thing(f"{n:02}", owner=str(n), size=n % 4, grade=n % 3 or None) for n in range(23)]
        database.write_now(lambda tx: [tx.insert(row) for row in made])

        def odd(rows: list[tuple[Any, ...]]) -> list[bool]:
            assert len(rows) <= 5
            return [int(id) % 2 == 1 for id, owner in rows]

        def page(marker: ThingRow | None, limit: int) -> Any:
            return database.read_now(
                lambda tx: THINGS.look(
                    tx,
                    where={},
                    columns=("owner",),
                    fits=odd,
                    sort=sort,
                    marker=marker,
                    limit=limit,
                )
            )

        whole = database.read_now(lambda tx: THINGS.page(tx, where={}, sort=sort))
        wanted = [row for row in whole if int(row.id) % 2]
        assert page(None, 100).rows == wanted
        found: list[ThingRow] = []
        while True:
            part = page(found[-1] if found else None, 3)
            found += part.rows
            if not part.more:
                break
            assert len(part.rows) == 3 and not part.cut
        assert found == wanted

    def test_no_more_than_so_many(self, database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "LOOK_AT_ONCE", 5)
        monkeypatch.setattr(listing, "MOST_LOOKED_AT", 10)
        database.write_now(
            lambda tx: [tx.insert(thing(f"{n:02}", owner=str(n))) for n in range(30)]
        )
        seen: list[str] = []

        def none(rows: list[tuple[Any, ...]]) -> list[bool]:
            seen.extend(id for (id,) in rows)
            return [False] * len(rows)

        found = database.read_now(
            lambda tx: THINGS.look(tx, where={}, columns=(), fits=none, limit=3)
        )
        assert (found.rows, found.more, found.cut, len(seen)) == ([], True, True, 10)


def test_keys_of_an_order_count_once(tmp_path: Any) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    try:
        dialect = DIALECTS["sqlite"]
        database.run_script(
            [str(sa.schema.CreateTable(ThingRow.sql_table).compile(dialect=dialect))]
        )
        many: Any = [("name", "asc"), ("size", "desc")] * 500
        assert database.read_now(lambda tx: THINGS.page(tx, where={}, sort=many)) == []
    finally:
        database.close()


def test_a_long_log_begins_anew(tmp_path: Any) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    try:
        database.run_script(["CREATE TABLE notes (x TEXT)"])

        def write(times: int) -> None:
            for _ in range(times):
                database.write_now(lambda tx: tx.run(NOTE, x="x" * 4000))

        def log() -> bytes:
            # The beginning of the log has a new salt when it was begun anew.
            return (tmp_path / "x.db-wal").read_bytes()[:32]

        write(50)
        before = log()
        write(50)
        assert log() == before
        database._log_is_long = True  # as the checkpointer finds
        write(1)
        assert log() != before
        kept = database.read_now(lambda tx: tx.value(NOTES))
        assert kept == 101
    finally:
        database.close()


def test_a_long_read_holds_up_nobody_and_ends(database: Any) -> None:
    slow = statement(
        sa.text(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000000000)"
            " SELECT count(*) FROM n"
        )
    )

    async def main() -> None:
        long = asyncio.create_task(database.study(lambda tx: tx.value(slow), seconds=1.0))
        await asyncio.sleep(0.05)
        assert await database.read(lambda tx: tx.value(COUNT)) == 0
        assert not long.done()
        await database.write(lambda tx: tx.insert(thing("a")))
        with pytest.raises(TooLong):
            await long
        assert await database.study(lambda tx: tx.value(COUNT)) == 1
        with pytest.raises(ReadOnly):
            await database.study(lambda tx: tx.insert(thing("b")))

    asyncio.run(main())


def test_who_never_has_a_turn_is_told_so(postgresql_dsn: str) -> None:
    database = PostgresqlDatabase(postgresql_dsn)
    tries = 0

    def overtaken(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        raise psycopg.errors.SerializationFailure

    with pytest.raises(Overtaken) as told:
        database.write_now(overtaken, name="make")
    database.close()
    assert tries == RETRIES
    assert fault_of(told.value, "make").status == 503
