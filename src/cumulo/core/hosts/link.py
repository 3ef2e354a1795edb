"""The agent's end of the line to the control plane."""

from collections.abc import Sequence
from typing import Protocol

from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.messages import Fetch, Items, Report, Taken
from cumulo.core.hosts.samples import Sample


class Link(Protocol):
    async def fetch(self, message: Fetch) -> Items: ...
    async def report(self, message: Report) -> Taken: ...
    async def failed(self, kind: str, generation: int, reason: str) -> None: ...
    async def heartbeat(self) -> None: ...
    async def samples(self, samples: Sequence[Sample]) -> None: ...


class InProcessLink:
    """The embedded mode: the same messages, handed over without a wire."""

    def __init__(self, conductor: Conductor, host_id: str) -> None:
        self._conductor = conductor
        self._host_id = host_id

    async def fetch(self, message: Fetch) -> Items:
        return await self._conductor.fetch(self._host_id, message)

    async def report(self, message: Report) -> Taken:
        return await self._conductor.report(self._host_id, message)

    async def failed(self, kind: str, generation: int, reason: str) -> None:
        await self._conductor.failed(self._host_id, kind, generation, reason)

    async def samples(self, samples: Sequence[Sample]) -> None:
        await self._conductor.samples(self._host_id, samples)

    async def heartbeat(self) -> None:
        await self._conductor.heartbeat(self._host_id)
