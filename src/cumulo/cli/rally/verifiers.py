"""`rally verify …-verifier`: Tempest, installed, extended, configured."""

from pathlib import Path
from typing import Any

import click

from cumulo.benchmark.model import document
from cumulo.benchmark.service import verifications
from cumulo.benchmark.verification import configuration
from cumulo.cli.rally.common import by_position, environment, store, table
from cumulo.cli.rally.verifying import do, folder, place_of, runner_of, text_of, verifier_of, verify


@verify.command("list-plugins")
def list_plugins() -> None:
    """What can verify: Tempest."""
    click.echo(table(("Name", "Platform", "Title"), [("tempest", "openstack", "Tempest verifier")]))


@verify.command("create-verifier")
@click.option("--name", required=True, help="Its name.")
@click.option("--type", "kind", default="tempest", help="tempest")
@click.option("--namespace", "--platform", default="openstack", hidden=True)
@click.option("--version", help="A version of Tempest; the newest without it.")
@click.option("--source", help="What pip is to install instead of the package: a path or URL.")
@click.option("--with", "plugins", multiple=True, help="A package with more tests.")
@click.option("--system-wide", is_flag=True, help="Use the Tempest that is beside this program.")
@click.option("--no-use", is_flag=True, help="Do not make it the one in use.")
def create_verifier(
    name: str,
    kind: str,
    namespace: str,
    version: str | None,
    source: str | None,
    plugins: tuple[str, ...],
    system_wide: bool,
    no_use: bool,
) -> None:
    """Install Tempest in an environment of its own."""
    if kind != "tempest" or namespace != "openstack":
        raise click.ClickException(f"There is no verifier of type {kind}; there is: tempest")
    kept = store()
    wanted = source or (f"tempest=={version}" if version else "tempest")
    made = do(
        verifications.create(
            kept,
            runner_of,
            name,
            [wanted, *plugins],
            system_wide=system_wide,
            use=not no_use,
        )
    )
    click.echo(f"Verifier '{name}' (UUID={made.uuid}): Tempest {made.version} has been installed.")


@verify.command("list-verifiers")
def list_verifiers() -> None:
    """List what is installed."""
    kept = store()
    chosen = kept.chosen(verifications.CHOSEN_VERIFIER)
    rows = [
        (v.uuid, v.name, "tempest", v.version, v.status, "*" if v.uuid == chosen else "")
        for v in kept.verifiers()
    ]
    columns = ("UUID", "Name", "Type", "Version", "Status", "Active")
    click.echo(table(columns, rows) if rows else "There are no verifiers.")


@verify.command("use-verifier")
@by_position("given", "--id", help="Name or UUID of the verifier.")
def use_verifier(given: str | None, given_flag: str | None) -> None:
    """Make it the one that commands take if they are told nothing."""
    kept = store()
    found = verifier_of(kept, given_flag or given)
    kept.choose(verifications.CHOSEN_VERIFIER, found.uuid)
    click.echo(f"Using verifier '{found.name}' (UUID={found.uuid}).")


@verify.command("show-verifier")
@by_position("given", "--id", help="Name or UUID of the verifier.")
def show_verifier(given: str | None, given_flag: str | None) -> None:
    """Show what is known of a verifier."""
    kept = store()
    found = verifier_of(kept, given_flag or given)
    chosen = kept.chosen(verifications.CHOSEN_VERIFIER)
    rows = [
        ("UUID", found.uuid),
        ("Status", found.status),
        ("Created at", found.created_at.replace("T", " ")),
        ("Updated at", found.updated_at.replace("T", " ")),
        ("Active", "*" if found.uuid == chosen else ""),
        ("Name", found.name),
        ("Type", "tempest (platform: openstack)"),
        ("Version", found.version),
        ("Requirements", "\n".join(found.requirements)),
        ("System-wide", found.system_wide),
        ("Location", folder(found.uuid)),
    ]
    click.echo(table(("Field", "Value"), rows))


@verify.command("update-verifier")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--version", help="The version of Tempest to have from now on.")
@click.option("--update-venv", is_flag=True, help="The newest of all that was asked for.")
@click.option("--system-wide", is_flag=True, help="Use the Tempest that is beside this program.")
@click.option("--no-system-wide", is_flag=True, help="Use one of its own again.")
def update_verifier(
    named: str | None,
    version: str | None,
    update_venv: bool,
    system_wide: bool,
    no_system_wide: bool,
) -> None:
    """Change what a verifier is made of."""
    if not (version or update_venv or system_wide or no_system_wide):
        raise click.ClickException(
            "At least one of the following arguments should be provided: '--update-venv', "
            "'--version', '--system-wide', '--no-system-wide'."
        )
    if system_wide and (no_system_wide or update_venv or version):
        raise click.ClickException("'--system-wide' cannot be used with the other arguments.")
    kept = store()
    found = verifier_of(kept, named)
    if found.system_wide and not no_system_wide and not system_wide:
        raise click.ClickException("It uses a system-wide Tempest: --no-system-wide, too.")
    wanted = None if not (system_wide or no_system_wide) else system_wide
    do(verifications.update(kept, runner_of, found, version=version, system_wide=wanted))
    click.echo(f"Verifier '{found.name}' (UUID={found.uuid}): Tempest {found.version}.")


