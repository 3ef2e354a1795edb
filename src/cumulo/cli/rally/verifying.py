"""What the commands of `rally verify` share: the group, the verifier and the verification meant."""

from pathlib import Path
from typing import Any

import click

from cumulo.benchmark.client.clouds import BadSpec
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import ApiError
from cumulo.benchmark.drivers.tempest import Tempest
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.verification import Verification, Verifier
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.service import verifications
from cumulo.benchmark.service.environments import run
from cumulo.cli.rally.common import Group, database
from cumulo.core.run.commands import CommandFailed

EXPECTED = (
    ApiError,
    BadSpec,
    CommandFailed,
    Exists,
    HttpError,
    NoSuch,
    OSError,
    ValueError,
)


@click.group(cls=Group)
def verify() -> None:
    """Tempest: install, configure, run, run again, compare."""


def folder(uuid: str) -> Path:
    """Beside the database: what a verifier has on the disk."""
    path = database().parent / "verifiers" / uuid
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def place_of(verifier: Verifier, env: Environment) -> Path:
    """What a verifier has of one environment: its configuration, its logs, its results."""
    path = folder(verifier.uuid) / env.uuid
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def runner_of(verifier: Verifier, env: Environment | None = None) -> Tempest:
    place = None if env is None else place_of(verifier, env)
    return Tempest(folder(verifier.uuid), place, system_wide=verifier.system_wide)


def do(work: Any) -> Any:
    try:
        return run(work)
    except EXPECTED as error:
        raise click.ClickException(str(error)) from None


def verifier_of(kept: Store, named: str | None) -> Verifier:
    try:
        return verifications.chosen_verifier(kept, named)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None


def verification_of(kept: Store, named: str | None) -> Verification:
    try:
        return verifications.chosen(kept, named)
    except NoSuch as error:
        raise click.ClickException(str(error)) from None


def text_of(path: str | None) -> str:
    """A file's text; empty where none is named."""
    if path is None:
        return ""
    try:
        return Path(path).expanduser().read_text()
    except (OSError, ValueError, RuntimeError) as error:
        raise click.ClickException(f"{path}: {error}") from None
