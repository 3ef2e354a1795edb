"""One command that bytes are streamed to or from, bounded in time between its steps.

A command that reads sees the end of its input when we are killed, so it ends too.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from typing import IO, NoReturn

from cumulo.core.run.commands import CommandFailed
from cumulo.core.work import pools

_BUFFER = 1024 * 1024


class Stream:
    """`patience`: how many seconds it may take to go on. Every method but `kill` raises
    CommandFailed when the command failed or made no step in that time."""

    def __init__(
        self,
        argv: Sequence[str],
        process: asyncio.subprocess.Process,
        errors: IO[bytes],
        patience: float,
    ) -> None:
        self._argv = argv
        self._process = process
        self._errors = errors
        self._patience = patience

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, feeding: bool = False, patience: float = 60.0
    ) -> "Stream":
        """`feeding`: `write` gives it its input. Otherwise it has none, and `read` its output."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the stream)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE if feeding else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL if feeding else asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "LC_ALL": "C"},
                limit=_BUFFER,
                # A signal from the keyboard is for us; we end it in good order.
                start_new_session=True,
            )
        except OSError as error:
            errors.close()
            raise CommandFailed(argv, -1, str(error)) from error
        return cls(argv, process, errors, patience)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def write(self, block: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(block)
            async with asyncio.timeout(self._patience):
                await self._process.stdin.drain()
        except TimeoutError:
            await self._late()
        except ConnectionError:
            await self.end()
            raise CommandFailed(self._argv, 0, "it ended before its input") from None

    async def read(self, most: int) -> bytes:
        """Up to this many bytes; empty only at the end of a command that succeeded."""
        assert self._process.stdout is not None
        found = b""
        try:
            async with asyncio.timeout(self._patience):
                found = await self._process.stdout.read(most)
        except TimeoutError:
            await self._late()
        if not found and most:
            await self.end()
        return found

    async def end(self) -> None:
        """Close its input, and wait until it has succeeded."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(self._patience):
                status = await self._process.wait()
        except TimeoutError:
            await self._late()
        if status != 0:
            said = await pools.DISK(self._said)
            raise CommandFailed(self._argv, status, said)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            # asyncio waits for the end of an output that nobody reads any more, too.
            await self._process.communicate()
        self._errors.close()

    async def _late(self) -> NoReturn:
        await self.kill()
        raise CommandFailed(self._argv, -1, f"no step for {self._patience:g} s")

    def _said(self) -> str:
        if self._errors.closed:
            return ""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 2000))
        return self._errors.read().decode(errors="replace")
