"""`cumulo dns`: name servers that are not the cloud's own, and zones that nobody has any more.

`pools` lists them, and how many zones wait for each; `tell` tells them all of their zones again:
after a server lost what it had, or somebody wrote to it. (The cloud finds that out by itself, too,
within an hour.) `left` lists zones that were abandoned and are still answered for, `end` ends that.
"""

from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.cli.host import ask_cloud
from cumulo.cli.options import data_dir_option

AT = "/cumulo/dns/pools"
LEFT = "/cumulo/dns/left"


@click.group()
def command() -> None:
    """Look after name servers that are not the cloud's own, and after abandoned zones."""


def _options(function: Any) -> Any:
    flag = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
    return data_dir_option(flag(function))


@command.command("pools")
@_options
def list_pools(data_dir: Path | None, as_json: bool) -> None:
    """Pools of servers, and how many zones wait for them."""
    _show(ask_cloud(data_dir, lambda client: client.get(AT)), as_json)


@command.command()
@click.argument("pool", default="")
@_options
def tell(pool: str, data_dir: Path | None, as_json: bool) -> None:
    """Tell the servers of a pool, or of all, every zone again."""
    _show(ask_cloud(data_dir, lambda client: client.post(f"{AT}/tell", {"pool": pool})), as_json)


@command.command("left")
@_options
def list_left(data_dir: Path | None, as_json: bool) -> None:
    """Zones that were abandoned, and are still answered for."""
    _show_left(ask_cloud(data_dir, lambda client: client.get(LEFT)), as_json)


@command.command()
@click.argument("zone")
@_options
def end(zone: str, data_dir: Path | None, as_json: bool) -> None:
    """Answer for an abandoned zone no more."""
    _show_left(
        ask_cloud(data_dir, lambda client: client.post(f"{LEFT}/end", {"name": zone})), as_json
    )


def _show_left(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if not found["left"]:
        click.echo("no abandoned zone is answered for")
    for each in found["left"]:
        click.echo(f"{each['name']}  since {each['left_at']}, of project {each['project_id']}")


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if not found["pools"]:
        click.echo("the cloud's own name servers are all that there are")
    for each in found["pools"]:
        again = ", all are to be told again" if each["telling"] else ""
        click.echo(f"{each['name']}: {each['waiting']} zones wait{again}")
        for server in each["servers"]:
            click.echo(f"  {server}")
