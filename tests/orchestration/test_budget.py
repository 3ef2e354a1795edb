"""Functions that are small each and would fill the memory together; environments of odd shapes."""

import time
from typing import Any

import pytest

from cumulo.orchestration.language.environment import Environment, merge, parse
from cumulo.orchestration.language.functions import Functions
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.versions import LATEST, hot_version

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


@pytest.mark.parametrize("section", ["encrypted_param_names", "event_sinks", "parameters"])
def test_sections_of_an_environment_have_a_shape(section: str) -> None:
    with pytest.raises(Invalid, match=section):
        parse({section: 5})


def test_strategies_of_a_file_are_a_map() -> None:
    with pytest.raises(Invalid, match="parameter_merge_strategies"):
        merge(Environment(), ["e"], {"e": "parameter_merge_strategies: [1]"})
