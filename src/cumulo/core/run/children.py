"""A child process that talks with us over a socket, its standard input, and ends with us: when we
are gone, however, it reads the end of it."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from cumulo.core.run.commands import CommandFailed

_SOURCES = Path(__file__).parents[3]


class Child:
    """Bytes both ways; `reader` ends when the child does."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self.reader = reader
        self.writer = writer

    @classmethod
    async def python(
        cls, module: str, *arguments: str, log: Path, pass_fds: Sequence[int] = ()
    ) -> "Child":
        """Run a module of ours. Its output is appended to `log`. Raises CommandFailed."""
        argv = [sys.executable, "-m", module, *arguments]
        # It finds itself where we were found.
        path = os.pathsep.join([str(_SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
        ours, theirs = socket.socketpair()
        try:
            # Opening a file of a few kB for appending blocks nobody.
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=theirs.fileno(),
                    stdout=output,
                    stderr=output,
                    pass_fds=tuple(pass_fds),
                    env={**os.environ, "LC_ALL": "C", "PYTHONPATH": path},
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            raise CommandFailed(argv, -1, str(error)) from error
        finally:
            theirs.close()
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def stop(self, *, grace: float = 2.0) -> None:
        """Close the socket; who does not end by that is killed."""
        self.writer.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
