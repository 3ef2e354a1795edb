"""Scenarios without a cloud: for trying the engine, and for measuring what it costs."""

import random
from typing import Any

from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario


class DummyScenarioException(Exception):
    """A failure that was ordered."""

    def __init__(self, words: object) -> None:
        super().__init__(f"Dummy scenario expected exception: '{words}'")


@scenario("Dummy.dummy", platform=False)
async def dummy(run: Run, sleep: float = 0) -> None:
    """Sleep for some seconds, in two nested actions."""
    with run.action("foo"), run.action("bar"):
        await run.sleep(sleep)


@scenario("Dummy.failure", platform=False)
async def failure(
    run: Run, sleep: float = 0.1, from_iteration: int = 0, to_iteration: int = 0, each: int = 1
) -> None:
    """Fail in some iterations, every `each`th of a range."""
    await run.sleep(sleep)
    if from_iteration <= run.number <= to_iteration and each and run.number % each == 0:
        raise DummyScenarioException("Expected failure")


@scenario(
    "Dummy.dummy_exception",
    platform=False,
    numbers={"size_of_message": number(1, 1_000_000, whole=True)},
)
async def dummy_exception(
    run: Run, size_of_message: int = 1, sleep: float = 1, message: str = ""
) -> None:
    """Always fail, with a message of some length."""
    await run.sleep(sleep)
    raise DummyScenarioException(message or "M" * size_of_message)


@scenario(
    "Dummy.dummy_exception_probability",
    platform=False,
    numbers={"exception_probability": number(0, 1)},
)
async def dummy_exception_probability(run: Run, exception_probability: float = 0.5) -> None:
    """Fail with a probability."""
    if random.random() < exception_probability:
        raise DummyScenarioException(f"Probability: {exception_probability}")


@scenario("Dummy.dummy_random_fail_in_atomic", platform=False)
async def dummy_random_fail_in_atomic(run: Run, exception_probability: float = 0.5) -> None:
    """Fail with a probability inside one of four actions."""
    chance = exception_probability if exception_probability == 1 else exception_probability / 4

    def play() -> None:
        if random.random() < chance:
            raise KeyError("Dummy test exception")

    for _ in range(2):
        with run.action("dummy_fail_test"):
            play()
            with run.action("dummy_fail_inner_test"):
                play()


@scenario(
    "Dummy.dummy_random_action",
    platform=False,
    numbers={"actions_num": number(1, 10_000, whole=True)},
)
async def dummy_random_action(
    run: Run, actions_num: int = 5, sleep_min: float = 0, sleep_max: float = 0
) -> None:
    """Some actions that take a random time each."""
    for index in range(actions_num):
        with run.action(f"action_{index}"):
            await run.sleep(random.uniform(sleep_min, sleep_max))


@scenario(
    "Dummy.dummy_timed_atomic_actions",
    platform=False,
    numbers={"number_of_actions": number(1, 10_000, whole=True)},
)
async def dummy_timed_atomic_actions(
    run: Run, number_of_actions: int = 5, sleep_factor: float = 1
) -> None:
    """Actions of which each takes longer than the one before it."""
    for index in range(number_of_actions):
        with run.action(f"action_{index}"):
            await run.sleep(index * sleep_factor)


@scenario("Dummy.openstack")
async def openstack(run: Run, sleep: float = 0) -> None:
    """Sleep for some seconds, with whatever contexts made of a cloud around it."""
    await run.sleep(sleep)


@scenario("Dummy.dummy_output", platform=False, numbers={"random_range": number(1, whole=True)})
async def dummy_output(run: Run, random_range: int = 25) -> None:
    """Charts and tables of the scenario's own, one of each kind, for the report."""

    def some(name: str) -> list[Any]:
        return [name, random.randint(1, random_range)]

    def chart(title: str, kind: str, data: Any, **more: Any) -> dict[str, Any]:
        return {"title": title, "chart_plugin": kind, "data": data, **more}

    stats = [some("foo stat"), some("bar stat"), some("spam stat")]
    run.output(additive=chart("Additive StatsTable", "StatsTable", stats))
    areas = [some(f"foo {n}") for n in range(1, 7)]
    run.output(additive=chart("Additive StackedArea", "StackedArea", areas, label="Foo units"))
    lines = [some(f"bar {n}") for n in range(1, 4)]
    run.output(additive=chart("Additive Lines", "Lines", lines, label="Bar units"))
    run.output(additive=chart("Additive Pie", "Pie", [some(f"spam {n}") for n in range(1, 4)]))

    def series(names: tuple[str, ...], count: int) -> list[Any]:
        return [[n, [[x, random.randint(1, random_range)] for x in range(count)]] for n in names]

    three = series(("Foo", "Bar", "Spam"), 8)
    run.output(complete=chart("Complete Lines", "Lines", three, axis_label="A custom axis"))
    greek = series(("alpha", "beta", "gamma"), 50)
    run.output(complete=chart("Complete StackedArea", "StackedArea", greek, label="Units"))
    run.output(complete=chart("Arbitrary Text", "TextArea", ["A line of text.", "And another."]))
    run.output(complete=chart("Complete Pie", "Pie", [some("delta"), some("zeta"), some("theta")]))
    rows = [
        [f"{n} row", *(random.randint(1, random_range) for _ in range(2))] for n in ("mu", "xi")
    ]
    table = {"cols": ["name", "first column", "second column"], "rows": rows}
    run.output(complete=chart("Complete Table", "Table", table))
