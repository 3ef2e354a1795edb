"""Which engine the settings name."""

from collections.abc import Callable
from typing import Any

from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.settings import Settings

Engine = Callable[[Settings], Any]
"""Opens the settings' database."""


def engine_of(settings: Settings) -> Any:
    url = settings.database.url
    if not url:
        path = settings.data_dir / "cumulo.db"
        return SqliteDatabase(path, durable=settings.database.durable_commits)
    from cumulo.core.db.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(url, threads=settings.database.threads)
