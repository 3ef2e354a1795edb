"""`cumulo baremetal`: a farm of virtual machines with a BMC, and the ramdisk of deployments."""

from pathlib import Path

import click

from cumulo import order
from cumulo import settings as settings_module
from cumulo.baremetal.farm.farm import Farm, FarmFault
from cumulo.baremetal.ramdisk import builder
from cumulo.cli import packages
from cumulo.cli.options import data_dir_option, load_settings, typed
from cumulo.cli.setup import cache_folder, say
from cumulo.core.run.commands import CommandFailed
from cumulo.settings import Settings


@click.group()
def command() -> None:
    """Bare metal: machines to learn and to test with."""


@command.command()
@data_dir_option
@click.option("--rebuild", is_flag=True, help="Even if it is there.")
def ramdisk(data_dir: Path | None, rebuild: bool) -> None:
    """Build the deploy ramdisk from Debian packages, on top of the guest image's files."""
    try:
        _ensure_packages()
        _ensure_ramdisk(load_settings(data_dir), rebuild)
    except (builder.BuildFailed, packages.SetupFailed, OSError) as error:
        raise click.ClickException(str(error)) from None


def _ensure_ramdisk(settings: Settings, rebuild: bool = False) -> None:
    guest = settings.guest_image.parent
    folder = guest.parent / "ramdisk"
    if not rebuild and builder.present(folder, guest):
        return
    say(f"building the deploy ramdisk {folder}")
    builder.build(folder, guest, cache_folder() / "packages", say)


@command.group()
def farm() -> None:
    """Virtual machines without an operating system, behind a BMC that speaks Redfish."""


@farm.command()
@data_dir_option
@click.argument("count", type=click.IntRange(0, 64))
@click.option("--memory", default=512, type=click.IntRange(256, 65536), help="MiB of each.")
@click.option("--disk", default=4, type=click.IntRange(1, 1024), help="GiB of each (thin).")
@click.option("--tls", is_flag=True, help="The BMC speaks https (a new farm only).")
@click.option("--ipmi", is_flag=True, help="The BMC speaks IPMI as well.")
def up(data_dir: Path | None, count: int, memory: int, disk: int, tls: bool, ipmi: bool) -> None:
    """Have COUNT machines, and say how each is enrolled. Again: what is missing is made."""
    settings = _cloud(data_dir)
    try:
        _ensure_packages()
        _ensure_ramdisk(settings)
        record = Farm(settings.data_dir).up(
            count, settings_module.instance_prefix(settings), _api(settings), memory_mb=memory,
            disk_gb=disk, tls=tls, say=say, ipmi=ipmi,
        )  # fmt: skip
    except (FarmFault, CommandFailed, builder.BuildFailed, packages.SetupFailed, OSError) as error:
        raise click.ClickException(str(error)) from None
    say(f"the BMC of all machines: {record.address}")
    say(f"how they are enrolled: {typed(settings, 'baremetal farm list')}")


@farm.command("list")
@data_dir_option
def list_(data_dir: Path | None) -> None:
    """The machines, and the command that enrols each."""
    found = Farm(_cloud(data_dir).data_dir)
    try:
        record = found.record()
    except FarmFault as error:
        raise click.ClickException(str(error)) from None
    for seen in found.list():
        click.echo(f"{seen.name}  {seen.id}  {seen.power:3}  {seen.mac}  {seen.address}")
        verify = [f"redfish_verify_ca={found.folders.certificate}"] if record.tls else []
        info = [
            f"redfish_address={record.address}",
            f"redfish_system_id=/redfish/v1/Systems/{seen.id}",
            f"redfish_username={record.user}",
            f"redfish_password={record.password}",
            *verify,
        ]
        told = " ".join(f"--driver-info {each}" for each in info)
        click.echo(f"  openstack baremetal node create --driver redfish --name {seen.name} {told}")
        if seen.ipmi_port:
            click.echo(
                f"  … or by IPMI: --driver ipmi --driver-info ipmi_address=127.0.0.1 "
                f"--driver-info ipmi_port={seen.ipmi_port} --driver-info "
                f"ipmi_username={record.user} --driver-info ipmi_password={record.password}"
            )
    click.echo(
        "With --network-interface neutron a machine is on the networks of its VIFs while it is "
        "somebody's, and on none of the farm's own."
    )
    click.echo(f"They are reached from the namespace: ip netns exec {record.namespace} ssh …")


@farm.command()
@data_dir_option
def down(data_dir: Path | None) -> None:
    """Remove the machines, their disks and their network."""
    stopped = Farm(load_settings(data_dir).data_dir).down()
    say(f"the farm is gone ({stopped} machines ran)")


def _cloud(data_dir: Path | None) -> Settings:
    settings = load_settings(data_dir)
    if not settings_module.is_cloud(settings.data_dir):
        raise click.ClickException(f"there is no cloud yet; {typed(settings, 'up')}")
    if settings_module.fake_before(settings.data_dir):
        raise click.ClickException(
            "a cloud of simulated hosts has simulated machines: --driver fake-hardware"
        )
    return settings


def _api(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}/baremetal"


def _ensure_packages() -> None:
    """What this service needs at its first use, and no other does."""
    listed = packages.parse((order.ROOT / "baremetal" / "debian.txt").read_text())
    lacking = packages.missing(listed["first use"])
    if lacking:
        packages.install(lacking, say)
