"""Schema migrations: forward only, after an automatic copy of the database.

An empty database gets today's tables at once and is stamped with the newest revision; Alembic is
imported only when a database of an older release is found. Revisions live in
`cumulo/migrations/versions`; a test proves that all of them together give today's tables.
"""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cumulo.core.db.postgresql import PostgresqlDatabase
from cumulo.core.db.rows import METADATA
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.statements import DIALECTS

SCRIPTS = Path(__file__).parents[2] / "migrations"
_REVISION = re.compile(r"^revision(?:: str)? = [\"'](\w+)[\"']", re.M)


class UnknownRevision(Exception):
    """The database was written by a newer release than this one."""


def newest_revision() -> str:
    """The last revision by file name: they are numbered."""
    last = max((SCRIPTS / "versions").glob("[0-9]*.py"))
    found = _REVISION.search(last.read_text())
    assert found is not None, last
    return found.group(1)


def schema_text(engine: str) -> list[str]:
    """The statements that make all tables and indexes of this release."""
    dialect = DIALECTS[engine]
    text = []
    for made in METADATA.sorted_tables:
        text.append(str(sa.schema.CreateTable(made).compile(dialect=dialect)))
        text.extend(
            str(sa.schema.CreateIndex(index).compile(dialect=dialect))
            for index in sorted(made.indexes, key=lambda index: str(index.name))
        )
    return text


def prepare(database: SqliteDatabase | PostgresqlDatabase) -> None:
    """Bring the database to this release's schema."""
    found = current_revision(database)
    newest = newest_revision()
    if found == newest:
        return
    if found is None:
        _create(database, newest)
        return
    _migrate(database, found, newest)


def current_revision(database: SqliteDatabase | PostgresqlDatabase) -> str | None:
    if isinstance(database, SqliteDatabase):
        tables = database.raw().execute(
            "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
        )
        if tables.fetchone() is None:
            return None
        row = database.raw().execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])
    import psycopg

    with psycopg.connect(database.dsn) as connection:
        known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if known is None or known[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def _create(database: SqliteDatabase | PostgresqlDatabase, newest: str) -> None:
    statements = [
        *schema_text(database.engine),
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        f"INSERT INTO alembic_version (version_num) VALUES ('{newest}')",
    ]
    if isinstance(database, SqliteDatabase):
        connection = database.raw()
        connection.execute("BEGIN IMMEDIATE")
        for text in statements:
            connection.execute(text)
        connection.execute("COMMIT")
        return
    import psycopg

    with psycopg.connect(database.dsn) as connection:
        for text in statements:
            connection.execute(text.encode())


def _migrate(database: SqliteDatabase | PostgresqlDatabase, found: str, newest: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    if isinstance(database, SqliteDatabase):
        database.copy_to(database.path.with_name(f"{database.path.name}.before-{newest}"))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["url"] = url_of(database)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownRevision(f"revision {found} of the database: {error}") from error


def url_of(database: SqliteDatabase | PostgresqlDatabase) -> Any:
    """The SQLAlchemy URL that Alembic connects to."""
    if isinstance(database, SqliteDatabase):
        return sa.URL.create("sqlite", database=str(database.path))
    import psycopg

    parts = psycopg.conninfo.conninfo_to_dict(database.dsn)
    return sa.URL.create(
        "postgresql+psycopg",
        username=_text(parts.get("user")),
        password=_text(parts.get("password")),
        database=_text(parts.get("dbname")),
        query={
            name: str(value)
            for name, value in parts.items()
            if name in ("host", "port", "sslmode") and value is not None
        },
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
