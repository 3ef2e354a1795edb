"""`cumulo up`: from a bare machine to a working cloud. Run again, it goes on where it was."""

import sys
import time
from pathlib import Path

import click

from cumulo import settings as settings_module
from cumulo.cli import clouds_yaml, instance, setup
from cumulo.cli.options import data_dir_option, load_settings
from cumulo.cli.packages import SetupFailed
from cumulo.cli.serve import prepare_data_dir, serve
from cumulo.core.run.daemons import Daemon, start_daemon
from cumulo.settings import Settings

START_SECONDS = 120.0


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
    _set_up(settings)
    prepare_data_dir(settings)
    settings_module.remember(settings, listen=listen, fake=fake)
    found = instance.running(settings)
    if found is not None and found.base_url != settings.base_url:
        raise click.ClickException(
            f"the cloud runs at {found.base_url}; stop it first: ./cumulo down"
        )
    if foreground:
        if found is not None:
            raise click.ClickException(f"the cloud runs already, pid {found.pid}")
        _write_clouds(settings, clouds_yaml)
        serve(settings, to_terminal=True)
        return
    if found is None:
        setup.say(f"starting the cloud in {settings.data_dir}")
        _start(settings)
    _write_clouds(settings, clouds_yaml)
    _report(settings, time.monotonic() - began)


def _set_up(settings: Settings) -> None:
    if settings.fake:
        return
    try:
        setup.ensure_packages("run")
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
    while instance.running(settings) is None:
        if not daemon.alive() or time.monotonic() > end:
            _explain(daemon, output)
        time.sleep(0.02)


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


def _write_clouds(settings: Settings, path: Path | None) -> None:
    target = path or clouds_yaml.default_path()
    entries = clouds(settings)
    clouds_yaml.write(settings.data_dir / "clouds.yaml", entries)
    try:
        clouds_yaml.write(target, entries)
    except (clouds_yaml.ForeignEntry, OSError) as error:
        setup.say(
            f"{error}: left as it is. Use OS_CLIENT_CONFIG_FILE={settings.data_dir / 'clouds.yaml'}"
        )
    (settings.data_dir / "clouds-yaml-path").write_text(f"{target}\n")


def _report(settings: Settings, seconds: float) -> None:
    lines = (
        ("APIs", f"{settings.base_url}/identity/v3   (ready after {seconds:.1f} s)"),
        ("dashboard", f"{settings.base_url}/dashboard   (sign in as demo or admin)"),
        ("clients", "openstack --os-cloud cumulo-demo …   (admin: --os-cloud cumulo)"),
        ("passwords", f"{settings.secrets_dir}/admin-password, demo-password"),
        ("log", str(settings.log_file)),
        ("stop", "./cumulo down   (guests go on; --guests stops them, --purge removes all)"),
    )
    for name, text in lines:
        click.echo(f"{name:10} {text}")
