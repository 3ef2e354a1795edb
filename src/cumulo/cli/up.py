"""`cumulo up`: from a bare machine to a working cloud. Run again, it goes on where it was."""

import errno
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

import click

from cumulo import settings as settings_module
from cumulo.cli import clouds_yaml, database, instance, setup
from cumulo.cli.options import data_dir_option, load_settings, refusal, typed
from cumulo.cli.packages import SetupFailed
from cumulo.cli.serve import prepare_data_dir, serve
from cumulo.core.run.daemons import Daemon, start_daemon
from cumulo.settings import Settings

START_SECONDS = 120.0
LEAST_FREE = 64 << 20


@click.command()
@data_dir_option
@click.option("--listen", metavar="ADDRESS:PORT", help="Where the APIs are.  [127.0.0.1:5000]")
@click.option(
    "--fake",
    is_flag=True,
    default=None,
    help="Simulated hosts, networks and disks: the APIs without a data plane.",
)
@click.option("--foreground", is_flag=True, help="Stay, log to the terminal, stop with Ctrl-C.")
@click.option(
    "--clouds-yaml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the clients' configuration.  [~/.config/openstack/clouds.yaml]",
)
def command(
    data_dir: Path | None,
    listen: str | None,
    fake: bool | None,
    foreground: bool,
    clouds_yaml: Path | None,
) -> None:
    """Start the cloud; at the first time install what is missing and make the first content."""
    began = time.monotonic()
    settings = load_settings(data_dir, listen=listen, fake=fake)
    host = instance.host_here(settings)
    if host is not None:
        if instance.running(settings) is None:
            start_host(settings, host)
        else:
            setup.say(f"the host {host} runs already")
        return
    found = instance.running(settings)
    # Nothing is written, and nothing installed, before all is looked at.
    check(settings, found)
    if foreground and found is not None:
        raise click.ClickException(f"the cloud runs already, pid {found.pid}")
    try:
        if foreground:
            _prepare(settings, listen)
            write_clouds(settings, clouds_yaml)
            serve(settings, to_terminal=True)
            return
        if found is None:
            begin(settings, listen)
        else:
            _prepare(settings, listen)
            _say_it_runs(settings, found)
        written = write_clouds(settings, clouds_yaml)
    except OSError as error:
        raise refusal(error) from None
    report(settings, None if found else time.monotonic() - began, written)


def _prepare(settings: Settings, listen: str | None) -> None:
    _set_up(settings)
    prepare_data_dir(settings)
    settings_module.remember(settings, listen=listen, fake=settings.fake)


def begin(settings: Settings, listen: str | None) -> None:
    """Start the control plane in the background; it answers when this returns."""
    _prepare(settings, listen)
    setup.say(f"starting the cloud in {settings.data_dir}")
    _start(settings)


def check(settings: Settings, found: instance.Running | None, *, restart: bool = False) -> None:
    """Raises ClickException where this `up` cannot be what was asked for. `restart`: what runs
    will have stopped by then."""
    kept = settings_module.fake_before(settings.data_dir)
    if kept is not None and kept != settings.fake:
        kind = "simulated hosts (--fake)" if kept else "real hosts"
        raise click.ClickException(
            f"the cloud in {settings.data_dir} was made with {kind}, which stays so; "
            "another one needs another --data-dir"
        )
    if found is not None and not restart:
        if found.base_url != settings.base_url:
            again = typed(settings, f"restart --listen {settings.listen}")
            raise click.ClickException(f"the cloud runs at {found.base_url}; to move it: {again}")
        return
    check_place(settings.data_dir)
    if found is None or found.listen != settings.listen:
        _check_address(settings)
    database.refuse_foreign(settings)
    _check_policy(settings)
    if not settings.fake and settings.node.content:
        if os.geteuid() != 0:
            raise click.ClickException(
                "networks and guests need root; as an ordinary user: ./cumulo up --fake "
                "(simulated hosts, the same APIs)"
            )
        check_way(settings.data_dir)


def _check_policy(settings: Settings) -> None:
    files = sorted((settings.data_dir / "policy").glob("*.yaml"))
    if not files:
        return
    from cumulo.core.auth.policy import PolicyError, check_file

    try:
        for path in files:
            check_file(path)
    except PolicyError as error:
        raise click.ClickException(str(error)) from None


def _check_address(settings: Settings) -> None:
    from cumulo.core.http.server import listening_socket

    try:
        listening_socket(settings.host, settings.port).close()
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {settings.listen}: {error.strerror}; --listen ADDRESS:PORT"
        ) from None


def check_place(data_dir: Path) -> None:
    """It can be made, and written to, and there is room for a start."""
    place = next(each for each in (data_dir, *data_dir.parents) if each.exists())
    try:
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
        Path(tempfile.mkdtemp(prefix=".cumulo-", dir=place)).rmdir()
    except OSError as error:
        raise click.ClickException(
            f"{data_dir}: nothing can be made in {place}: {error.strerror}"
        ) from None
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE:
        raise click.ClickException(
            f"{data_dir} is full: {free >> 20} MiB are free, and a start takes "
            f"{LEAST_FREE >> 20} MiB"
        )


