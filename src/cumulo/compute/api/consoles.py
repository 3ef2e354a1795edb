"""Consoles: `remote-consoles`, and the websocket that it leads to."""

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from msgspec import field

from cumulo.compute.api.common import action
from cumulo.compute.model.console import ConsoleRow
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.consoles import KINDS, Consoles, Rights, speaks_spice
from cumulo.core.db.transaction import Database, DatabaseAway, Overtaken, Tx
from cumulo.core.faults import BadRequest, NotFound, Unavailable
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.lines import Line
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.sockets import Socket, SocketClosed
from cumulo.core.wire.shapes import Body, StrictBody
from cumulo.core.work import pools

LOOK_SECONDS = 5.0
"""Between two looks whether an open console may stay so."""
UNSEEN_SECONDS = 60.0
"""So long it stays open when the database does not answer these looks."""
_TOKEN = "token."
PAGE = "vnc.html"
SPICE = Path("/usr/share/spice-html5")
SPICE_PAGE = SPICE / "spice_auto.html"
_SPICE_FILE = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.[a-z]+")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}
_HTML = b"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>noVNC</title>
<style>html, body, #screen { margin: 0; height: 100%; background: #222 }</style></head>
<body><div id="screen"></div>
<script type="module">
import RFB from "/dashboard/assets/novnc/core/rfb.js";
const asked = new URLSearchParams(location.search).get("path") || "";
const scheme = location.protocol === "https:" ? "wss" : "ws";
const where = `${scheme}://${location.host}/${asked}`;
const rfb = new RFB(document.getElementById("screen"), where, { wsProtocols: ["binary"] });
rfb.scaleViewport = true;
rfb.addEventListener("disconnect", () => { document.title = "noVNC: ended"; });
</script></body></html>
"""


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
    def __init__(
        self,
        compute: ComputeService,
        database: Database,
        conductor: Conductor,
        rights: Rights | None = None,
    ) -> None:
        self._servers = compute.servers
        self._consoles = Consoles(rights)
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
            *self._tokens(),
        ]

    def _tokens(self) -> list[Operation]:
        path, rule = "/os-console-auth-tokens/{token}", "os_compute_api:os-console-auth-tokens"
        return [
            Operation("GET", path, self.no_rdp, policy=rule, until="2.30"),
            Operation("GET", path, self.show_token, policy=rule, since="2.31"),
        ]

    def doors(self) -> list[Operation]:
        """Beside the versions: the token says all."""
        return [
            Operation("GET", "/console", self.open, kind="socket", public=True),
            Operation("GET", f"/{PAGE}", page, kind="fixed", public=True),
            Operation("GET", "/spice/{file:raw}", spice_file, kind="stream", public=True),
        ]

    def create(self, call: Call, tx: Tx) -> Any:
        return ConsoleAnswer(remote_console=self._made(call, tx, call.body.remote_console))

    def _made(self, call: Call, tx: Tx, wish: RemoteConsole) -> ConsoleBody:
        row = self._servers.get(tx, call.path["server_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        kind = KINDS.get((wish.protocol, wish.type))
        if kind is None:
            raise BadRequest(f"Unavailable console type {wish.type}.")
        if kind == "spice" and not (speaks_spice(row) and SPICE_PAGE.exists()):
            raise BadRequest(f"Unavailable console type {wish.type}.")
        token = self._consoles.begin(tx, row, kind, call.principal)
        return ConsoleBody(
            protocol=wish.protocol, type=wish.type, url=_url(call.base_url, kind, token)
        )

    def create_old(self, call: Call, tx: Tx) -> Any:
        """Each protocol has an action of its own."""
        name = str(call.operation.action)
        wish = RemoteConsole(PROTOCOLS[name], call.body.wish.type)
        made = self._made(call, tx, wish)
        return {"console": {"type": made.type, "url": made.url}}

    def no_rdp(self, call: Call, tx: Tx) -> Any:
        raise BadRequest("Only consoles of the type rdp-html5 were shown here, and there are none.")

    def show_token(self, call: Call, tx: Tx) -> Any:
        """Where the console of a token is had: at the websocket of these APIs themselves."""
        try:
            row, _ = self._consoles.find(tx, call.path["token"])
        except NotFound:
            raise NotFound("Token not found") from None
        where = urlsplit(call.base_url)
        port = where.port or (443 if where.scheme == "https" else 80)
        shown = {"instance_uuid": row.id, "host": where.hostname, "port": port}
        return {"console": {**shown, "internal_access_path": None}}

    async def open(self, call: Call, socket: Socket) -> None:
        """Bytes both ways between a browser and the guest's screen or serial line."""
        # A page of ours says it where no log of addresses has it.
        offered = (each for each in socket.offered if each.startswith(_TOKEN))
        token = call.query.get("token") or next(offered, "").removeprefix(_TOKEN)
        try:
            row, console = await self._database.read(lambda tx: self._consoles.find(tx, token))
        except NotFound as fault:
            await socket.close(1008, fault.message)  # nothing is opened
            return
        if row.host_id is None:
            await socket.close(1008, f"Instance {row.id} is on no host.")
            return
        try:
            line = await self._conductor.line(
                row.host_id, "compute", "console", id=row.id, line=console.kind
            )
        except HostDown as problem:
            raise Unavailable(f"The console cannot be opened: {problem}") from None
        try:
            await socket.accept("binary")
            await _both_ways(socket, line, self._until_it_ends(console, row.host_id))
        finally:
            await line.close()

    async def _until_it_ends(self, console: ConsoleRow, host_id: str | None) -> None:
        clock = asyncio.get_running_loop().time
        holds, answered = True, clock()
        while holds:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                holds = await self._database.read(
                    lambda tx: self._consoles.holds(tx, console, host_id)
                )
                answered = clock()
            except (DatabaseAway, Overtaken):  # neither line nor socket needs it
                holds = clock() - answered < UNSEEN_SECONDS


