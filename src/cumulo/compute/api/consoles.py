"""Consoles: `remote-consoles`, and the websocket that it leads to."""

import asyncio
import contextlib
import socket as sockets
from typing import Any, Literal

from msgspec import field

from cumulo.compute.api.common import action
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.consoles import KINDS, Consoles
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Unavailable
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.sockets import Socket, SocketClosed
from cumulo.core.wire.shapes import Body, StrictBody

BLOCK = 64 * 1024


class RemoteConsole(StrictBody):
    protocol: Literal["vnc", "spice", "rdp", "serial", "mks"]
    type: Literal["novnc", "xvpvnc", "spice-html5", "rdp-html5", "serial", "webmks", "spice-direct"]


class NewConsole(StrictBody):
    remote_console: RemoteConsole


class OldConsole(StrictBody):
    type: Literal["novnc", "xvpvnc", "spice-html5", "rdp-html5", "serial"]


class VncAction(StrictBody):
    wish: OldConsole = field(name="os-getVNCConsole")


class SpiceAction(StrictBody):
    wish: OldConsole = field(name="os-getSPICEConsole")


class RdpAction(StrictBody):
    wish: OldConsole = field(name="os-getRDPConsole")


class SerialAction(StrictBody):
    wish: OldConsole = field(name="os-getSerialConsole")


OLD = {
    "os-getVNCConsole": VncAction,
    "os-getSPICEConsole": SpiceAction,
    "os-getRDPConsole": RdpAction,
    "os-getSerialConsole": SerialAction,
}
PROTOCOLS: dict[str, Literal["vnc", "spice", "rdp", "serial"]] = {
    "os-getVNCConsole": "vnc",
    "os-getSPICEConsole": "spice",
    "os-getRDPConsole": "rdp",
    "os-getSerialConsole": "serial",
}


class ConsoleBody(Body):
    protocol: str
    type: str
    url: str


class ConsoleAnswer(Body):
    remote_console: ConsoleBody


class ConsolesApi:
    def __init__(self, compute: ComputeService, database: Database, conductor: Conductor) -> None:
        self._servers = compute.servers
        self._consoles = Consoles()
        self._database = database
        self._conductor = conductor

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "POST",
                "/servers/{server_id}/remote-consoles",
                self.create,
                policy="os_compute_api:os-remote-consoles",
                early=False,
                body=NewConsole,
                response=ConsoleAnswer,
                since="2.6",
            ),
            *(
                action(
                    name,
                    self.create_old,
                    "os_compute_api:os-remote-consoles",
                    body,
                    status=200,
                    until="2.5",
                )
                for name, body in OLD.items()
            ),
        ]

    def doors(self) -> list[Operation]:
        """Beside the versions: the token says all."""
        return [Operation("GET", "/console", self.open, kind="socket", public=True)]

    def create(self, call: Call, tx: Tx) -> Any:
        return ConsoleAnswer(remote_console=self._made(call, tx, call.body.remote_console))

    def _made(self, call: Call, tx: Tx, wish: RemoteConsole) -> ConsoleBody:
        row = self._servers.get(tx, call.path["server_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        kind = KINDS.get((wish.protocol, wish.type))
        if kind is None:
            raise BadRequest(f"Unavailable console type {wish.type}.")
        token = self._consoles.begin(tx, row, kind)
        scheme, _, rest = call.base_url.partition("://")
        scheme = "wss" if scheme == "https" else "ws"
        return ConsoleBody(
            protocol=wish.protocol,
            type=wish.type,
            url=f"{scheme}://{rest}/console?token={token}",
        )

    def create_old(self, call: Call, tx: Tx) -> Any:
        """Each protocol has an action of its own."""
        name = str(call.operation.action)
        wish = RemoteConsole(PROTOCOLS[name], call.body.wish.type)
        made = self._made(call, tx, wish)
        return {"console": {"type": made.type, "url": made.url}}

    async def open(self, call: Call, socket: Socket) -> None:
        """Bytes both ways between a browser and the guest's screen or serial line."""
        token = call.query.get("token") or ""
        row, kind = await self._database.read(lambda tx: self._consoles.find(tx, token))
        assert row.host_id is not None
        try:
            line = await self._conductor.ask(
                row.host_id, "compute", "console", id=row.id, line=kind
            )
        except HostDown as problem:
            raise Unavailable(f"The console cannot be opened: {problem}") from None
        try:
            await socket.accept("binary")
            await _both_ways(socket, line)
        finally:
            line.close()


async def _both_ways(socket: Socket, line: sockets.socket) -> None:
    """Until one of the two has ended."""
    loop = asyncio.get_running_loop()

    async def out() -> None:
        while block := await loop.sock_recv(line, BLOCK):
            await socket.send(block)

    async def back() -> None:
        while (message := await socket.receive()) is not None:
            data = message.encode() if isinstance(message, str) else message
            await loop.sock_sendall(line, data)

    tasks = {asyncio.create_task(out()), asyncio.create_task(back())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            with contextlib.suppress(OSError, SocketClosed):
                each.result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
