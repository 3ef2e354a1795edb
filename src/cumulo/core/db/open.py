"""Which engine the settings name, opened with this release's schema."""

from typing import Any

from cumulo.core.db import migrations
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.settings import Settings


def engine_of(settings: Settings) -> Any:
    """The engine that the settings name."""
    url = settings.database.url
    if not url:
        path = settings.data_dir / "cumulo.db"
        return SqliteDatabase(path, durable=settings.database.durable_commits)
    from cumulo.core.db.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(url, threads=settings.database.threads)


def open_database(settings: Settings) -> Any:
    """The same, with this release's schema; every service's tables have been declared."""
    database = engine_of(settings)
    migrations.prepare(database)
    return database
