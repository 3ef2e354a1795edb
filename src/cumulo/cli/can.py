"""`cumulo can USER ACTION [RESOURCE]`: may somebody do something, and why."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, not_running


@click.command()
@click.argument("user")
@click.argument("action")
@click.argument("resource", required=False)
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--all", "every", is_flag=True, help="All scopes of the user, not the best one.")
@click.pass_context
def command(
    ctx: click.Context,
    user: str,
    action: str,
    resource: str | None,
    data_dir: Path | None,
    as_json: bool,
    every: bool,
) -> None:
    """Say whether USER (name or id) may do ACTION (a policy rule, say
    os_compute_api:servers:delete) to RESOURCE (an id; without one: to something of its own).

    Ends with status 1 if not.
    """
    settings = load_settings(data_dir, forgiving=True)
    found = instance.running(settings)
    if found is None:
        raise not_running(settings)
    asked = {"user": user, "action": action} | ({"resource": resource} if resource else {})
    try:
        answer = instance.Client(settings, found.base_url).get(f"/cumulo/can?{urlencode(asked)}")
    except instance.ApiError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.encode(answer).decode())
    else:
        _say(answer, every)
    ctx.exit(0 if answer["allowed"] else 1)


def _say(answer: dict[str, Any], every: bool) -> None:
    for scope in answer["scopes"] if every else answer["scopes"][:1]:
        kind, id = next(iter(scope["scope"].items()))
        word = "yes" if scope["allowed"] else "no"
        roles = ", ".join(scope["roles"])
        name = scope["scope"]["name"]
        named = f"{kind} {name}" + (f" ({id})" if id != name else "")
        click.echo(f"{word}: {answer['user']} with a token for {named}, roles {roles}")
        for line in scope["why"]:
            click.echo(f"  {line}")
