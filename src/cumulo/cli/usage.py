"""`cumulo usage`: what projects used in a month, exactly, and what it costs."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running

PATH = "/rating/v1/usage"


def span(month: str | None) -> dict[str, str]:
    """The begin of a month and of the next one; nothing: this month until now."""
    if month is None:
        return {}
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", month)
    if found is None:
        raise click.BadParameter(f"{month!r} is no month: 2026-11", param_hint="--month")
    year, number = int(found[1]), int(found[2])
    then = f"{year + number // 12:04}-{number % 12 + 1:02}"
    return {"begin": f"{month}-01T00:00:00", "end": f"{then}-01T00:00:00"}


@click.command()
@data_dir_option
@click.option("--project", metavar="NAME_OR_ID", help="One project; all without it.")
@click.option("--month", metavar="YYYY-MM", help="A month; the one that runs without it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(data_dir: Path | None, project: str | None, month: str | None, as_json: bool) -> None:
    """Say what was used, in hours of each kind of thing, and its price."""
    settings = load_settings(data_dir)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    client = instance.Client(settings, found.base_url)
    query = span(month)
    try:
        projects = client.get("/identity/v3/projects")["projects"]
        names = {each["id"]: each["name"] for each in projects}
        if project is not None:
            query["project_id"] = _project(project, names)
        else:
            query["all_tenants"] = "true"
        told = client.get(f"{PATH}?{urlencode(query)}")
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.encode(told).decode())
    else:
        _show(told, names)


def _project(given: str, names: dict[str, str]) -> str:
    """Its id; one that was removed has a last bill, too."""
    if given in names or re.fullmatch(r"[0-9a-f]{32}", given.replace("-", "")):
        return given
    ids = [id for id, name in names.items() if name == given]
    if not ids:
        raise click.ClickException(f"there is no project {given!r}")
    if len(ids) > 1:
        raise click.ClickException(f"several projects are called {given!r}: {', '.join(ids)}")
    return ids[0]


def _show(told: dict[str, Any], names: dict[str, str]) -> None:
    click.echo(f"from {told['begin'][:19]} to {told['end'][:19]} (UTC)")
    for line in told["usage"]:
        facts = ", ".join(
            f"{name} {value}" for name, value in line["facts"].items() if not name.endswith("_id")
        )
        who = names.get(line["project_id"], line["project_id"])
        price = f"{line['price']:12.4f} {told['currency']}" if line["price"] else ""
        click.echo(
            f"{who:16} {line['resource_type']:16} {line['resources']:5} "
            f"{line['hours']:12.4f} h{price}  {facts}"
        )
    # Of lines that are rounded already, as decimals: what is shown adds up.
    total = sum((Decimal(str(line["price"])) for line in told["usage"]), Decimal(0))
    click.echo(f"total {total:.4f} {told['currency']}")
