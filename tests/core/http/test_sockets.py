"""Websockets with a client of another house, over a real server."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cumulo.core.auth.policy import Rules
from cumulo.core.faults import Forbidden
from cumulo.core.http import faults, sockets
from cumulo.core.http.operations import Call, Face, Operation
from cumulo.core.http.protocol import Limits
from cumulo.core.http.server import HttpServer, listening_socket
from cumulo.core.http.sockets import Socket, SocketClosed
from tests.core.http.app import application, serving

ENDED: list[str] = []


async def echo(call: Call, socket: Socket) -> None:
    if call.query.get("token") == "wrong":
        raise Forbidden("The token is not good for this console.")
    await socket.accept("binary", "base64")
    while (message := await socket.receive()) is not None:
        await socket.send(message)
    ENDED.append(f"echo {call.path['id']}")


async def stubborn(call: Call, socket: Socket) -> None:
    """Waits for something else than its client."""
    await socket.accept()
    try:
        await asyncio.sleep(3600)
    finally:
        ENDED.append("stubborn")


async def broken(call: Call, socket: Socket) -> None:
    await socket.accept()
    raise RuntimeError("a mistake in the program")


async def flood(call: Call, socket: Socket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send(b"x" * 65536)
    except SocketClosed:
        ENDED.append("flood")


async def mine(call: Call, socket: Socket) -> None:
    await socket.accept()
    await socket.send(call.principal.user_id)


FACE = Face(
    name="compute",
    mount="/compute",
    faults=faults.compute,
    rules=Rules({"mine": "role:member", "not": "role:admin"}),
    operations=[
        Operation("GET", "/console/{id}", echo, kind="socket", public=True),
        Operation("GET", "/stubborn", stubborn, kind="socket", public=True),
        Operation("GET", "/broken", broken, kind="socket", public=True),
        Operation("GET", "/flood", flood, kind="socket", public=True),
        Operation("GET", "/mine", mine, kind="socket", policy="mine"),
        Operation("GET", "/not", mine, kind="socket", policy="not"),
        Operation("GET", "/plain", lambda call, tx: {}, public=True),
    ],
)


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[str]:
    ENDED.clear()
    async with application(FACE) as made, serving(made.asgi) as port:
        yield f"ws://127.0.0.1:{port}/compute"


async def until_ended(what: str) -> None:
    async with asyncio.timeout(10):
        while what not in ENDED:
            await asyncio.sleep(0.01)


def test_bytes_both_ways(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with server() as base:
            protocols: Any = ["base64", "binary"]
            url = f"{base}/console/7?token=secret-of-a-console"
            async with connect(url, subprotocols=protocols) as client:
                assert client.subprotocol == "binary"
                for message in (b"\x00\xff" * 50_000, b"", "text", b"x" * (1024 * 1024)):
                    await client.send(message)
                    assert await client.recv() == message
            await until_ended("echo 7")

    asyncio.run(main())
    ours = [each for each in caplog.records if each.name != "websockets.client"]
    assert not any("secret-of-a-console" in each.getMessage() for each in ours)


def test_a_message_that_is_too_long_ends_it() -> None:
    async def main() -> None:
        async with server() as base, connect(f"{base}/console/8", max_size=None) as client:
            with pytest.raises(ConnectionClosed) as caught:
                await client.send(b"x" * (1024 * 1024 + 1))
                await client.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1009
            await until_ended("echo 8")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/console/7?token=wrong", 403, "The token is not good"),
        ("/mine", 401, "requires authentication"),
        ("/mine?token=bad", 401, "requires authentication"),
        ("/not?token=good", 403, "Policy doesn't allow"),
        ("/plain", 404, "could not be found"),
        ("/nothing", 403, ""),
    ],
)
def test_refusals_are_http(path: str, status: int, word: str) -> None:
    async def main() -> None:
        async with server() as base:
            with pytest.raises(InvalidStatus) as caught:
                await connect(base + path)
            assert caught.value.response.status_code == status
            assert word in (caught.value.response.body or b"").decode()

    asyncio.run(main())


def test_tokens() -> None:
    async def main() -> None:
        async with server() as base:
            async with connect(f"{base}/mine?token=good") as client:
                assert await client.recv() == "u"
            headers = {"X-Auth-Token": "good"}
            async with connect(f"{base}/mine", additional_headers=headers) as client:
                assert await client.recv() == "u"

    asyncio.run(main())


def test_a_subprotocol_that_nobody_speaks() -> None:
    async def main() -> None:
        async with server() as base:
            protocols: Any = ["mqtt"]
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"{base}/console/1", subprotocols=protocols)
            assert caught.value.response.status_code == 400

    asyncio.run(main())


@pytest.mark.parametrize("path", ["stubborn", "flood"])
@pytest.mark.parametrize("rudely", [False, True])
def test_a_client_that_leaves_ends_the_work(
    path: str, rudely: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "GRACE_SECONDS", 0.1)

    async def main() -> None:
        async with server() as base:
            client = await connect(f"{base}/{path}")
            assert len(sockets.SOCKETS) == 1
            if rudely:
                client.transport.abort()
            else:
                await client.close()
            await until_ended(path)
            assert len(sockets.SOCKETS) == 0

    asyncio.run(main())


def test_a_mistake_closes_with_a_code() -> None:
    async def main() -> None:
        async with server() as base, connect(f"{base}/broken") as client:
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011
            assert "mistake" not in caught.value.rcvd.reason

    asyncio.run(main())


def test_the_server_goes_down() -> None:
    async def main() -> None:
        async with server() as base:
            client = await connect(f"{base}/stubborn")
        await until_ended("stubborn")
        with pytest.raises(ConnectionClosed):
            await client.recv()

    asyncio.run(main())


def test_it_counts_as_a_connection_and_has_no_deadline_of_a_request() -> None:
    async def main() -> None:
        async with application(FACE) as made:
            bound = listening_socket("127.0.0.1", 0)
            limits = Limits(first_byte=0.3, head=0.3, body=0.3)
            http = HttpServer(made.asgi, bound, limits=limits)
            task = asyncio.create_task(http.run())
            await http.started()
            url = f"ws://127.0.0.1:{bound.getsockname()[1]}/compute/console/9"
            async with connect(url) as client:
                await asyncio.sleep(0.8)
                await client.send(b"still here")
                assert await client.recv() == b"still here"
                assert len(http.connections) == 1
            async with asyncio.timeout(5):
                while len(http.connections):
                    await asyncio.sleep(0.01)
            http.stop()
            await task

    asyncio.run(main())


def test_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets.SOCKETS, "most_each", 2)

    async def main() -> None:
        async with server() as base:
            url = f"{base}/stubborn"
            clients = [await connect(url), await connect(url)]
            with pytest.raises(InvalidStatus) as caught:
                await connect(url)
            assert caught.value.response.status_code == 429
            for client in clients:
                await client.close()

    asyncio.run(main())
