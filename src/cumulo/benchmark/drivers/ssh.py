"""Logins to guests: the ssh program with a key of the run's own, and no trust in known hosts."""

import asyncio
import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cumulo.core.run.commands import CommandFailed, run

ATTEMPT = 15.0
LONGEST = 3600.0
SHOWN = 64 * 1024


class Login(Protocol):
    @property
    def address(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def user(self) -> str: ...

    @property
    def key(self) -> str: ...


class Ssh:
    """Commands in guests."""

    async def reach(self, login: Login, seconds: float) -> None:
        """Wait until one can log in. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while True:
            status, _, words = await self._once(login, ["true"], b"", ATTEMPT)
            if status == 0:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"no login to {login.address} within {seconds:g} s: {words}")
            await asyncio.sleep(1.0)

    async def run(self, login: Login, argv: Sequence[str], script: bytes) -> tuple[int, str, str]:
        """(status, output, errors) of a command that reads a script."""
        return await self._once(login, argv, script, LONGEST)

    async def _once(
        self, login: Login, argv: Sequence[str], script: bytes, seconds: float
    ) -> tuple[int, str, str]:
        with _key_file(login.key) as key:
            vector = [
                "ssh",
                "-i",
                str(key),
                "-p",
                str(login.port),
                *_OPTIONS,
                "--",
                f"{login.user}@{login.address}",
                shlex.join(argv),
            ]
            try:
                output = await run(vector, stdin=script, timeout=seconds)
            except CommandFailed as failed:
                return failed.status, "", failed.stderr[-SHOWN:]
        return 0, output.decode(errors="replace")[:SHOWN], ""


_OPTIONS = [
    option
    for setting in (
        "BatchMode=yes",
        "ConnectTimeout=10",
        "IdentitiesOnly=yes",
        "LogLevel=ERROR",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
    )
    for option in ("-o", setting)
]


@contextmanager
def _key_file(key: str) -> Iterator[Path]:
    """The key in a file that only we can read, for as long as it is needed."""
    descriptor, name = tempfile.mkstemp(prefix="cumulo-rally-key-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key if key.endswith("\n") else f"{key}\n")
        yield path
    finally:
        path.unlink(missing_ok=True)
