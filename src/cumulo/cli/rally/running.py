"""A task in work on a terminal: progress and Ctrl-C."""

import asyncio
import signal
import sys
import time

import click

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


async def run(
    kept: Store,
    env: Environment,
    made: TaskResult,
    config: TaskConfig,
    *,
    abort_on_sla: bool,
    quiet: bool,
    processes: int = 1,
) -> TaskResult:
    """Validate and run a task; the first Ctrl-C ends it softly, the second at once."""
    progress = Progress(quiet=quiet)
    means = Means(
        save=lambda iterations: None,
        shell=Commands(),
        fault=machine.fault(env),
        server_cpu=machine.server_cpu(env),
        abort_on_sla=abort_on_sla,
        crew=Workers(),
        guests=Ssh(),
        processes=processes,
    )
    watcher = tasks.Watcher(progress.begin, progress.show, progress.end, progress.say)
    work = tasks.Running(kept, env, means, watcher)
    await tasks.check_and_mark(kept, env, made, config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _interrupt, work, progress)
    try:
        return await tasks.start(work, made, config)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
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
        self._began = 0.0
        self.interrupts = 0
        self._open = False

    def say(self, words: str) -> None:
        self._clear()
        click.echo(plain(f"rally: {words}"), err=True)

    def begin(self, workload: Workload, number: int, of: int) -> None:
        self._began = time.monotonic()
        if not self._quiet:
            self.say(f"[{number}/{of}] {workload.name} ({workload.runner_type})")

    def show(self, workload: Workload, statistics: Statistics) -> None:
        if not self._live:
            return
        spent = time.monotonic() - self._began
        done = statistics.iterations
        rate = done / max(spent, 0.001)
        line = (
            f"  {done} done, {statistics.failed} failed, {rate:.1f}/s, "
            f"p50 {statistics.total.at(50):.3f} s, p99 {statistics.total.at(99):.3f} s"
        )
        total = runners.expected(workload.runner_type, workload.runner)
        if total is not None and done:
            line += f", {max(0.0, (total - done) / rate):.0f} s left"
        elif "duration" in workload.runner:
            line += f", {max(0.0, workload.runner['duration'] - spent):.0f} s left"
        self._clear()
        sys.stderr.write(line)
        sys.stderr.flush()
        self._open = True

    def end(self, result: WorkloadResult) -> None:
        if self._quiet:
            return
        verdict = "passed" if result.pass_sla else "FAILED"
        self.say(
            f"  {verdict}: {result.total_iteration_count} iterations, "
            f"{result.failed_iteration_count} failed, {result.load_duration:.2f} s"
        )

    def _clear(self) -> None:
        if self._open:
            sys.stderr.write("\r\033[K")
            self._open = False
