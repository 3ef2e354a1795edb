"""Iterations on their way to the disk: beside the loop that measures.

A disk that is slow, or a file that another process has locked, would else hold up every request in
work, and those seconds would look like the cloud's.
"""

import asyncio
from pathlib import Path

from cumulo.benchmark.model.result import Iteration
from cumulo.benchmark.queries.store import Store
from cumulo.core.work import pools


class Writer:
    """One workload's chunks, in their order."""

    def __init__(self, path: Path, workload_uuid: str) -> None:
        self._path = path
        self._uuid = workload_uuid
        self._last: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    def save(self, iterations: list[Iteration]) -> None:
        self._last = asyncio.create_task(self._after(self._last, iterations))

    async def _after(self, before: "asyncio.Task[None] | None", chunk: list[Iteration]) -> None:
        if before is not None:
            await before
        try:
            await pools.DISK(self._put, chunk)
        except Exception as failure:
            self._failure = self._failure or failure

    def _put(self, chunk: list[Iteration]) -> None:
        store = Store(self._path)
        try:
            store.add_iterations(self._uuid, chunk)
        finally:
            store.close()

    async def end(self) -> None:
        """All is written. Raises what the first chunk failed with that is not."""
        if self._last is not None:
            await self._last
        if self._failure is not None:
            raise self._failure