def _url(base: str, kind: str, token: str) -> str:
    """A page that shows the screen (and says in its `path` where its socket is); of a serial line
    the socket itself."""
    mount = base.partition("://")[2].partition("/")[2]
    path = quote(f"{mount}/console?token={token}", safe="")
    if kind == "vnc":
        return f"{base}/{PAGE}?autoconnect=true&path={path}"
    if kind == "spice":
        return f"{base}/spice/{SPICE_PAGE.name}?path={path}"
    scheme, _, rest = base.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/console?token={token}"


def page(call: Call) -> Reply:
    """The screen in a browser, by the noVNC that the dashboard brings."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Reply(200, headers=headers, raw=_HTML, content_type="text/html; charset=utf-8")


async def spice_file(call: Call) -> Reply:
    """The screen in a browser, by Debian's spice-html5."""
    name = call.path["file"]
    suffix = name.rpartition(".")[2]
    if not _SPICE_FILE.fullmatch(name) or ".." in name or suffix not in _TYPES:
        raise NotFound("The resource could not be found.")
    try:
        raw = await pools.DISK((SPICE / name).read_bytes)
    except OSError:
        raise NotFound("The resource could not be found.") from None
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Reply(200, headers=headers, raw=raw, content_type=_TYPES[suffix])


async def _both_ways(socket: Socket, line: Line, end: Coroutine[Any, Any, None]) -> None:
    """Until one of the two has ended, or the right to it (`end`)."""

    async def out() -> None:
        while block := await line.read():
            await socket.send(block)

    async def back() -> None:
        while (message := await socket.receive()) is not None:
            data = message.encode() if isinstance(message, str) else message
            await line.write(data)

    tasks = {asyncio.create_task(each) for each in (out(), back(), end)}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            with contextlib.suppress(OSError, SocketClosed):
                each.result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
