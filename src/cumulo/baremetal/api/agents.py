"""What machines and BMCs ask: lookup, heartbeat, the medium, the image. None of them has a token of
identity; agents prove themselves by the token of their boot, fetches by a ticket in the URL."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from cumulo.baremetal.api import common
from cumulo.baremetal.model.agent import AgentRow
from cumulo.baremetal.model.hardware import Rejected
from cumulo.baremetal.service.agents import Heartbeat
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.streams import blocks
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, NotFound, Unavailable
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Body, Since, StrictBody
from cumulo.core.work import pools

PIECE = 1024 * 1024
Url = Annotated[str, Meta(max_length=1024)]


class HeartbeatBody(StrictBody):
    callback_url: Url
    node_ident: Annotated[str, Meta(max_length=255)] | None = None
    agent_version: Annotated[Annotated[str, Meta(max_length=64)] | None, Since("1.36")] = None
    agent_token: Annotated[Annotated[str, Meta(max_length=255)] | None, Since("1.62")] = None
    agent_verify_ca: Annotated[Annotated[str, Meta(max_length=65536)] | None, Since("1.68")] = None
    agent_status: Annotated[Annotated[str, Meta(max_length=64)] | None, Since("1.72")] = None
    agent_status_message: Annotated[Annotated[str, Meta(max_length=4096)] | None, Since("1.72")] = (
        None
    )


class LookedUp(Body):
    node: dict[str, Any]
    config: dict[str, Any]


class AgentsApi:
    def __init__(self, service: BareMetalService, database: Database) -> None:
        self._service = service
        self._agents = service.agents
        self._database = database

    def operations(self) -> list[Operation]:
        fetched: dict[str, Any] = {"kind": "stream", "public": True}
        place = "/v1/agent/{node}/{ticket}"
        return [
            Operation("GET", "/v1/lookup", self.lookup, public=True, since="1.22",
                      response=LookedUp),
            Operation("POST", "/v1/heartbeat/{node}", self.heartbeat, public=True, since="1.22",
                      body=HeartbeatBody, status=202),
            Operation("POST", "/v1/heartbeat", self.heartbeat_by_body, public=True, since="1.22",
                      body=HeartbeatBody, status=202),
            Operation("GET", "/v1/agent/boot.ipxe", self.first_script, public=True, kind="fixed"),
            Operation("GET", "/v1/agent/boot/{address}", self.script, public=True),
            Operation("GET", f"{place}/boot/{{name}}", self.loaded, **fetched),
            Operation("GET", f"{place}/boot.iso", self.medium, **fetched),
            Operation("GET", f"{place}/image", self.image, **fetched),
        ]  # fmt: skip

    def lookup(self, call: Call, tx: Tx) -> Any:
        common.refuse_query(call, {"addresses", "node_uuid", "fields"}, {})
        row = self._agents.lookup(tx, call.query.get("addresses"), call.query.get("node_uuid"))
        node = {
            "uuid": row.id,
            "properties": row.properties,
            "instance_info": row.instance_info,
            "driver_internal_info": {},
            "links": common.link(call, "nodes", row.id),
        }
        return {"node": node, "config": self._agents.config()}

    def heartbeat_by_body(self, call: Call, tx: Tx) -> Reply:
        """The same with the node in the body."""
        if not call.body.node_ident:
            raise BadRequest("node_ident is missing")
        return self._beat(call, tx, call.body.node_ident)

    def heartbeat(self, call: Call, tx: Tx) -> Reply:
        return self._beat(call, tx, call.path["node"])

    def _beat(self, call: Call, tx: Tx, node: str) -> Reply:
        wish: HeartbeatBody = call.body
        beat = Heartbeat(
            callback_url=wish.callback_url,
            token=wish.agent_token,
            version=wish.agent_version,
            verify_ca=wish.agent_verify_ca,
            status=wish.agent_status,
            status_message=wish.agent_status_message,
        )
        self._agents.heartbeat(tx, node, beat)
        return Reply(202)

    # --- boot by the network -------------------------------------------------------------------

    def first_script(self, call: Call) -> Reply:
        """What the DHCP of the provisioning network names: each card asks on for its own."""
        return _script("#!ipxe\nchain boot/${netX/mac:hexhyp} || exit\n")

    def script(self, call: Call, tx: Tx) -> Reply:
        node, there = self._agents.booting(tx, call.path["address"])
        machine, boot = self._service.nodes.machine(node), self._agents.boot(there)
        return _script(self._agents.ramdisks.script(machine, boot))

    async def loaded(self, call: Call) -> Reply:
        row = await self._boot(call)
        node = await self._database.read(lambda tx: self._service.nodes.get(tx, row.id))
        machine = self._service.nodes.machine(node)
        try:
            found = self._agents.ramdisks.loaded(machine, self._agents.boot(row), call.path["name"])
        except (KeyError, Rejected):
            raise NotFound("There is nothing here.") from None
        if isinstance(found, bytes):
            return Reply(raw=found, content_type="application/octet-stream")
        size = (await pools.DISK(found.stat)).st_size
        return Reply(
            headers={"Content-Length": str(size)},
            stream=_file(found),
            content_type="application/octet-stream",
        )

    # --- what is fetched -----------------------------------------------------------------------

    async def _boot(self, call: Call) -> AgentRow:
        node, ticket = call.path["node"], call.path["ticket"]
        return await self._database.read(lambda tx: self._agents.ticketed(tx, node, ticket))

    async def medium(self, call: Call) -> Reply:
        row = await self._boot(call)
        path = self._agents.ramdisks.medium(row.id)
        if path is None:
            raise NotFound("There is nothing here.")
        size = (await pools.DISK(path.stat)).st_size
        return Reply(
            headers={"Content-Length": str(size)},
            stream=_file(path),
            content_type="application/octet-stream",
        )

    async def image(self, call: Call) -> Reply:
        """Of the deployment that this boot is for, whoever asks for what."""
        row = await self._boot(call)
        wish = await self._database.read(lambda tx: self._service.work.image(tx, row.id, row.job))
        if wish is None or not wish.id:
            raise NotFound("There is nothing here.")
        kind: Any = wish.format
        try:
            content = Content(wish.id, wish.value, wish.size, kind)
            reader = await self._service.contents.open(content)
        except Missing:
            raise NotFound("The image is gone.") from None
        except OSError as error:
            raise Unavailable(f"The image's store does not answer: {error}") from None
        return Reply(
            headers={"Content-Length": str(wish.size)},
            stream=blocks(reader, 0, wish.size),
            content_type="application/octet-stream",
        )


def _script(text: str) -> Reply:
    return Reply(raw=text.encode(), content_type="text/plain")


async def _file(path: Path) -> AsyncIterator[bytes]:
    descriptor = await pools.DISK(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    reading: asyncio.Future[bytes] | None = None
    try:
        at = 0
        while True:
            reading = asyncio.ensure_future(pools.DISK(os.pread, descriptor, PIECE, at))
            piece = await asyncio.shield(reading)
            if not piece:
                return
            at += len(piece)
            yield piece
    finally:
        # A thread may still be reading from it.
        if reading is not None and not reading.done():
            await asyncio.wait({reading})
        os.close(descriptor)
