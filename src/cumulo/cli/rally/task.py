"""`rally task …`: run task files, end, forget and choose tasks. What came out of them is shown by
the commands of `task_results`."""

import sys
from pathlib import Path
from typing import Any

import click

from cumulo.benchmark import template, validation
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import ApiError
from cumulo.benchmark.drivers import rendering
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.secrets import masked_text
from cumulo.benchmark.model.task import InvalidTask, TaskConfig, parse
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.service import environments, tasks
from cumulo.cli.rally import reports, running, task_results
from cumulo.cli.rally.common import (
    Group,
    by_position,
    environment,
    header,
    plain,
    say,
    store,
    tags_of,
    task_id,
    timeouts,
)

SLA_MISSED = 2


@click.group(cls=Group)
def task() -> None:
    """Run task files, look at results, make reports."""


for _command in task_results.COMMANDS:
    task.add_command(_command)


def _file_options(function: Any) -> Any:
    for add in (
        click.option("--task-args", help="Values for the file's variables, as JSON or YAML."),
        click.option("--task-args-file", help="The same, from a file."),
        click.option("--env", "--deployment", "env_name", help="UUID or name of the env."),
        by_position("file", "--task", "--filename", help="The task file; - is standard input."),
    ):
        function = add(function)
    return function


def _read(path: str, what: str) -> str:
    try:
        if path == "-":
            text = sys.stdin.read(template.FILE_BYTES + 1)
            # What is no UTF-8 comes in as halves of letters.
            text.encode()
            return text
        with Path(path).expanduser().open() as file:
            # One more than it may have: what is larger, or has no end, is refused then.
            return file.read(template.FILE_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: not UTF-8, or a NUL in the path. RuntimeError: `~nobody`.
        raise template.BadTemplate(
            f"Invalid {what} passed:\n\n\t Error reading {path}: {error}"
        ) from None


def load(path: str | None, raw: str | None, args_file: str | None) -> TaskConfig:
    """A task file, rendered and read."""
    if not path:
        raise click.UsageError("Missing argument 'TASK'.")
    click.echo(header("Preparing input task"))
    try:
        from_file = _read(args_file, "--task-args-file") if args_file else None
        given = template.arguments(raw, from_file)
        text = _read(path, "task file")
        folder = Path() if path == "-" else Path(path).expanduser().parent
        rendered = rendering.render(text, given, folder)
        document: Any = None
        try:
            document = template.decode(rendered)
        finally:
            say(f"Task is:\n{masked_text(rendered.strip(), document)}\n")
        click.echo("Task syntax is correct :)")
        return parse(document)
    except template.BadTemplate as error:
        raise click.ClickException(str(error)) from None
    except InvalidTask as error:
        raise click.ClickException(f"Task config is invalid: `{error}`") from None


@task.command()
@_file_options
def validate(
    file: str | None,
    file_flag: str | None,
    task_args: str | None,
    task_args_file: str | None,
    env_name: str | None,
) -> None:
    """Check a task file against the environment; nothing is run."""
    config = load(file_flag or file, task_args, task_args_file)
    kept = store()
    env = environment(kept, env_name)
    try:
        environments.run(tasks.validate(env, config))
    except (
        validation.InvalidTaskConfig,
        tasks.NotReady,
        ApiError,
        HttpError,
    ) as error:
        raise click.ClickException(str(error)) from None
    click.echo("Input Task is valid :)")


@task.command()
@_file_options
@click.option("--tag", "tags", multiple=True, help="Mark the task with a tag; may be repeated.")
@click.option("--no-use", is_flag=True, help="Do not make it the task in use.")
@click.option("--abort-on-sla-failure", is_flag=True, help="End when a criterion fails.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--html", "html_file", help="Write the report to this file at the end.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    help="Make the load with so many processes.",
)
def start(
    file: str | None,
    file_flag: str | None,
    task_args: str | None,
    task_args_file: str | None,
    env_name: str | None,
    tags: tuple[str, ...],
    no_use: bool,
    abort_on_sla_failure: bool,
    quiet: bool,
    html_file: str | None,
    processes: int,
) -> None:
    """Run a task file.

    Exit status: 0, or 1 if it could not be run, or 2 if a criterion was missed.
    """
    config = load(file_flag or file, task_args, task_args_file)
    kept = store()
    env = environment(kept, env_name)
    raise SystemExit(
        run_task(
            kept,
            env,
            config,
            list(tags),
            use=not no_use,
            abort_on_sla=abort_on_sla_failure,
            quiet=quiet,
            html_file=html_file,
            processes=processes,
        )
    )


def run_task(
    kept: Store,
    env: Environment,
    config: TaskConfig,
    tags: list[str],
    *,
    use: bool = True,
    abort_on_sla: bool = False,
    quiet: bool = False,
    html_file: str | None = None,
    processes: int = 1,
) -> int:
    """Run a task, say what came out, return the exit status."""
    if env.status != "READY":
        click.echo(f"Cannot start a task on unfinished deployment: {env.name}: {env.status}")
        return 1
    if html_file:
        reports.try_to_write(html_file)
    waits = timeouts()
    made = tasks.create(kept, env, config, tags)
    marked = f"[tags: {tags_of(made.tags)}] " if made.tags else ""
    click.echo(header(f"Task {marked}{made.uuid}: started"))
    click.echo("Running Task... This can take a while...\n")
    click.echo("To track task status use:\n\n\trally task status\n\tor\n\trally task detailed\n")
    if use:
        kept.choose(tasks.CHOSEN, made.uuid)
        click.echo(f"Using task: {made.uuid}")
    try:
        done = environments.run(
            running.run(
                kept,
                env,
                made,
                config,
                abort_on_sla=abort_on_sla,
                quiet=quiet,
                processes=processes,
                timeouts=waits,
            )
        )
    except (validation.InvalidTaskConfig, tasks.NotReady, ApiError, HttpError) as error:
        click.echo(plain(f"Task {made.uuid} has failed validation: {error}"), err=True)
        return 1
    except NoSuch:
        raise click.ClickException(f"Task {made.uuid} was deleted while it ran.") from None
    missed = reports.show_detailed(kept, done.uuid)
    if html_file:
        try:
            reports.write(kept, [done.uuid], "html", html_file)
        except click.ClickException as error:
            if not missed:
                raise
            error.show()
    # What was ended before its end has not passed, whatever of it did.
    return SLA_MISSED if missed or done.status == "aborted" else 0


@task.command()
@click.argument("given", required=False)
@click.option("--uuid", "given_flag", help="UUID of the task.")
@click.option("--scenario", "scenarios", multiple=True, help="Only this scenario.")
@click.option("--env", "--deployment", "env_name", help="UUID or name of the env.")
@click.option("--tag", "tags", multiple=True, help="Mark the task with a tag.")
@click.option("--no-use", is_flag=True, help="Do not make it the task in use.")
@click.option("--abort-on-sla-failure", is_flag=True, help="End when a criterion fails.")
def restart(
    given: str | None,
    given_flag: str | None,
    scenarios: tuple[str, ...],
    env_name: str | None,
    tags: tuple[str, ...],
    no_use: bool,
    abort_on_sla_failure: bool,
) -> None:
    """Run a task again, with the same file."""
    kept = store()
    before = reports.kept_task(kept, task_id(kept, given, given_flag))
    document = reports.as_file(before, set(scenarios))
    if not document["subtasks"]:
        click.echo("Not Found matched scenario.")
        raise SystemExit(1)
    status = run_task(
        kept,
        environment(kept, env_name),
        parse(document),
        list(tags),
        use=not no_use,
        abort_on_sla=abort_on_sla_failure,
    )
    raise SystemExit(status)


@task.command()
@by_position("given", "--uuid", help="UUID of the task.")
@click.option("--soft", is_flag=True, help="Let the workload that runs come to its end.")
def abort(given: str | None, given_flag: str | None, soft: bool) -> None:
    """End a task that runs."""
    kept = store()
    uuid = task_id(kept, given, given_flag)
    if soft:
        click.echo(
            "INFO: please be informed that soft abort won't stop a running workload, but will "
            "prevent new ones from starting. If you are running task with only one scenario, soft "
            "abort will not help at all."
        )
    try:
        environments.run(tasks.abort(kept, uuid, soft=soft))
    except (tasks.Refused, NoSuch) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Task {uuid} successfully stopped.")


@task.command()
@click.argument("given", nargs=-1)
@click.option("--uuid", "given_flag", multiple=True, help="UUID of a task; may be repeated.")
@click.option("--force", is_flag=True, help="Also a task that runs.")
def delete(given: tuple[str, ...], given_flag: tuple[str, ...], force: bool) -> None:
    """Forget tasks and their results."""
    kept = store()
    for uuid in reports.chosen(kept, [*given, *given_flag], None):
        try:
            tasks.delete(kept, uuid, force=force)
        except tasks.Refused as error:
            click.echo(f"{error}\nUse '--force' option to delete the task with vague state.")
            raise SystemExit(1) from None
        except NoSuch as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"Successfully deleted task `{uuid}`")


@task.command()
@by_position("given", "--uuid", "--task", help="UUID of the task.")
def use(given: str | None, given_flag: str | None) -> None:
    """Make it the one that commands take if they are told nothing."""
    kept = store()
    uuid = task_id(kept, given, given_flag)
    reports.kept_task(kept, uuid)
    kept.choose(tasks.CHOSEN, uuid)
    click.echo(f"Using task: {uuid}")
