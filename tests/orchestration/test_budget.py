"""Functions that are small each and would fill the memory together; environments of odd shapes."""

import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest

from cumulo.orchestration.language import cfn_functions, documents
from cumulo.orchestration.language.constraints import Constraint
from cumulo.orchestration.language.environment import Environment, child_of, merge, parse
from cumulo.orchestration.language.functions import Budget, Functions
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.versions import LATEST, hot_version
from cumulo.orchestration.service.deployments import with_inputs

MANY = list(range(900))
BOMBS: dict[str, Any] = {
    "loop in a loop": {
        "repeat": {
            "template": {"repeat": {"template": ["x"] * 5, "for_each": {"%b%": MANY}}},
            "for_each": {"%c%": MANY},
        }
    },
    "texts": [{"list_join": ["y", ["x" * 100] * 10_000]}] * 500,
    "lists": [{"list_concat": [MANY] * 100}] * 500,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_snippet_has_a_budget(name: str) -> None:
    began = time.monotonic()
    functions = Functions(hot_version(LATEST), None)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="more than there is room for"):
        functions.resolve(BOMBS[name])
    assert time.monotonic() - began < 30


class Nowhere:
    """A scope that is asked for its budget only."""

    def __init__(self) -> None:
        self.budget = Budget()


SLOW: dict[str, Any] = {
    "keys alike": {
        "str_replace": {
            "template": "a" * 200_000,
            "params": {f"a{n}": "" for n in range(20_000)},
        }
    },
    "long keys": {
        "str_replace": {
            "template": "a" * 200_000,
            "params": {"a" * 100_000 + str(n): "" for n in range(3)},
        }
    },
    "large rounds": {
        "repeat": {"template": "x" * 200_000, "for_each": {"%a%": list(range(9_000))}}
    },
}


LARGE = "x" * 40_000
COMMAS = {"str_split": [",", "," * 65_000]}
SINGLE: dict[str, Any] = {
    "joined": {"list_join": [LARGE, COMMAS]},
    "joined lists": {"list_join": [LARGE, *[COMMAS] * 9]},
    "replaced": {"str_replace": {"template": "a" * 100_000, "params": {"a": LARGE}}},
    "repeated": {
        "repeat": {
            "template": ["%a%."] * 5_000,
            "for_each": {"%a%": [{"list_join": ["", [LARGE]]}]},
        }
    },
    "repeated keys": {
        "repeat": {"template": {"%a%" * 1000: 1}, "for_each": {"%a%": [LARGE]}},
    },
}


@pytest.mark.parametrize("name", SINGLE)
def test_nothing_large_is_made_to_be_refused(name: str) -> None:
    """One function is enough for gigabytes: they are counted before they are there."""
    functions = Functions(hot_version(LATEST), None)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=r"more than there is room for|the text is larger"):
            functions.resolve(SINGLE[name])
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_join_of_the_first_version_is_counted_too() -> None:
    with pytest.raises(Invalid, match="the text is larger"):
        cfn_functions.PURE["Fn::Join"]([LARGE, [""] * 65_000])


def test_inputs_of_deployments_are_counted() -> None:
    data = [{"get_input": "a"}] * 10_000
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="more than there is room for"):
            with_inputs(data, "get_input", {"a": LARGE}, "LAX")
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert with_inputs({"k": {"get_input": "a"}}, "get_input", {"a": 5}, "LAX") == '{"k":5}'


class Told(Nowhere):
    """Where a guest has said something."""

    def attribute(self, resource: str, name: str | None, path: Sequence[Any] = ()) -> Any:
        return [{"get_param": "secret"}, {"filter": "a"}, "plain"]


def test_what_is_put_in_is_data() -> None:
    functions = Functions(hot_version(LATEST), Told())  # type: ignore[arg-type]
    snippet = {"repeat": {"template": "%x%", "for_each": {"%x%": {"get_attr": ["guest", "said"]}}}}
    assert functions.resolve(snippet) == [{"get_param": "secret"}, {"filter": "a"}, "plain"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: " + "[" * 40_000 + "]" * 40_000, "nested deeper"),
        ("x: " + "[" * 250_000, "nested deeper"),
        ("x: " + "{a: " * 20_000, "nested deeper"),
        ("\n".join(f"{' ' * i}a:" for i in range(700)), "nested deeper"),
        ("- " * 100_000, "nested deeper"),
        ("x: 0x" + "f" * 5000, "a number is too long"),
        ("x: 0b" + "1" * 50_000, "a number is too long"),
        ("x: 1" + ":59" * 50_000, "a number is too long"),
        ("x: 1" + ":59" * 50_000 + ".5", "a number is too long"),
    ],
)
def test_no_text_ends_the_process(text: str, reason: str) -> None:
    """Who composes YAML calls itself for each level: too many of them and the process is gone."""
    began = time.monotonic()
    with pytest.raises(Invalid, match=reason):
        documents.load(text)
    assert time.monotonic() - began < 30


