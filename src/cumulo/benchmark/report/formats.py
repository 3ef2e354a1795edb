"""All formats by name: pages, documents, test cases."""

import datetime
from collections.abc import Callable, Iterator, Mapping

from cumulo.benchmark.moments import FORM
from cumulo.benchmark.report.documents import Results, Unreadable, as_json, as_old
from cumulo.benchmark.report.markup import attribute, words


def make(kind: str, tasks: list[Results]) -> str:
    """A report. Raises Unreadable for formats that are not known."""
    return "".join(pieces(kind, tasks))


def pieces(kind: str, tasks: list[Results]) -> Iterator[str]:
    """The same piece by piece: documents with all iterations may be huge."""
    makers: Mapping[str, Callable[[list[Results]], Iterator[str]]] = {
        "json": as_json,
        "html": _html,
        "html-static": _html,
        "trends-html": _trends,
        "trends-html-static": _trends,
        "junit-xml": _junit,
        "old-json-results": as_old,
    }
    if kind not in makers:
        raise Unreadable(
            f"There is no TaskExporter plugin `{kind}`; there are: {', '.join(sorted(makers))}"
        )
    return makers[kind](tasks)


def _html(tasks: list[Results]) -> Iterator[str]:
    from cumulo.benchmark.report.page import page

    yield page(tasks)


def _trends(tasks: list[Results]) -> Iterator[str]:
    from cumulo.benchmark.report.trends import page

    yield page(tasks)


def _junit(tasks: list[Results]) -> Iterator[str]:
    """A test suite for each task, a test case for each workload: several tasks stay apart."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<testsuites>"]
    for found in tasks:
        task = found.task
        workloads = [w for s in task.subtasks for w in s.workloads]
        broken = task.status != "finished"
        ended = [w for w in workloads if w.pass_sla or w.sla_results or not broken]
        failed = sum(not w.pass_sla for w in ended)
        spent = _seconds(task.created_at, task.updated_at)
        lines.append(
            f"  <testsuite id={attribute(task.uuid)} name={attribute(task.title)} "
            f'errors="{int(broken)}" failures="{failed}" skipped="0" '
            f'tests="{len(ended) + broken}" time="{spent:.2f}" '
            f"timestamp={attribute(task.created_at)}>"
        )
        if broken:
            # Whatever it had done by then: who looks at this file alone must see that.
            problem = str(task.validation_result.get("msg", ""))
            lines += [
                f'    <testcase classname="rally" name={attribute(task.title)} '
                f'id={attribute(task.uuid)} time="0.00" timestamp={attribute(task.created_at)}>',
                f"      <error message={attribute(f'the task is {task.status}')}>"
                f"{words(problem)}</error>",
                "    </testcase>",
            ]
        for w in ended:
            group, _, name = w.name.partition(".")
            case = (
                f"    <testcase classname={attribute(group)} name={attribute(name)} "
                f'id={attribute(w.uuid)} time="{w.full_duration:.2f}" '
                f"timestamp={attribute(w.created_at)}"
            )
            if w.pass_sla:
                lines.append(f"{case} />")
                continue
            missed = "\n".join(r.detail for r in w.sla_results if not r.success)
            lines += [
                f"{case}>",
                f"      <failure>{words(missed)}</failure>",
                "    </testcase>",
            ]
        lines.append("  </testsuite>")
    yield "\n".join([*lines, "</testsuites>", ""])


def _seconds(first: str, last: str) -> float:
    try:
        parse = datetime.datetime.strptime
        return (parse(last, FORM) - parse(first, FORM)).total_seconds()
    except ValueError:
        return 0.0
