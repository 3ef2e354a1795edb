"""A first start that is killed is no foreign cloud at the second one; a database that goes back
under a running control plane is noticed."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.events.model import EventRow
from cumulo.core.hosts import lineage
from cumulo.settings import RESTORED
from tests.core.hosts.test_conductor import House


def happens(tx: Tx, name: str) -> None:
    emit(tx, "cloud.epochs.grow", name, reason="a test")


def test_a_first_start_that_dies_after_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path)
    monkeypatch.setattr(house.db, "has_table", lambda name: True)
    secrets = tmp_path / "secrets"
    house.db.write_now(lambda tx: [tx.delete(row) for row in tx.all(lineage.queries.CLOUD)])
    (tmp_path / lineage.NAME).unlink()

    def dies(directory: Path, now: lineage.Remembered) -> None:
        if now.incarnation:
            raise KeyboardInterrupt
        remember(directory, now)

    remember = lineage._remember
    monkeypatch.setattr(lineage, "_remember", dies)
    with pytest.raises(KeyboardInterrupt):
        lineage.start(house.db, house.registry, tmp_path)
    monkeypatch.setattr(lineage, "_remember", remember)
    id = lineage.refuse_foreign(house.db, tmp_path, secrets)
    assert lineage.start(house.db, house.registry, tmp_path).id == id
    # A directory that remembers nothing, and has no keys, is not this cloud's.
    (tmp_path / lineage.NAME).unlink()
    with pytest.raises(lineage.ForeignDatabase):
        lineage.refuse_foreign(house.db, tmp_path, secrets)
    house.db.close()


def test_the_tables_of_an_older_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked before they are brought up to date."""
    house = House(tmp_path)
    monkeypatch.setattr(house.db, "has_table", lambda name: True)
    id = lineage.start(house.db, house.registry, tmp_path).id
    house.db.write_now(lambda tx: tx.run(statement(sa.text("ALTER TABLE cloud DROP restored"))))
    assert lineage.refuse_foreign(house.db, tmp_path, tmp_path / "secrets") == id
    house.db.close()


def test_a_failover_that_loses_events_is_noticed(tmp_path: Path) -> None:
    """Others have their numbers by then, and some more."""
    house = House(tmp_path)
    lineage.start(house.db, house.registry, tmp_path)
    watch = lineage.Watch(house.db, house.registry, tmp_path)

    def happen(*names: str) -> None:
        house.db.write_now(lambda tx: [happens(tx, name) for name in names])

    def epoch() -> int:
        host = house.db.read_now(lambda tx: house.registry.all(tx)[0])
        return host.epoch

    def lose(tx: Tx) -> None:
        number, _ = lineage.newest_event(tx)
        row = tx.get(EventRow, number)
        assert row is not None
        tx.delete(row)

    happen("a", "b")
    asyncio.run(watch.look())
    before = epoch()
    happen("c")
    asyncio.run(watch.look())
    assert epoch() == before and not lineage.keeps_unknown(tmp_path)
    house.db.write_now(lose)
    happen("other", "d")
    asyncio.run(watch.look())
    assert epoch() == before + 1 and lineage.keeps_unknown(tmp_path)
    # Once; and the next start has nothing more to notice.
    (tmp_path / RESTORED).unlink()
    asyncio.run(watch.look())
    lineage.start(house.db, house.registry, tmp_path)
    assert epoch() == before + 1 and not lineage.keeps_unknown(tmp_path)
    # Another control node, which was away, has not acted on it.
    other = tmp_path / "other"
    other.mkdir()
    remembered = lineage._recall(tmp_path)
    assert remembered is not None
    lineage._remember(other, lineage.Remembered(remembered.cloud, 1))
    lineage.start(house.db, house.registry, other)
    assert lineage.keeps_unknown(other)
    house.db.close()


def test_a_loss_is_one_notice_for_all_control_nodes(tmp_path: Path) -> None:
    house = House(tmp_path)
    lineage.start(house.db, house.registry, tmp_path)
    watch = lineage.Watch(house.db, house.registry, tmp_path)
    house.db.write_now(lambda tx: happens(tx, "a"))
    asyncio.run(watch.look())
    first = lineage._recall(tmp_path)
    assert first is not None
    beside, forgotten = tmp_path / "beside", list[str]()
    beside.mkdir()
    second = lineage.Watch(house.db, house.registry, beside, lambda: forgotten.append("all"))

    def epoch() -> int:
        host = house.db.read_now(lambda tx: house.registry.all(tx)[0])
        return host.epoch

    before = epoch()
    lineage._remember(beside, first)
    lineage._remember(tmp_path, lineage.Remembered(first.cloud, 1, first.event, "another event"))
    asyncio.run(watch.look())
    assert lineage.keeps_unknown(tmp_path) and epoch() == before + 1
    # One that saw nothing of it itself acts as well, once.
    asyncio.run(second.look())
    assert lineage.keeps_unknown(beside) and forgotten == ["all"] and epoch() == before + 1
    (beside / RESTORED).unlink()
    asyncio.run(second.look())
    assert not lineage.keeps_unknown(beside)
    # And so does one that saw it, too: what the operator said to the first one stays.
    (tmp_path / RESTORED).unlink()
    lineage._remember(beside, lineage.Remembered(first.cloud, 1, first.event, "another event"))
    asyncio.run(second.look())
    assert lineage.keeps_unknown(beside) and epoch() == before + 1
    asyncio.run(watch.look())
    assert not lineage.keeps_unknown(tmp_path)
    house.db.close()
