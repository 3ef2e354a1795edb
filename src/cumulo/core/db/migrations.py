"""Schema migrations: forward only, after an automatic copy of the database.

An empty database gets today's tables at once and is stamped with the newest revision; Alembic is
imported only when a database of an older release is found. Revisions live in
`cumulo/migrations/versions`; a test proves that all of them together give today's tables.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import sqlalchemy as sa

from cumulo.core.db.rows import METADATA
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


@runtime_checkable
class Migratable(Protocol):
    """What an engine offers to migrations."""

    engine: str

    def revision(self) -> str | None:
        """The revision that the database is stamped with; None for an empty database."""

    def run_script(self, statements: Sequence[str]) -> None:
        """Run all of them in one transaction."""

    def keep_copy(self, name: str) -> None:
        """Put a copy aside before a migration, where the engine can."""

    def url(self) -> sa.URL:
        """Where Alembic finds the database."""


def prepare(database: Migratable) -> None:
    """Bring the database to this release's schema. Raises UnknownRevision for a newer one."""
    found = database.revision()
    newest = newest_revision()
    if found == newest:
        return
    if found is None:
        database.run_script(
            [
                *schema_text(database.engine),
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
                f"INSERT INTO alembic_version (version_num) VALUES ('{newest}')",
            ]
        )
        return
    upgrade(database)


def upgrade(database: Migratable) -> None:
    """Run the revisions that the database lacks. Raises UnknownRevision for a newer one."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    found, newest = database.revision(), newest_revision()
    database.keep_copy(f"before-{newest}")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["url"] = database.url()
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownRevision(f"revision {found} of the database: {error}") from error
