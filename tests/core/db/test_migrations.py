"""A database of this release is made at once, and the revisions lead to the same tables."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cumulo import settings, wiring
from cumulo.core.db import migrations
from cumulo.core.db.engines import engine_of
from cumulo.core.db.rows import METADATA


def ours(database: object) -> list[object]:
    """Differences between the database and the declared tables; test tables left out."""
    assert isinstance(database, migrations.Migratable)
    with sa.create_engine(database.url()).connect() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, METADATA)
    return [difference for difference in found if "test_" not in repr(difference)]


def test_an_empty_database_gets_todays_tables(database_url: str, tmp_path: Path) -> None:
    wanted = settings.load(tmp_path, database={"url": database_url})
    database = wiring.open_database(wanted)
    assert database.revisions() == frozenset(migrations.newest_revisions())
    assert ours(database) == []
    database.close()


def test_the_revisions_lead_to_the_same_tables(database_url: str, tmp_path: Path) -> None:
    wanted = settings.load(tmp_path, database={"url": database_url})
    database = engine_of(wanted)
    migrations.upgrade(database)
    assert database.revisions() == frozenset(migrations.newest_revisions())
    assert ours(database) == []
    database.close()


def test_a_copy_is_kept_before_a_migration(tmp_path: Path) -> None:
    database = engine_of(settings.load(tmp_path))
    database.run_script(
        [
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
            "CREATE TABLE kept (x TEXT)",
        ]
    )
    migrations.upgrade(database)
    copies = list(tmp_path.glob("cumulo.db.before-*"))
    assert len(copies) == 1
    with sa.create_engine(f"sqlite:///{copies[0]}").connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version", "kept"]
    database.close()
