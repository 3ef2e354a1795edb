"""`cumulo image`: images that Cumulo makes itself."""

from pathlib import Path

import click

from cumulo.image.guest.builder import IMAGE, BuildFailed, build_guest, default_image


@click.group()
def command() -> None:
    """Make images."""


@command.command("build-guest")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: default_image().parent,
    show_default="~/.cache/cumulo/guest",
    help="Folder for guest.qcow2 and the kernel and ramdisks beside it.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder for downloaded packages [default: OUTPUT/debs].",
)
def build_guest_command(output: Path, cache: Path | None) -> None:
    """Build the small guest image from Debian packages."""
    try:
        built = build_guest(output / IMAGE, cache or output / "debs", click.echo)
    except BuildFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{built.path}  {built.size / 1e6:.1f} MB  sha256 {built.sha256}")
