"""`cumulo object-store`: devices that come and go.

`ring show`: the devices, what part of the objects each keeps, what repair has done. `ring add`
takes one more, `ring set-weight` gives it another part (0 empties it), `ring remove` empties it
and, when it is empty, forgets it. All of it takes effect at once, and objects move by themselves,
at a bounded rate; `ring rebalance` waits for a pass. `audit` reads everything now.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from cumulo.cli.host import ask_cloud
from cumulo.cli.options import data_dir_option

AT = "/cumulo/object-store"


@click.group()
def command() -> None:
    """Look after the object store's devices."""


@command.group()
def ring() -> None:
    """Devices, and who keeps what."""


def _options(function: Any) -> Any:
    flag = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
    return data_dir_option(flag(function))


@ring.command()
@_options
def show(data_dir: Path | None, as_json: bool) -> None:
    """The devices, and what repair has done since the start."""
    _show(ask_cloud(data_dir, lambda client: client.get(f"{AT}/ring")), as_json)


@ring.command()
@click.argument("name")
@click.option("--path", help="Its folder; without: objects/NAME in the data directory.")
@click.option("--weight", type=click.FloatRange(0, 1_000_000), default=1.0, show_default=True)
@click.option("--zone", default="", help="Replicas are in different zones where they can be.")
@click.option("--region", default="", help="The same, above zones.")
@_options
def add(
    name: str,
    path: str | None,
    weight: float,
    zone: str,
    region: str,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """One more device."""
    wish = {
        "name": name,
        "path": str(Path(path).expanduser().resolve()) if path else "",
        "weight": weight,
        "zone": zone,
        "region": region,
    }
    _show(ask_cloud(data_dir, lambda client: client.post(f"{AT}/devices", wish)), as_json)


@ring.command("set-weight")
@click.argument("name")
@click.argument("weight", type=click.FloatRange(0, 1_000_000))
@_options
def set_weight(name: str, weight: float, data_dir: Path | None, as_json: bool) -> None:
    """Another part of the objects; 0 empties it."""
    path = f"{AT}/devices/{quote(name, safe='')}/weight"
    _show(ask_cloud(data_dir, lambda client: client.post(path, {"weight": weight})), as_json)


@ring.command()
@click.argument("name")
@click.option("--forget", is_flag=True, help="It is empty or lost: it is no device any more.")
@_options
def remove(name: str, forget: bool, data_dir: Path | None, as_json: bool) -> None:
    """Empty a device; with --forget it is none any more."""
    path = f"{AT}/devices/{quote(name, safe='')}"
    if forget:
        found = ask_cloud(data_dir, lambda client: client.post(f"{path}/forget", {}))
    else:
        found = ask_cloud(data_dir, lambda client: client.post(f"{path}/weight", {"weight": 0}))
    _show(found, as_json)


@ring.command()
@_options
def rebalance(data_dir: Path | None, as_json: bool) -> None:
    """A pass of repair, now; waits for its end."""
    _show(ask_cloud(data_dir, lambda client: client.post(f"{AT}/rebalance", {})), as_json)


@command.command()
@_options
def audit(data_dir: Path | None, as_json: bool) -> None:
    """Hold every object against its checksum, now; what has rotted is made again."""
    _show(ask_cloud(data_dir, lambda client: client.post(f"{AT}/audit", {})), as_json)


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    click.echo(f"{found['replicas']} replicas, {found['partitions']} partitions")
    for each in found["devices"]:
        place = "/".join(part for part in (each["region"], each["zone"]) if part)
        state = "" if each["there"] else "  NOT THERE"
        click.echo(
            f"  {each['name']:<12} weight {each['weight']:g}, {each['share']:.1%} of the objects, "
            f"{each['free'] / 2**30:.1f} of {each['bytes'] / 2**30:.1f} GiB free"
            f"{f', {place}' if place else ''}  {each['path']}{state}"
        )
    done = found["repair"]
    click.echo(
        f"repair: {done['passes']} passes, {done['copied']} copied, {done['dropped']} moved away, "
        f"{done['missing']} missing; {done['audits']} audits, {done['quarantined']} in quarantine"
    )