def test_numbers_and_depth_as_people_write_them() -> None:
    deep = "x: " + "[" * 50 + "1" + "]" * 50
    assert documents.load(f"{deep}\ny: 0xff\nz: 1_000\nw: 2.5\nv: 2013-05-23")["y"] == 255


@pytest.mark.parametrize("section", ["encrypted_param_names", "event_sinks", "parameters"])
def test_sections_of_an_environment_have_a_shape(section: str) -> None:
    with pytest.raises(Invalid, match=section):
        parse({section: 5})


def test_strategies_of_a_file_are_a_map() -> None:
    with pytest.raises(Invalid, match="parameter_merge_strategies"):
        merge(Environment(), ["e"], {"e": "parameter_merge_strategies: [1]"})


@pytest.mark.parametrize("name", SLOW)
def test_what_takes_long_is_refused_at_once(name: str) -> None:
    began = time.process_time()
    functions = Functions(hot_version(LATEST), Nowhere())  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="more than there is room for"):
        functions.resolve(SLOW[name])
    assert time.process_time() - began < 5


def test_a_budget_is_for_all_snippets_together() -> None:
    scope, snippet = Nowhere(), {"list_join": ["y", ["x" * 100] * 10_000]}
    for _ in range(8):
        Functions(hot_version(LATEST), scope).resolve(snippet)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="more than there is room for"):
        for _ in range(8):
            Functions(hot_version(LATEST), scope).resolve(snippet)  # type: ignore[arg-type]


def test_long_lists_are_compared_quickly() -> None:
    began = time.process_time()
    functions = Functions(hot_version(LATEST), None)  # type: ignore[arg-type]
    left = functions.resolve({"filter": [list(range(60_000)), [*range(60_001), [1], [1]]]})
    assert left == [60_000, [1], [1]]
    one = Constraint("allowed_values", [str(n) for n in range(60_000)])
    assert one.problem(list(range(60_000))) is None
    assert "is not an allowed value" in str(one.problem(["a" * 9_000]))
    assert len(str(one.problem(["a" * 9_000]))) < 3_000
    assert time.process_time() - began < 5


def test_what_replaces_text_is_the_longest_key_that_fits() -> None:
    functions = Functions(hot_version(LATEST), None)  # type: ignore[arg-type]
    given = {"template": "a-ab-abc-]-^", "params": {"ab": "2", "abc": "3", "]": "r", "^": "c"}}
    assert functions.resolve({"str_replace": given}) == "a-2-3-r-c"


def test_a_registry_has_bounds() -> None:
    with pytest.raises(Invalid, match="patterns"):
        parse({"resource_registry": {f"A{n}*": "x.yaml" for n in range(60)}})
    with pytest.raises(Invalid, match="entries"):
        parse({"resource_registry": {f"A{n}": "x.yaml" for n in range(1100)}})
    texts = {"a": "parameters: {x: 1}", "b": "parameters: {x: 2}"}
    merged = merge(Environment(), ["a", "b", "a"] * 30, texts)
    assert merged.parameters == {"x": 1}


def test_a_child_sees_types_but_no_parameters() -> None:
    registry = {
        "My::Word": "word.yaml",
        "resources": {"outer": {"inner": {"hooks": "pre-create"}}, "else": {"x": {"A": "B"}}},
    }
    parent = parse({"parameters": {"a": 1}, "resource_registry": registry})
    child = child_of(parent, "outer")
    assert child.parameters == {}
    assert child.type_of("My::Word") == "word.yaml"
    assert child.hooks_of("inner") == {"pre-create"}
    assert child_of(parent, "third").resource_registry == {"My::Word": "word.yaml"}
