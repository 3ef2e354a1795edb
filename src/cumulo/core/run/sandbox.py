"""One command on one file, without rights and within bounds: for tools that read what strangers
sent.

The process runs as a user of its own (when we are root), can gain no privileges, has its own
session, an empty environment and folder, and limits of memory, processor time, file size, open
files and processes. The user is not `nobody`: guests are, and the kernel counts the processes of a
user together, so that a few guests would leave none for this one. It
gets its files as descriptors: 0 and 1, or `/dev/fd/3` and `/dev/fd/4` of its arguments; the
first one must be readable by all.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_USER = 65533
"""No account has this id."""
_NEW_PRIVILEGES = ("setpriv", "--no-new-privs", "--")


class SandboxFailed(Exception):
    """The command failed, or went over a bound; the text is for the user."""


def sandboxed(
    argv: Sequence[str],
    source: Path,
    target: Path,
    *,
    as_descriptors: bool = False,
    memory: int,
    file_bytes: int,
    seconds: float,
) -> None:
    """Blocks until the end. Raises SandboxFailed."""
    root = os.geteuid() == 0
    with source.open("rb") as given, target.open("w+b") as made:
        # The command may open its descriptors again by name, which asks for the file's rights.
        os.fchmod(made.fileno(), 0o600)
        if root:
            os.fchown(made.fileno(), _USER, _USER)
        try:
            _run(argv, given.fileno(), made.fileno(), as_descriptors, memory, file_bytes, seconds)
        finally:
            if root:
                os.fchown(made.fileno(), 0, 0)
            os.fchmod(made.fileno(), 0o444)


def _run(
    argv: Sequence[str],
    given: int,
    made: int,
    as_descriptors: bool,
    memory: int,
    file_bytes: int,
    seconds: float,
) -> None:
    vector = list(argv)
    if as_descriptors:
        names = {"/dev/fd/3": f"/dev/fd/{given}", "/dev/fd/4": f"/dev/fd/{made}"}
        vector = [names.get(word, word) for word in vector]
    user = _USER if os.geteuid() == 0 else None
    try:
        done = subprocess.run(
            [*_NEW_PRIVILEGES, *_limits(memory, file_bytes, seconds), *vector],
            stdin=subprocess.DEVNULL if as_descriptors else given,
            stdout=subprocess.DEVNULL if as_descriptors else made,
            stderr=subprocess.PIPE,
            pass_fds=(given, made) if as_descriptors else (),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd="/",
            timeout=seconds,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SandboxFailed(f"it did not end within {seconds:g} s") from None
    except OSError as error:
        raise SandboxFailed(str(error)) from None
    if done.returncode < 0:
        # Of the limits, only these two end a process by a signal of their own.
        why = {-25: "it would write too much", -24: "it took too long"}
        raise SandboxFailed(why.get(done.returncode, f"ended by signal {-done.returncode}"))
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        text = lines[-1] if lines else f"status {done.returncode}"
        raise SandboxFailed(text[:500])


def _limits(memory: int, file_bytes: int, seconds: float) -> list[str]:
    """util-linux's prlimit: the limits are set by a process, not by a fork of ours."""
    return [
        "prlimit",
        f"--as={memory}",
        f"--fsize={file_bytes}",
        f"--cpu={int(seconds) + 1}",
        "--nofile=64",
        "--nproc=64",
        "--core=0",
        "--",
    ]
