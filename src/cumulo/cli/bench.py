"""`cumulo bench`: the tables that the README quotes, on this machine."""

import os
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[3]


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Measure CPU per request, start-up and memory on this machine (about a minute)."""
    if not (ROOT / "bench").is_dir():
        raise click.ClickException("the benchmarks are part of the source tree only")
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])
