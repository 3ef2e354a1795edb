"""`cumulo down`: stop the control plane; with `--guests` the guests too; `--purge`: everything."""

import asyncio
import shutil
import sys
from pathlib import Path

import click

from cumulo import settings as settings_module
from cumulo.cli import clouds_yaml, database, instance, setup
from cumulo.cli.options import data_dir_option, load_settings
from cumulo.settings import Settings


@click.command()
@data_dir_option
@click.option("--guests", is_flag=True, help="Stop the guests as well.")
@click.option(
    "--purge",
    is_flag=True,
    help="Stop everything and remove all that Cumulo made, the data directory included.",
)
@click.option("--yes", is_flag=True, help="With --purge: do not ask.")
@click.option("--keep-database", is_flag=True, help="With --purge: leave the tables in PostgreSQL.")
def command(
    data_dir: Path | None, guests: bool, purge: bool, yes: bool, keep_database: bool
) -> None:
    """Stop the cloud. Without options the guests and their networks go on."""
    settings = load_settings(data_dir, forgiving=not purge)
    tables = False
    if purge:
        # Ours or not, there or away: known before anything is removed.
        # They are the cloud's, which goes on without a control node that had joined it.
        tables = settings.node.content and not keep_database and _has_tables(settings)
        _ask(settings, yes, tables)
    found = instance.running(settings)
    if found is not None:
        found.daemon.stop(grace=20.0)
        setup.say("the control plane has stopped")
    else:
        setup.say("the control plane does not run")
    if not settings.data_dir.exists():
        return
    try:
        instance.lock(settings)
    except instance.AlreadyRunning:
        raise click.ClickException("another process uses the data directory") from None
    if guests or purge:
        asyncio.run(_stop_guests(settings, remove=purge))
    if tables:
        setup.say(f"{database.drop(settings)} tables of {settings.database.shown} are dropped")
    if purge:
        _remove(settings)


def _has_tables(settings: Settings) -> bool:
    """Whether there is a PostgreSQL database with this cloud's tables."""
    if not settings_module.is_cloud(settings.data_dir):
        return False
    try:
        return database.refuse_foreign(settings)
    except click.ClickException as error:
        raise click.ClickException(
            f"{error.message.partition('. Go on')[0]}\n"
            "Nothing was removed; with --keep-database all but what is in there goes."
        ) from None


def _ask(settings: Settings, yes: bool, tables: bool) -> None:
    """Raises ClickException for what is no cloud of ours, and where nobody says yes."""
    place = settings.data_dir
    if place.exists() and not settings_module.is_cloud(place):
        raise click.ClickException(f"{place} is no data directory of Cumulo: nothing is removed")
    if yes or not place.exists():
        return
    more = f", the cloud's tables in {settings.database.shown}" if tables else ""
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"--purge removes all servers, volumes, images{more} and {place}: add --yes"
        )
    click.confirm(
        f"Remove all servers, volumes, images of the cloud{more}, and {place}?", abort=True
    )


async def _stop_guests(settings: Settings, *, remove: bool) -> None:
    from cumulo import hosting, wiring

    stopped = await hosting.stop(settings, wiring.assemblies(), remove=remove)
    setup.say(f"{stopped} guests stopped" + (", networks removed" if remove else ""))


def _remove(settings: Settings) -> None:
    noted = settings.data_dir / "clouds-yaml-path"
    if noted.exists():
        clouds_yaml.remove(Path(noted.read_text().strip()), owner=settings.data_dir)
    if empty(settings.data_dir):
        setup.say(f"{settings.data_dir} is removed")
    else:
        setup.say(f"{settings.data_dir} is empty; it is a mount point or a link, and stays")


def empty(folder: Path) -> bool:
    """Remove all that is in it, and then itself: whether that could be done, too."""
    for each in folder.resolve().iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
