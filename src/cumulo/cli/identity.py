"""`cumulo identity`: what an operator does to identity itself."""

import asyncio
import sys
from pathlib import Path

import click

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running, refusal, typed
from cumulo.cli.serve import prepare_data_dir
from cumulo.settings import Settings, fake_before


@click.group()
def command() -> None:
    """Look after identity's keys and its first accounts."""


@command.command("rotate-keys")
@data_dir_option
@click.option(
    "--credentials", is_flag=True, help="Also those of secrets at rest, which are written anew."
)
def rotate_keys(data_dir: Path | None, credentials: bool) -> None:
    """Sign new tokens with a new key. Tokens that are out stay good: nobody is logged out."""
    settings = load_settings(data_dir)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    wanted = ["tokens", *(["credentials"] if credentials else [])]
    try:
        answer = instance.Client(settings, found.base_url).post(
            "/cumulo/rotate-keys", {"rings": wanted}
        )
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
    for ring, told in answer["rings"].items():
        click.echo(f"{ring}: {told}")


@command.command("reset-admin")
@data_dir_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_admin(data_dir: Path | None, yes: bool) -> None:
    """Give `admin` a new password, and its role where somebody has taken it away.

    While the cloud is stopped. Also takes over a database whose secrets are lost: with new keys.
    """
    settings = load_settings(data_dir)
    if instance.running(settings) is not None:
        raise click.ClickException(
            f"the cloud runs; stop it first, servers go on: {typed(settings, 'down')}"
        )
    kept = fake_before(settings.data_dir)
    if kept is None and not settings.database.url:
        raise click.ClickException(f"there is no cloud in {settings.data_dir}")
    if not yes:
        if not sys.stdin.isatty():
            raise click.ClickException("the password of admin is made anew: add --yes")
        click.confirm("Make a new password for admin (tokens that are out end)?", abort=True)
    try:
        prepare_data_dir(settings)
        instance.lock(settings)
        names = asyncio.run(_reset(settings))
    except instance.AlreadyRunning:
        raise click.ClickException("another process uses the data directory") from None
    except OSError as error:
        raise refusal(error) from None
    for name in names:
        click.echo(f"{name}: a new password, in {settings.secrets_dir}/{name}-password")
    click.echo(f"start the cloud: {typed(settings, 'up')}")


async def _reset(settings: Settings) -> list[str]:
    from cumulo import wiring
    from cumulo.core.db.transaction import DatabaseAway
    from cumulo.identity.interface import FirstUsers

    try:
        cloud = wiring.build(settings, offline=True)
        cloud.frame.nodes.shared.take_over()
        try:
            return await cloud.frame.get(FirstUsers).reset()
        finally:
            cloud.close()
    except DatabaseAway as error:
        raise click.ClickException(str(error)) from None
