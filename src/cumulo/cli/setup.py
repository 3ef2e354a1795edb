"""`cumulo setup`: Debian packages, then the guest image. A second run finds nothing to do."""

import importlib
import importlib.util
import os
from pathlib import Path

import click

from cumulo.cli.packages import SetupFailed, install, missing, wanted

BUILDER = "cumulo.image.guest.builder"


def cache_folder() -> Path:
    """Where things that can be made again are kept, for instance the guest image."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "cumulo"


def guest_image() -> Path:
    """Where `setup` puts the guest image and `up` looks for it."""
    return cache_folder() / "guest" / "guest.qcow2"


def builder_present() -> bool:
    """Whether this installation can build the guest image."""
    try:
        return importlib.util.find_spec(BUILDER) is not None
    except ModuleNotFoundError:
        return False


def say(line: str) -> None:
    click.echo(f"cumulo: {line}", err=True)


def ensure_packages(*sections: str) -> None:
    """Install the Debian packages that are missing. Raises SetupFailed."""
    lacking = missing(wanted(*sections))
    if lacking:
        install(lacking, say)


def ensure_guest_image(output: Path, *, rebuild: bool = False, renew: bool = False) -> None:
    """Build the guest image unless it is there; `renew`: also when another release has built it.
    Raises SetupFailed."""
    there = output.exists()
    if there and not rebuild:
        current = not builder_present() or importlib.import_module(BUILDER).is_current(output)
        if current:
            return
        if not renew:
            say(f"{output} was built by another release; made anew by: ./cumulo setup")
            return
    if not builder_present():
        say("no builder of guest images in this installation: left out")
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    say(f"building the guest image {output}")
    try:
        importlib.import_module(BUILDER).build_guest(output, cache_folder() / "packages", say)
    except Exception as error:
        if there and renew:
            say(f"the guest image could not be built anew, the old one stays: {error}")
            return
        # A half-written image must not pass for a built one at the next run.
        output.unlink(missing_ok=True)
        raise SetupFailed(f"the guest image could not be built: {error}") from error


@click.command()
@click.option("--tests", is_flag=True, help="Also what the tests need.")
@click.option("--packages-only", is_flag=True, help="Debian packages only, no guest image.")
@click.option("--rebuild", is_flag=True, help="Build the guest image even if it is there.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the guest image goes.  [default: ~/.cache/cumulo/guest/guest.qcow2]",
)
def command(tests: bool, packages_only: bool, rebuild: bool, output: Path | None) -> None:
    """Install what the machine lacks and build the guest image.

    Needs root and the network only when something is missing.
    """
    try:
        ensure_packages("run", *(["test"] if tests else []))
        if not packages_only:
            ensure_guest_image(output or guest_image(), rebuild=rebuild, renew=True)
    except SetupFailed as error:
        raise click.ClickException(str(error)) from error
    say("set up")
