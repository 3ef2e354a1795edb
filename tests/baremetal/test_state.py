"""The table of states, and the moves between them."""

import itertools
from typing import get_args

import pytest

from cumulo.baremetal.model.state import (
    ABORTABLE,
    GOAL,
    HOLDS,
    MOVES,
    SAME_AS,
    SINCE,
    WAITS,
    Action,
    Stage,
    Step,
    move_of,
    provision_of,
)


@pytest.mark.parametrize("stage", get_args(Stage))
def test_at_rest(stage: Stage) -> None:
    assert provision_of(stage, None, None, False) == (stage, None)


@pytest.mark.parametrize(
    ("stage", "action", "step", "running", "failed", "target"),
    [
        ("enroll", "manage", "work", "verifying", "enroll", "manageable"),
        ("manageable", "inspect", "work", "inspecting", "inspect failed", "manageable"),
        ("manageable", "provide", "work", "cleaning", "clean failed", "available"),
        ("manageable", "provide", "wait", "clean wait", "clean failed", "available"),
        ("manageable", "clean", "work", "cleaning", "clean failed", "manageable"),
        ("manageable", "adopt", "work", "adopting", "adopt failed", "active"),
        ("available", "deploy", "work", "deploying", "deploy failed", "active"),
        ("available", "deploy", "wait", "wait call-back", "deploy failed", "active"),
        ("active", "rebuild", "wait", "wait call-back", "deploy failed", "active"),
        ("active", "undeploy", "work", "deleting", "error", "available"),
        ("active", "undeploy", "clean", "cleaning", "clean failed", "available"),
        ("active", "undeploy", "wait", "clean wait", "clean failed", "available"),
        ("active", "rescue", "work", "rescuing", "rescue failed", "rescue"),
        ("active", "rescue", "wait", "rescue wait", "rescue failed", "rescue"),
        ("rescue", "unrescue", "work", "unrescuing", "unrescue failed", "active"),
        ("active", "service", "wait", "service wait", "service failed", "active"),
    ],
)
def test_words(
    stage: Stage, action: Action, step: Step, running: str, failed: str, target: str
) -> None:
    assert provision_of(stage, action, step, False) == (running, target)
    after = provision_of(stage, action, step, True)
    assert after == (failed, None if failed == "enroll" else target)


def test_nothing_that_runs_can_be_begun_but_waits() -> None:
    running = {"verifying", "inspecting", "cleaning", "deploying", "deleting", "adopting"}
    for verb, word in itertools.product(MOVES, running):
        assert move_of(verb, word) is None, (verb, word)


def test_available_is_reached_by_cleaning_alone() -> None:
    into = {action for action, goal in GOAL.items() if goal == "available"}
    assert into == {"provide", "undeploy"}
    assert [verb for verb, moves in MOVES.items() for m in moves.values() if m.stage] == [
        "manage"
    ] * 4
    assert move_of("provide", "clean failed") is None
    assert move_of("active", "manageable") is None


def test_every_failure_has_a_way_out() -> None:
    for word in ("clean failed", "inspect failed", "deploy failed", "adopt failed", "error",
                 "rescue failed", "unrescue failed", "service failed"):  # fmt: skip
        assert any(word in moves for moves in MOVES.values()), word


def test_every_verb_has_its_microversion() -> None:
    assert set(SINCE) == {*MOVES, *SAME_AS, "abort"}
    # Aborting a deployment came late.
    assert ABORTABLE["wait call-back"] == "1.110"
    assert set(ABORTABLE) == {*WAITS, *HOLDS}
