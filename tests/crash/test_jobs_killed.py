"""Jobs whose process is killed, frozen and overtaken: forwards, backwards, and by two at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from cumulo.core.work import queries
from cumulo.core.work.jobs import Jobs
from tests.crash.control_plane import ROOT
from tests.support.jobs import NAME, Memo, Mover, open_database, prepared

POINTS = [
    "before commit: claim jobs",
    "after commit: claim jobs",
    *(
        f"{at}{step}"
        for step in ("copy", "switch")
        for at in (
            f"before step: {NAME} ",
            f"after step: {NAME} ",
            f"before commit: job {NAME} ",
            f"after commit: job {NAME} ",
        )
    ),
]
BACK = [
    "before commit: job turns back",
    "after commit: job turns back",
    f"before step: {NAME} copy undone",
    f"after step: {NAME} copy undone",
    f"before commit: job {NAME} copy undone",
    f"after commit: job {NAME} copy undone",
]


class Workers:
    """Processes that work on the jobs of one database."""

    def __init__(self, where: str, folder: Path) -> None:
        self.where = where
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        prepared(where).close()

    def start(
        self, name: str, *, lease: float = 20.0, crash_at: str = ""
    ) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "tests.support.jobs", self.where, str(self.folder), name]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        child = subprocess.Popen(
            [*argv, str(lease)], env={**environment, "CUMULO_CRASH_AT": crash_at}, cwd=ROOT
        )
        self.running.append(child)
        return child

    def begin(self, subject: str, memo: Memo) -> None:
        database = open_database(self.where)
        jobs = Jobs(database)
        jobs.add(Mover(self.folder).kind())
        database.write_now(lambda tx: jobs.begin(tx, NAME, subject, memo))
        database.close()

    def left(self) -> list[str]:
        database = open_database(self.where)
        try:
            return [id for (id,) in database.read_now(lambda tx: tx.tuples(queries.IDS))]
        finally:
            database.close()

    def effects(self) -> list[str]:
        return Mover(self.folder).effects()

    def close(self) -> None:
        for child in self.running:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
                child.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(str(tmp_path / "x.db"), tmp_path)
    yield made
    made.close()


def wait_for(seen: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def die_at(workers: Workers, points: list[str]) -> None:
    for point in points:
        assert workers.start("x", crash_at=point).wait(30) == -signal.SIGKILL, point


def in_order(effects: list[str], wanted: list[str]) -> bool:
    """Each of the wanted effects is there, perhaps repeated at once, and in this order."""
    once = [text for n, text in enumerate(effects) if n == 0 or effects[n - 1] != text]
    return once == wanted


def test_killed_at_each_point_on_its_way(workers: Workers) -> None:
    workers.begin("a", Memo())
    die_at(workers, POINTS)
    workers.start("x")
    steps = ["copy 0", "check", "switch", "clean"]
    wait_for(lambda: in_order(workers.effects(), [f"x: a {step}" for step in steps]))
    wait_for(lambda: workers.left() == [])
    workers.running[-1].terminate()
    workers.running[-1].wait()


def test_killed_at_each_point_on_its_way_back(workers: Workers) -> None:
    workers.begin("a", Memo(fail="check"))
    die_at(workers, BACK)
    assert in_order(workers.effects(), ["x: a copy 0", "x: a uncopy"])
    assert workers.left() == []


def test_another_process_takes_over(postgresql_dsn: str, tmp_path: Path) -> None:
    """The first one is killed; the second one is only frozen, and wakes when it is too late."""
    workers = Workers(postgresql_dsn, tmp_path)
    try:
        workers.begin("a", Memo(wait="switch"))
        first = workers.start("first", lease=2.0)
        wait_for(lambda: "first: a waits" in workers.effects())
        first.kill()
        second = workers.start("second", lease=2.0)
        wait_for(lambda: "second: a waits" in workers.effects())
        second.send_signal(signal.SIGSTOP)
        workers.start("third", lease=2.0)
        wait_for(lambda: "third: a waits" in workers.effects())
        (tmp_path / "go").touch()
        second.send_signal(signal.SIGCONT)
        wait_for(lambda: "third: a clean" in workers.effects())
        with psycopg.connect(postgresql_dsn) as connection:
            wait_for(lambda: connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,))
    finally:
        workers.close()
    said = [line for line in workers.effects() if "waits" not in line]
    assert said == [
        "first: a copy 0", "first: a check", "third: a switch", "third: a clean",
    ]  # fmt: skip
