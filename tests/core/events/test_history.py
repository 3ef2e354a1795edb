"""History: told in order, as it was declared, of bounded size."""

from pathlib import Path

import pytest

from cumulo import wiring
from cumulo.core.events.history import emit, events_since, let_turns_grow, story_of
from cumulo.core.events.model import BaseRow, Position
from cumulo.core.events.types import TYPES
from tests.core.events.support import database, make


def test_a_story_in_order(tmp_path: Path, database_url: str) -> None:
    with database(tmp_path, database_url) as db:
        db.write_now(lambda tx: make(tx, 1, 2))
        db.write_now(lambda tx: emit(tx, "thing.made", "t1", n=3, text="again"))
        story = db.read_now(lambda tx: story_of(tx, "t1"))
        assert [event.detail for event in story] == [{"n": 1}, {"n": 3, "text": "again"}]
        assert (story[0].service, story[0].resource_type) == ("test", "thing")
        after = db.read_now(lambda tx: events_since(tx, story[0].position))
        assert [event.resource_id for event in after] == ["t2", "t1"]
        assert Position.parse(str(after[0].position)) == after[0].position


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("thing.unknown", {}),
        ("thing.made", {}),
        ("thing.made", {"n": "1"}),
        ("thing.made", {"n": 1, "other": 2}),
        ("thing.made", {"n": 1, "many": [1]}),
    ],
)
def test_what_is_not_declared_is_a_mistake(
    tmp_path: Path, name: str, detail: dict[str, object]
) -> None:
    with database(tmp_path) as db, pytest.raises(AssertionError, match=name):
        db.write_now(lambda tx: emit(tx, name, "t", **detail))


@pytest.mark.parametrize(
    "detail",
    [{"text": "x" * 100_000}, {"text": "ü" * 100_000, "many": ["y" * 400] * 1000}],
)
def test_a_detail_is_bounded(tmp_path: Path, detail: dict[str, object]) -> None:
    with database(tmp_path) as db:
        db.write_now(lambda tx: emit(tx, "thing.made", "t", n=7, **detail))
        [event] = db.read_now(lambda tx: story_of(tx, "t"))
        assert event.detail["n"] == 7
        assert len(str(event.detail)) <= 4096


def test_every_event_of_a_service_names_its_service_and_noun() -> None:
    wiring.assemblies()
    assert len(TYPES) > 150
    for name, known in TYPES.items():
        assert known.service and known.resource and " " not in name


@pytest.mark.parametrize("text", ["", "1", "a-b", "1-", "-1", "1-2-3", "1-" + "9" * 30, "²-1"])
def test_a_bad_position(text: str) -> None:
    with pytest.raises(ValueError):
        Position.parse(text)


def test_turns_grow_after_a_move_to_another_server(tmp_path: Path, postgresql_dsn: str) -> None:
    with database(tmp_path, postgresql_dsn) as db:
        db.write_now(lambda tx: make(tx, 1))
        # As a dump of a server would be that has seen more transactions.
        db.run_script(["UPDATE events SET turn = turn + 1000000"])
        [old] = db.read_now(lambda tx: story_of(tx, "t1"))
        assert db.read_now(lambda tx: events_since(tx)) == []
        db.write_now(let_turns_grow)
        db.write_now(lambda tx: make(tx, 2))
        db.write_now(let_turns_grow)
        found = db.read_now(lambda tx: events_since(tx))
        assert [event.resource_id for event in found] == ["t1", "t2"]
        assert found[1].position > old.position
        assert db.read_now(lambda tx: tx.get(BaseRow, 1)).base > 0
