"""Results as text and as files."""

import json
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.benchmark import report
from cumulo.benchmark.model.result import (
    FINISHED,
    UNFINISHED,
    Environment,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.model.secrets import masked
from cumulo.benchmark.model.task import Hook, Workload, workload_document
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.report.series import general
from cumulo.benchmark.service import owners, results
from cumulo.cli.rally.common import environment, say, table, task_id


def chosen(kept: Store, named: list[str], env_name: str | None) -> list[str]:
    """Ids of tasks, and files with results, as they were named."""
    if env_name:
        return [t.uuid for t in kept.tasks(environment(kept, env_name).uuid)]
    return [
        name if results.is_file(name) else task_id(kept, name, None)
        for name in (named or [task_id(kept, None, None)])
    ]


def write(
    kept: Store, named: list[str], kind: str, out: str | None, *, open_it: bool = False
) -> None:
    """Make a report and write it, or print it."""
    try:
        found = [each for name in named for each in results.results(kept, name)]
        pieces = report.pieces(kind, found)
        if out is None or out == "-":
            for piece in pieces:
                click.echo(piece, nl=False)
            click.echo()
            return
        path = Path(out).expanduser()
        with path.open("w") as file:
            file.writelines(pieces)
        if kind.endswith("json") or kind == "old-json-results":
            _too_large(path)
    except (NoSuch, report.Unreadable) as error:
        raise click.ClickException(str(error)) from None
    except BrokenPipeError:
        # `… | head` has seen enough.
        raise
    except msgspec.MsgspecError:
        # A ValueError, too; but of the results, not of the path.
        raise
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a NUL in the path. RuntimeError: `~nobody`.
        raise click.ClickException(str(error)) from None
    if open_it:
        webbrowser.open_new_tab(path.resolve().as_uri())


def _too_large(path: Path) -> None:
    if path.stat().st_size > report.FILE_BYTES:
        click.echo(
            f"{path} is larger than {report.FILE_BYTES} bytes: `task import` will not read it.",
            err=True,
        )


def try_to_write(out: str) -> None:
    """Before hours are spent on what shall be in it. Raises ClickException."""
    if out == "-":
        return
    try:
        path = Path(out).expanduser()
        there = path.exists()
        with path.open("a"):
            pass
        if not there:
            path.unlink()
    except (OSError, ValueError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None


def import_file(kept: Store, env: Environment, path: str, tags: list[str]) -> list[str]:
    try:
        return results.keep(kept, env, Path(path).expanduser(), tags)
    except (report.Unreadable, OSError, ValueError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None


def _named(workload: Mapping[str, Any], scenarios: set[str]) -> bool:
    return not scenarios or not scenarios.isdisjoint(workload["scenario"])


def as_file(task: TaskResult, scenarios: set[str]) -> dict[str, Any]:
    """A task as the file that it was made from; only some scenarios of it, if they are named."""
    if task.config:
        parts = [
            {**s, "workloads": [w for w in s["workloads"] if _named(w, scenarios)]}
            for s in task.config["subtasks"]
        ]
        return {**task.config, "subtasks": [s for s in parts if s["workloads"]]}
    subtasks = []
    for subtask in task.subtasks:
        workloads = [
            workload_document(
                Workload(
                    name=w.name,
                    args=w.args,
                    description=w.description,
                    contexts=w.contexts,
                    runner_type=w.runner_type,
                    runner=w.runner,
                    sla=w.sla,
                    hooks=[msgspec.convert(hook, Hook) for hook in w.hooks],
                )
            )
            for w in subtask.workloads
            if not scenarios or w.name in scenarios
        ]
        if workloads:
            subtasks.append({"title": subtask.title, "workloads": workloads})
    return {"version": 2, "title": task.title, "tags": task.tags, "subtasks": subtasks}


def kept_task(kept: Store, uuid: str) -> TaskResult:
    try:
        return kept.task(uuid)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None


def status(kept: Store, task: TaskResult) -> str:
    """How a task is; of one that was killed nobody has said so in its row."""
    gone = task.status in UNFINISHED and not owners.alive(kept, task.uuid)
    return f"{task.status} (its process is gone)" if gone else task.status


def show_detailed(
    kept: Store, uuid: str, *, iterations: bool = False, filters: tuple[str, ...] = ()
) -> bool:
    """Say what came out; whether a criterion was missed."""
    found = kept.task(uuid)
    rule = "-" * 80
    click.echo(f"\n{rule}\nTask {uuid}: {status(kept, found)}")
    if found.status in ("crashed", "validation_failed"):
        wrong = found.validation_result
        say(f"{rule}\n{wrong.get('etype', '')}\n{wrong.get('msg', '')}")
        return True
    if found.status not in FINISHED:
        click.echo(
            f"{rule}\n\nThe task {uuid} marked as '{status(kept, found)}'. Results available when "
            "it is 'finished'."
        )
        return False
    _print_workloads(kept, found, iterations=iterations, filters=filters)
    click.echo("\nHINTS:\n* To plot HTML graphics with this data, run:")
    click.echo(f"\trally task report {uuid} --out output.html\n")
    click.echo("* To generate a JUnit report, run:")
    click.echo(f"\trally task export {uuid} --type junit-xml --to output.xml\n")
    click.echo("* To get raw JSON output of task results, run:")
    click.echo(f"\trally task report {uuid} --json --out output.json\n")
    if not found.pass_sla:
        click.echo("At least one workload did not pass SLA criteria.\n")
    return not found.pass_sla


def _print_workloads(
    kept: Store, task: TaskResult, *, iterations: bool, filters: tuple[str, ...]
) -> None:
    """What `task detailed` and the end of `task start` say."""
    wanted: set[str] = set()
    for each in filters:
        if each.startswith(("scenario=", "scenarios=")):
            wanted |= set(each.partition("=")[2].split(","))
    for subtask in task.subtasks:
        for workload in subtask.workloads:
            if wanted and workload.name not in wanted:
                continue
            if "sla-failures" in filters and workload.pass_sla:
                continue
            _print_workload(kept, task.uuid, workload, iterations)


def _print_workload(kept: Store, uuid: str, workload: WorkloadResult, iterations: bool) -> None:
    say(f"{'-' * 80}\n\ntest scenario {workload.name}\nargs position {workload.position}")
    say("args values:")
    values = {
        "args": workload.args,
        "runner": workload.runner,
        "contexts": workload.contexts,
        "sla": workload.sla,
        "hooks": [hook.config for hook in workload.hooks_results],
    }
    say(json.dumps(masked(values), indent=2))
    _print_errors(kept, uuid, workload)
    _print_durations(workload)
    if iterations:
        _print_iterations(kept, workload)
    for result in workload.sla_results:
        say(f"[{'PASS' if result.success else 'FAIL'}] {result.detail}")
    for hook in workload.hooks_results:
        wrong = [r for r in hook.results if r.get("status") != "success"]
        if wrong:
            words = (wrong[0].get("error") or {}).get("msg", "")
            name = next(iter(hook.config.get("action", {})), "")
            say(f"[FAIL] Hook {name} failed {len(wrong)} of {len(hook.results)} times: {words}")
    if workload.cpu.get("server"):
        ratio = workload.cpu["generator"] / workload.cpu["server"]
        say(f"Generator CPU / server CPU: {ratio:.2f}")
    say(f"\nLoad duration: {workload.load_duration:.6f}")
    say(f"Full duration: {workload.full_duration:.6f}")


def _print_errors(kept: Store, uuid: str, workload: WorkloadResult) -> None:
    say(f"{'-' * 80}\nTask {uuid} has {workload.failed_iteration_count} error(s)")
    say("-" * 80)
    if not workload.failed_iteration_count:
        return
    shown: dict[tuple[str, str], tuple[str, int]] = {}
    for iteration in kept.iterations(workload.uuid):
        if iteration.error:
            key = (iteration.error[0], general(iteration.error[1]))
            words, count = shown.get(key, (iteration.error[1], 0))
            shown[key] = (words, count + 1)
    for (kind, _), (words, count) in sorted(shown.items(), key=lambda e: -e[1][1])[:20]:
        say(f"{count} x {kind}: {words}\n")


def _print_durations(workload: WorkloadResult) -> None:
    rows: list[list[object]] = []

    def add(row: dict[str, Any], depth: int) -> None:
        data = row["data"]
        name = row["display_name"] if not depth else f" {'-' * depth}> {row['display_name']}"
        columns = ("min", "median", "90%ile", "95%ile", "max", "avg", "success", "iteration_count")
        rows.append([name, *(data.get(c) for c in columns)])
        for child in row["children"]:
            add(child, depth + 1)

    durations = workload.statistics.get("durations")
    if not durations:
        return
    for row in (*durations["atomics"], durations["total"]):
        add(row, 0)
    say("Response Times (sec):")
    columns = (
        "Action",
        "Min (sec)",
        "Median (sec)",
        "90%ile (sec)",
        "95%ile (sec)",
        "Max (sec)",
        "Avg (sec)",
        "Success",
        "Count",
    )
    say(table(columns, rows))


def _print_iterations(kept: Store, workload: WorkloadResult) -> None:
    names = [row["name"] for row in workload.statistics["durations"]["atomics"]]
    rows = []
    for number, iteration in enumerate(kept.iterations(workload.uuid), 1):
        spent: dict[str, float] = {}
        for action in iteration.atomic_actions:
            spent[action.name] = spent.get(action.name, 0.0) + action.duration
        rows.append([number, iteration.duration, *(spent.get(name, 0.0) for name in names)])
    columns = ["iteration", "duration", *(f"{n}. {name}" for n, name in enumerate(names, 1))]
    say("Atomics per iteration:")
    say(table(columns, rows))
