"""`rally verify …`: Tempest against the environment in use, with no file written by hand."""

from pathlib import Path
from typing import Any

import click

from cumulo.benchmark.model import document
from cumulo.benchmark.model.verification import Verification
from cumulo.benchmark.report import verification as report
from cumulo.benchmark.service import verifications
from cumulo.cli.rally import verifiers
from cumulo.cli.rally.common import by_position, environment, store, table
from cumulo.cli.rally.verifying import (
    do,
    place_of,
    runner_of,
    text_of,
    verification_of,
    verifier_of,
    verify,
)

__all__ = ("verifiers", "verify")


@verify.command("list-verifier-tests")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--pattern", default="", help="Only tests that match.")
def list_verifier_tests(named: str | None, pattern: str) -> None:
    """List the tests that there are."""
    kept = store()
    found = verifier_of(kept, named)
    env = environment(kept, None)
    do(verifications.configure(env, place_of(found, env), again=False))
    for name in do(runner_of(found, env).tests(pattern)):
        click.echo(name)


@verify.command()
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--pattern", default="", help="Tests to run: a pattern, or set=smoke, set=compute …")
@click.option("--load-list", help="A file with the names of tests to run.")
@click.option("--skip-list", help="A file with tests not to run: names and reasons, or patterns.")
@click.option("--xfail-list", help="A file with tests that are expected to fail, and reasons.")
@click.option("--concurrency", type=click.IntRange(0, 256), default=0, help="Workers; 0: by CPUs.")
@click.option("--tag", "tags", multiple=True, help="Mark the verification with a tag.")
@click.option("--detailed", is_flag=True, help="Say why tests failed.")
@click.option("--no-use", is_flag=True, help="Do not make it the verification in use.")
def start(
    named: str | None,
    env_name: str | None,
    pattern: str,
    load_list: str | None,
    skip_list: str | None,
    xfail_list: str | None,
    concurrency: int,
    tags: tuple[str, ...],
    detailed: bool,
    no_use: bool,
) -> None:
    """Run tests. Exit status 2 if one failed."""
    if pattern and load_list:
        raise click.ClickException(
            "Arguments '--pattern' and '--load-list' cannot be used together, use only one of them."
        )
    skip, expected = _skipped(skip_list), _reasons(xfail_list)
    kept = store()
    found = verifier_of(kept, named)
    env = environment(kept, env_name)
    do(verifications.configure(env, place_of(found, env), again=False))
    click.echo("Starting verification …")
    made = _to_its_end(
        verifications.start(
            kept,
            runner_of(found, env),
            found,
            env,
            pattern=pattern,
            load_list=_lines(load_list),
            skip=skip,
            expected=expected,
            concurrency=concurrency,
            tags=tags,
            use=not no_use,
        )
    )
    _say(made, detailed)


def _to_its_end(work: Any) -> Any:
    """Whoever ends a run in its middle is told what it means."""
    try:
        return do(work)
    except KeyboardInterrupt:
        click.echo(
            "Ended in the middle: projects, users, servers and the like that Tempest has made "
            "(their names begin with tempest-) may be in the cloud still. `tempest cleanup` knows "
            "them.",
            err=True,
        )
        raise SystemExit(1) from None


def _skipped(path: str | None) -> list[str]:
    """Patterns for Tempest. Rally's files have names and reasons; others a pattern a line."""
    try:
        found = document.decode(text_of(path))
    except document.NotPlain:
        found = None
    return verifications.named(found) if isinstance(found, dict) else _lines(path)


def _reasons(path: str | None) -> dict[str, str]:
    """Tests and why they are expected to fail."""
    try:
        found = document.decode(text_of(path)) or {}
    except document.NotPlain as error:
        raise click.ClickException(f"{path}: {error}") from None
    if isinstance(found, list):
        found = dict.fromkeys(map(str, found), "")
    if not isinstance(found, dict):
        raise click.ClickException(f"{path} has no names of tests with reasons")
    return {name: str(reason or "") for name, reason in found.items()}


