"""`cumulo identity`: what an operator does to identity itself."""

from pathlib import Path

import click

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running


@click.group()
def command() -> None:
    """Look after identity's keys."""


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
