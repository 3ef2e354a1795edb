"""Other control nodes at a node's gate: those that join, and those that ask."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection

from cumulo.core.blobs.content import Contents
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.nodes.hellos import SPEAKER, JoinNode
from cumulo.core.nodes.model import NodeRow
from cumulo.core.nodes.nodes import Nodes
from cumulo.core.nodes.serving import App, NodeSession
from cumulo.core.work import pools

log = logging.getLogger("cumulo.nodes")


class Door:
    def __init__(
        self,
        nodes: Nodes,
        conductor: Conductor,
        contents: Callable[[], Contents | None],
        app: App,
    ) -> None:
        self._nodes = nodes
        self._conductor = conductor
        self._contents = contents
        self._app = app if nodes.content else None
        self._sessions: dict[NodeSession, str] = {}
        """And the node's id."""

    async def join(self, raw: bytes) -> bytes:
        """The answer to a machine that wants to be a control node: `JoinedNode`, or why not, as
        text."""
        try:
            wish = msgspec.msgpack.decode(raw, type=JoinNode)
            id, cloud = await self._conductor.database.write(
                lambda tx: self._nodes.join(tx, wish.secret, wish.name, self._conductor.registry),
                name="a control node joins",
            )
        except msgspec.MsgspecError as error:
            return msgspec.msgpack.encode(str(error))
        except Fault as fault:
            return msgspec.msgpack.encode(fault.message)
        package = await pools.DISK(self._nodes.package, id, cloud)
        log.info("%s has joined as a control node", wish.name)
        return msgspec.msgpack.encode(package)

    async def serve(self, connection: ServerConnection, speaker: str) -> None:
        """`speaker`: the common name of the certificate that was shown."""
        id = speaker.removeprefix(SPEAKER)

        def read(tx: Tx) -> NodeRow | None:
            return tx.get(NodeRow, id)

        row = await self._conductor.database.read(read)
        if row is None or row.removed or not speaker.startswith(SPEAKER):
            log.warning("%s is no control node (any more): refused", speaker)
            await connection.close(4403, "removed")
            return
        wire: Any = connection
        session = NodeSession(wire, row.name, self._conductor, self._contents, self._app)
        self._sessions[session] = id
        try:
            await session.run()
        finally:
            del self._sessions[session]

    async def look_again(self) -> None:
        """Nodes were removed: what they have open ends."""
        for session, id in list(self._sessions.items()):
            row = await self._conductor.database.read(lambda tx, id=id: tx.get(NodeRow, id))  # type: ignore[misc]
            if row is None or row.removed:
                await session.end()

    @property
    def at_work(self) -> int:
        """Requests of other nodes that are not answered to their end."""
        return sum(session.at_work for session in self._sessions)
