"""`rally env …`: clouds to be measured."""

import json
import os
from pathlib import Path
from typing import Any

import click

from cumulo.benchmark.client.clouds import BadSpec, platform_of, spec_of_cloud, spec_of_environment
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import UNFINISHED, Environment, TaskResult
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.service import environments, owners, tasks
from cumulo.cli.rally.common import Group, by_position, environment, plain, say, store, table

YES, NO = ":-)", ":-("


@click.group(cls=Group)
def env() -> None:
    """Clouds to be measured."""


@env.command()
@click.argument("given", required=False)
@click.option("--name", "-n", help="Name of the env.")
@click.option("--description", "-d", default="", help="A description.")
@click.option("--extras", "-e", help="JSON or YAML with whatever belongs to it.")
@click.option("--spec", "-s", "--filename", help="A file with the platforms (Rally's format).")
@click.option("--from-sysenv", "--fromenv", is_flag=True, help="From the shell's OS_ variables.")
@click.option("--cloud", help="From an entry of clouds.yaml.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-use", is_flag=True, help="Do not make it the one in use.")
def create(
    given: str | None,
    name: str | None,
    description: str,
    extras: str | None,
    spec: str | None,
    from_sysenv: bool,
    cloud: str | None,
    as_json: bool,
    no_use: bool,
) -> None:
    """Create an environment."""
    named = name or given
    if not named:
        raise click.UsageError("Missing option '--name' / '-n'.")
    if sum(map(bool, (spec, from_sysenv, cloud))) > 1:
        given_ones = {"--spec": spec, "--from-sysenv": from_sysenv, "--cloud": cloud}
        names = " and ".join(f"'{name}'" for name, value in given_ones.items() if value)
        raise click.ClickException(
            f"Arguments {names} cannot be used together, use only one of them."
        )
    try:
        kept = environments.create(
            store(),
            named,
            _spec(spec, from_sysenv, cloud),
            description=description,
            extras=_extras(extras),
            use=not no_use,
        )
    except BadSpec as error:
        raise click.ClickException(f"Env spec has wrong format: {error}") from None
    except Exists as error:
        raise click.ClickException(str(error)) from None
    _show(environments.hidden(kept), as_json)


def _extras(given: str | None) -> Any:
    try:
        found = document.decode(given) if given else None
    except document.NotPlain as error:
        raise click.ClickException(f"--extras is neither YAML nor JSON: {error}") from None
    if found is not None and not isinstance(found, dict):
        raise click.ClickException(f"--extras is no dict, but '{type(found).__name__}'")
    return found


def _spec(path: str | None, from_sysenv: bool, cloud: str | None) -> dict[str, Any]:
    if cloud:
        return spec_of_cloud(cloud)
    if from_sysenv:
        return spec_of_environment(os.environ)
    return spec_of(path) if path else {}


def spec_of(path: str) -> dict[str, Any]:
    """What a file says of platforms. Raises BadSpec."""
    try:
        found = document.decode(Path(path).expanduser().read_text()) or {}
    except (OSError, ValueError, RuntimeError, document.NotPlain) as error:
        raise BadSpec(str(error)) from None
    if not isinstance(found, dict):
        raise BadSpec("it is not a dict")
    return found


