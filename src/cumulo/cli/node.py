"""`cumulo node`: several control nodes for one cloud, on one PostgreSQL.

`token create` (on a node) prints the line for another machine, `join` (over there) makes it a
control node: it answers all APIs and shares the work. `list` shows them, `remove` forgets one that
has stopped.
"""

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from cumulo.cli import instance, setup, up
from cumulo.cli.host import ask_cloud, note_on
from cumulo.cli.options import data_dir_option, load_settings, refusal, typed
from cumulo.cli.packages import SetupFailed
from cumulo.cli.serve import prepare_data_dir

NODES = "/cumulo/nodes"


@click.group()
def command() -> None:
    """Look after control nodes."""


@command.group()
def token() -> None:
    """Tokens that let machines become control nodes."""


@token.command("create")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 7 * 24 * 60))
@data_dir_option
def create(minutes: int, data_dir: Path | None) -> None:
    """Print the command that makes another machine a control node of this cloud; good once. Whoever
    has it gets the cloud's keys and its database."""
    body = {"minutes": minutes}
    made = ask_cloud(data_dir, lambda client: client.post(f"{NODES}/tokens", body))
    click.echo(f"./cumulo node join {made['url']} --token {made['token']}")
    from cumulo.core.nodes.nodes import is_local

    for note in (note_on(made["url"]), _database_note(is_local(_url(data_dir)))):
        if note:
            click.echo(f"note: {note}", err=True)


def _url(data_dir: Path | None) -> str:
    return load_settings(data_dir).database.url


def _database_note(local: bool) -> str:
    return (
        "the database's URL in cumulo.toml is good on this machine alone: add --database URL"
        if local
        else ""
    )


@command.command()
@click.argument("url")
@click.option("--token", required=True, help="What `cumulo node token create` printed.")
@click.option("--name", help="The node's name.  [this machine's]")
@click.option("--listen", metavar="ADDRESS:PORT", help="Where the APIs are.  [127.0.0.1:5000]")
@click.option("--database", help="The cloud's PostgreSQL as it is reached from here.")
@data_dir_option
def join(
    url: str,
    token: str,
    name: str | None,
    listen: str | None,
    database: str | None,
    data_dir: Path | None,
) -> None:
    """Make this machine a control node of the cloud whose node is at URL, and start it."""
    from cumulo.core.hosts.joining import CannotJoin, token_of
    from cumulo.core.nodes import joining
    from cumulo.core.nodes.nodes import is_nowhere

    settings = load_settings(data_dir, listen=listen)
    if is_nowhere(settings.link_address[0]):
        raise click.ClickException(
            f"the other nodes cannot dial {settings.host}: --listen ADDRESS:PORT with an address "
            "of this machine"
        )
    folder = settings.data_dir
    if any((folder / each).exists() for each in ("cumulo.db", "cumulo.toml", "joined.json")):
        raise click.ClickException(f"{folder} is in use already: another --data-dir")
    up.check_place(folder)
    try:
        prepare_data_dir(settings)
        lock = instance.lock(settings)
    except instance.AlreadyRunning:
        raise click.ClickException(f"another process uses {folder}") from None
    except OSError as error:
        raise refusal(error) from None
    named = name or socket.gethostname() or "localhost"
    try:
        given = joining.join(url, token_of(token), named)
        joining.settle(folder, named, given, database or given.database)
        if not given.fake:
            setup.ensure_packages("run")
    except (CannotJoin, SetupFailed, ValueError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise refusal(error) from None
    finally:
        os.close(lock)
    settings = load_settings(data_dir, listen=listen)
    up.check(settings, None)
    setup.say(f"{named} is a control node of the cloud at {url} now")
    up.begin(settings, listen)
    click.echo(f"APIs       {settings.base_url}/identity/v3")
    click.echo(f"log        {settings.log_file}")
    click.echo(f"stop       {typed(settings, 'down')}   ({typed(settings, 'up')} starts it again)")


@command.command("list")
@data_dir_option
def list_nodes(data_dir: Path | None) -> None:
    """All control nodes: do they live, what do they do."""
    found = ask_cloud(data_dir, lambda client: client.get(NODES))
    for each in found["nodes"]:
        click.echo(_line(each))


def _line(node: dict[str, Any]) -> str:
    states = ["up" if node["alive"] else "DOWN"]
    states += ["draining"] if node["draining"] else []
    states += ["has the files"] if node["content"] else []
    states += ["this one"] if node["here"] else []
    if abs(node["ahead"]) >= 1:
        states.append(f"its clock {node['ahead']:+.0f} s from the database's")
    parts = len(node["works_on"])
    return f"{node['name']}  {', '.join(states)}  {node['url']}  works on {parts} parts"


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def remove(name: str, yes: bool, data_dir: Path | None) -> None:
    """Forget a node that has stopped; it cannot come back by itself. It knew the cloud's keys and
    its database's password: docs/operating.md."""
    if not yes:
        click.confirm(f"Remove the control node {name} from the cloud?", abort=True)
    path = f"{NODES}/{quote(name, safe='')}/remove"
    ask_cloud(data_dir, lambda client: client.post(path, None))
    click.echo(f"{name} is no control node any more; on that machine: ./cumulo down --purge")
