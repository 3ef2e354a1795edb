"""Debian packages: which ones Cumulo wants, which are missing, how they are installed."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from cumulo import order
from cumulo.core.run.commands import CommandFailed, run_blocking

LIST = Path(__file__).parents[3] / "requirements" / "debian.txt"


class SetupFailed(Exception):
    """Something could not be installed; the message names the command that would do it."""


def parse(text: str) -> dict[str, tuple[str, ...]]:
    """Read the package list: `[section]` lines, then a name a line with a `# reason`.

    Raises ValueError for a name before the first section or a line of more than one word.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if word.startswith("[") and word.endswith("]"):
            current = sections.setdefault(word[1:-1], [])
        elif current is None or " " in word:
            raise ValueError(f"not a package name in a section: {word!r}")
        else:
            current.append(word)
    return {section: tuple(names) for section, names in sections.items()}


def lists() -> list[Path]:
    """The cloud's own list, then those of the services."""
    own = (order.ROOT / name / "debian.txt" for name in order.services())
    return [LIST, *(path for path in own if path.exists())]


def wanted(*sections: str) -> list[str]:
    """The package names of some sections (`run`, `first use`, `test`), each once."""
    listed = [parse(path.read_text()) for path in lists()]
    names = (name for each in listed for section in sections for name in each.get(section, ()))
    return list(dict.fromkeys(names))


def missing(names: Iterable[str]) -> list[str]:
    """Those of the packages that dpkg does not know as installed. Raises SetupFailed."""
    names = list(names)
    query = shutil.which("dpkg-query")
    if query is None:
        raise SetupFailed(f"this is not a Debian machine; it needs: {' '.join(names)}")
    try:
        # Listing all is one file read for dpkg; naming unknown packages would be an error to it.
        known = run_blocking([query, "-W", "-f", "${Package} ${db:Status-Status}\n"])
    except CommandFailed as error:
        raise SetupFailed(str(error)) from error
    installed = {
        line.split()[0] for line in known.decode().splitlines() if line.endswith(" installed")
    }
    return [name for name in names if name not in installed]


def install_command(names: Iterable[str]) -> str:
    """What a person would type to install the packages."""
    return f"apt-get update && apt-get install -y --no-install-recommends {' '.join(names)}"


def install(names: list[str], progress: Callable[[str], None]) -> None:
    """Install packages by apt-get, telling each one's name as it is set up.

    Raises SetupFailed when not root, offline, or when apt-get ends badly.
    """
    by_hand = install_command(names)
    if os.geteuid() != 0:
        raise SetupFailed(f"only root can install Debian packages; as root: {by_hand}")
    if shutil.which("apt-get") is None:
        raise SetupFailed(f"apt-get is missing; install by your means: {' '.join(names)}")
    progress(f"installing {len(names)} Debian packages: {' '.join(names)}")
    _apt(["update"], by_hand, lambda line: None)
    _apt(
        ["install", "-y", "--no-install-recommends", *names],
        by_hand,
        lambda line: progress(line) if line.startswith("Setting up ") else None,
    )


def _apt(arguments: list[str], by_hand: str, line_seen: Callable[[str], None]) -> None:
    # Not through core.run: an installation has no time limit and its lines are wanted as they come.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    environment.pop("PYTHONPATH", None)  # maintainer scripts are Python too, of another release
    with subprocess.Popen(
        # Another apt-get may be at work, on a fresh machine for instance the daily one.
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        tail: list[str] = []
        for line in process.stdout:
            tail = [*tail[-7:], line.rstrip()]
            line_seen(line.rstrip())
    if process.returncode != 0:
        told = "\n  ".join(tail)
        raise SetupFailed(
            f"apt-get {arguments[0]} failed (offline?):\n  {told}\nWhen it works again: {by_hand}"
        )
