"""`rally task …`, the half that looks at results: how a task is, its verdicts, reports, lists."""

import json
from typing import Any

import click

from cumulo.benchmark.model.result import FINISHED, UNFINISHED
from cumulo.cli.rally import reports
from cumulo.cli.rally.common import (
    Command,
    by_position,
    environment,
    store,
    table,
    tags_of,
    task_id,
)

STATUSES = (*UNFINISHED, *FINISHED, "crashed", "validation_failed")


@click.command(cls=Command)
@by_position("given", "--uuid", help="UUID of the task.")
def status(given: str | None, given_flag: str | None) -> None:
    """Say how a task is."""
    kept = store()
    found = reports.kept_task(kept, task_id(kept, given, given_flag))
    click.echo(f"Task {found.uuid}: {reports.status(kept, found)}")


@click.command(cls=Command)
@by_position("given", "--uuid", help="UUID of the task.")
@click.option("--iterations-data", is_flag=True, help="Each iteration, too.")
@click.option("--filter-by", "filters", multiple=True, help="sla-failures, scenarios=NAME,NAME")
def detailed(
    given: str | None, given_flag: str | None, iterations_data: bool, filters: tuple[str, ...]
) -> None:
    """Show a task's results as text."""
    kept = store()
    uuid = task_id(kept, given, given_flag)
    reports.kept_task(kept, uuid)
    reports.show_detailed(kept, uuid, iterations=iterations_data, filters=filters)


@click.command("list", cls=Command)
@click.option("--env", "--deployment", "env_name", help="UUID or name of the env.")
@click.option("--all-envs", "--all-deployments", is_flag=True, help="Of all environments.")
@click.option("--status", "wanted", help="Only tasks in this status.")
@click.option("--tag", "tags", multiple=True, help="Only tasks with this tag.")
@click.option("--uuids-only", is_flag=True, help="Only the UUIDs.")
def list_(
    env_name: str | None,
    all_envs: bool,
    wanted: str | None,
    tags: tuple[str, ...],
    uuids_only: bool,
) -> None:
    """List tasks."""
    kept = store()
    if wanted is not None and wanted not in STATUSES:
        raise click.ClickException(
            f"Invalid task status '{wanted}'. Available statuses: {', '.join(STATUSES)}"
        )
    env = None if all_envs else environment(kept, env_name).uuid
    found = kept.tasks(env, wanted, list(tags))
    if uuids_only:
        for each in found:
            click.echo(each.uuid)
        return
    if not found:
        which = f"tasks in '{wanted}' status" if wanted else "tasks"
        click.echo(f"There are no {which}. To run a new task, use:\n\trally task start")
        return
    rows = [
        (
            each.uuid,
            each.env_name,
            each.created_at.replace("T", " "),
            each.task_duration,
            reports.status(kept, each),
            tags_of(each.tags),
        )
        for each in found
    ]
    columns = ("UUID", "Environment", "Created at", "Load duration", "Status", "Tag(s)")
    click.echo(table(columns, rows))


@click.command("sla-check", cls=Command)
@by_position("given", "--uuid", help="UUID of the task.")
@click.option("--json", "--tojson", "as_json", is_flag=True, help="One JSON document.")
def sla_check(given: str | None, given_flag: str | None, as_json: bool) -> None:
    """Show the verdicts. Exit status: how many were missed; 2 if there are none at all, or the task
    did not come to its end."""
    kept = store()
    found = reports.kept_task(kept, task_id(kept, given, given_flag))
    rows: list[dict[str, Any]] = [
        {
            "benchmark": workload.name,
            "pos": workload.position,
            "criterion": result.criterion,
            "status": "PASS" if result.success else "FAIL",
            "detail": result.detail,
        }
        for subtask in found.subtasks
        for workload in subtask.workloads
        for result in sorted(workload.sla_results, key=lambda r: r.criterion)
    ]
    if as_json:
        click.echo(json.dumps(rows))
    else:
        columns = ("benchmark", "pos", "criterion", "status", "detail")
        click.echo(table(columns, [[row[c] for c in columns] for row in rows]))
    missed = sum(row["status"] == "FAIL" for row in rows)
    # An exit status has eight bits: 256 missed criteria must not look like none.
    if found.status != "finished":
        click.echo(f"Task {found.uuid}: {found.status}", err=True)
        raise SystemExit(2)
    raise SystemExit(2 if not rows else min(missed, 255))


