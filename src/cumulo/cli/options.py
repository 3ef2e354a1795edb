"""Options that several commands share."""

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


def load_settings(data_dir: Path | None, **overrides: object) -> Settings:
    """The settings, or an error message and exit status 1."""
    try:
        return settings_module.load(data_dir, **overrides)
    except BadSettings as error:
        raise click.ClickException(str(error)) from None
