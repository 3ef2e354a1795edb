"""Criteria, statistics, hooks, and reports out of them."""

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.benchmark import report
from cumulo.benchmark.engine.hooks import Hooks, due
from cumulo.benchmark.engine.sla import Checker, wrong
from cumulo.benchmark.engine.statistics import Percentiles, Statistics
from cumulo.benchmark.model.charts import fits
from cumulo.benchmark.model.result import (
    Action,
    Iteration,
    SlaResult,
    SubtaskResult,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.model.task import Hook
from cumulo.benchmark.report import Results, read_file
from cumulo.benchmark.report.trends import significant

from .virtual import run


def iterations(*durations: float, failed: tuple[int, ...] = ()) -> list[Iteration]:
    return [
        Iteration(
            timestamp=1000.0 + n,
            duration=d,
            error=["ValueError", f"bad {n}", "trace"] if n in failed else [],
            atomic_actions=[
                Action("a", 1000.0 + n, 1000.0 + n + d / 2),
                Action("a", 1000.0 + n + d / 2, 1000.0 + n + d),
            ],
        )
        for n, d in enumerate(durations)
    ]


def verdicts(config: dict[str, Any], seen: list[Iteration]) -> list[tuple[bool, str]]:
    assert [w for name, c in config.items() for w in wrong(name, c)] == []
    checker = Checker(config)
    for iteration in seen:
        checker.add(iteration)
    return [(r.success, r.detail) for r in checker.results()]


@pytest.mark.parametrize(
    ("config", "seen", "success", "words"),
    [
        (
            {"failure_rate": {"max": 0}},
            iterations(1, 1),
            True,
            "Failure rate criteria 0.00% <= 0.00% <= 0.00% - Passed",
        ),
        (
            {"failure_rate": {"min": 10, "max": 30}},
            iterations(1, 1, failed=(0,)),
            False,
            "Failure rate criteria 10.00% <= 50.00% <= 30.00% - Failed",
        ),
        (
            {"max_seconds_per_iteration": 2},
            iterations(1, 3),
            False,
            "Maximum seconds per iteration 3.00s <= 2.00s - Failed",
        ),
        (
            {"max_avg_duration": 2},
            iterations(1, 3, 100, failed=(2,)),
            True,
            "Average duration of one iteration 2.00s <= 2.00s - Passed",
        ),
        (
            {"max_avg_duration_per_atomic": {"a": 1}},
            iterations(1, 5),
            False,
            "Average duration of one iteration for atomic actions:\n"
            "Action: 'a'. 1.50s <= 1.00s\nStatus: Failed",
        ),
        (
            {"outliers": {"max": 0, "min_iterations": 5, "sigmas": 3}},
            iterations(1, 1.1, 0.9, 1, 1.1, 9),
            False,
            "Maximum number of outliers 1 <= 0 - Failed",
        ),
        (
            {"performance_degradation": {"max_degradation": 50}},
            iterations(1, 1.4),
            True,
            "Current degradation: 40.0% - Passed",
        ),
        (
            {"percentile": {"50": 2, "99": 3}},
            iterations(1, 1, 1, 4),
            False,
            "Percentiles of one iteration: 50%ile 1.000s <= 2.000s, 99%ile 4.000s <= 3.000s"
            " - Failed",
        ),
        (
            # Half of them failed: they took no time, and were not in time.
            {"percentile": {"50": 2, "95": 3}},
            iterations(1, 1, 1, 1, failed=(0, 1)),
            False,
            "Percentiles of one iteration: 50%ile 1.000s <= 2.000s, 95%ile infs <= 3.000s - Failed",
        ),
        (
            {"percentile": {"95": 3}},
            [],
            False,
            "Percentiles of one iteration: 95%ile infs <= 3.000s - Failed",
        ),
    ],
)
def test_a_criterion_says_what_it_saw(
    config: dict[str, Any], seen: list[Iteration], success: bool, words: str
) -> None:
    assert verdicts(config, seen) == [(success, words)]


def test_a_run_that_was_ended_does_not_pass() -> None:
    checker = Checker({})
    checker.aborted_manually = True
    checker.unexpected = "no network"
    assert [(r.criterion, r.success) for r in checker.results()] == [
        ("aborted_manually", False),
        ("something_went_wrong", False),
    ]


def test_a_criterion_walks_through_no_histogram_for_an_iteration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would take longer than the iteration: a millisecond."""
    checker = Checker(
        {"percentile": {"50": 2, "90": 3}, "outliers": {"max": 9}, "max_avg_duration": 3}
    )
    whole = Percentiles.nth

    def walk(self: Percentiles, place: int) -> float:
        raise AssertionError("walked")

    monkeypatch.setattr(Percentiles, "nth", walk)
    assert all(checker.add(iteration) for iteration in iterations(1, 1, 1, 2.5))
    monkeypatch.setattr(Percentiles, "nth", whole)
    assert [r.success for r in checker.results()] == [True, True, True]


@pytest.mark.parametrize(
    ("percent", "count", "place"),
    [(50, 4, 2), (50, 3, 2), (91, 10, 10), (90, 10, 9), (99.9, 1000, 999), (100, 7, 7), (1, 1, 1)],
)
def test_a_percentile_is_that_of_the_first_that_is_enough(
    percent: float, count: int, place: int
) -> None:
    figures = Percentiles()
    for n in range(1, count + 1):
        figures.add(n)
    assert figures.at(percent) == pytest.approx(place, rel=1e-3)


def test_percentiles_keep_three_digits() -> None:
    figures = Percentiles()
    for n in range(1, 10_001):
        figures.add(n / 1000)
    assert figures.at(50) == pytest.approx(5.0, rel=1e-3)
    assert figures.at(99.9) == pytest.approx(9.99, rel=1e-3)
    assert (figures.least, figures.most, figures.count) == (0.001, 10.0, 10_000)
    assert figures.mean == pytest.approx(5.0005)
    assert [p for p, _ in figures.curve()][-1] == 100


def test_nothing_has_no_figures() -> None:
    assert (Percentiles().at(50), Percentiles().least, Percentiles().curve()) == (0.0, 0.0, [])
    document = Statistics().document()
    assert document["durations"]["total"]["data"]["success"] == "n/a"
    assert document["durations"]["total"]["data"]["median"] is None


def test_the_table_of_durations() -> None:
    figures = Statistics()
    for iteration in iterations(1, 2, 3, failed=(2,)):
        figures.add(iteration)
    document = figures.document()
    total = document["durations"]["total"]["data"]
    assert (total["min"], total["max"], total["success"]) == (1.0, 2.0, "66.7%")
    (action,) = document["durations"]["atomics"]
    assert action["display_name"] == "a (x2)"
    assert action["data"]["max"] == pytest.approx(3.0)
    assert document["errors"] == {"ValueError": 1}
    assert figures.load_duration == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("trigger", "unit", "values"),
    [
        (("event", {"unit": "iteration", "at": [2, 5]}), "iteration", [2, 5]),
        (("event", {"unit": "time", "at": [0]}), "time", [0]),
        (("periodic", {"unit": "iteration", "step": 3}), "iteration", [1, 4]),
        (("periodic", {"unit": "time", "step": 2, "start": 1, "end": 4}), "time", [1, 3]),
    ],
)
def test_triggers_fire_when_they_should(trigger: Any, unit: str, values: list[int]) -> None:
    assert [n for n in range(6) if due(trigger, unit, n)] == values
    other = "time" if unit == "iteration" else "iteration"
    assert not any(due(trigger, other, n) for n in range(6))


class Shell:
    async def run(self, line: str) -> tuple[int, str, str]:
        await asyncio.sleep(1)
        return (0, "said", "") if line == "fine" else (3, "", "broken")


def test_hooks_run_beside_the_load_and_report() -> None:
    async def whole() -> Any:
        hooks = Hooks(
            [
                Hook(("sys_call", "fine"), ("event", {"unit": "iteration", "at": [2]})),
                Hook(("sys_call", "worse"), ("periodic", {"unit": "time", "step": 2})),
                Hook(
                    ("fault_injection", {"action": "kill"}), ("event", {"unit": "time", "at": [1]})
                ),
            ],
            Shell(),
            None,
        )
        for number in (1, 2, 3):
            hooks.iteration(number)
            await asyncio.sleep(1.5)
        return await hooks.finish()

    fine, worse, harm = run(whole())
    assert fine.summary == {"success": 1}
    assert "StdOut: said" in fine.results[0]["output"]["complete"][0]["data"]
    assert worse.summary == {"failed": 3}
    assert worse.results[0]["error"]["msg"] == "Subprocess returned 3"
    assert harm.summary == {"failed": 1}
    assert "only be injected" in harm.results[0]["error"]["msg"]


# reports


def results(*durations: float, failed: tuple[int, ...] = (), uuid: str = "task-1") -> Results:
    seen = iterations(*durations, failed=failed)
    figures = Statistics()
    for iteration in seen:
        figures.add(iteration)
    verdict = SlaResult("failure_rate", not failed, "Failure rate </script> & more")
    workload = WorkloadResult(
        uuid=f"{uuid}-workload",
        subtask_uuid="s",
        task_uuid=uuid,
        name="Dummy.dummy",
        description="<b>",
        position=0,
        args={"word": "</script><script>alert(1)</script>"},
        runner_type="constant",
        runner={"times": len(durations)},
        contexts={},
        sla={"failure_rate": {"max": 0}},
        hooks=[],
        created_at="2026-01-01T00:00:00",
        updated_at="2026-01-01T00:00:09",
        start_time=1000.0,
        load_duration=figures.load_duration,
        full_duration=9.0,
        pass_sla=verdict.success,
        sla_results=[verdict],
        statistics=figures.document(),
        total_iteration_count=len(seen),
        failed_iteration_count=len(failed),
        cpu={"generator": 1.0, "server": 2.0},
    )
    subtask = SubtaskResult("s", uuid, "s", "", "finished", "", "", [workload])
    task = TaskResult(
        uuid,
        "e",
        "env",
        "Title <i>",
        "",
        ["tag"],
        "finished",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:09",
        pass_sla=workload.pass_sla,
        subtasks=[subtask],
    )

    def read(_: str) -> Iterator[Iteration]:
        return iter(seen)

    return Results(task, read)


def test_a_page_with_a_failed_iteration_needs_nothing_else_and_runs_nothing_of_the_task() -> None:
    page = report.make("html", [results(1, 2, 3, failed=(1,))])
    assert page.count("<script") == 2
    assert "alert(1)" in page and "<script>alert" not in page and "Title <i>" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    data = page.partition('class="series">')[2].partition("</script>")[0]
    series = json.loads(data)
    assert series["iterations"]["failed"] == [0, 1, 0]
    assert series["reasons"][0]["kind"] == "ValueError"
    assert max(series["load"]["running"]) <= 3


@pytest.mark.parametrize(
    ("kind", "chart", "fine"),
    [
        ("additive", {"title": "x", "chart_plugin": "StatsTable", "data": [["a", 1]]}, True),
        ("additive", {"title": "x", "chart_plugin": "StatsTable", "data": [["a", "1"]]}, False),
        ("additive", {"title": "x", "chart_plugin": "StatsTable", "data": 5}, False),
        ("additive", {"title": "x", "chart_plugin": "Pie", "data": [["a", float("nan")]]}, False),
        ("additive", {"title": "x", "chart_plugin": "TextArea", "data": ["a"]}, False),
        ("complete", {"title": "x", "chart_plugin": "TextArea", "data": ["a"]}, True),
        ("complete", {"title": "x", "chart_plugin": "Table", "data": {"cols": []}}, False),
        (
            "complete",
            {"title": "x", "chart_plugin": "Table", "data": {"cols": [], "rows": []}},
            True,
        ),
        ("complete", {"title": "x", "chart_plugin": "Script", "data": []}, False),
        ("complete", {"chart_plugin": "TextArea", "data": []}, False),
        ("complete", "text", False),
    ],
)
def test_charts_that_are_not_ours_do_not_break_a_report(kind: str, chart: Any, fine: bool) -> None:
    """What a guest or a command printed: shown if it has the shape, else left out."""
    assert fits(kind, chart) == fine
    found = results(1)
    (iteration,) = found.read("")
    iteration.output = {kind: [chart]}
    page = report.make("html", [Results(found.task, lambda _: iter([iteration]))])
    assert "<title>Title" in page


def test_a_million_iterations_make_no_longer_page() -> None:
    many = results(*([0.5] * 20_000))
    assert len(report.make("html", [many])) < 150_000


def test_junit_of_several_tasks_keeps_them_apart() -> None:
    text = report.make("junit-xml", [results(1), results(2, failed=(0,), uuid="task-2")])
    suites = ET.fromstring(text.encode()).findall("testsuite")
    assert [(s.get("id"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("task-1", "1", "0"),
        ("task-2", "1", "1"),
    ]
    case = suites[1].find("testcase")
    assert case is not None and (case.get("classname"), case.get("name")) == ("Dummy", "dummy")
    failure = case.find("failure")
    assert failure is not None and failure.text == "Failure rate </script> & more"


@pytest.mark.parametrize("status", ["running", "crashed", "validation_failed"])
def test_a_task_that_did_not_come_to_its_end_is_green_nowhere(status: str) -> None:
    found = results(1)
    found.task.status = status
    found.task.validation_result = {"msg": "no such image"}
    unfinished = found.task.subtasks[0].workloads[0]
    unfinished.pass_sla, unfinished.sla_results = False, []
    suite = ET.fromstring(report.make("junit-xml", [found]).encode())[0]
    assert (suite.get("errors"), suite.get("tests")) == ("1", "1")
    error = suite.find("testcase/error")
    assert error is not None and status in str(error.get("message"))
    document = json.loads(report.make("json", [found]))["tasks"][0]
    assert document["pass_sla"] is False
    assert document["subtasks"][0]["workloads"][0]["pass_sla"] is False


@pytest.mark.parametrize("kind", ["json", "old-json-results"])
def test_a_file_of_results_reads_as_what_it_was_made_of(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(report.make(kind, [results(1, 2, 4, failed=(1,))]))
    (again,) = read_file(path)
    (workload,) = again.task.subtasks[0].workloads
    assert workload.name == "Dummy.dummy"
    assert (workload.total_iteration_count, workload.failed_iteration_count) == (3, 1)
    assert workload.statistics["durations"]["total"]["data"]["max"] == pytest.approx(4.0)
    assert workload.sla_results[0].detail == "Failure rate </script> & more"
    assert len(list(again.read(workload.uuid))) == 3


def test_what_is_no_file_of_results_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"tasks": [{"uuid": 1}]}')
    with pytest.raises(report.Unreadable, match="Invalid task result format"):
        read_file(path)
    with pytest.raises(report.Unreadable, match="no TaskExporter plugin `elastic`"):
        report.make("elastic", [])


def test_trends_mark_what_is_more_than_chance() -> None:
    base = {"mean": 1.0, "deviation": 0.1, "count": 100}
    assert significant(base, {"mean": 1.2, "deviation": 0.1, "count": 100})
    assert not significant(base, {"mean": 1.02, "deviation": 0.1, "count": 100})
    assert not significant(base, {"mean": 1.2, "deviation": 2.0, "count": 10})
    assert not significant(base, {"mean": 9.0, "deviation": 0.0, "count": 1})


def test_trends_show_a_failed_context() -> None:
    one, other = results(1, 1, 1), results(uuid="task-2")
    failed = other.task.subtasks[0].workloads[0]
    failed.runner = {"times": 3}
    failed.contexts_results = [
        {"plugin_name": "users", "setup": {"error": {"etype": "E", "msg": "no admin"}}}
    ]
    page = report.make("trends-html", [one, other])
    assert "context users: no admin" in page


def test_junit_of_any_text_can_be_read() -> None:
    """A title or a verdict may have what XML cannot."""
    found = results(1.0, failed=(0,))
    found.task.title = "a\x01b\ufffe<&\"'"
    found.task.subtasks[0].workloads[0].sla_results[0].detail = "\uffff\x0c]]> \ud800x"
    suite = ET.fromstring(report.make("junit-xml", [found]).encode())[0]
    assert suite.get("name") == "ab<&\"'"
    failure = suite[0].find("failure")
    assert failure is not None and failure.text == "]]> x"


def test_iterations_of_a_file_are_in_the_order_of_their_beginnings() -> None:
    found = results(1.0, 2.0, 3.0)
    seen = list(found.read(""))[::-1]
    found.read = lambda uuid: iter(seen)
    for kind, where in (("json", "data"), ("old-json-results", "result")):
        document = json.loads(report.make(kind, [found]))
        whole = document[0] if kind.startswith("old") else document["tasks"][0]["subtasks"][0]
        data = (whole if kind.startswith("old") else whole["workloads"][0])[where]
        assert [i["timestamp"] for i in data] == sorted(i.timestamp for i in seen)


@pytest.mark.parametrize(
    ("result", "given", "date"),
    [
        ([{"timestamp": 1500000000.5, "duration": 1.0}], "2017-99-99", "2017-07-14T02:40:00"),
        ([], "2017-14-07T02:40:00", "2017-07-14T02:40:00"),
        ([], "2017-07-14T02:40:00", "2017-07-14T02:40:00"),
    ],
)
def test_old_results_have_the_date_of_their_run(
    result: list[Any], given: str, date: str, tmp_path: Path
) -> None:
    """Not that of their import; Rally wrote the day before the month."""
    key = {"name": "Dummy.dummy", "pos": 0, "kw": {"runner": {"type": "serial"}}}
    path = tmp_path / "old.json"
    path.write_text(json.dumps([{"key": key, "result": result, "sla": [], "created_at": given}]))
    (found,) = read_file(path)
    assert found.task.created_at == date
