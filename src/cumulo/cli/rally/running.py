"""A task in work on a terminal: progress and Ctrl-C."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping

from cumulo.benchmark.drivers.commands import Commands
from cumulo.benchmark.drivers.ssh import Ssh
from cumulo.benchmark.drivers.workers import Workers
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.engine.workload import Means
from cumulo.benchmark.model.result import Environment, TaskResult, WorkloadResult
from cumulo.benchmark.model.task import TaskConfig, Workload
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.service import tasks
from cumulo.cli.rally import machine
from cumulo.cli.rally.common import plain
from cumulo.core.open_files import raise_file_limit

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run(
    kept: Store,
    env: Environment,
    made: TaskResult,
    config: TaskConfig,
    *,
    abort_on_sla: bool,
    quiet: bool,
    processes: int = 1,
    timeouts: Mapping[str, float] | None = None,
) -> TaskResult:
    """Validate and run a task; the first Ctrl-C ends it softly, the second at once."""
    progress = Progress(quiet=quiet)
    # A load of thousands at once has as many connections: the usual 1024 files are our limit, and
    # would look like the cloud's failures.
    raise_file_limit()
    means = Means(
        save=lambda iterations: None,
        making=progress.making,
        still=progress.still,
        shell=Commands(),
        fault=machine.fault(env),
        server_cpu=machine.server_cpu(env),
        abort_on_sla=abort_on_sla,
        crew=Workers(),
        guests=Ssh(),
        processes=processes,
        timeouts=timeouts or {},
    )
    watcher = tasks.Watcher(progress.begin, progress.show, progress.end, progress.say)
    work = tasks.Running(kept, env, means, watcher)
    await tasks.check_and_mark(kept, env, made, config)
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, _interrupt, work, progress)
    try:
        return await tasks.start(work, made, config)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _interrupt(work: tasks.Running, progress: "Progress") -> None:
    progress.interrupts += 1
    if progress.interrupts == 1:
        progress.say("ending: what runs may end, then all is taken away (again: at once)")
        work.stop()
    elif progress.interrupts == 2:
        progress.say("ending at once; all is taken away (again: it is left to the next run)")
        work.kill()
    else:
        progress.say("ending; what is in the cloud is left to the next run")
        work.give_up()


class Progress:
    """One line on a terminal, rewritten; one line a workload where there is none."""

    def __init__(self, *, quiet: bool) -> None:
        self._live = not quiet and sys.stderr.isatty()
        self._quiet = quiet
        self.interrupts = 0
        self._open = False

    def say(self, words: str) -> None:
        self._write("\r\033[K" if self._open else "")
        self._open = False
        self._write(plain(f"rally: {words}") + "\n")

    @staticmethod
    def _write(text: str) -> None:
        """What nobody can see any more (the terminal was closed) is not said; the run goes on."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def begin(self, workload: Workload, number: int, of: int) -> None:
        if not self._quiet:
            self.say(f"[{number}/{of}] {workload.name} ({workload.runner_type})")

    def show(self, workload: Workload, statistics: Statistics) -> None:
        if not self._live:
            return
        done = statistics.iterations
        if not done:
            return
        # Users, servers and the like were made before: that is not the load's rate.
        spent = max(0.0, time.time() - statistics.first)
        rate = done / max(spent, 0.001)
        line = (
            f"  {done} done, {statistics.failed} failed, {rate:.1f}/s, "
            f"p50 {_short(statistics.total.at(50))}, p99 {_short(statistics.total.at(99))}"
        )
        total = runners.expected(workload.runner_type, workload.runner)
        if total is not None:
            line += f", {max(0.0, (total - done) / rate):.0f} s left"
        elif "duration" in workload.runner:
            line += f", {max(0.0, workload.runner['duration'] - spent):.0f} s left"
        self._write(("\r\033[K" if self._open else "") + line)
        self._open = True

    def making(self, title: str) -> None:
        if self._live:
            self._write(("\r\033[K" if self._open else "") + plain(f"  making: {title}"))
            self._open = True

    def still(self, words: str) -> None:
        """After the load: a clean-up that takes long is not a run that hangs."""
        if self._live:
            self._write(("\r\033[K" if self._open else "") + plain(f"  {words}"))
            self._open = True
        elif not self._quiet:
            self.say(f"  {words}")

    def end(self, result: WorkloadResult) -> None:
        if self._quiet:
            return
        verdict = "passed" if result.pass_sla else "FAILED"
        self.say(
            f"  {verdict}: {result.total_iteration_count} iterations, "
            f"{result.failed_iteration_count} failed, {result.load_duration:.2f} s"
        )


def _short(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1e3:.2f} ms"
