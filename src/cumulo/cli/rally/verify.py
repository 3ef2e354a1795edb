"""`rally verify …`: Tempest against the environment in use, with no file written by hand."""

from pathlib import Path
from typing import Any

import click

from cumulo.benchmark.client.clouds import BadSpec
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import ApiError
from cumulo.benchmark.drivers.tempest import Tempest
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.verification import Verification, Verifier
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.report import verification as report
from cumulo.benchmark.service import verifications
from cumulo.benchmark.service.environments import run
from cumulo.cli.rally.common import Group, by_position, database, environment, store, table
from cumulo.core.run.commands import CommandFailed

EXPECTED = (
    ApiError,
    BadSpec,
    CommandFailed,
    Exists,
    HttpError,
    NoSuch,
    OSError,
    ValueError,
)


@click.group(cls=Group)
def verify() -> None:
    """Tempest: install, configure, run, run again, compare."""


def _folder(uuid: str) -> Path:
    """Beside the database: what a verifier has on the disk."""
    path = database().parent / "verifiers" / uuid
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _place(verifier: Verifier, env: Environment) -> Path:
    """What a verifier has of one environment: its configuration, its logs, its results."""
    path = _folder(verifier.uuid) / env.uuid
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def _runner(verifier: Verifier, env: Environment | None = None) -> Tempest:
    place = None if env is None else _place(verifier, env)
    return Tempest(_folder(verifier.uuid), place, system_wide=verifier.system_wide)


def _do(work: Any) -> Any:
    try:
        return run(work)
    except EXPECTED as error:
        raise click.ClickException(str(error)) from None


def _verifier(kept: Store, named: str | None) -> Verifier:
    try:
        return verifications.chosen_verifier(kept, named)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None


def _verification(kept: Store, named: str | None) -> Verification:
    try:
        return verifications.chosen(kept, named)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None


@verify.command("list-plugins")
def list_plugins() -> None:
    """What can verify: Tempest."""
    click.echo(table(("Name", "Platform", "Title"), [("tempest", "openstack", "Tempest verifier")]))


