"""`cumulo restart`: the control plane stops and starts again, with today's settings. Guests and
networks go on meanwhile."""

import time
from pathlib import Path

import click

from cumulo.cli import instance, setup, up
from cumulo.cli.options import data_dir_option, load_settings, refusal, typed
from cumulo.settings import fake_before


@click.command()
@data_dir_option
@click.option("--listen", metavar="ADDRESS:PORT", help="Another address from now on.")
def command(data_dir: Path | None, listen: str | None) -> None:
    """Stop the control plane and start it again; servers go on. What has changed in cumulo.toml
    is in force then."""
    # Settings that make no sense are told before anything stops.
    settings = load_settings(data_dir, listen=listen)
    if fake_before(settings.data_dir) is None:
        raise click.ClickException(
            f"there is no cloud in {settings.data_dir}; make one: {typed(settings, 'up')}"
        )
    found = instance.running(settings)
    up.check(settings, found, restart=True)
    if found is not None:
        told = instance.changed(settings, found)
        found.daemon.stop(grace=20.0)
        setup.say("the control plane has stopped")
        if told:
            setup.say(f"in force now: {', '.join(told)}")
    began = time.monotonic()
    try:
        up.begin(settings, listen)
        written = up.write_clouds(settings, None)
    except OSError as error:
        raise refusal(error) from None
    up.report(settings, time.monotonic() - began, written)
