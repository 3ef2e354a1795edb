"""The conductor: items by version, reports item by item, and a database that went back in time."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cumulo.core.db.rows import METADATA
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.statements import DIALECTS
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts import conductor as module
from cumulo.core.hosts import lineage
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.digest import digest_of
from cumulo.core.hosts.messages import Fetch, Items, Mark, Report, Seen, Stranger
from cumulo.core.hosts.model import UnknownRow
from cumulo.core.hosts.registry import HostRegistry


class LampPart:
    kind = "lamp"
    item_type = int
    seen_type = int
    host_type = str

    def __init__(self) -> None:
        self.wished: dict[str, int] = {}
        self.taken: list[tuple[str, str, Any, bool]] = []
        self.over: list[tuple[str, str]] = []
        self.asked: list[list[str]] = []

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(ids))
        return {id: self.wished[id] for id in ids}

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        if seen.state == 13:
            tx.insert(UnknownRow(host_id, "lamp", "half done", {}, tx.now))
            raise ValueError("thirteen")
        self.taken.append((host_id, seen.id, seen.state, newest))

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        self.over.append((host_id, id))

    def host(self, tx: Tx, host_id: str, state: str) -> None:
        self.taken.append((host_id, "", state, True))

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        if row.facts.get("broken"):
            raise BadRequest("it is broken")
        return {"lamp": row.id, "project": project_id}


class House:
    """Two hosts with lamps, on a database of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = SqliteDatabase(folder / "x.db")
        self.db.rehearses = False  # the part counts what it is given
        if not self.db.revisions():
            names = ("cloud", "hosts", "host_parts", "host_items", "host_unknown", "events")
            names += ("host_machines", "host_tokens")
            dialect = DIALECTS["sqlite"]
            made = [METADATA.tables[name] for name in names]
            self.db.run_script(
                [str(sa.schema.CreateTable(t).compile(dialect=dialect)) for t in made]
                + ["CREATE TABLE alembic_version (version_num TEXT)"]
                + ["INSERT INTO alembic_version VALUES ('x')"]
            )
        self.registry, self.part = HostRegistry(), LampPart()
        self.conductor = Conductor(self.db, self.registry)
        self.conductor.add([self.part])
        self.cloud = lineage.start(self.db, self.registry, folder).id
        for host in ("h1", "h2"):
            self.db.write_now(lambda tx, host=host: self.registry.register(tx, host, ["lamp"]))

    def wish(self, id: str, value: int, host: str = "h1") -> int:
        self.part.wished[id] = value
        return self.db.write_now(lambda tx: self.registry.touch(tx, host, "lamp", id))

    def remove(self, id: str, host: str = "h1") -> int:
        return self.db.write_now(lambda tx: self.registry.remove(tx, host, "lamp", id))

    def fetch(self, since: int | None, host: str = "h1", epoch: int = 1, **more: Any) -> Items:
        mark = Mark(self.cloud, epoch, since or 0)
        return asyncio.run(
            self.conductor.fetch(host, Fetch("lamp", since, more.pop("mark", mark), **more))
        )

    def report(self, *items: Seen, host: str = "h1", epoch: int = 1, **more: Any) -> Any:
        message = Report(
            kind="lamp",
            cloud=more.pop("cloud", self.cloud),
            epoch=epoch,
            upto=1,
            items=list(items),
            **more,
        )
        return asyncio.run(self.conductor.report(host, message))

    def epoch(self, host: str = "h1") -> int:
        row = self.db.read_now(lambda tx: self.registry.get(tx, host))
        assert row is not None
        return row.epoch

    def unknown(self) -> list[str]:
        return [row.id for row in self.db.read_now(self.conductor.unknown.all)]


@pytest.fixture
def house(tmp_path: Path) -> Any:
    made = House(tmp_path)
    yield made
    made.db.close()


def test_only_what_changed_goes_over(house: House) -> None:
    first = [house.wish(f"l{number}", number) for number in range(3)]
    assert first == [2, 3, 4]
    found = house.fetch(None)
    assert found.whole and found.upto == 4 and [item.state for item in found.changed] == [0, 1, 2]
    house.wish("l1", 10)
    house.remove("l0")
    found = house.fetch(4)
    assert not found.whole and found.upto == 6
    assert [(item.id, item.version, item.state) for item in found.changed] == [("l1", 5, 10)]
    assert [(each.id, each.version) for each in found.gone] == [("l0", 6)]
    assert house.part.asked[-1] == ["l1"]
    assert house.fetch(6).changed == house.fetch(6).gone == []
    assert house.fetch(None, host="h2").changed == []


def test_many_items_come_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    for number in range(6):
        house.wish(f"l{number}", number)
    since, ids, pages, more = None, [], 0, True
    while more:
        found = house.fetch(since)
        ids += [item.id for item in found.changed]
        since, more, pages = found.upto, found.more, pages + 1
    assert sorted(ids) == [f"l{number}" for number in range(6)] and pages > 1


def test_a_digest_that_differs_brings_the_whole_set(house: House) -> None:
    house.wish("a", 1)
    assert not house.fetch(2, digest=digest_of([("a", 2)])).whole
    assert house.fetch(2, digest=digest_of([("a", 1)])).whole
    house.wish("b", 1)
    assert not house.fetch(2, digest=digest_of([("a", 2)])).whole, "newer ones are on their way"