@click.command(cls=Command)
@by_position("given", "--uuid", help="UUID of the task.")
def results(given: str | None, given_flag: str | None) -> None:
    """Print the results in the format of before Rally 0.10."""
    kept = store()
    found = reports.kept_task(kept, task_id(kept, given, given_flag))
    if found.status not in FINISHED:
        raise click.ClickException(
            f"Task status is {found.status}. Results available when it is one of "
            f"{', '.join(FINISHED)}."
        )
    reports.write(kept, [found.uuid], "old-json-results", None)


@click.command(cls=Command)
@click.argument("given", nargs=-1)
@click.option("--uuid", "given_flag", multiple=True, help="UUID of a task; may be repeated.")
@click.option("--out", help="Where to write it.")
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser.")
@click.option("--html", is_flag=True, help="A page (the default).")
@click.option("--html-static", is_flag=True, help="The same: pages here need nothing else.")
@click.option("--json", "as_json", is_flag=True, help="All results as one document.")
@click.option("--env", "--deployment", "env_name", help="All tasks of an environment.")
def report(
    given: tuple[str, ...],
    given_flag: tuple[str, ...],
    out: str | None,
    open_it: bool,
    html: bool,
    html_static: bool,
    as_json: bool,
    env_name: str | None,
) -> None:
    """Make a report of tasks, or of files with results."""
    kept = store()
    named = reports.chosen(kept, [*given, *given_flag], env_name)
    reports.write(kept, named, "json" if as_json else "html", out, open_it=open_it)


@click.command(cls=Command)
@click.argument("given", nargs=-1)
@click.option("--uuid", "given_flag", multiple=True, help="UUID of a task; may be repeated.")
@click.option("--type", "kind", required=True, help="html, json, junit-xml, old-json-results")
@click.option("--to", help="Where to write it.")
@click.option("--env", "--deployment", "env_name", help="All tasks of an environment.")
def export(
    given: tuple[str, ...],
    given_flag: tuple[str, ...],
    kind: str,
    to: str | None,
    env_name: str | None,
) -> None:
    """Write results in some format."""
    kept = store()
    reports.write(kept, reports.chosen(kept, [*given, *given_flag], env_name), kind.lower(), to)


@click.command(cls=Command)
@click.argument("given", nargs=-1)
@click.option("--tasks", "given_flag", multiple=True, help="UUIDs or files; may be repeated.")
@click.option("--out", help="Where to write it.")
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser.")
@click.option("--html-static", is_flag=True, help="The same: pages here need nothing else.")
def trends(
    given: tuple[str, ...],
    given_flag: tuple[str, ...],
    out: str | None,
    open_it: bool,
    html_static: bool,
) -> None:
    """Compare runs of the same workloads over time."""
    if not given and not given_flag:
        click.echo("ERROR: At least one task must be specified", err=True)
        raise SystemExit(1)
    kept = store()
    named = reports.chosen(kept, [*given, *given_flag], None)
    reports.write(kept, named, "trends-html", out, open_it=open_it)


@click.command("import", cls=Command)
@click.option("--file", "path", required=True, help="A file with results (report --json).")
@click.option("--env", "--deployment", "env_name", help="UUID or name of the env.")
@click.option("--tag", "tags", multiple=True, help="Mark the task with a tag.")
def import_(path: str, env_name: str | None, tags: tuple[str, ...]) -> None:
    """Keep results that were made elsewhere."""
    kept = store()
    env = environment(kept, env_name)
    for uuid in reports.import_file(kept, env, path, list(tags)):
        click.echo(f"Task UUID: {uuid}.")


COMMANDS = (status, detailed, list_, sla_check, results, report, export, trends, import_)
