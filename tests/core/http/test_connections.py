"""Connections of strangers: silent ones, endless heads, too many; each refusal counted, and told in
the log once. The server is the real one."""

import asyncio
import contextlib
import logging
import resource
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.application import Application
from cumulo.core.http.front import Front
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.core.http.protocol import Limits, network_of
from cumulo.core.open_files import raise_file_limit
from tests.core.http.app import application, serving

GET = b"GET /thing HTTP/1.1\r\nHost: x\r\n\r\n"
QUICK = Limits(first_byte=0.3, head=0.3, body=0.4)


def face() -> Face:
    def url(call: Call) -> Any:
        return {"url": call.url, "base": call.base_url}

    async def take(call: Call) -> Any:
        assert call.stream is not None
        return {"got": sum([len(piece) async for piece in call.stream])}

    async def gone(call: Call) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x" * 1000
            raise OSError("the object is gone")

        return Reply(headers={"Content-Length": "2000"}, stream=pieces())

    return Face(
        name="t",
        mount="",
        faults=faults.identity,
        rules=Rules({}),
        operations=[
            Operation("GET", "/thing", url, public=True, kind="fixed"),
            Operation("GET", "/gone", gone, public=True, kind="stream"),
            Operation("PUT", "/thing", take, public=True, kind="stream"),
        ],
    )


@contextlib.asynccontextmanager
async def server(limits: Limits | None = None, **more: Any) -> AsyncIterator[int]:
    async with application(face()) as made, serving(made.asgi, limits=limits, **more) as port:
        yield port


async def send(port: int, *parts: bytes, wait: float = 0.0) -> bytes:
    """All that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            try:
                writer.write(part)
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(wait)
        async with asyncio.timeout(5):
            try:
                return await reader.read()
            except ConnectionError:
                return b"reset"
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ((b"",), b""),
        ((b"\r\n", b"\r\n"), b""),
        ((b"GET /thing HTTP/1.1\r\nHost:",), b"HTTP/1.1 408"),
        ((b"GET /th",), b"HTTP/1.1 408"),
        ((b"PUT /thing HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",), b""),
        ((GET, b"GET /thing HTTP/1.1\r\nHo"), b"HTTP/1.1 200"),
    ],
)  # fmt: skip
def test_those_that_say_nothing(parts: tuple[bytes, ...], answer: bytes) -> None:
    async def story() -> bytes:
        async with server(QUICK) as port:
            return await send(port, *parts)

    found = asyncio.run(story())
    assert found.startswith(answer) and (answer or found in (b"", b"reset"))


def test_a_head_that_comes_by_the_byte_has_no_longer() -> None:
    async def story() -> bytes:
        async with server(QUICK) as port:
            return await send(port, *[bytes([one]) for one in GET], wait=0.05)

    # A reset may overtake the answer when more is under way.
    assert asyncio.run(story())[:12] in (b"HTTP/1.1 408", b"reset")


def test_a_head_of_300_megabytes() -> None:
    async def story() -> bytes:
        async with server() as port:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found = await send(port, GET[:-4] + b"\r\nX-A: ", *[b"a" * 1_000_000] * 300)
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
            return found

    assert asyncio.run(story())[:12] in (b"HTTP/1.1 431", b"reset")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /thing HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /thing HTTP/1.1\r\n" + b"X-A: a\r\n" * 300 + b"\r\n", 431),
        (b"GET /thing\r\n\r\n", 400),
        (b"GET /thing HTTP/0.9\r\n\r\n", 400),
        (b"GET /thing HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /thing HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000000000000000\r\n\r\n", 400),
    ],
    ids=lambda value: str(value[:12]) if isinstance(value, bytes) else None,
)
def test_heads(request_: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> list[bytes]:
        async with server() as port:
            found = [await send(port, request_), await send(port, request_)]
            assert await alive((await opened(port, 1))[0])
            return found

    with caplog.at_level(logging.INFO):
        answers = asyncio.run(story())
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert not [record for record in caplog.records if record.exc_info]
    assert sum("turned away" in record.getMessage() for record in caplog.records) == 1
    assert not [record for record in caplog.records if "Invalid HTTP" in record.getMessage()]


async def opened(port: int, count: int) -> list[Any]:
    return [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]


async def alive(streams: Any) -> bool:
    reader, writer = streams
    try:
        writer.write(GET)
        async with asyncio.timeout(2):
            return b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        return False


@pytest.mark.parametrize(
    "limits", [Limits(per_address=10), Limits(connections=10)], ids=["of one address", "of all"]
)
def test_too_many(limits: Limits, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with server(limits) as port:
            some = await opened(port, 40)
            await asyncio.sleep(0.2)
            # Idle ones have made room for the newest, and nobody is locked out.
            lived = [await alive(streams) for streams in some]
            assert lived == [False] * 30 + [True] * 10
            assert await alive((await opened(port, 1))[0])
            for _, writer in some:
                writer.close()
            await asyncio.sleep(0.1)
            again = await opened(port, 10)
            assert all([await alive(streams) for streams in again])

    with caplog.at_level(logging.INFO):
        asyncio.run(story())
    told = [record for record in caplog.records if "turned away" in record.getMessage()]
    assert len(told) == 1


def test_a_front_stands_for_many() -> None:
    async def story() -> None:
        async with server(Limits(per_address=10), front=Front(["127.0.0.1"])) as port:
            some = await opened(port, 40)
            assert all([await alive(streams) for streams in some])

    asyncio.run(story())


def test_uploads_take_their_time() -> None:
    """Deadlines are for those that stand still, not for those that are slow."""

    async def story() -> bytes:
        async with server(QUICK) as port:
            head = (
                b"PUT /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 20\r\n\r\n"
            )
            return await send(port, head, *[b"ab"] * 10, wait=0.1)

    assert asyncio.run(story()).endswith(b'{"got":20}')


def test_addresses_and_files() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1%eth0")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert raise_file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.parametrize("trusted", [True, False])
def test_what_a_front_says_of_the_address_asked_for(trusted: bool) -> None:
    """Anybody can send these headers; links and redirects would then lead to where they say."""
    said = (
        b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil2\r\n"
    )

    async def story() -> bytes:
        async with application(face()) as made:
            if trusted:
                made.front = Front(["127.0.0.1"])
            assert isinstance(made, Application)
            async with serving(made.asgi) as port:
                request = b"GET /thing HTTP/1.1\r\nHost: cloud:5000\r\nConnection: close\r\n"
                return await send(port, request + said + b"\r\n")

    answer = asyncio.run(story())
    assert (b'"url":"http://cloud:5000/thing"' in answer) != trusted
    assert (b"evil" in answer) == trusted


def test_an_answer_whose_source_goes(caplog: pytest.LogCaptureFixture) -> None:
    """Say, a download of an image that was just deleted: the client sees that bytes are missing,
    and the log has one line."""

    async def story() -> bytes:
        async with server() as port:
            return await send(port, GET.replace(b"thing", b"gone"))

    with caplog.at_level(logging.INFO):
        answer = asyncio.run(story())
    assert answer.endswith(b"x" * 1000) and b"200 OK" in answer
    assert [r.levelname for r in caplog.records if "the object is gone" in r.getMessage()] == [
        "WARNING"
    ]
    assert not [record for record in caplog.records if record.exc_info]
