"""One command on strangers' files, without rights and within bounds.

The process lives in a cell (`core.run.cell`): it sees the programs of the machine and the files it
was given, under the names that it was given them; it has no network, no other processes, no
capabilities, few system calls, and limits of memory, processor time, disk, open files and
processes. When we are root it runs as a user of its own, not as `nobody`: guests do, and the kernel
counts the processes of a user together, so that a few guests would leave none for this one.

A file system has no quotas for a single file, and a sparse file's length says nothing about its
size, so what is written is watched while it is: blocks, and what is left free for others.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import IO

import msgspec

from cumulo.core.work import pools

USER = 65533
"""No account has this id."""
INPUT, OUTPUT = "/in", "/out"
"""Names of the one file that is read and the one that is written, inside."""
RESERVE, RESERVED_SHARE = 256 * 1024 * 1024, 50
"""Bytes, and the part (one of so many), that stay free on a file system for everybody else."""
_CELL = Path(__file__).with_name("cell.py")
PROCESSES = 1024
"""That one tool may start, threads included; far fewer than a machine can bear."""
_LOOK_SECONDS = 0.02
_TEXT = 64 * 1024 * 1024


class SandboxFailed(Exception):
    """The command failed, or went over a bound; the text is for the user."""


class Bounds(msgspec.Struct, frozen=True):
    """`memory`: bytes of address space; `disk`: bytes that each written file may be long, and that
    all may take together; `seconds`: of processor and wall time."""

    memory: int = 2 << 30
    disk: int = 1 << 40
    seconds: float = 60.0


def sandboxed(argv: Sequence[str], source: Path, target: Path, bounds: Bounds) -> None:
    """One file in, one new file out, which is read-only at the end. The command reads standard
    input or INPUT, and writes standard output or OUTPUT. Blocks. Raises SandboxFailed."""
    root = os.geteuid() == 0
    with source.open("rb") as given, target.open("w+b") as made:
        os.fchmod(made.fileno(), 0o600)
        if root:
            os.fchown(made.fileno(), USER, USER)
        try:
            _run(
                argv,
                reads={INPUT: source},
                writes={OUTPUT: target},
                bounds=bounds,
                stdin=given,
                stdout=made,
                user=USER,
            )
        finally:
            if root:
                os.fchown(made.fileno(), 0, 0)
            os.fchmod(made.fileno(), 0o444)


def in_sandbox(
    argv: Sequence[str],
    *,
    reads: Mapping[str, Path],
    writes: Mapping[str, Path] | None = None,
    bounds: Bounds | None = None,
    user: int = USER,
) -> bytes:
    """A command on files that exist, each by the name it has inside; its standard output.

    `user`: as whom it opens them, when we are root. Blocks. Raises SandboxFailed."""
    return told_in_sandbox(argv, reads=reads, writes=writes, bounds=bounds, user=user)[0]


def told_in_sandbox(
    argv: Sequence[str],
    *,
    reads: Mapping[str, Path],
    writes: Mapping[str, Path] | None = None,
    bounds: Bounds | None = None,
    user: int = USER,
) -> tuple[bytes, str]:
    """The same for a command that tells something on its standard error, too: the end of that."""
    with tempfile.TemporaryFile() as output:
        said = _run(
            argv,
            reads=reads,
            writes=writes or {},
            bounds=bounds or Bounds(),
            stdin=None,
            stdout=output,
            user=user,
        )
        output.seek(0)
        return output.read(_TEXT), said


@contextlib.contextmanager
def lent(path: Path) -> Iterator[int]:
    """The user that may open this file inside: its owner, or for as long as this lasts USER, where
    it is root's. Give it to `in_sandbox`."""
    owner = path.lstat().st_uid
    if owner != 0 or os.geteuid() != 0:
        yield owner
        return
    os.chown(path, USER, -1, follow_symlinks=False)
    try:
        yield USER
    finally:
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_uid == USER:
                os.chown(path, 0, -1, follow_symlinks=False)


