"""However much a file asks for, or a run has made, little of it is held at once."""

import asyncio
import json
import tracemalloc
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from cumulo.benchmark.contexts.users import several
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Iteration, SubtaskResult, TaskResult, WorkloadResult
from cumulo.benchmark.model.task import TaskConfig, parse
from cumulo.benchmark.report import Results, documents, make, pieces
from cumulo.benchmark.validation import InvalidTaskConfig, check_syntax


def test_of_much_work_little_is_there_at_once() -> None:
    made = 0
    most = 0
    begun = 0

    async def one() -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0)

    def work() -> Iterator[Coroutine[Any, Any, None]]:
        nonlocal made, most
        for _ in range(3000):
            made += 1
            most = max(most, made - begun)
            yield one()

    asyncio.run(several(work()))
    assert (made, begun) == (3000, 3000) and most <= 10


@pytest.mark.parametrize(
    ("contexts", "words"),
    [
        (
            "users: {tenants: 10000, users_per_tenant: 10000}",
            "'users': tenants x users_per_tenant is 100000000, more than 1000000",
        ),
        (
            "swift_objects: {containers_per_tenant: 100000, objects_per_container: 100000}",
            "tenants x containers_per_tenant x objects_per_container is 10000000000",
        ),
        (
            "users: {tenants: 10000}, servers: {image: {}, flavor: {}, servers_per_tenant: 101}",
            "servers",
        ),
        ("users: {tenants: 1000, users_per_tenant: 1000}", ""),
        ("users: {tenants: 10000}, quotas: {nova: {instances: 10000}}", ""),
    ],
)
def test_numbers_are_bounded_together(contexts: str, words: str) -> None:
    subtask = f"title: s, scenario: {{NovaServers.list_servers: {{}}}}, contexts: {{{contexts}}}"
    text = f"{{version: 2, title: t, subtasks: [{{{subtask}}}]}}"
    config: TaskConfig = parse(document.decode(text))
    if not words:
        check_syntax(config)
        return
    with pytest.raises(InvalidTaskConfig, match=words):
        check_syntax(config)


def _results(iterations: int) -> Results:
    moment = "2026-01-01T00:00:00"
    workload = WorkloadResult(
        "w", "s", "t", "Dummy.dummy", "", 0, {}, "serial", {}, {}, {}, [], moment, moment
    )
    subtask = SubtaskResult("s", "t", "x", "", "finished", moment, moment, [workload])
    task = TaskResult("t", "e", "e", "x", "", [], "finished", moment, moment, subtasks=[subtask])

    def read(uuid: str) -> Iterator[Iteration]:
        # As they end: each third one began before the two that stand before it.
        for number in range(iterations):
            began = number - 2.5 if number % 3 == 2 else number
            yield Iteration(float(began), 0.1, error=["E", "x" * 1000, ""])

    return Results(task, read)


@pytest.mark.parametrize("kind", ["json", "old-json-results"])
@pytest.mark.parametrize("iterations", [0, 1, 30])
def test_a_document_is_written_in_the_order_of_beginnings(
    monkeypatch: pytest.MonkeyPatch, kind: str, iterations: int
) -> None:
    monkeypatch.setattr(documents, "WINDOW", 4)
    found = json.loads(make(kind, [_results(iterations)]))
    rows = (
        found["tasks"][0]["subtasks"][0]["workloads"][0]["data"]
        if kind == "json"
        else found[0]["result"]
    )
    starts = [row["timestamp"] for row in rows]
    assert len(starts) == iterations and starts == sorted(starts)


def test_a_document_is_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "WINDOW", 100)
    tracemalloc.start()
    try:
        written = sum(len(piece) for piece in pieces("json", [_results(20_000)]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 20_000_000 and peak < 4_000_000
