"""`cumulo serve`: the control plane itself, in the foreground. `up` starts it in the background."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from cumulo.cli import database, instance
from cumulo.cli.options import data_dir_option, load_settings
from cumulo.core.run.daemons import process_start
from cumulo.core.run.log_files import write_to
from cumulo.settings import Settings

log = logging.getLogger("cumulo")

LOG_BYTES = 32 * 1024 * 1024
LOGS_KEPT = 3


def configure_logging(settings: Settings, *, to_terminal: bool) -> None:
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    write_to(
        settings.log_file,
        level=settings.log_level.upper(),
        most_bytes=LOG_BYTES,
        kept=LOGS_KEPT,
        terminal=to_terminal,
    )


def prepare_data_dir(settings: Settings) -> None:
    """Only the owner looks into it; guests' own files are opened up one by one."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o711)
    for folder in (settings.secrets_dir, settings.data_dir / "run", settings.log_file.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    own = settings.data_dir / "cumulo.toml"
    if own.exists():  # It may have passwords in it, and editors open files to everybody.
        with contextlib.suppress(PermissionError):  # somebody else's
            own.chmod(own.stat().st_mode & ~0o077)


def serve(settings: Settings, *, to_terminal: bool) -> None:
    """Run until SIGTERM or SIGINT. Guests and networks stay as they are."""
    # A quarter of a start would be looks at what is just being imported, and stays.
    gc.disable()
    prepare_data_dir(settings)
    configure_logging(settings, to_terminal=to_terminal)
    try:
        instance.lock(settings)
    except instance.AlreadyRunning:
        raise click.ClickException(f"a cloud runs in {settings.data_dir} already") from None
    if instance.host_here(settings) is not None:
        _run(_host_main(settings))
        return
    from cumulo.core.auth.rules import PolicyError
    from cumulo.core.db.migrations import UnknownRevision
    from cumulo.core.db.transaction import DatabaseAway
    from cumulo.core.hosts.lineage import ForeignDatabase
    from cumulo.core.http.server import listening_socket
    from cumulo.core.nodes.shared import WrongMaster
    from cumulo.settings import BadSettings

    try:
        bound = listening_socket(settings.host, settings.port)
    except OSError as error:
        message = f"cannot listen on {settings.listen}: {error.strerror}"
        log.error(message)
        raise click.ClickException(message) from None
    try:
        _run(_main(settings, bound))
    except DatabaseAway as error:
        log.error("%s", error)
        raise click.ClickException(str(error)) from None
    except UnknownRevision as error:
        log.error("%s", error)
        raise click.ClickException(
            f"the database was written by a newer release than this one: {error}"
        ) from None
    except WrongMaster as error:
        log.error("%s", error)
        raise click.ClickException(f"the database's secrets: {error}") from None
    except PolicyError as error:
        log.error("policy: %s", error)
        raise click.ClickException(f"policy: {error}") from None
    except BadSettings as error:
        log.error("%s", error)
        raise click.ClickException(str(error)) from None
    except ForeignDatabase as error:
        log.error("%s", error)
        raise database.foreign(settings, error) from None


def _run(main: Coroutine[Any, Any, None]) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _host_main(settings: Settings) -> None:
    """A machine that joined a cloud: its agent alone. The control plane may be away at the start;
    guests are as they were ordered last."""
    from cumulo import hosting, wiring
    from cumulo.core.hosts.joining import Membership

    membership = Membership.of(settings.data_dir)
    assert membership is not None, "see serve"
    agent, link = hosting.joined(settings, membership, wiring.assemblies())
    stop = _stop_signal()
    work = [asyncio.create_task(link.run()), asyncio.create_task(agent.run())]
    _say_ready(settings)
    log.info("the host %s is at work", membership.name)
    _collect_from_now_on()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, *work}, return_when=asyncio.FIRST_COMPLETED)
    for task in work:
        task.cancel()
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("the host's work has ended", exc_info=ended)
    log.info("stopped")


def _collect_from_now_on() -> None:
    """What start-up made lives as long as we do: the collector need not look at it, not even
    once (it would find a thousand objects, in a tenth of a start)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _say_ready(settings: Settings) -> None:
    started = process_start(os.getpid())
    assert started is not None
    instance.announce(settings, started)


async def _main(settings: Settings, bound: socket.socket) -> None:
    from cumulo import wiring
    from cumulo.cloud import NodeRemoved
    from cumulo.core.http.protocol import Limits
    from cumulo.core.http.server import HttpServer

    cloud = wiring.build(settings)
    stop = _stop_signal()
    await cloud.first_run()
    limits = Limits(per_address=settings.connections_per_address)
    front = cloud.application.front
    server = HttpServer(cloud.application.asgi, bound, front=front, limits=limits)
    serving = asyncio.create_task(server.run())
    work = asyncio.create_task(cloud.work())
    await server.started()
    _say_ready(settings)
    log.info("ready at %s", settings.base_url)
    _collect_from_now_on()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, work, serving}, return_when=asyncio.FIRST_COMPLETED)
    await cloud.drain()
    server.stop()
    await serving
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        log.debug("all work has ended")
    except ExceptionGroup as errors:
        removed, others = errors.split(NodeRemoved)
        if others is not None:
            raise others from None
        assert removed is not None
        raise click.ClickException("this control node was removed from the cloud") from None
    finally:
        cloud.close()
    log.info("stopped")


@click.command()
@data_dir_option
@click.option("--listen", metavar="ADDRESS:PORT")
@click.option("--fake", is_flag=True, default=None)
def command(data_dir: Path | None, listen: str | None, fake: bool | None) -> None:
    """Run the control plane in the foreground (what `up` starts)."""
    serve(load_settings(data_dir, listen=listen, fake=fake), to_terminal=sys.stderr.isatty())