def test_each_item_of_a_report_counts_for_itself(house: House) -> None:
    one, two = house.wish("a", 1), house.wish("b", 1)
    house.wish("foreign", 1, host="h2")
    taken = house.report(
        Seen(id="a", version=one, done=True, state=1),
        Seen(id="b", version=two, done=True, state=13),
        Seen(id="foreign", version=2, done=True, state=1),
        Seen(id="a", version=one - 1, done=True, state=0),
        Seen(id="b", version=two, state=2),
    )
    assert set(taken.refused) == {"b", "foreign"} and "thirteen" in taken.refused["b"]
    assert house.part.taken == [("h1", "a", 1, True), ("h1", "a", 0, False), ("h1", "b", 2, True)]
    assert house.unknown() == [], "what the refused one wrote is undone"


def test_a_removal_is_confirmed_once_and_only_when_it_was_ordered(house: House) -> None:
    version = house.wish("a", 1)
    taken = house.report(Seen(id="a", version=version, gone=True))
    assert taken.refused and house.part.over == []
    version = house.remove("a")
    stale = house.report(Seen(id="a", version=version - 1, gone=True))
    assert stale.refused and house.part.over == []
    for _ in range(2):
        assert house.report(Seen(id="a", version=version, gone=True)).refused == {}
    assert house.part.over == [("h1", "a")]
    assert house.fetch(None).gone == []


def test_reports_of_another_epoch_or_cloud_are_refused(house: House) -> None:
    version = house.wish("a", 1)
    seen = Seen(id="a", version=version, done=True, state=1)
    assert house.report(seen, epoch=0).stale
    assert house.report(seen, cloud="another").stale
    assert house.part.taken == []
    assert not house.report(seen).stale


@pytest.mark.parametrize(
    ("mark", "rewound"), [((1, 50), False), ((3, 1), False), ((1, 2), True)], ids=str
)
def test_a_host_that_knows_better_gets_a_new_epoch(
    house: House, mark: tuple[int, int], rewound: bool
) -> None:
    house.wish("a", 1)
    newest = Mark(house.cloud, *mark)
    found = house.fetch(mark[1], mark=newest, rewound=rewound)
    assert found.whole and found.epoch == house.epoch() == mark[0] + 1
    assert [item.id for item in found.changed] == ["a"]
    assert house.epoch("h2") == 1
    # The other kinds of work of this host say the same a moment later: once is enough.
    assert house.fetch(mark[1], mark=newest, rewound=rewound).epoch == mark[0] + 1
    # Of another cloud it knows what it likes.
    house.fetch(1, mark=Mark("another", 9, 900))
    assert house.epoch() == mark[0] + 1


def test_a_restored_copy_is_seen_at_the_start(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.db.keep_copy("copy")
    house.db.close()
    house = House(tmp_path)
    assert house.epoch() == 1, "a start is no restore"
    house.db.close()
    (tmp_path / "x.db.copy").replace(tmp_path / "x.db")
    for rest in ("x.db-wal", "x.db-shm"):
        (tmp_path / rest).unlink(missing_ok=True)
    house = House(tmp_path)
    assert house.epoch() == house.epoch("h2") == 2
    house.db.close()
    house = House(tmp_path)
    assert house.epoch() == 2
    house.db.close()


def test_unknown_things_are_kept_until_an_operator_decides(house: House) -> None:
    found = [Stranger("x", {"lit": 1}), Stranger("y", {}), Stranger("z", {"broken": True})]
    house.report(unknown=found)
    house.report(unknown=found)
    assert house.unknown() == ["x", "y", "z"]
    unknown, db = house.conductor.unknown, house.db
    assert db.read_now(unknown.counts) == [("h1", "lamp", 3)]
    db.write_now(lambda tx: unknown.remove(tx, "h1", "lamp", "x"))
    assert [each.id for each in house.fetch(None).gone] == ["x"]
    with pytest.raises(NotFound):
        db.write_now(lambda tx: unknown.remove(tx, "h1", "lamp", "x"))
    with pytest.raises(BadRequest):
        db.write_now(lambda tx: house.conductor.adopt(tx, "h1", "lamp", "z", "p"))
    made = db.write_now(lambda tx: house.conductor.adopt(tx, "h1", "lamp", "y", "p"))
    assert made == {"lamp": "y", "project": "p"} and house.unknown() == ["z"]
    house.report(unknown=[])
    assert house.unknown() == []


def test_a_touch_costs_the_same_however_many_items_there_are(house: House) -> None:
    counts: list[int] = []

    def touch(tx: Tx) -> None:
        execute, calls = tx._execute, []

        def counted(text: str, parameters: dict[str, Any]) -> Any:
            calls.append(text)
            return execute(text, parameters)

        tx._execute = counted
        house.registry.touch(tx, "h1", "lamp", "one")
        counts.append(len(calls))

    house.db.write_now(touch)
    for number in range(200):
        house.wish(f"l{number}", 1)
    house.db.write_now(touch)
    assert counts == [2, 2]
