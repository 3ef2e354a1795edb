"""`rally db …`: what scripts call before all else. The results' file is made and brought up to date
by whatever command comes first."""

import contextlib

import click

from cumulo.benchmark.queries.store import STEPS
from cumulo.cli.rally.common import Group, database, store


@click.group(cls=Group)
def db() -> None:
    """The file with environments and results."""


@db.command()
def ensure() -> None:
    """Make it if it is not there."""
    there = database().exists()
    click.echo(f"Ensuring database exists: {database()}")
    store().close()
    made = "Database created successfully"
    click.echo("Database already exists, nothing to do" if there else made)


@db.command()
def create() -> None:
    """Make it. What is there stays."""
    click.echo(f"Creating database: {database()}")
    store().close()
    click.echo("Database created successfully")


@db.command()
def upgrade() -> None:
    """Bring it up to date."""
    click.echo(f"Upgrading database: {database()}")
    store().close()
    click.echo("Database is already up to date")


@db.command()
def recreate() -> None:
    """Make it anew: environments and results are lost. Refused while a task runs, or if one has
    left something in its cloud, which nobody would find any more."""
    path = database()
    click.echo(f"Recreating database: {path}")
    if path.exists():
        kept = store()
        left = kept.unfinished_business()
        kept.close()
        if left:
            raise click.ClickException(
                f"Task {left[0]} runs, or has left something in its cloud. First: rally env "
                "destroy, of its env"
            )
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).unlink()
        click.echo("Database deleted successfully")
    store().close()
    click.echo("Database created successfully")


@db.command()
def revision() -> None:
    """Print which version of its tables it has."""
    store().close()
    click.echo(len(STEPS))


@db.command()
@click.option("--creds", is_flag=True, help="There are none: it is a file.")
def show(creds: bool) -> None:
    """Print where it is."""
    click.echo(f"sqlite:///{database()}")