@verify.command("create-verifier")
@click.option("--name", required=True, help="Its name.")
@click.option("--type", "kind", default="tempest", help="tempest")
@click.option("--version", help="A version of Tempest; the newest without it.")
@click.option("--source", help="What pip is to install instead of the package: a path or URL.")
@click.option("--with", "plugins", multiple=True, help="A package with more tests.")
@click.option("--system-wide", is_flag=True, help="Use the Tempest that is beside this program.")
def create_verifier(
    name: str,
    kind: str,
    version: str | None,
    source: str | None,
    plugins: tuple[str, ...],
    system_wide: bool,
) -> None:
    """Install Tempest in an environment of its own."""
    if kind != "tempest":
        raise click.ClickException(f"There is no verifier of type {kind}; there is: tempest")
    kept = store()
    wanted = source or (f"tempest=={version}" if version else "tempest")
    made = _do(
        verifications.create(kept, _runner, name, [wanted, *plugins], system_wide=system_wide)
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
    found = _verifier(kept, given_flag or given)
    kept.choose(verifications.CHOSEN_VERIFIER, found.uuid)
    click.echo(f"Using verifier '{found.name}' (UUID={found.uuid}).")


@verify.command("delete-verifier")
@by_position("given", "--id", help="Name or UUID of the verifier.")
@click.option("--force", is_flag=True, hidden=True)
def delete_verifier(given: str | None, given_flag: str | None, force: bool) -> None:
    """Remove a verifier with its environment; what it found stays."""
    kept = store()
    found = _verifier(kept, given_flag or given)
    verifications.delete(kept, found, _folder(found.uuid))
    click.echo(f"Verifier '{found.name}' has been deleted.")


@verify.command("add-verifier-ext")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--source", required=True, help="What pip is to install: a package, path or URL.")
@click.option("--version", help="Its version.")
def add_verifier_ext(named: str | None, source: str, version: str | None) -> None:
    """Install more tests: a Tempest plugin."""
    kept = store()
    found = _verifier(kept, named)
    wanted = f"{source}=={version}" if version else source
    _do(_runner(found).add([wanted]))
    found.requirements.append(wanted)
    kept.put_verifier(found)
    click.echo(f"{wanted} has been installed into '{found.name}'.")


@verify.command("configure-verifier")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--reconfigure", is_flag=True, help="Make it anew.")
@click.option("--extend", help="A file whose options win over what was found out.")
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
    kept = store()
    found = _verifier(kept, named)
    env = environment(kept, env_name)
    text = _do(
        verifications.configure(
            env,
            _place(found, env),
            again=reconfigure,
            extend=_text(extend),
            override=_text(override),
        )
    )
    click.echo(text if show else f"{_place(found, env) / 'tempest.conf'}")


def _text(path: str | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).expanduser().read_text()
    except OSError as error:
        raise click.ClickException(str(error)) from None


@verify.command("list-verifier-tests")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--pattern", default="", help="Only tests that match.")
def list_verifier_tests(named: str | None, pattern: str) -> None:
    """List the tests that there are."""
    kept = store()
    found = _verifier(kept, named)
    env = environment(kept, None)
    _do(verifications.configure(env, _place(found, env), again=False))
    for name in _do(_runner(found, env).tests(pattern)):
        click.echo(name)


@verify.command()
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--pattern", default="", help="Tests to run: a pattern, or set=smoke, set=compute …")
@click.option("--load-list", help="A file with the names of tests to run.")
@click.option("--skip-list", help="A file with tests or patterns not to run.")
@click.option("--concurrency", type=click.IntRange(0, 256), default=0, help="Workers; 0: by CPUs.")
@click.option("--tag", "tags", multiple=True, help="Mark the verification with a tag.")
@click.option("--detailed", is_flag=True, help="Say why tests failed.")
def start(
    named: str | None,
    env_name: str | None,
    pattern: str,
    load_list: str | None,
    skip_list: str | None,
    concurrency: int,
    tags: tuple[str, ...],
    detailed: bool,
) -> None:
    """Run tests. Exit status 2 if one failed."""
    kept = store()
    found = _verifier(kept, named)
    env = environment(kept, env_name)
    _do(verifications.configure(env, _place(found, env), again=False))
    click.echo("Starting verification …")
    made = _do(
        verifications.start(
            kept,
            _runner(found, env),
            found,
            env,
            pattern=pattern,
            load_list=_lines(load_list),
            skip=_lines(skip_list),
            concurrency=concurrency,
            tags=tags,
        )
    )
    _say(made, detailed)


def _lines(path: str | None) -> list[str]:
    """The lines of a file; what follows a # is for people."""
    found = (line.partition("#")[0].strip() for line in _text(path).splitlines())
    return [line for line in found if line]


@verify.command()
@by_position("given", "--uuid", help="UUID of the verification.")
@click.option("--failed", is_flag=True, help="Only tests that failed.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--concurrency", type=click.IntRange(0, 256), default=0, help="Workers; 0: by CPUs.")
@click.option("--tag", "tags", multiple=True, help="Mark the verification with a tag.")
@click.option("--detailed", is_flag=True, help="Say why tests failed.")
def rerun(
    given: str | None,
    given_flag: str | None,
    failed: bool,
    env_name: str | None,
    concurrency: int,
    tags: tuple[str, ...],
    detailed: bool,
) -> None:
    """Run the tests of a verification again."""
    kept = store()
    before = _verification(kept, given_flag or given)
    names = verifications.to_repeat(before, failed=failed)
    if not names:
        raise click.ClickException("There are no tests to run again.")
    verifier = _verifier(kept, before.verifier)
    env = environment(kept, env_name or before.env_uuid)
    _do(verifications.configure(env, _place(verifier, env), again=False))
    made = _do(
        verifications.start(
            kept,
            _runner(verifier, env),
            verifier,
            env,
            load_list=names,
            concurrency=concurrency,
            tags=tags,
        )
    )
    _say(made, detailed)


def _say(made: Verification, detailed: bool) -> None:
    _show(made, detailed)
    if made.status != "finished":
        raise SystemExit(2)


def _show(made: Verification, detailed: bool) -> None:
    counts = {s: made.count(s) for s in ("success", "skip", "xfail", "uxsuccess", "fail")}
    rows = [
        ("UUID", made.uuid),
        ("Status", made.status),
        ("Environment", made.env_name),
        ("Pattern", made.pattern),
        ("Tests", len(made.tests)),
        ("Tests duration, sec", round(made.duration, 3)),
        *((f"Tests: {name}", count) for name, count in counts.items()),
    ]
    click.echo(table(("Field", "Value"), rows))
    for test in made.tests.values():
        if test.status in verifications.FAILED:
            click.echo(f"{{{test.status}}} {test.name} [{test.duration:.3f}s]")
            if detailed:
                click.echo(test.details)


@verify.command()
@by_position("given", "--uuid", help="UUID of the verification.")
@click.option("--detailed", is_flag=True, help="Say why tests failed.")
def show(given: str | None, given_flag: str | None, detailed: bool) -> None:
    """Show what a verification found."""
    _show(_verification(store(), given_flag or given), detailed)


@verify.command("list")
@click.option("--tag", "tags", multiple=True, help="Only those with this tag.")
def list_(tags: tuple[str, ...]) -> None:
    """List verifications."""
    found = [v for v in store().verifications() if set(tags) <= set(v.tags)]
    if not found:
        click.echo("There are no verifications. You can start one, using: rally verify start")
        return
    columns = ("UUID", "Tags", "Verifier", "Environment", "Started at", "Status", "Tests", "Failed")
    rows = [
        (
            v.uuid,
            ", ".join(v.tags),
            v.verifier,
            v.env_name,
            v.created_at.replace("T", " "),
            v.status,
            len(v.tests),
            sum(v.count(s) for s in verifications.FAILED),
        )
        for v in found
    ]
    click.echo(table(columns, rows))


@verify.command("report")
@click.argument("given", nargs=-1)
@click.option("--uuid", "given_flag", multiple=True, help="UUID; may be repeated.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["html", "html-static", "json", "junit-xml"]),
    default="html",
    help="The report's format.",
)
@click.option("--to", help="Where to write it.")
def report_(given: tuple[str, ...], given_flag: tuple[str, ...], kind: str, to: str | None) -> None:
    """Make a report of verifications; several are compared."""
    kept = store()
    named: list[str | None] = [*given, *given_flag]
    found = [_verification(kept, name) for name in named or [None]]
    text = report.make(kind, found)
    if to is None:
        click.echo(text)
        return
    try:
        Path(to).expanduser().write_text(text)
    except OSError as error:
        raise click.ClickException(str(error)) from None


@verify.command()
@click.argument("given", nargs=-1)
@click.option("--uuid", "given_flag", multiple=True, help="UUID; may be repeated.")
def delete(given: tuple[str, ...], given_flag: tuple[str, ...]) -> None:
    """Forget verifications."""
    kept = store()
    for named in [*given, *given_flag]:
        found = _verification(kept, named)
        kept.delete_verification(found.uuid)
        click.echo(f"Successfully deleted verification '{found.uuid}'")
