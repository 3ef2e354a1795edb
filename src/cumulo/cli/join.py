"""`cumulo join`: this machine becomes a host of a cloud that runs elsewhere, and works from now on.

`up` in the same data directory starts it again, `down` stops it; `down --purge` removes all that
Cumulo made here (the cloud is told by `cumulo host remove`, over there).
"""

import os
import socket
from pathlib import Path

import click

from cumulo.cli import instance, setup, up
from cumulo.cli.options import data_dir_option, load_settings, refusal, typed
from cumulo.cli.packages import SetupFailed
from cumulo.cli.serve import prepare_data_dir


@click.command()
@click.argument("url")
@click.option("--token", required=True, help="What `cumulo host token create` printed.")
@click.option("--name", help="The host's name in the cloud.  [this machine's]")
@data_dir_option
def command(url: str, token: str, name: str | None, data_dir: Path | None) -> None:
    """Make this machine a host of the cloud at URL, and start its work."""
    # The libraries of TLS and websockets are loaded where they are needed.
    from cumulo.core.hosts.joining import CannotJoin, Membership, join, token_of

    settings = load_settings(data_dir)
    if os.geteuid() != 0:
        raise click.ClickException("networks and guests need root")
    if (settings.data_dir / "cumulo.db").exists():
        raise click.ClickException(
            f"{settings.data_dir} has a cloud of its own: another --data-dir"
        )
    if instance.running(settings) is not None:
        raise click.ClickException(f"this host runs already; {typed(settings, 'down')}")
    up.check_way(settings.data_dir)
    try:
        prepare_data_dir(settings)
        lock = instance.lock(settings)
    except instance.AlreadyRunning:
        raise click.ClickException(f"another process uses {settings.data_dir}") from None
    except OSError as error:
        raise refusal(error) from None
    named = name or socket.gethostname() or "localhost"
    try:
        setup.ensure_packages("run")
        cloud = join(url, token_of(token), named, settings.secrets_dir)
        Membership(url, named, cloud).keep(settings.data_dir)
    except (CannotJoin, SetupFailed) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise refusal(error) from None
    finally:
        os.close(lock)
    setup.say(f"{named} is a host of the cloud at {url} now")
    up.start_host(settings, named)
