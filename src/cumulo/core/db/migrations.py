"""Schema migrations: forward only, after an automatic copy of the database.

An empty database gets today's tables at once and is stamped with the newest revisions; Alembic is
imported only when a database of an older release is found. Revisions live in one folder a service,
`SERVICE/migrations`, and for core in `core/migrations`: each an Alembic branch of its own, numbered
by file name. They follow the common chain of the first releases, `migrations/versions`, and run in
the order of the services. A test proves that all of them together give today's tables.
"""

import functools
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import sqlalchemy as sa

from cumulo import order
from cumulo.core.db.rows import METADATA
from cumulo.core.db.statements import DIALECTS

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "migrations"
_REVISION = re.compile(r"^revision(?:: str)? = [\"'](\w+)[\"']", re.M)


class UnknownRevision(Exception):
    """The database was written by a newer release than this one."""


def branches() -> list[Path]:
    """The folders of revisions, in the order in which they are run."""
    rooms = [ROOT / name / "migrations" for name in ("core", *order.services())]
    return [SCRIPTS / "versions", *(room for room in rooms if room.is_dir())]


def newest_revisions() -> list[str]:
    """The last revision of each branch, by file name: they are numbered."""
    heads = []
    for folder in branches():
        last = max(folder.glob("[0-9]*.py"))
        found = _REVISION.search(last.read_text())
        assert found is not None, last
        heads.append(found.group(1))
    return heads


def schema_text(engine: str) -> Sequence[str]:
    """The statements that make all tables and indexes of this release."""
    return _schema_text(engine, len(METADATA.tables))


@functools.cache
def _schema_text(engine: str, tables: int) -> Sequence[str]:
    """`tables`: how many are declared by now."""
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

    def has_table(self, name: str) -> bool: ...

    def revisions(self) -> frozenset[str] | None:
        """The revisions that the database is stamped with; None for an empty database."""

    def run_script(self, statements: Sequence[str]) -> None:
        """Run all of them in one transaction."""

    def keep_copy(self, name: str) -> None:
        """Put a copy aside before a migration, where the engine can."""

    def url(self) -> sa.URL:
        """Where Alembic finds the database."""

    def alone(self, what: str) -> AbstractContextManager[None]:
        """While this lasts, no other process is in the same `what`."""


def prepare(database: Migratable) -> None:
    """Bring the database to this release's schema; several processes may be at it. Raises
    UnknownRevision for a newer one."""
    with database.alone("schema"):
        _prepare(database)


def _prepare(database: Migratable) -> None:
    found = database.revisions()
    newest = newest_revisions()
    if found == frozenset(newest):
        return
    if found is None:
        database.run_script(
            [
                *schema_text(database.engine),
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
                *(f"INSERT INTO alembic_version (version_num) VALUES ('{one}')" for one in newest),
            ]
        )
        return
    upgrade(database)


def remove(database: Migratable) -> int:
    """Drop every table of this release, with all that is in them; how many there were. What else
    is in the database stays."""
    names = [made.name for made in METADATA.sorted_tables]
    known = [name for name in [*reversed(names), "alembic_version"] if database.has_table(name)]
    cascade = " CASCADE" if database.engine == "postgresql" else ""
    database.run_script([f'DROP TABLE "{name}"{cascade}' for name in known])
    return len(known)


def upgrade(database: Migratable) -> None:
    """Run the revisions that the database lacks. Raises UnknownRevision for a newer one."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    found = database.revisions() or frozenset()
    lacking = [one for one in newest_revisions() if one not in found]
    database.keep_copy(f"before-{'-'.join(lacking)[:80]}")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(each) for each in branches()))
    config.attributes["url"] = database.url()
    try:
        for revision in newest_revisions():
            command.upgrade(config, revision)
    except CommandError as error:
        told = ", ".join(sorted(found))
        raise UnknownRevision(f"revision {told} of the database: {error}") from error
