"""History: told in order, forgotten in time."""

from pathlib import Path

import sqlalchemy as sa

from cumulo.core.clock import later
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.statements import DIALECTS
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit, events_since, forget, listen, story_of
from cumulo.core.events.model import EventRow


def test_a_story_in_order_and_its_end(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    create = sa.schema.CreateTable(EventRow.sql_table).compile(dialect=DIALECTS["sqlite"])
    database.run_script([str(create)])
    heard: list[str] = []
    listen(lambda row: heard.append(row.type))

    def tell(tx: Tx) -> None:
        emit(tx, "volume.create.start", "v1", project_id="p", name="one")
        emit(tx, "volume.create.end", "v1", project_id="p")
        emit(tx, "volume.create.start", "v2", project_id="p")

    database.write_now(tell)
    story = database.read_now(lambda tx: story_of(tx, "v1"))
    assert [row.type for row in story] == ["volume.create.start", "volume.create.end"]
    assert (story[0].service, story[0].detail) == ("volume", {"name": "one"})
    assert heard == ["volume.create.start", "volume.create.end", "volume.create.start"]
    after = database.read_now(lambda tx: events_since(tx, story[0].sequence))
    assert [row.resource_id for row in after] == ["v1", "v2"]
    assert database.write_now(lambda tx: forget(tx, later(tx.now, -60))) == 0
    assert database.write_now(lambda tx: forget(tx, later(tx.now, 60))) == 3
    database.close()
