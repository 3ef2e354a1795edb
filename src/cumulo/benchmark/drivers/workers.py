"""Processes that share a load: started with a file each, read by their standard output."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cumulo.core.run.streams import Stream

PATIENCE = 24 * 3600.0
READ = 256 * 1024
LENGTH = 4


WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""Before a command: it ends when we do, be it by kill -9, and loads no cloud for hours after."""


def command(path: Path) -> list[str]:
    """What works at the document in this file."""
    return [*WITH_US, sys.executable, "-m", "cumulo.benchmark.worker", str(path)]


class Workers:
    """`python -m cumulo.benchmark.worker`, one for each document."""

    def __init__(self) -> None:
        self._running: list[Stream] = []

    async def run(self, documents: list[bytes], on_batch: Callable[[bytes], None]) -> None:
        """Raises CommandFailed if one of them ends badly; the others are then ended."""
        with tempfile.TemporaryDirectory(prefix="cumulo-rally-") as folder:
            try:
                async with asyncio.TaskGroup() as group:
                    for number, document in enumerate(documents):
                        path = Path(folder) / str(number)
                        _write(path, document)
                        group.create_task(self._one(path, on_batch))
            finally:
                for stream in self._running:
                    await stream.kill()
                self._running.clear()

    async def _one(self, path: Path, on_batch: Callable[[bytes], None]) -> None:
        stream = await Stream.start(command(path), patience=PATIENCE)
        self._running.append(stream)
        found = bytearray()
        while True:
            block = await stream.read(READ)
            if not block:
                break
            found += block
            while len(found) >= LENGTH:
                size = int.from_bytes(found[:LENGTH], "big")
                if len(found) < LENGTH + size:
                    break
                on_batch(bytes(found[LENGTH : LENGTH + size]))
                del found[: LENGTH + size]

    def stop(self) -> None:
        for stream in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(stream.pid, signal.SIGTERM)


def _write(path: Path, document: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(document)
