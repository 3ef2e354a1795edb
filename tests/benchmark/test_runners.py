"""The shapes of load, on a clock that jumps."""

import asyncio
from typing import Any

import pytest

from cumulo.benchmark import registry
from cumulo.benchmark.client.http import Http
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.load import Load
from cumulo.benchmark.engine.surroundings import Surroundings
from cumulo.benchmark.model.result import Iteration

from .virtual import run


class Recorder:
    """A load that takes `seconds` for each iteration and notes when which began."""

    def __init__(self, seconds: float, stop_at: int | None = None) -> None:
        self.seconds = seconds
        self.stopping = False
        self.began: list[tuple[int, float]] = []
        self.delays: list[float] = []
        self.running = 0
        self.most = 0
        self._stop_at = stop_at

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def iterate(self, index: int, due: float | None = None) -> None:
        self.began.append((index, self.clock()))
        if due is not None:
            self.delays.append(self.clock() - due)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        if self._stop_at is not None and len(self.began) >= self._stop_at:
            self.stopping = True

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def play(name: str, config: dict[str, Any], load: Recorder) -> float:
    """Run a runner; the seconds that passed."""

    async def whole() -> float:
        began = asyncio.get_running_loop().time()
        await runners.run(name, load, config)
        return asyncio.get_running_loop().time() - began

    assert runners.wrong(name, config) == []
    spent: float = run(whole())
    return spent


def test_constant_keeps_so_many_at_once() -> None:
    load = Recorder(2.0)
    assert play("constant", {"times": 10, "concurrency": 4}, load) == pytest.approx(6.0)
    assert [index for index, _ in load.began] == list(range(10))
    assert load.most == 4


def test_serial_does_one_after_the_other() -> None:
    load = Recorder(1.5)
    assert play("serial", {"times": 3}, load) == pytest.approx(4.5)
    assert load.most == 1


def test_constant_for_duration_begins_none_after_the_end() -> None:
    load = Recorder(3.0)
    assert play("constant_for_duration", {"duration": 10, "concurrency": 2}, load) == pytest.approx(
        12.0
    )
    assert len(load.began) == 8
    once = Recorder(3.0)
    play("constant_for_duration", {"duration": 0}, once)
    assert len(once.began) == 1


def test_rps_begins_at_its_rate_however_long_iterations_take() -> None:
    load = Recorder(60.0)
    assert play("rps", {"times": 20, "rps": 4}, load) == pytest.approx(19 / 4 + 60)
    assert [when for _, when in load.began] == pytest.approx([n / 4 for n in range(20)])
    assert load.most == 20


def test_rps_holds_back_at_its_most_at_once() -> None:
    load = Recorder(10.0)
    play("rps", {"times": 6, "rps": 100, "max_concurrency": 2}, load)
    assert load.most == 2


def test_rps_may_rise_in_steps() -> None:
    load = Recorder(0.1)
    ramp = {"start": 1, "end": 4, "step": 1, "duration": 10}
    play("rps", {"times": 100, "rps": ramp}, load)
    within = [sum(start <= when < start + 10 for _, when in load.began) for start in (0, 10, 20)]
    assert within == pytest.approx([10, 20, 30], abs=1)


def test_open_arrivals_count_what_waits() -> None:
    """One at a time, each taking a second, ten a second arriving: the last waits for all before
    it, and its delay says so. A closed loop would have reported a second for each."""
    load = Recorder(1.0)
    play("poisson", {"rate": 10, "times": 30, "max_concurrency": 1, "seed": 1}, load)
    assert len(load.delays) == 30
    assert load.delays[0] == pytest.approx(0.0)
    assert load.delays[-1] > 20
    assert load.delays == sorted(load.delays)