@verify.command("delete-verifier")
@by_position("given", "--id", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="Only what it has of this env.")
@click.option("--force", is_flag=True, help="Its verifications, too.")
def delete_verifier(
    given: str | None, given_flag: str | None, env_name: str | None, force: bool
) -> None:
    """Remove a verifier with its environment; what it found stays unless --force."""
    kept = store()
    found = verifier_of(kept, given_flag or given)
    env = environment(kept, env_name) if env_name else None
    if force:
        for each in kept.verifications():
            if each.verifier == found.name and (env is None or each.env_uuid == env.uuid):
                kept.delete_verification(each.uuid)
    if env is not None:
        verifications.forget_place(place_of(found, env), env)
        click.echo(f"What verifier '{found.name}' had of env '{env.name}' has been deleted.")
        return
    verifications.delete(kept, found, folder(found.uuid))
    click.echo(f"Verifier '{found.name}' has been deleted.")


@verify.command("add-verifier-ext")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--source", required=True, help="What pip is to install: a package, path or URL.")
@click.option("--version", help="Its version.")
def add_verifier_ext(named: str | None, source: str, version: str | None) -> None:
    """Install more tests: a Tempest plugin."""
    kept = store()
    found = verifier_of(kept, named)
    wanted = f"{source}=={version}" if version else source
    do(runner_of(found).add([wanted]))
    found.requirements.append(wanted)
    kept.put_verifier(found)
    click.echo(f"{wanted} has been installed into '{found.name}'.")


@verify.command("list-verifier-exts")
@click.option("--id", "named", help="Name or UUID of the verifier.")
def list_verifier_exts(named: str | None) -> None:
    """List the Tempest plugins that are installed."""
    found = do(runner_of(verifier_of(store(), named)).extensions())
    if not found:
        click.echo("There are no verifier extensions; add one: rally verify add-verifier-ext")
        return
    click.echo(table(("Name", "Entry point", "Package"), found))


@verify.command("delete-verifier-ext")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--name", required=True, help="The plugin's name (see list-verifier-exts).")
def delete_verifier_ext(named: str | None, name: str) -> None:
    """Take a Tempest plugin away."""
    kept = store()
    found = verifier_of(kept, named)
    do(verifications.remove_extension(kept, runner_of(found), found, name))
    click.echo(f"{name} has been taken away from '{found.name}'.")


@verify.command("configure-verifier")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--reconfigure", is_flag=True, help="Make it anew.")
@click.option("--extend", help="A file, or JSON/YAML, whose options win over what was found out.")
@click.option("--override", help="A file to take instead.")
@click.option("--show", is_flag=True, help="Print it.")
def configure_verifier(
    named: str | None,
    env_name: str | None,
    reconfigure: bool,
    extend: str | None,
    override: str | None,
    show: bool,
) -> None:
    """Make tempest.conf out of what the cloud says of itself."""
    if override and (extend or reconfigure):
        raise click.ClickException(
            "Argument '--override' cannot be used with arguments '--reconfigure' and '--extend'."
        )
    kept = store()
    found = verifier_of(kept, named)
    env = environment(kept, env_name)
    text = do(
        verifications.configure(
            env,
            place_of(found, env),
            again=reconfigure,
            extend=_options(extend),
            override=text_of(override),
        )
    )
    click.echo(text if show else f"{place_of(found, env) / 'tempest.conf'}")


def _options(given: str | None) -> dict[str, dict[str, str]]:
    """`--extend`: a file in tempest.conf's form, or sections with options as JSON or YAML."""
    if given is None:
        return {}
    if Path(given).expanduser().is_file():
        try:
            return configuration.options(text_of(given))
        except ValueError as error:
            raise click.ClickException(f"{given}: {error}") from None
    try:
        found: Any = document.decode(given)
    except document.NotPlain as error:
        raise click.ClickException(f"--extend is no file, JSON or YAML: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise click.ClickException(
            f"--extend: there is no file {given}, and these are no sections with options"
        )
    return {
        name: {key: _value(value) for key, value in section.items()}
        for name, section in found.items()
    }


def _value(value: object) -> str:
    """As tempest.conf has it: lists with commas, truth in small letters."""
    if isinstance(value, list):
        return ",".join(_value(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
