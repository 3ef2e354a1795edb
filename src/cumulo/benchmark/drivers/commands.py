"""Commands that task files name: hooks. An argument vector, never a shell."""

import asyncio
import contextlib
import os
import shlex
import signal

LONGEST = 3600.0
KEPT = 1024 * 1024
"""Bytes of output that are kept; the rest is read and let go."""
PIECE = 64 * 1024
NO_COMMAND = 127


class Commands:
    """Runs a hook's command to its end, or ends it with whatever it has started."""

    async def run(self, line: str) -> tuple[int, str, str]:
        """(status, output, errors). A line that is no command has status 127."""
        try:
            argv = shlex.split(line)
        except ValueError as error:
            return NO_COMMAND, "", f"not a command: {error}"
        if not argv or "\0" in line:
            return NO_COMMAND, "", "not a command: it has a NUL" if argv else "an empty command"
        try:
            process = await _started(argv)
        except OSError as error:
            return NO_COMMAND, "", f"{argv[0]}: {error.strerror}"
        try:
            async with asyncio.timeout(LONGEST):
                output, errors = await asyncio.gather(_all(process.stdout), _all(process.stderr))
                status = await process.wait()
        except TimeoutError:
            return -1, "", f"no end after {LONGEST:g} s"
        finally:
            await _end(process)
        return status, output, errors


async def _started(argv: list[str]) -> asyncio.subprocess.Process:
    """Started as a whole or not at all: who is interrupted meanwhile ends what it has begun."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    # A signal from the keyboard is for us: it is ended in good order.
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _all(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    found = bytearray()
    while piece := await stream.read(PIECE):
        found += piece[: KEPT - len(found)]
    return found.decode(errors="replace")