def _show(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    rows = [(k, document[k]) for k in ("uuid", "name", "status", "created_at", "description")]
    rows.append(("extras", json.dumps(document["extras"])))
    for platform, data in document["spec"].items():
        rows.append((f"platform: {platform}", json.dumps(data, indent=2)))
    click.echo(table(("Field", "Value"), rows))


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_(as_json: bool) -> None:
    """List environments."""
    kept = store()
    found = kept.environments()
    if as_json:
        click.echo(json.dumps([environments.hidden(e) for e in found], indent=2))
        return
    if not found:
        click.echo(
            "There are no environments. To create a new environment, use command bellow to create "
            "one:\nrally env create"
        )
        return
    chosen = kept.chosen(environments.CHOSEN)
    columns = ("uuid", "name", "status", "created_at", "description", "default")
    rows = [
        (e.uuid, e.name, e.status, e.created_at, e.description, "*" if e.uuid == chosen else "")
        for e in reversed(found)
    ]
    click.echo(table(columns, rows))


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--only-spec", is_flag=True, help="Its platforms alone.")
def show(given: str | None, given_flag: str | None, as_json: bool, only_spec: bool) -> None:
    """Show an environment; passwords are left out."""
    document = environments.hidden(environment(store(), given_flag or given))
    if only_spec:
        click.echo(json.dumps(document["spec"], indent=2))
    else:
        _show(document, as_json)


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--detailed", is_flag=True, help="The plugin's name, too.")
def check(given: str | None, given_flag: str | None, as_json: bool, detailed: bool) -> None:
    """Check whether its users can log in. Exit status 1 if one cannot."""
    kept = environment(store(), given_flag or given)
    found = environments.run(environments.check(kept))
    available = all(each["available"] for each in found.values())
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        columns = ["Available", "Platform", "Message", *(["Plugin"] if detailed else [])]
        rows = [
            [
                YES if each["available"] else NO,
                name.partition("@")[2],
                each["message"],
                *([name] if detailed else []),
            ]
            for name, each in found.items()
        ]
        click.echo(f"Env '{kept.name} ({kept.uuid})' {YES if available else NO}")
        click.echo(table(columns, rows))
    if not available:
        raise SystemExit(1)


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def info(given: str | None, given_flag: str | None, as_json: bool) -> None:
    """Show what services the cloud has."""
    found = environments.run(environments.info(environment(store(), given_flag or given)))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        rows = [
            (name, json.dumps(each["info"], indent=2), each.get("error", ""))
            for name, each in found.items()
        ]
        click.echo(table(("platform", "info", "error"), rows))
    if any(each.get("error") for each in found.values()):
        raise SystemExit(1)


def _aside(words: str) -> None:
    """Beside what is printed, which may be read by a program."""
    click.echo(plain(words), err=True)


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def cleanup(given: str | None, given_flag: str | None, as_json: bool) -> None:
    """Take away all that tasks have left in the cloud, found by its name."""
    kept = store()
    found = environment(kept, given_flag or given)
    _at_rest(kept, found)
    report = environments.run(tasks.clean(kept, found, _aside))
    if as_json:
        one = {
            "discovered": report.discovered,
            "deleted": report.deleted,
            "failed": report.failed,
            "errors": [{"message": words} for words in report.errors],
        }
        click.echo(json.dumps({"existing@openstack": one}, indent=2))
    else:
        click.echo("Cleaning is finished. See the results bellow.\n")
        click.echo(f"Information for existing@openstack platform.\n{'=' * 80}")
        for word in ("discovered", "deleted", "failed"):
            click.echo(f"Total {word}: {getattr(report, word)}")
        if report.errors:
            click.echo("Errors:\n\t- " + "\n\t- ".join(report.errors))
    if report.failed:
        raise SystemExit(1)


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def use(given: str | None, given_flag: str | None, as_json: bool) -> None:
    """Make it the one that commands take if they are told nothing."""
    kept = store()
    named = given_flag or given
    if not named:
        raise click.UsageError("Missing argument 'ENV'.")
    try:
        found = kept.environment(named)
    except NoSuch:
        raise click.ClickException(f"Can't use non existing environment {named}.") from None
    kept.choose(environments.CHOSEN, found.uuid)
    said = {"uuid": found.uuid}
    click.echo(json.dumps(said) if as_json else f"Using environment: {found.uuid}")


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--skip-cleanup", is_flag=True, help="Leave in the cloud what tasks have left.")
@click.option("--json", "as_json", is_flag=True, hidden=True)
@click.option("--detailed", is_flag=True, hidden=True)
def destroy(
    given: str | None, given_flag: str | None, skip_cleanup: bool, as_json: bool, detailed: bool
) -> None:
    """Take away what tasks have left in the cloud; the environment's records stay."""
    kept = store()
    end(kept, environment(kept, given_flag or given), skip_cleanup=skip_cleanup)


def end(kept: Store, found: Environment, *, skip_cleanup: bool) -> None:
    """Take away what tasks have left, and say so."""
    _at_rest(kept, found, in_its_cloud=False)
    if not skip_cleanup:
        # Of its own tasks alone: others may be measuring in that cloud.
        stays = environments.run(tasks.leftovers(kept, found, say))
        if stays:
            raise click.ClickException(f"{NO} Failed to destroy env {found.name}: {stays[:5]}")
    found.status = "DESTROYED"
    kept.put_environment(found)
    click.echo(f"{YES} Successfully destroyed env {found.name}")


@env.command()
@by_position("given", "--env", "--deployment", help="UUID or name of the env.")
@click.option("--force", is_flag=True, help="Also if it has not been destroyed.")
def delete(given: str | None, given_flag: str | None, force: bool) -> None:
    """Forget an environment with all its tasks. It has to be destroyed before."""
    named = given_flag or given
    if not named:
        raise click.UsageError("Missing argument 'ENV'.")
    kept = store()
    forget(kept, environment(kept, named), force=force)


def forget(kept: Store, found: Environment, *, force: bool) -> None:
    """Delete an environment with its tasks, if nothing speaks against it."""
    if found.status != "DESTROYED" and not force:
        raise click.ClickException(
            f"Env {found.name} ({found.uuid}) is {found.status}: what its tasks have left in the "
            "cloud would be forgotten. First: rally env destroy, or --force"
        )
    if not force:
        _at_rest(kept, found, in_its_cloud=False)
    kept.delete_environment(found.uuid)
    click.echo(f"Env {found.name} ({found.uuid}) was deleted with all its tasks.")


def _at_rest(kept: Store, found: Environment, *, in_its_cloud: bool = True) -> None:
    """What a running task has made bears such names, too, of whatever env of that cloud it is."""
    where = _cloud(found)
    for env in kept.environments() if in_its_cloud and where else [found]:
        if env.uuid != found.uuid and _cloud(env) != where:
            continue
        for task in unfinished(kept, env.uuid):
            if owners.alive(kept, task.uuid):
                raise click.ClickException(f"A task of env {env.name} is running: {task.uuid}")


def _cloud(env: Environment) -> str:
    return str(platform_of(env.spec).get("auth_url") or "").rstrip("/")


def unfinished(kept: Store, env_uuid: str) -> list[TaskResult]:
    return [task for status in UNFINISHED for task in kept.tasks(env_uuid, status)]