def _lines(path: str | None) -> list[str]:
    """The lines of a file; what follows a # is for people."""
    found = (line.partition("#")[0].strip() for line in text_of(path).splitlines())
    return [line for line in found if line]


@verify.command()
@by_position("given", "--uuid", help="UUID of the verification.")
@click.option("--failed", is_flag=True, help="Only tests that failed.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option("--concurrency", type=click.IntRange(0, 256), default=0, help="Workers; 0: by CPUs.")
@click.option("--tag", "tags", multiple=True, help="Mark the verification with a tag.")
@click.option("--detailed", is_flag=True, help="Say why tests failed.")
@click.option("--no-use", is_flag=True, help="Do not make it the verification in use.")
def rerun(
    given: str | None,
    given_flag: str | None,
    failed: bool,
    env_name: str | None,
    concurrency: int,
    tags: tuple[str, ...],
    detailed: bool,
    no_use: bool,
) -> None:
    """Run the tests of a verification again."""
    kept = store()
    before = verification_of(kept, given_flag or given)
    names = verifications.to_repeat(before, failed=failed)
    if not names:
        raise click.ClickException("There are no tests to run again.")
    verifier = verifier_of(kept, before.verifier)
    env = environment(kept, env_name or before.env_uuid)
    do(verifications.configure(env, place_of(verifier, env), again=False))
    made = do(
        verifications.start(
            kept,
            runner_of(verifier, env),
            verifier,
            env,
            load_list=names,
            concurrency=concurrency,
            tags=tags,
            use=not no_use,
        )
    )
    _say(made, detailed)


@verify.command("import")
@click.option("--id", "named", help="Name or UUID of the verifier.")
@click.option("--env", "--deployment-id", "env_name", help="UUID or name of the env.")
@click.option(
    "--file", "path", required=True, help="What Tempest has said, as subunit (version 2)."
)
@click.option("--no-use", is_flag=True, help="Do not make it the verification in use.")
def import_(named: str | None, env_name: str | None, path: str, no_use: bool) -> None:
    """Keep the results of a run that was made elsewhere."""
    kept = store()
    found = verifier_of(kept, named)
    env = environment(kept, env_name)
    file = Path(path).expanduser()
    if not file.is_file():
        raise click.ClickException(f"File '{path}' not found.")
    made = do(
        verifications.bring(kept, runner_of(found, env), found, env, str(file), use=not no_use)
    )
    _show(made, False)


@verify.command()
@by_position("given", "--uuid", help="UUID of the verification.")
def use(given: str | None, given_flag: str | None) -> None:
    """Make it the one that commands take if they are told nothing."""
    if not (given_flag or given):
        raise click.UsageError("Missing argument 'UUID'.")
    kept = store()
    found = verification_of(kept, given_flag or given)
    kept.choose(verifications.CHOSEN, found.uuid)
    click.echo(f"Using verification (UUID={found.uuid}).")


def _say(made: Verification, detailed: bool) -> None:
    _show(made, detailed)
    if not made.tests:
        # A pattern with a typo must not be green.
        click.echo("No test was run: nothing is named so.", err=True)
        raise SystemExit(2)
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
    _show(verification_of(store(), given_flag or given), detailed)


@verify.command("list")
@click.option("--id", "named", help="Only those of this verifier.")
@click.option("--env", "--deployment-id", "env_name", help="Only those of this env.")
@click.option("--tag", "tags", multiple=True, help="Only those with this tag.")
@click.option("--status", "wanted", help="Only those in this status.")
def list_(
    named: str | None, env_name: str | None, tags: tuple[str, ...], wanted: str | None
) -> None:
    """List verifications."""
    kept = store()
    verifier = verifier_of(kept, named).name if named else None
    env = environment(kept, env_name).uuid if env_name else None
    found = [
        v
        for v in kept.verifications()
        if set(tags) <= set(v.tags)
        and verifier in (None, v.verifier)
        and env in (None, v.env_uuid)
        and wanted in (None, v.status)
    ]
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
    found = [verification_of(kept, name) for name in named or [None]]
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
        found = verification_of(kept, named)
        kept.delete_verification(found.uuid)
        click.echo(f"Successfully deleted verification '{found.uuid}'")
