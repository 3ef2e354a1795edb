"""The cloud's database as the command line looks at it: whose it is, and its removal.

SQLite is a file of the data directory and goes with it. PostgreSQL is somebody else's server:
nothing is written there, and nothing dropped, before it is known to be this cloud's.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import click

from cumulo.cli.options import typed
from cumulo.settings import Settings


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[Any]:
    from cumulo.core.db.engines import engine_of
    from cumulo.core.db.transaction import DatabaseAway

    try:
        database = engine_of(settings)
        try:
            yield database
        finally:
            database.close()
    except DatabaseAway as error:
        raise click.ClickException(f"{settings.database.shown}: {error}") from None


def refuse_foreign(settings: Settings) -> bool:
    """Raises ClickException, with the ways to go on, for the database of another cloud. True: it
    is this cloud's; False: there is none in it."""
    from cumulo.core.hosts import lineage

    if not settings.database.url:
        return False
    with _opened(settings) as database:
        try:
            found = lineage.refuse_foreign(database, settings.data_dir, settings.secrets_dir)
        except lineage.EmptyDatabase:
            return False
        except lineage.ForeignDatabase as error:
            raise foreign(settings, error) from None
    return found is not None


def foreign(settings: Settings, error: Exception) -> click.ClickException:
    """What is wrong, and how to go on."""
    from cumulo.core.hosts.lineage import NAME, EmptyDatabase

    where = settings.database.shown or settings.data_dir / "cumulo.db"
    if isinstance(error, EmptyDatabase):
        return click.ClickException(
            f"{where} holds {error}. Go on in one of these ways:\n"
            "  - with that cloud: name its database as database.url in "
            f"{settings.data_dir / 'cumulo.toml'}, or put a copy of it in place\n"
            "  - with a new cloud: in another data directory, or here after "
            f"{typed(settings, 'down --purge')}"
        )
    # A directory that has a cloud does not begin another one.
    other = "this directory's own" if (settings.data_dir / NAME).exists() else "an empty"
    return click.ClickException(
        f"{where} holds {error}. Go on in one of these ways:\n"
        f"  - with its secrets: copy that cloud's secrets directory to {settings.secrets_dir}\n"
        f"  - with {other} database: another database.url in "
        f"{settings.data_dir / 'cumulo.toml'}\n"
        f"  - without its secrets: {typed(settings, 'identity reset-admin')} takes the cloud over "
        "with new passwords and keys; what is stored encrypted (EC2 keys, one-time password "
        "seeds) can then no longer be read"
    )


def drop(settings: Settings) -> int:
    """Drop this cloud's tables; how many."""
    from cumulo import wiring
    from cumulo.core.db import migrations

    wiring.assemblies()
    with _opened(settings) as database:
        return migrations.remove(database)
