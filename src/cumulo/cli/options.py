"""Options that several commands share."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cumulo import settings as settings_module
from cumulo.settings import BadSettings, Settings

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(function: F) -> F:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="CUMULO_DATA_DIR",
        help="Where everything is kept.  [default: /var/lib/cumulo for root]",
    )(function)


def typed(settings: Settings, command: str) -> str:
    """A command of ours as one types it for this cloud: hints are pasted."""
    if settings.data_dir == settings_module.default_data_dir():
        return f"./cumulo {command}"
    return f"./cumulo {command} --data-dir {shlex.quote(str(settings.data_dir))}"


def not_running(settings: Settings) -> click.ClickException:
    return click.ClickException(f"the cloud does not run; start it: {typed(settings, 'up')}")


def refusal(error: OSError) -> click.ClickException:
    """What the machine refused, in one line."""
    place = f"{error.filename}: " if error.filename else ""
    return click.ClickException(f"{place}{error.strerror or error}")


def load_settings(data_dir: Path | None, *, forgiving: bool = False, **overrides: Any) -> Settings:
    """The settings, or an error message and exit status 1. `forgiving`: a `cumulo.toml` that makes
    no sense is told of and left aside, for commands that look, or stop what runs."""
    try:
        return settings_module.load(data_dir, **overrides)
    except BadSettings as error:
        if not forgiving:
            raise click.ClickException(str(error)) from None
        click.echo(f"{error}\n(it is left aside; the cloud does not start with it)", err=True)
    return settings_module.load(data_dir, read_file=False)
