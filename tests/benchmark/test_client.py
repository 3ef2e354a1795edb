"""The client: kept connections, answers of every shape, refusals in the service's own words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from cumulo.benchmark.client.http import Answer, Http, HttpError
from cumulo.benchmark.client.session import (
    ApiError,
    Conflict,
    Credentials,
    NotFound,
    Session,
    Unauthorized,
    error_of,
)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    listening = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            head += await reader.readexactly(int(line.split(b":")[1]))
        elif line.lower() == b"transfer-encoding: chunked":
            head += await reader.readuntil(b"\r\n0\r\n\r\n")
    return head


def test_connections_are_kept_and_bodies_of_all_kinds_are_read() -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    ]
    seen: list[bytes] = []
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while len(seen) < len(answers):
            answer = answers[len(seen)]
            seen.append(await _request(reader))
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        yield b"second"

    async def whole() -> list[Answer]:
        http = Http()
        async with server(handle) as url:
            found = [
                await http.request("GET", f"{url}/a?b=c", {"X-Y": "z"}),
                await http.request("POST", f"{url}/", {}, b"body"),
                await http.request("PUT", f"{url}/", {}, pieces()),
                await http.request("HEAD", f"{url}/", {}),
                await http.request("GET", url, {}, keep=False),
            ]
        http.close()
        return found

    found = asyncio.run(whole())
    assert connections == 1
    assert [(a.status, a.body, a.size) for a in found] == [
        (200, b"ab", 2),
        (200, b"abc", 3),
        (204, b"", 0),
        (200, b"", 0),
        (200, b"", 13),
    ]
    assert seen[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert seen[2].endswith(b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("POST", False)])
def test_a_kept_connection_that_was_closed_is_no_failure_of_what_may_be_sent_twice(
    method: str, again: bool
) -> None:
    """The server closes when the second request has come, before it answers."""
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        for number in (1, 2):
            await _request(reader)
            asked += 1
            if number == 2:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def whole() -> int:
        http = Http()
        async with server(handle) as url:
            await http.request("GET", url, {})
            try:
                return (await http.request(method, url, {})).status
            finally:
                http.close()

    if again:
        assert asyncio.run(whole()) == 200
        assert asked == 3
    else:
        with pytest.raises(HttpError):
            asyncio.run(whole())
        assert asked == 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "closed"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "mid-answer"),
        (None, "no answer within"),
    ],
)
def test_what_is_no_answer_is_said(said: bytes | None, words: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        if said is None:
            await asyncio.sleep(5)
        else:
            writer.write(said)
        writer.close()

    async def whole() -> None:
        http = Http()
        async with server(handle) as url:
            await http.request("POST", url, {}, timeout=0.3)

    with pytest.raises(HttpError, match=words):
        asyncio.run(whole())


def test_headers_cannot_be_smuggled_in() -> None:
    async def whole(url: str, headers: dict[str, str]) -> None:
        await Http().request("GET", url, headers)

    for url, headers in (
        ("http://127.0.0.1:1/", {"X": "a\r\nY: b"}),
        ("http://127.0.0.1:1/a\r\nX: b", {}),
        ("ftp://127.0.0.1/", {}),
        ("http://127.0.0.1:99999/", {}),
    ):
        with pytest.raises(HttpError):
            asyncio.run(whole(url, headers))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"itemNotFound": {"code": 404, "message": "Instance x"}}', "Instance x"),
        (b'{"NeutronError": {"type": "T", "message": "No more", "detail": ""}}', "No more"),
        (b'{"title": "Bad", "error": {"message": "inner", "type": "T"}}', "inner"),
        (b'{"error_message": {"faultstring": "Invalid"}}', "Invalid"),
        (b'{"code": 404, "message": "Could not find Zone"}', "Could not find Zone"),
        (b"<html><h1>Not Found</h1><p>gone</p></html>", "Not Found gone"),
        (b"", "was refused"),
    ],
)
def test_a_refusal_has_the_words_of_its_service(body: bytes, words: str) -> None:
    error = error_of(Answer(404, {"x-openstack-request-id": "req-1"}, body, len(body)), "GET", "u")
    assert isinstance(error, NotFound)
    assert words in str(error) and str(error).endswith("(HTTP 404) (Request-ID: req-1)")
    assert isinstance(error_of(Answer(409, {}, body, 0), "GET", "u"), Conflict)


@pytest.mark.parametrize(("refused", "logins"), [(1, 2), (9, 2)])
def test_a_refused_token_is_renewed_once(refused: int, logins: int) -> None:
    """Revoked, or of a clock that goes otherwise: no iteration fails of that alone."""
    seen: list[bytes] = []
    token = {"expires_at": "2999-01-01T00:00:00Z", "user": {"id": "u"}, "catalog": []}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await _request(reader)
            seen.append(asked)
            calls = sum(each.startswith(b"GET") for each in seen)
            if asked.startswith(b"POST"):
                body = msgspec.json.encode({"token": token})
                head = b"201 Created\r\nX-Subject-Token: t%d" % len(seen)
            else:
                head, body = (b"401 Nobody" if calls <= refused else b"200 OK"), b'{"x": 1}'
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
            await writer.drain()

    async def whole() -> Any:
        http = Http()
        async with server(handle) as url:
            session = Session(http, Credentials(url, "u", "p"))
            try:
                return await session.get("identity", "/x")
            except Unauthorized as error:
                return error
            finally:
                http.close()

    found = asyncio.run(whole())
    assert (found == {"x": 1}) == (refused == 1)
    assert sum(each.startswith(b"POST") for each in seen) == logins
    calls = [each for each in seen if each.startswith(b"GET")]
    assert len(calls) == 2 and b"X-Auth-Token: t1" in calls[0] and b"t3" in calls[1]


@pytest.mark.parametrize(
    ("where", "done"), [("/there", True), ("http://elsewhere.test/there", False), ("", False)]
)
@pytest.mark.parametrize("method", ["DELETE", "POST", "GET"])
def test_a_redirection_is_no_success(method: str, where: str, done: bool) -> None:
    """It is followed on the same host, with the same method; any other has done nothing."""
    seen: list[bytes] = []
    token = {"expires_at": "2999-01-01T00:00:00Z", "user": {"id": "u"}, "catalog": []}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await _request(reader)
            seen.append(asked)
            body = b'{"x": 1}'
            if b"/auth/tokens" in asked:
                body = msgspec.json.encode({"token": token})
                head = b"201 Created\r\nX-Subject-Token: t"
            elif b"/there" in asked:
                head = b"200 OK"
            else:
                head = b"302 Found\r\nLocation: " + where.encode()
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
            await writer.drain()

    async def whole() -> Any:
        http = Http()
        async with server(handle) as url:
            session = Session(http, Credentials(url, "u", "p"))
            body = {"json": {"a": 1}} if method == "POST" else {}
            try:
                return (await session.call("identity", method, "/x", **body)).status
            except ApiError as error:
                return str(error)
            finally:
                http.close()

    found = asyncio.run(whole())
    if done:
        assert found == 200
        assert seen[-1].startswith(f"{method} ".encode()) and b"/there" in seen[-1]
    else:
        assert "302" in str(found) and len(seen) == 2


@pytest.mark.parametrize("pause", [0.1, 1.0])
def test_a_long_transfer_is_no_silence(pause: float) -> None:
    """What comes piece by piece is waited for; where nothing comes for the timeout it ends."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(pause)

    async def whole() -> Any:
        http = Http()
        async with server(handle) as url:
            try:
                return (await http.request("GET", url, {}, timeout=0.4)).body
            except HttpError as error:
                return str(error)
            finally:
                http.close()

    found = asyncio.run(whole())
    assert found == (b"x" * 8 if pause < 0.4 else "no answer within 0.4 s")
