"""`cumulo why ID|NAME`: the story of one resource, in order."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running


@click.command()
@click.argument("id", metavar="ID|NAME")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(id: str, data_dir: Path | None, as_json: bool) -> None:
    """Tell what happened to a resource (a server, volume, port … by its id or name), and why."""
    settings = load_settings(data_dir, forgiving=True)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    try:
        story = instance.Client(settings, found.base_url).get(
            f"/cumulo/why?{urlencode({'of': id})}"
        )
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.encode(story).decode())
        return
    if story["several"]:
        lines = "\n".join(_choice(each) for each in story["several"])
        raise click.ClickException(f"several things are or were called {id}; say which:\n{lines}")
    if not story["events"]:
        raise click.ClickException(f"nothing is known of {id}")
    for event in story["events"]:
        click.echo(_line(event, story["users"]))


def _choice(thing: dict[str, Any]) -> str:
    project = f"  project {thing['project_id']}" if thing["project_id"] else ""
    return f"{thing['id']}  {thing['kind']:14}{project}  {thing['last']} {thing['at'][:19]}"


def _line(event: dict[str, Any], users: dict[str, str]) -> str:
    detail = "  ".join(
        f"{name}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for name, value in event["detail"].items()
    )
    by = event["user_id"]
    who = f"  by {users.get(by, by)}" if by else ""
    return f"{event['at'][:23].replace('T', ' ')}  {event['type']:34}{who}  {detail}".rstrip()
