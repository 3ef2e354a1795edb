"""The agent's end of the line to the control plane; in this process here, over a wire in `dial`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cumulo.core.blobs.content import Contents
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.messages import Fetch, Items, Report, Taken
from cumulo.core.hosts.samples import Sample


class Link(Protocol):
    async def fetch(self, message: Fetch) -> Items: ...
    async def report(self, message: Report) -> Taken: ...
    async def failed(self, kind: str, generation: int, reason: str) -> None: ...
    async def heartbeat(self) -> None: ...
    async def samples(self, samples: Sequence[Sample]) -> None: ...


class Uplink(Protocol):
    """What a host's drivers may ask of the control plane."""

    async def query(self, kind: str, question: str, arguments: Mapping[str, Any]) -> Any:
        """Plain values. Raises HostDown where there is no answer."""

    def contents(self) -> Contents | None:
        """Who has the bytes of images; None: nobody yet."""

    def local_address(self) -> str | None:
        """This machine's address on the way to the control plane and to other hosts, if known."""


class InProcessLink:
    """The embedded mode: the same messages, handed over without a wire. Link and Uplink."""

    def __init__(
        self,
        conductor: Conductor,
        host_id: str,
        contents: Callable[[], Contents | None] = lambda: None,
        address: str | None = None,
    ) -> None:
        self._conductor = conductor
        self._host_id = host_id
        self._contents = contents
        self._address = address

    async def query(self, kind: str, question: str, arguments: Mapping[str, Any]) -> Any:
        return await self._conductor.query(self._host_id, kind, question, arguments)

    def contents(self) -> Contents | None:
        return self._contents()

    def local_address(self) -> str | None:
        return self._address

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
