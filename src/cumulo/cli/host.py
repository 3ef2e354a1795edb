"""`cumulo host`: what an operator does about hosts.

`token create` lets another machine join; `list`, `show`, `disable`, `enable`, `drain`, `remove` are
about the hosts that there are.

`unknown`: things on hosts of which the cloud knows nothing (an old copy of the database was
restored, a machine came from another cloud). They are kept until somebody decides here.
"""

import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running, typed

HOSTS = "/cumulo/hosts"
AT = f"{HOSTS}/unknown"


@click.group()
def command() -> None:
    """Look after hosts."""


@command.group()
def token() -> None:
    """Tokens that let machines join."""


@token.command("create")
@click.option("--name", help="Only the host of this name; one that is there joins again with it.")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 7 * 24 * 60))
@data_dir_option
def create(name: str | None, minutes: int, data_dir: Path | None) -> None:
    """Print the command that makes another machine a host of this cloud; good once."""
    body = {"name": name, "minutes": minutes}
    made = ask_cloud(data_dir, lambda client: client.post(f"{HOSTS}/tokens", body))
    given = f" --name {name}" if name else ""
    click.echo(f"./cumulo join {made['url']} --token {made['token']}{given}")
    note = note_on(made["url"])
    if note:
        click.echo(f"note: {note}", err=True)


def note_on(url: str) -> str:
    """What keeps other machines from joining there, or from being reached."""
    text = url.partition("://")[2].rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        return "" if text else "the URL has no address"
    if address.is_loopback:
        return (
            "the cloud listens on this machine alone; for others: networks.management in "
            "cumulo.toml, or up --listen ADDRESS:PORT"
        )
    if address.is_unspecified:
        return (
            "put an address of this machine into the URL, and into networks.guest of cumulo.toml: "
            "other hosts find its networks there"
        )
    return ""


@command.command("list")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_hosts(data_dir: Path | None, as_json: bool) -> None:
    """All hosts: do they live, what is on them."""
    found = ask_cloud(data_dir, lambda client: client.get(HOSTS))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for each in found["hosts"]:
        _show(each)


@command.command()
@click.argument("host")
@data_dir_option
def show(host: str, data_dir: Path | None) -> None:
    """One host."""
    found = ask_cloud(data_dir, lambda client: client.get(f"{HOSTS}/{quote(host, safe='')}"))
    _show(found)
    click.echo(f"  last heard of  {found['last_seen']}")
    if found["certificate_until"]:
        click.echo(f"  certificate    until {found['certificate_until']}, renewed by itself")


def _show(host: dict[str, Any]) -> None:
    states = ["up" if host["alive"] else "DOWN"]
    states += [] if host["enabled"] else ["disabled"]
    states += ["joined"] if host["joined"] else []
    has = ", ".join(f"{count} of {kind}" for kind, count in host["has"].items()) or "nothing"
    click.echo(f"{host['name']}  {', '.join(states)}  {', '.join(host['kinds'])}  has {has}")


@command.command()
@click.argument("host")
@data_dir_option
def disable(host: str, data_dir: Path | None) -> None:
    """Give it no new work; what is on it goes on."""
    _tell(data_dir, host, "disable")
    click.echo(f"{host} is given no new work")


@command.command()
@click.argument("host")
@data_dir_option
def enable(host: str, data_dir: Path | None) -> None:
    """Give it work again."""
    _tell(data_dir, host, "enable")
    click.echo(f"{host} is given work")


@command.command()
@click.argument("host")
@data_dir_option
def drain(host: str, data_dir: Path | None) -> None:
    """Disable it, and say what still has to go. Exit status 1 as long as something is there."""
    _tell(data_dir, host, "disable")
    found = ask_cloud(data_dir, lambda client: client.get(f"{HOSTS}/{quote(host, safe='')}"))
    if found["has"]:
        _show(found)
        click.echo("its servers have to be deleted, or resized or migrated to other hosts")
        raise SystemExit(1)
    click.echo(f"{host} is empty: {typed(load_settings(data_dir), f'host remove {host}')}")


@command.command("remove")
@click.argument("host")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def remove_host(host: str, yes: bool, data_dir: Path | None) -> None:
    """It is no host any more; its certificate is good for nothing. Only an empty one goes."""
    if not yes:
        click.confirm(f"Remove the host {host} from the cloud?", abort=True)
    _tell(data_dir, host, "remove")
    click.echo(f"{host} is no host any more; on that machine: ./cumulo down --purge")


def _tell(data_dir: Path | None, host: str, verb: str) -> None:
    ask_cloud(data_dir, lambda client: client.post(f"{HOSTS}/{quote(host, safe='')}/{verb}", None))


@command.group()
def unknown() -> None:
    """Things on hosts that the cloud knows nothing of: list, adopt, remove."""


@unknown.command("list")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_(data_dir: Path | None, as_json: bool) -> None:
    """What is on hosts and belongs to nobody."""
    found = ask_cloud(data_dir, lambda client: client.get(AT))
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
    made = ask_cloud(data_dir, lambda client: client.post(f"{AT}/adopt", body))
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
    ask_cloud(data_dir, lambda client: client.post(f"{AT}/remove", body))
    click.echo(f"{host} removes it")


def ask_cloud(data_dir: Path | None, ask: Any) -> Any:
    """What `ask` gets of the cloud that runs here, as its admin. Raises ClickException."""
    settings = load_settings(data_dir)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    try:
        return ask(instance.Client(settings, found.base_url))
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