def check_way(data_dir: Path) -> None:
    """Guests run as an ordinary user, and their disks are in the data directory."""
    for place in reversed(data_dir.resolve().parents):
        if place.is_dir() and not place.stat().st_mode & stat.S_IXOTH:
            raise click.ClickException(
                f"guests run as an ordinary user, and {place} is closed to them: "
                f"chmod o+x {place}, or another --data-dir"
            )


def _say_it_runs(settings: Settings, found: instance.Running) -> None:
    setup.say(f"the cloud has been running for {time.time() - found.since:.0f} s, pid {found.pid}")
    changed = instance.changed(settings, found)
    if changed:
        setup.say(
            f"changed since, and in force after {typed(settings, 'restart')}: {', '.join(changed)}"
        )


def _set_up(settings: Settings) -> None:
    if settings.fake:
        return
    try:
        setup.ensure_packages("run")
        if settings.node.content:
            setup.ensure_guest_image(settings.guest_image)
    except SetupFailed as error:
        raise click.ClickException(str(error)) from None


def _start(settings: Settings) -> None:
    """Start the control plane in the background and wait until all its APIs answer."""
    argv = [sys.executable, "-m", "cumulo.cli.main", "serve", "--data-dir", str(settings.data_dir)]
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    output = settings.log_file.with_name("start.log")
    output.write_bytes(b"")
    daemon = start_daemon(argv, log=output)
    end = time.monotonic() + START_SECONDS
    try:
        while instance.running(settings) is None:
            if not daemon.alive() or time.monotonic() > end:
                _explain(daemon, output)
            time.sleep(0.02)
    except KeyboardInterrupt:
        daemon.stop(grace=20.0)
        raise click.ClickException("the start was broken off, nothing runs") from None


def start_host(settings: Settings, name: str) -> None:
    """The work of a machine that joined a cloud."""
    setup.say(f"starting the host {name}, data in {settings.data_dir}")
    _start(settings)
    click.echo(f"host       {name}: guests and networks that the cloud orders")
    click.echo(f"log        {settings.log_file}")
    click.echo(f"stop       {typed(settings, 'down')}   (guests go on; --guests stops them)")


def _explain(daemon: Daemon, output: Path) -> None:
    state = "is not ready after two minutes" if daemon.alive() else "ended"
    tail = "\n".join(output.read_text(errors="replace").splitlines()[-15:])
    raise click.ClickException(f"the control plane {state}:\n{tail}")


def clouds(settings: Settings) -> dict[str, object]:
    """The entries of clouds.yaml: the admin's and the demo user's."""
    from cumulo.identity.first_run.accounts import accounts

    names = {"admin": "cumulo", "demo": "cumulo-demo"}
    return {
        names[account.name]: {
            "auth": {
                "auth_url": f"{settings.base_url}/identity/v3",
                "username": account.name,
                "password": account.password(),
                "project_name": account.project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": settings.region,
            "identity_api_version": 3,
        }
        for account in accounts(settings)
    }


def write_clouds(settings: Settings, path: Path | None) -> bool:
    """Whether the clients' configuration has our entries."""
    target = path or clouds_yaml.default_path()
    entries = clouds(settings)
    clouds_yaml.write(settings.data_dir / "clouds.yaml", entries)
    try:
        clouds_yaml.write(target, entries, owner=settings.data_dir)
    except (clouds_yaml.ForeignEntry, OSError) as error:
        setup.say(
            f"{error}: left as it is. Use OS_CLIENT_CONFIG_FILE={settings.data_dir / 'clouds.yaml'}"
        )
        return False
    (settings.data_dir / "clouds-yaml-path").write_text(f"{target}\n")
    return True


def report(settings: Settings, seconds: float | None, written: bool) -> None:
    ready = "" if seconds is None else f"   (ready after {seconds:.1f} s)"
    named = "" if written else f"OS_CLIENT_CONFIG_FILE={settings.data_dir / 'clouds.yaml'} "
    stop = typed(settings, "down")
    names = settings.data_dir / "dns" / "where"
    at = [("names", names.read_text().strip())] if names.exists() else []
    lines = (
        ("APIs", f"{settings.base_url}/identity/v3{ready}"),
        ("dashboard", f"{settings.base_url}/dashboard   (sign in as demo or admin)"),
        ("clients", f"{named}openstack --os-cloud cumulo-demo …   (admin: --os-cloud cumulo)"),
        *at,
        ("passwords", f"{settings.secrets_dir}/admin-password, demo-password"),
        ("log", str(settings.log_file)),
        ("stop", f"{stop}   (guests go on; --guests stops them, --purge removes all)"),
    )
    for name, text in lines:
        click.echo(f"{name:10} {text}")
    if shutil.which("openstack") is None:
        click.echo(f"{'':10} (`openstack` comes with: apt-get install python3-openstackclient)")
