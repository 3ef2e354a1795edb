"""Task files: templates, both formats, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.benchmark import registry, template
from cumulo.benchmark.actions import guests, heat
from cumulo.benchmark.cleanup.kinds import CLOUD, PROJECT, chosen
from cumulo.benchmark.contexts.table import find as find_context
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.finding import NotFoundHere, match
from cumulo.benchmark.model.task import InvalidTask, Workload, parse, to_document
from cumulo.benchmark.validation import (
    InvalidTaskConfig,
    _context_makes,
    argument_problems,
    check_syntax,
    fit_problems,
    syntax_problems,
)

NEW = """
{% set name = name or "m1.tiny" %}
version: 2
title: Servers
tags: [nightly]
subtasks:
  - title: one
    scenario: {Dummy.dummy: {sleep: {{ sleep|default(0.5) }}, word: "{{ name }}"}}
    runner: {constant: {times: 4, concurrency: 2}}
    sla: {failure_rate: {max: 0}}
  - title: several
    workloads:
      - scenario: {Dummy.failure: {each: 2}}
      - scenario: {Dummy.dummy: {}}
        hooks:
          - action: {sys_call: "true"}
            trigger: {event: {unit: iteration, at: [1]}}
"""

OLD = """
{"Dummy.dummy": [
  {"args": {"sleep": 1}, "runner": {"type": "rps", "times": 2, "rps": 1},
   "context": {"users": {}}, "sla": {"max_avg_duration": 2},
   "hooks": [{"name": "sys_call", "args": "true",
              "trigger": {"name": "event", "args": {"unit": "time", "at": [1]}}}]},
  {"runner": {"type": "serial"}}
]}
"""


def read(text: str, **args: Any) -> Any:
    return parse(template.decode(template.render(text, args, Path())))


def test_the_new_format_with_variables() -> None:
    task = read(NEW, name="m1.large")
    assert (task.title, task.tags) == ("Servers", ["nightly"])
    first, second = task.subtasks
    assert first.workloads[0].args == {"sleep": 0.5, "word": "m1.large"}
    assert first.workloads[0].runner == {"times": 4, "concurrency": 2}
    assert [w.position for w in second.workloads] == [0, 1]
    assert second.workloads[0].runner_type == "serial"
    assert second.workloads[0].sla == {"failure_rate": {"max": 0}}
    assert second.workloads[1].hooks[0].trigger == ("event", {"unit": "iteration", "at": [1]})
    assert read(NEW).subtasks[0].workloads[0].args["word"] == "m1.tiny"


def test_a_task_written_out_reads_as_the_same() -> None:
    task = read(NEW)
    assert to_document(parse(to_document(task))) == to_document(task)


def test_the_old_format_with_a_list_per_scenario() -> None:
    task = read(OLD)
    (subtask,) = task.subtasks
    first, second = subtask.workloads
    assert (first.runner_type, first.runner) == ("rps", {"times": 2, "rps": 1})
    assert first.contexts == {"users": {}}
    assert first.hooks[0].action == ("sys_call", "true")
    assert (second.position, second.sla) == (1, {"failure_rate": {"max": 0}})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "It is empty"),
        ([], "It is not a dict"),
        ({"version": 3}, "version 3 is not supported. Supported versions: 1, 2"),
        ({"version": 2}, "'subtasks', 'title' are required properties, but they are missed."),
        ({"version": 2, "title": "x"}, "'subtasks' is a required property, but it is missed."),
        (
            {"version": 2, "title": "x", "subtasks": [], "more": 1},
            "Additional properties are not allowed ('more' was unexpected).",
        ),
        ({"version": 2, "title": 1, "subtasks": []}, "Title should be a string, but 'int'"),
        ({"version": 2, "title": "x", "subtasks": []}, "cannot be empty"),
        ({"version": 2, "title": "x", "subtasks": {}}, "Property 'subtasks' should be an array"),
        (
            {"version": 2, "title": "x", "subtasks": [{"title": "y"}]},
            "Subtask #1. 'scenario' is a required property",
        ),
        (
            {"version": 2, "title": "x", "subtasks": [{"title": "y", "workloads": []}]},
            "Subtask #1. [] is too short",
        ),
        ({"Dummy.dummy": [{"runner": {}}]}, "'type' is a required property"),
        ({"Dummy.dummy": [{"arguments": {}}]}, "('arguments' was unexpected)"),
    ],
)
def test_what_is_no_task_is_told_why(document: Any, words: str) -> None:
    with pytest.raises(InvalidTask) as refused:
        parse(document)
    assert words in str(refused.value)


def test_variables_that_lack_are_all_named() -> None:
    with pytest.raises(template.BadTemplate) as refused:
        template.render("{{ a }}{{ b }}{{ c|default(1) }}", {"a": 1}, Path())
    assert "Please specify template task argument: b" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["{% set x = x or 1 %}{{ x }}", "{{ x|default(1) }}", "{{ x|d(1) }}",
     "{%- set x = x|d(1) %}{{ x }}",
     "{% if x is defined %}{{ x }}{% else %}1{% endif %}", "{{ (x or 1) }}"],
)  # fmt: skip
def test_variables_that_may_lack(text: str) -> None:
    assert template.render(text, {}, Path()) == "1"
    with pytest.raises(template.BadTemplate):
        template.render(text + "{{ y }}", {}, Path())


def test_a_template_cannot_reach_into_python() -> None:
    with pytest.raises(template.BadTemplate):
        template.render("{{ ().__class__.__base__.__subclasses__() }}", {}, Path())


def test_a_template_may_include_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "macro.j2").write_text("{% macro twice(x) %}{{ x * 2 }}{% endmacro %}")
    text = "{% from 'macro.j2' import twice %}{{ twice(4) }}"
    assert template.render(text, {}, tmp_path) == "8"


def test_arguments_of_the_command_line_win_over_those_of_a_file() -> None:
    found = template.arguments("a=1,b=x", "{a: 2, c: 3}")
    assert found == {"a": "1", "b": "x", "c": 3}
    assert template.arguments('{"a": {"b": 1}}', None) == {"a": {"b": 1}}
    with pytest.raises(template.BadTemplate):
        template.arguments("just words", None)


def _problems(**workload: Any) -> list[str]:
    config = parse(
        {
            "version": 2,
            "title": "x",
            "subtasks": [{"title": "y", "scenario": {"Dummy.dummy": {}}, **workload}],
        }
    )
    return syntax_problems(config.subtasks[0].workloads[0])


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ({"scenario": {"Dummy.dumy": {}}}, "There is no Scenario plugin `Dummy.dumy`"),
        ({"scenario": {"Dummy.dumy": {}}}, "Did you mean: Dummy.dummy"),
        (
            {"scenario": {"Dummy.failure": {"slep": 1}}},
            "Unexpected argument(s) found ['slep'].",
        ),
        (
            {"scenario": {"HttpRequests.check_request": {"url": "x"}}},
            "Argument(s) 'method', 'status_code' should be specified in task config.",
        ),
        (
            {"scenario": {"Dummy.dummy_exception_probability": {"exception_probability": 2}}},
            "Argument 'exception_probability' is invalid: 2 is greater than the maximum of 1",
        ),
        ({"runner": {"constant": {"times": 0}}}, "0 is less than the minimum of 1 (times)"),
        ({"runner": {"constant": {"times": 1, "concurrency": 2}}}, "Parameter 'concurrency' means"),
        ({"runner": {"konstant": {}}}, "There is no ScenarioRunner plugin `konstant`"),
        ({"runner": {"rps": {"times": 1}}}, "'rps' is a required property"),
        (
            {"runner": {"rps": {"times": 1, "rps": {"start": 3, "end": 1, "step": 1}}}},
            "rps end value must not be less than rps start value.",
        ),
        ({"contexts": {"usrs": {}}}, "There is no Context plugin `usrs`"),
        ({"contexts": {"cleanup": ["nova"]}}, "There is no Context plugin `cleanup`"),
        ({"contexts": {"users": {"tenants": "many"}}}, "'many' is not of type 'integer'"),
        (
            {"contexts": {"quotas": {"nova": {"cors": 1}}}},
            "Additional properties are not allowed ('cors' was unexpected)",
        ),
        ({"sla": {"max_avg": 1}}, "There is no SLA plugin `max_avg`"),
        ({"sla": {"failure_rate": {"max": 101}}}, "101 is greater than the maximum of 100.0"),
        ({"sla": {"percentile": {"most": 1}}}, "'most' is no percentile"),
        (
            {"scenario": {"NeutronSubnets.delete_subnets": {}}},
            "context(s) are required but missing from the input task file: network",
        ),
        (
            {"hooks": [{"action": {"call": ""}, "trigger": {"event": {}}}]},
            "There is no HookAction plugin `call`",
        ),
        (
            {"hooks": [{"action": {"sys_call": 1}, "trigger": {"event": {"unit": "time"}}}]},
            "1 is not of type 'string'",
        ),
    ],
)
def test_what_a_workload_gets_wrong_is_said_by_name(workload: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in _problems(**workload)), _problems(**workload)


def test_all_problems_of_a_workload_are_said_at_once() -> None:
    config = parse(
        {
            "version": 2,
            "title": "x",
            "subtasks": [
                {
                    "title": "y",
                    "scenario": {"Dummy.failure": {"slep": 1}},
                    "runner": {"konstant": {}},
                    "sla": {"failure_rate": {"max": 101}},
                }
            ],
        }
    )
    with pytest.raises(InvalidTaskConfig) as refused:
        check_syntax(config)
    assert len(refused.value.reasons) == 3
    assert "Subtask Dummy.failure[0] has wrong configuration" in str(refused.value)


FLAVOR = {"id": "f", "ram": 512, "disk": 1}
IMAGE = {"id": "i", "min_ram": 256, "min_disk": 2, "size": 3 * 1024**3}


def test_an_image_must_fit_its_flavor_unless_its_disk_is_a_volume() -> None:
    assert [line.partition(" for")[0] for line in fit_problems(FLAVOR, IMAGE, disk=True)] == [
        "The disk size",
        "The minimal disk size",
    ]
    assert fit_problems(FLAVOR, IMAGE, disk=False) == []
    assert fit_problems(FLAVOR, {**IMAGE, "min_ram": 1024}, disk=False) != []
    # A flavor without a disk takes the image's size.
    assert fit_problems({**FLAVOR, "disk": 0}, IMAGE, disk=True) == []
    assert not registry.find("NovaServers.boot_server_from_volume").fits[0].disk


THINGS = [
    {"id": "1", "name": "cirros-a"},
    {"id": "2", "name": "cirros-b"},
    {"id": "3", "name": "x"},
]


@pytest.mark.parametrize(
    ("wanted", "made"), [("ram64", True), ("^ram64$", True), ("^ram6$", False), ("ram", True)]
)
def test_what_a_context_makes_need_not_be_there_before(wanted: str, made: bool) -> None:
    """By its name or by a pattern, as what is there already."""
    workload = Workload("NovaServers.boot_server", {}, contexts={"flavors": [{"name": "ram64"}]})
    assert _context_makes(workload, "flavor", {"name": wanted}) is made


@pytest.mark.parametrize(
    ("kind", "described", "id"),
    [
        ("image", {"name": "x"}, "3"),
        ("image", {"name": "^cirros"}, "2"),
        ("image", {"regex": "a$"}, "1"),
        ("flavor", {"name": "cirros-a"}, "1"),
        ("flavor", {"name": "^cirros"}, None),
        ("flavor", {"name": "m1.none"}, None),
        ("image", {"name": "cirros", "accurate": True}, None),
        ("image", {"name": "("}, None),
        ("image", {"name": "(x)|" * 200 + "x"}, None),
        ("image", {"regex": r"(.)\1"}, None),
        ("image", {}, None),
    ],
)
def test_things_are_found_by_name_and_by_pattern(
    kind: str, described: dict[str, Any], id: str | None
) -> None:
    if id is None:
        with pytest.raises(NotFoundHere):
            match(kind, described, THINGS)
    else:
        assert match(kind, described, THINGS)["id"] == id


def test_every_scenario_can_be_shown_and_its_contexts_are_known() -> None:
    found = registry.everything()
    assert len(found) >= 250
    for scenario in found.values():
        assert scenario.title, scenario.name
        for name in [*scenario.brings, *(c for each in scenario.contexts for c in each.split("|"))]:
            assert find_context(name).order > 0
        assert set(scenario.finds) <= set(scenario.parameters()), scenario.name
        assert set(scenario.numbers) - {"container_format"} <= set(scenario.parameters()) | {
            "object_size",
            "objects_per_container",
            "import_method",
            "disk_format",
        }, scenario.name
        for word in (*scenario.cleanup, *scenario.admin_cleanup):
            service, _, what = word.partition(".")
            known = chosen((*PROJECT, *CLOUD), (word,)) or what in ("quotas", "quota")
            assert known or service == "keystone", (scenario.name, word)


def test_a_template_is_read_for_each_stack(tmp_path: Path) -> None:
    """The file may be anywhere, and changes between two runs are seen."""
    path = tmp_path / "stack.yaml"
    path.write_text("one")
    assert heat.read(str(path)) == "one"
    path.write_text("two")
    assert heat.read(str(path)) == "two"
    problems = argument_problems(
        registry.find("HeatStacks.create_and_delete_stack"), {"template_path": f"{path}.none"}
    )
    assert any("Could not open" in problem for problem in problems)


def test_files_of_a_template_are_named_as_it_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From where it is, or from the root; the task file names them from the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "inner.yaml").write_text("inner")
    path = tmp_path / "outer.yaml"
    for reference in ("inner.yaml", "extra/inner.yaml", f"{tmp_path}/extra/inner.yaml"):
        path.write_text(f"type: {reference}")
        made = heat.described(str(path), ["~/extra/inner.yaml"], None)
        assert made["files"][reference] == "inner"


@pytest.mark.parametrize(
    ("command", "words", "script"),
    [
        ({"interpreter": "/bin/sh", "script_inline": "id"}, ["/bin/sh"], b"id"),
        ({"interpreter": ["sh", "-x"], "command_args": [1]}, ["sh", "-x", "1"], b""),
        ({"remote_path": "/bin/true"}, ["/bin/true"], b""),
        ({"script_inline": "id"}, None, b""),
        ({"interpreter": "sh", "user": "x"}, None, b""),
        ({"interpreter": "sh", "script_file": "/none"}, None, b""),
    ],
)
def test_commands_for_guests(
    command: dict[str, Any], words: list[str] | None, script: bytes
) -> None:
    if words is None:
        with pytest.raises(CheckFailed):
            guests.command_of(command)
    else:
        assert guests.command_of(command) == (words, script)
