"""`rally deployment …`: environments under the name that they had before, and with what scripts of
that time rely on: `destroy` forgets the record, too, `check` lists services, `config` prints."""

import json
from typing import Any

import click

from cumulo.benchmark.client.clouds import BadSpec, platform_of
from cumulo.benchmark.service import environments
from cumulo.cli.rally import env
from cumulo.cli.rally.common import Group, by_position, environment, store, table


@click.group(cls=Group)
def deployment() -> None:
    """Clouds to be measured, as they were called before."""


for _name in ("create", "use", "delete", "cleanup", "info"):
    deployment.add_command(env.env.commands[_name])

_named = by_position("given", "--deployment", "--env", help="UUID or name of the deployment.")


@deployment.command("list")
def list_() -> None:
    """List deployments."""
    kept = store()
    found = kept.environments()
    if not found:
        click.echo(
            "There are no deployments. To create a new deployment, use:\nrally deployment create"
        )
        return
    chosen = kept.chosen(environments.CHOSEN)
    rows = [
        (e.uuid, e.created_at, e.name, e.status, "*" if e.uuid == chosen else "")
        for e in sorted(found, key=lambda e: e.created_at)
    ]
    click.echo(table(("uuid", "created_at", "name", "status", "active"), rows))


@deployment.command()
@_named
def config(given: str | None, given_flag: str | None) -> None:
    """Print what the deployment was made of, with its passwords."""
    found = environment(store(), given_flag or given)
    click.echo(json.dumps(found.spec, sort_keys=True, indent=4))


@deployment.command()
@_named
def show(given: str | None, given_flag: str | None) -> None:
    """Show whose credentials the deployment has; passwords are left out."""
    found = environment(store(), given_flag or given)
    platform = _platform(found.spec)
    columns = ("auth_url", "username", "password", "tenant_name", "region_name", "endpoint_type")
    users = [*(platform.get("users") or ()), *filter(None, [platform.get("admin")])]
    rows = [
        (
            platform.get("auth_url", ""),
            user.get("username", ""),
            "***",
            user.get("tenant_name") or user.get("project_name") or "",
            platform.get("region_name") or "",
            user.get("endpoint_type") or platform.get("endpoint_type") or "",
        )
        for user in users
    ]
    click.echo(table(columns, rows))


def _platform(spec: dict[str, Any]) -> dict[str, Any]:
    try:
        return platform_of(spec)
    except BadSpec as error:
        raise click.ClickException(str(error)) from None


@deployment.command()
@_named
def check(given: str | None, given_flag: str | None) -> None:
    """Log in and list the cloud's services. Exit status 1 if that cannot be done."""
    found = environment(store(), given_flag or given)
    for each in environments.run(environments.check(found)).values():
        if not each["available"]:
            raise click.ClickException(f"Authentication Issues: {each['message']}")
    services = [
        (service.get("name", ""), service["type"], "Available")
        for each in environments.run(environments.info(found)).values()
        for service in each["info"].get("services", ())
    ]
    click.echo("keystone endpoints are valid and following services are available:")
    click.echo(table(("services", "type", "status"), services))


@deployment.command()
@_named
def destroy(given: str | None, given_flag: str | None) -> None:
    """Take away what tasks have left in the cloud, and forget the deployment with its tasks."""
    kept = store()
    found = environment(kept, given_flag or given)
    env.end(kept, found, skip_cleanup=False)
    env.forget(kept, found, force=False)


@deployment.command()
@_named
@click.option("--filename", "-s", help="A file with what it is made of from now on.")
def recreate(given: str | None, given_flag: str | None, filename: str | None) -> None:
    """Take away what tasks have left in the cloud; the deployment, its UUID and its tasks stay."""
    kept = store()
    found = environment(kept, given_flag or given)
    try:
        spec = environments.checked(env.spec_of(filename)) if filename else found.spec
    except BadSpec as error:
        raise click.ClickException(f"Config has wrong format: {error}") from None
    env.end(kept, found, skip_cleanup=False)
    found.spec = spec
    found.status = "READY"
    kept.put_environment(found)
    click.echo(f"Deployment {found.name} ({found.uuid}) is ready.")
