"""An application of a few operations, asked in process or over a real server."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Unauthorized
from cumulo.core.http.application import Application
from cumulo.core.http.operations import Face
from cumulo.core.http.server import HttpServer, listening_socket

MEMBER = Principal(
    user_id="u", user_name="u", user_domain_id="d", project_id="p", roles=("member",)
)


class OneUser:
    """Accepts the token `good`."""

    def cached(self, token: str) -> Principal | None:
        return None

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        if token != "good":
            raise Unauthorized("no")
        return MEMBER


@contextlib.asynccontextmanager
async def application(*faces: Face) -> AsyncIterator[Application]:
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "x.db")
        made = Application(database, OneUser(), auth_url="http://cloud/identity/v3")
        for face in faces:
            made.mount(face)
        try:
            yield made
        finally:
            database.close()


@contextlib.asynccontextmanager
async def serving(asgi: Any, **options: Any) -> AsyncIterator[int]:
    """The port of a real server."""
    bound = listening_socket("127.0.0.1", 0)
    server = HttpServer(asgi, bound, **options)
    task = asyncio.create_task(server.run())
    await server.started()
    try:
        yield bound.getsockname()[1]
    finally:
        server.stop()
        await task


async def exchange(port: int, request: str, body: bytes = b"") -> tuple[int, str, bytes]:
    """One request written by hand: its status, the head of the answer and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{request}\r\nHost: x\r\nConnection: close\r\n{length}\r\n"
        writer.write(head.encode("latin-1") + body)
        async with asyncio.timeout(10.0):
            raw = await reader.read()
    finally:
        writer.close()
    start, _, rest = raw.partition(b"\r\n\r\n")
    return int(start.split()[1]), start.decode("latin-1"), rest