def test_open_arrivals_have_their_mean_rate_and_are_the_same_for_a_seed() -> None:
    loads = [Recorder(0.0), Recorder(0.0)]
    for load in loads:
        play("poisson", {"rate": 50, "duration": 100, "seed": 7}, load)
    assert len(loads[0].began) == pytest.approx(5000, rel=0.05)
    assert loads[0].began == loads[1].began


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("constant", {"times": 1000, "concurrency": 3}),
        ("constant_for_duration", {"duration": 1000, "concurrency": 3}),
        ("serial", {"times": 1000}),
        ("rps", {"times": 1000, "rps": 1}),
        ("poisson", {"times": 1000, "rate": 1, "seed": 1}),
    ],
)
def test_a_load_that_stops_begins_nothing_more(name: str, config: dict[str, Any]) -> None:
    load = Recorder(0.5, stop_at=5)
    play(name, config, load)
    assert 5 <= len(load.began) <= 8


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_several_processes_share_the_work(processes: int) -> None:
    config = {"times": 100, "concurrency": 10}
    parts = [runners.share("constant", config, n, processes) for n in range(processes)]
    assert sum(part["times"] for part in parts) == 100
    assert sum(part["concurrency"] for part in parts) == 10
    rates = [runners.share("rps", {"times": 9, "rps": 6}, n, processes) for n in range(processes)]
    assert sum(part["rps"] for part in rates) == pytest.approx(6)


def _load(name: str, args: dict[str, Any], **more: Any) -> tuple[Load, list[Iteration]]:
    seen: list[Iteration] = []
    env = Surroundings("0" * 32, Http(), {})
    clock = asyncio.get_running_loop().time
    return Load(registry.find(name), args, env, seen.append, clock=clock, **more), seen


def test_an_iteration_is_timed_with_its_actions() -> None:
    async def whole() -> list[Iteration]:
        load, seen = _load("Dummy.dummy_timed_atomic_actions", {"number_of_actions": 3})
        await load.iterate(0)
        return seen

    (iteration,) = run(whole())
    assert iteration.duration == pytest.approx(3.0)
    assert [a.name for a in iteration.atomic_actions] == ["action_0", "action_1", "action_2"]
    assert iteration.error == []


def test_actions_nest_and_say_whether_they_failed() -> None:
    async def whole() -> list[Iteration]:
        load, seen = _load("Dummy.dummy_random_fail_in_atomic", {"exception_probability": 1})
        await load.iterate(0)
        nested, both = _load("Dummy.dummy", {})
        await nested.iterate(0)
        return seen + both

    failed, nested = run(whole())
    assert failed.error[:2] == ["KeyError", "'Dummy test exception'"]
    assert failed.atomic_actions[0].failed
    assert [c.name for c in nested.atomic_actions[0].children] == ["bar"]


def test_an_iteration_that_takes_too_long_is_a_failure() -> None:
    async def whole() -> list[Iteration]:
        load, seen = _load("Dummy.dummy", {"sleep": 100}, timeout=5)
        await load.iterate(0)
        return seen

    (iteration,) = run(whole())
    assert iteration.error[0] == "TimeoutException"
    assert iteration.duration == pytest.approx(5.0)


def test_what_was_due_earlier_took_longer() -> None:
    async def whole() -> list[Iteration]:
        load, seen = _load("Dummy.dummy", {"sleep": 1})
        await asyncio.sleep(10)
        await load.iterate(0, due=7.0)
        return seen

    (iteration,) = run(whole())
    assert (iteration.delay, iteration.duration) == (pytest.approx(3.0), pytest.approx(4.0))


def test_one_failed_iteration_does_not_end_the_others() -> None:
    async def whole() -> list[Iteration]:
        args = {"sleep": 0.1, "from_iteration": 2, "to_iteration": 2}
        load, seen = _load("Dummy.failure", args)
        await runners.run("constant", load, {"times": 5, "concurrency": 2})
        return seen

    seen = run(whole())
    assert len(seen) == 5
    assert [bool(i.error) for i in seen].count(True) == 1