def _run(
    argv: Sequence[str],
    *,
    reads: Mapping[str, Path],
    writes: Mapping[str, Path],
    bounds: Bounds,
    stdin: IO[bytes] | None,
    stdout: IO[bytes],
    user: int,
) -> str:
    """The end of what it said on its standard error."""
    command = _command(argv, reads, writes, bounds, user)
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=stdout,
                stderr=errors,
                env={"LC_ALL": "C"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxFailed(str(error)) from None
        try:
            broken = _watch(process, [stdout, errors], list(writes.values()), bounds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
        said = errors.read().decode(errors="replace")
        _judge(process.returncode, broken, said)
        return said


def _command(
    argv: Sequence[str],
    reads: Mapping[str, Path],
    writes: Mapping[str, Path],
    bounds: Bounds,
    user: int,
    listener: int | None = None,
) -> list[str]:
    """What starts the cell. Raises SandboxFailed: there is no such tool."""
    tool = shutil.which(argv[0], path="/usr/bin:/bin:/usr/local/bin")
    if tool is None:
        raise SandboxFailed(f"failed to execute {argv[0]}: it is not installed")
    limits = {
        "RLIMIT_AS": bounds.memory,
        "RLIMIT_FSIZE": bounds.disk,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_NPROC": PROCESSES + _threads_of(user if os.geteuid() == 0 else os.geteuid()),
        "RLIMIT_CORE": 0,
    }
    if bounds.seconds < inf:
        limits["RLIMIT_CPU"] = int(bounds.seconds) + 1
    order = {
        "argv": [tool, *argv[1:]],
        "reads": {name: str(path.resolve()) for name, path in reads.items()},
        "writes": {name: str(path.resolve()) for name, path in writes.items()},
        "user": user if os.geteuid() == 0 else None,
        "listener": listener,
        "limits": limits,
    }
    return [sys.executable, "-I", "-S", str(_CELL), json.dumps(order)]


async def server_in_cell(
    argv: Sequence[str],
    listener: socket.socket,
    errors: Path,
    *,
    reads: Mapping[str, Path],
    writes: Mapping[str, Path],
    user: int = USER,
) -> asyncio.subprocess.Process:
    """A tool that answers at a socket, given to it as systemd gives one, for as long as it will: at
    the longest until we end. What it says goes to `errors`. Raises SandboxFailed."""
    bounds = Bounds(disk=1 << 62, seconds=inf)
    handed = listener.fileno()
    command = await pools.DISK(_command, argv, reads, writes, bounds, user, handed)
    with errors.open("wb") as output:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                env={"LC_ALL": "C"},
                cwd="/",
                start_new_session=True,
                pass_fds=[handed],
            )
        except OSError as error:
            raise SandboxFailed(str(error)) from None


def _threads_of(user: int) -> int:
    """Of this user on the whole machine. The kernel's bound is for all of a user's together, and a
    guest's disk is opened as its guest is run: a host full of guests is no reason to refuse one."""
    count = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if process.stat().st_uid == user:
                    count += sum(1 for _ in (process / "task").iterdir())
    return count


def _judge(status: int, broken: str | None, said: str) -> None:
    if broken is not None:
        raise SandboxFailed(broken)
    if status < 0:
        why = {-25: "it would write too much", -24: "it took too long"}
        raise SandboxFailed(why.get(status, f"ended by signal {-status}"))
    if status != 0:
        lines = said.strip().splitlines()
        raise SandboxFailed((lines[-1] if lines else f"status {status}")[:500])


def _watch(
    process: "subprocess.Popen[bytes]",
    streams: Sequence[IO[bytes]],
    written: Sequence[Path],
    bounds: Bounds,
) -> str | None:
    """The bound that it broke, or None at its end."""
    end = time.monotonic() + bounds.seconds
    before = _taken(streams, written)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
        if _taken(streams, written) - before > bounds.disk:
            return "it would write too much"
        if process.returncode is not None:
            return None
        if any(_full(stream) for stream in streams):
            return "no space is left on the disk"
        if time.monotonic() > end:
            return f"it did not end within {bounds.seconds:g} s"


def _taken(streams: Sequence[IO[bytes]], written: Sequence[Path]) -> int:
    """Bytes on disk; a file that is both a stream and written counts once."""
    found = {}
    for stat in [*(os.fstat(s.fileno()) for s in streams), *(path.stat() for path in written)]:
        found[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
    return sum(found.values())


def _full(stream: IO[bytes]) -> bool:
    state = os.fstatvfs(stream.fileno())
    least = max(RESERVE, state.f_blocks * state.f_frsize // RESERVED_SHARE)
    return state.f_bavail * state.f_frsize < least
