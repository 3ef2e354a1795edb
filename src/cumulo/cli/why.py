"""`cumulo why ID`: the story of one resource, in order."""

from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running


@click.command()
@click.argument("id")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(id: str, data_dir: Path | None, as_json: bool) -> None:
    """Tell what happened to a resource (a server, volume, port … by its id), and why."""
    settings = load_settings(data_dir)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    try:
        story = instance.Client(settings, found.base_url).get(f"/cumulo/why/{id}")
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.encode(story).decode())
        return
    if not story["events"]:
        raise click.ClickException(f"nothing is known of {id}")
    for event in story["events"]:
        click.echo(_line(event))


def _line(event: dict[str, Any]) -> str:
    detail = "  ".join(
        f"{name}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for name, value in event["detail"].items()
    )
    who = f"  by {event['user_id']}" if event["user_id"] else ""
    return f"{event['at'][:23].replace('T', ' ')}  {event['type']:34}{who}  {detail}".rstrip()
