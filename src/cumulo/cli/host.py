"""`cumulo host`: what an operator does about hosts.

`unknown`: things on hosts of which the cloud knows nothing (an old copy of the database was
restored, a machine came from another cloud). They are kept until somebody decides here.
"""

from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running

AT = "/cumulo/hosts/unknown"


@click.group()
def command() -> None:
    """Look after hosts."""


@command.group()
def unknown() -> None:
    """Things on hosts that the cloud knows nothing of: list, adopt, remove."""


@unknown.command("list")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_(data_dir: Path | None, as_json: bool) -> None:
    """What is on hosts and belongs to nobody."""
    found = _client(data_dir, lambda client: client.get(AT))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if not found["unknown"]:
        click.echo("nothing: the cloud knows all that is on its hosts")
    for each in found["unknown"]:
        facts = "  ".join(f"{name}={value}" for name, value in each["facts"].items())
        click.echo(f"{each['host']}  {each['kind']}  {each['id']}  {facts}".rstrip())


@unknown.command()
@click.argument("host")
@click.argument("kind")
@click.argument("id")
@click.option("--project", required=True, help="The id of the project that gets it.")
@data_dir_option
def adopt(host: str, kind: str, id: str, project: str, data_dir: Path | None) -> None:
    """Give it to a project, as what it is (a disk becomes a volume)."""
    body = {"host": host, "kind": kind, "id": id, "project": project}
    made = _client(data_dir, lambda client: client.post(f"{AT}/adopt", body))
    click.echo("  ".join(f"{name}={value}" for name, value in made["adopted"].items()))


@unknown.command()
@click.argument("host")
@click.argument("kind")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def remove(host: str, kind: str, id: str, yes: bool, data_dir: Path | None) -> None:
    """Have its host remove it, with all that is in it."""
    if not yes:
        click.confirm(f"Remove {kind} {id} from {host}, with all that is in it?", abort=True)
    body = {"host": host, "kind": kind, "id": id}
    _client(data_dir, lambda client: client.post(f"{AT}/remove", body))
    click.echo(f"{host} removes it")


def _client(data_dir: Path | None, ask: Any) -> Any:
    settings = load_settings(data_dir)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    try:
        return ask(instance.Client(settings, found.base_url))
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
