"""`cumulo simulate`: the whole cloud in a simulated world, many times, each another one.

A seed decides what users do, what goes wrong (power cuts, lost and doubled messages, failing
drivers, full disks, clocks that jump) and in which order things happen. When all has come to rest,
what must hold is checked. A seed that fails fails again, in the same way: `--trace` tells how.
"""

import functools
import gc
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cumulo.cli.simulation.run import Outcome

HASHES = "PYTHONHASHSEED"


@click.command()
@click.option("--seeds", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option(
    "--first", default=1, show_default=True, type=click.IntRange(0), help="Seed to begin with."
)
@click.option("--hosts", default=3, show_default=True, type=click.IntRange(1, 50))
@click.option(
    "--nodes",
    default=0,
    type=click.IntRange(0, 3),
    help="Control planes.  [one or two, as the seed is odd or even]",
)
@click.option(
    "--jobs",
    default=os.cpu_count() or 1,
    show_default="as many as there are cores",
    type=click.IntRange(1, 256),
    help="Processes at a time.",
)
@click.option("--trace", is_flag=True, help="Tell what happened in each, line by line.")
def command(seeds: int, first: int, hosts: int, nodes: int, jobs: int, trace: bool) -> None:
    """Run the cloud in simulated worlds; exit status 1 when something is wrong in one of them."""
    if os.environ.get(HASHES) != "0":
        # The order of Python's sets is a part of the world.
        argv = [sys.executable, "-m", "cumulo.cli.main", *sys.argv[1:]]
        os.execve(sys.executable, argv, {**os.environ, HASHES: "0"})
    from cumulo.cli.simulation import run

    logging.disable(logging.CRITICAL)
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="cumulo-sim-", dir=place))
    failed = 0
    try:
        run.prepare(folder / "prepared", hosts)
        one = functools.partial(_play, folder, hosts, nodes)
        for outcome in _outcomes(one, range(first, first + seeds), min(jobs, seeds)):
            failed += bool(outcome.wrong)
            if trace:
                click.echo("\n".join(outcome.trace))
            if outcome.wrong or trace or seeds == 1:
                _tell(outcome)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"{seeds} seeds from {first}: {failed or 'none'} failed")
    if failed:
        raise SystemExit(1)


def _outcomes(one: "Callable[[int], Outcome]", seeds: range, jobs: int) -> "Iterator[Outcome]":
    """In the order of the seeds. What the program is made of is no rubbish: it is not looked
    through in each world again, which took a third of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(one, seeds)


def _play(folder: Path, hosts: int, nodes: int, seed: int) -> "Outcome":
    from cumulo.cli.simulation import run

    return run.play(seed, folder / "prepared", folder / f"seed-{seed}", hosts, nodes)


def _tell(outcome: "Outcome") -> None:
    click.echo(
        f"seed {outcome.seed}: {outcome.digest}, {outcome.calls} calls, {outcome.deaths} deaths"
    )
    for text in outcome.wrong:
        click.echo(f"  wrong: {text}")
