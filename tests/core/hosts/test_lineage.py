"""A first start that is killed is no foreign cloud at the second one."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from cumulo.core.db.statements import statement
from cumulo.core.hosts import lineage
from tests.core.hosts.test_conductor import House


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
