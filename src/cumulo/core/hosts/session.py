"""One host's connection, as the control plane has it: its calls go to the conductor under the
host's own name, whatever they say."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from websockets.asyncio.server import ServerConnection

from cumulo.core.blobs.content import Contents, Missing
from cumulo.core.blobs.streams import BLOCK, Reader
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.hello import (
    PROTOCOLS,
    Close,
    Failed,
    Hello,
    Open,
    Opened,
    Piece,
    Query,
    Renewal,
    Samples,
    Welcome,
)
from cumulo.core.hosts.lines import Line, OpenLine, opened
from cumulo.core.hosts.messages import Answer, Ask, Fetch, Report
from cumulo.core.hosts.peer import LONG_SECONDS, Nonsense, Peer, PeerFault, PeerGone, closed
from cumulo.core.hosts.samples import MOST

log = logging.getLogger("cumulo.link")

MOST_OPEN = 8
"""Contents that one host reads at once."""
T = TypeVar("T")
_decode = msgspec.msgpack.decode


class HostSession:
    def __init__(
        self,
        connection: ServerConnection,
        name: str,
        conductor: Conductor,
        contents: Callable[[], Contents | None],
        *,
        serial: str,
        renew: Callable[[str, bytes], Awaitable[bytes]],
        version: str,
        alike: dict[str, Any],
        places: Callable[[], Awaitable[list[str]]],
    ) -> None:
        """`places`: where control nodes are dialled."""
        self.name = name
        self.serial = serial
        """Of the certificate that the connection was opened with."""
        self._connection = connection
        self._conductor = conductor
        self._contents = contents
        self._renew = renew
        self._version = version
        self._alike = alike
        self._places = places
        self._kinds: list[str] = []
        self._is_cut = False
        self._open: dict[int, Reader] = {}
        self._handles = itertools.count(1)
        self._rung: set[str] = set()
        self._bell = asyncio.Event()
        self._peer = Peer(
            connection,
            {
                "hello": self._hello,
                "fetch": self._fetch,
                "report": self._report,
                "failed": self._failed,
                "heartbeat": self._heartbeat,
                "samples": self._samples,
                "query": self._query,
                "open": self._open_content,
                "piece": self._piece,
                "close": self._close,
                "renew": self._renewal,
            },
        )
        self._lines = itertools.count(1)

    async def run(self) -> None:
        """Until the connection ends."""
        ringing = asyncio.create_task(self._ring())
        try:
            await self._peer.run()
        except Nonsense as error:
            log.warning("%s speaks nonsense: %s", self.name, error)
            await self._connection.close(1002, "no frame of this protocol")
        finally:
            ringing.cancel()
            self._conductor.disconnect(self.name, self)
            for reader in self._open.values():
                await reader.close()
            log.info("%s has gone", self.name)

    def cut(self) -> None:
        """From now on nothing that it says counts."""
        self._kinds = []
        self._is_cut = True
        self._conductor.disconnect(self.name, self)

    async def end(self, reason: str) -> None:
        await closed(self._connection, 4400, reason)

    # --- what the host calls ------------------------------------------------------------------

    async def _hello(self, raw: msgspec.Raw) -> Welcome:
        if self._is_cut:
            raise PeerFault("this connection counts no more")
        hello = _decode(raw, type=Hello)
        shared = sorted(set(hello.protocols) & set(PROTOCOLS))
        if not shared:
            raise PeerFault(
                f"this control plane ({self._version}) speaks the protocols {list(PROTOCOLS)}, "
                f"the host ({hello.version}) {hello.protocols[:8]}: bring both to one release"
            )
        kinds = [kind for kind in hello.kinds if kind in self._conductor.parts]

        def register(tx: Tx) -> bool:
            if self._conductor.registry.get(tx, self.name) is None:
                return False
            self._conductor.registry.register(tx, self.name, kinds)
            return True

        if not await self._conductor.database.write(register, name="a host is there"):
            raise PeerFault("this host was removed")
        if self._is_cut:
            raise PeerFault("this connection counts no more")
        self._kinds = kinds
        self._conductor.connect(self.name, self._ask, owner=self, liner=self._line)
        for kind in kinds:
            self._conductor.registry.on_wake(self.name, kind, partial(self._wake, kind))
        log.info("%s is there (%s): %s", self.name, hello.version, ", ".join(kinds))
        return Welcome(shared[-1], self._version, self._alike, await self._places())

    async def _fetch(self, raw: msgspec.Raw) -> Any:
        message = _decode(raw, type=Fetch)
        self._known(message.kind)
        return await self._conductor.fetch(self.name, message)

    async def _report(self, raw: msgspec.Raw) -> Any:
        message = _decode(raw, type=Report)
        self._known(message.kind)
        part = self._conductor.parts[message.kind]
        items = [
            msgspec.structs.replace(seen, state=msgspec.convert(seen.state, part.seen_type))
            if seen.state is not None
            else seen
            for seen in message.items
        ]
        host = message.host
        if host is not None:
            host = msgspec.convert(host, part.host_type)
        message = msgspec.structs.replace(message, items=items, host=host)
        return await self._conductor.report(self.name, message)

    async def _failed(self, raw: msgspec.Raw) -> None:
        told = _decode(raw, type=Failed)
        self._known(told.kind)
        reason = told.reason[:2000]
        await self._conductor.failed(self.name, told.kind, told.generation, reason)

    async def _heartbeat(self, raw: msgspec.Raw) -> list[str]:
        self._known_at_all()
        await self._conductor.heartbeat(self.name)
        return await self._places()

    async def _samples(self, raw: msgspec.Raw) -> None:
        self._known_at_all()
        await self._conductor.samples(self.name, _decode(raw, type=Samples).samples[:MOST])

    async def _query(self, raw: msgspec.Raw) -> Any:
        query = _decode(raw, type=Query)
        self._known(query.kind)
        try:
            return await self._conductor.query(
                self.name, query.kind, query.question, query.arguments
            )
        except HostDown as error:
            raise PeerFault(str(error)) from None

    async def _renewal(self, raw: msgspec.Raw) -> bytes:
        self._known_at_all()
        return await self._renew(self.name, _decode(raw, type=Renewal).request)

    # --- content ------------------------------------------------------------------------------

    async def _open_content(self, raw: msgspec.Raw) -> Opened:
        self._known_at_all()
        wish = _decode(raw, type=Open)
        contents = self._contents()
        if contents is None:
            raise PeerFault("nobody here has the content of images")
        if len(self._open) >= MOST_OPEN:
            raise PeerFault("this host has too much open")
        if not await self._conductor.needs(self.name, wish.content):
            raise PeerFault("nothing on this host is made of that")
        handle = next(self._handles)
        try:
            reader = await contents.open(wish.content)
        except Missing:
            return Opened(None)
        except OSError as error:
            raise PeerFault(str(error)) from None
        self._open[handle] = reader
        return Opened(handle, reader.size)

    async def _piece(self, raw: msgspec.Raw) -> bytes:
        self._known_at_all()
        wish = _decode(raw, type=Piece)
        reader = self._open.get(wish.handle)
        if reader is None:
            raise PeerFault("this is not open")
        try:
            return await reader.read(max(0, wish.offset), max(0, min(wish.length, BLOCK)))
        except OSError as error:
            raise PeerFault(str(error)) from None

    async def _close(self, raw: msgspec.Raw) -> None:
        reader = self._open.pop(_decode(raw, type=Close).handle, None)
        if reader is not None:
            await reader.close()

    # --- what the host is asked and told ------------------------------------------------------

    async def _ask(self, message: Ask) -> Answer:
        try:
            return _decode(await self._peer.call("ask", message, seconds=LONG_SECONDS), type=Answer)
        except (PeerFault, PeerGone) as error:
            away = isinstance(error, PeerGone)
            return Answer(refused=f"host {self.name}: {error}", away=away)

    async def _line(self, message: Ask) -> Line:
        try:
            return await opened(self._peer, OpenLine(next(self._lines), message))
        except (PeerFault, PeerGone) as error:
            raise HostDown(f"host {self.name}: {error}") from None

    def _wake(self, kind: str) -> None:
        self._rung.add(kind)
        self._bell.set()

    async def _ring(self) -> None:
        """One message for all that was rung meanwhile; losing one costs time only."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            rung, self._rung = sorted(self._rung), set()
            try:
                await self._peer.tell("wake", rung)
            except (PeerFault, PeerGone):
                return

    def _known(self, kind: str) -> None:
        if kind not in self._kinds:
            raise PeerFault(f"this host does no {kind[:100]!r}")

    def _known_at_all(self) -> None:
        if not self._kinds:
            raise PeerFault("say hello first")
