"""What one node asks of another: nothing stays behind, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cumulo.core.hosts.peer import Peer, PeerFault
from cumulo.core.http.operations import Call, Operation
from cumulo.core.nodes import serving
from cumulo.core.nodes.links import _Forwarded
from cumulo.core.nodes.serving import NodeSession

BODIES = {"/empty": (204, []), "/head": (200, [b"never read"]), "/long": (200, [b"x" * 9] * 50)}


class Line:
    """Two ends of a wire in memory."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.other: Line = self

    async def send(self, message: bytes) -> None:
        await self.other.queue.put(message)

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self._all()

    async def _all(self) -> AsyncIterator[str | bytes]:
        while True:
            yield await self.queue.get()


async def app(scope: Any, receive: Any, send: Any) -> None:
    status, pieces = BODIES[scope["path"]]
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def call(method: str, path: str) -> Call:
    face: Any = None
    made = Call(face, Operation(method, path, lambda: None, kind="stream"), "req-1")
    made.raw_path = path
    return made


async def ends(test: Any) -> None:
    here, there = Line(), Line()
    here.other, there.other = there, here
    conductor: Any = None
    session = NodeSession(there, "there", conductor, lambda: None, app)
    peer = Peer(here, {})
    running = [asyncio.create_task(session.run()), asyncio.create_task(peer.run())]
    try:
        await test(session, peer)
    finally:
        for task in running:
            task.cancel()


async def settled(session: NodeSession) -> None:
    for _ in range(200):
        if not session.at_work:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{session.at_work} stay")


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/head"), ("DELETE", "/empty")])
def test_answers_that_nobody_reads(method: str, path: str) -> None:
    async def test(session: NodeSession, peer: Peer) -> None:
        for number in range(2 * serving.MOST_OPEN):
            forwarded = _Forwarded(peer, number)
            await forwarded.begin(call(method, path))
            # The server closes nothing where there is nothing to send.
        await settled(session)

    asyncio.run(ends(test))


def test_clients_that_go() -> None:
    async def test(session: NodeSession, peer: Peer) -> None:
        for number in range(200):
            forwarded = _Forwarded(peer, number)
            beginning = asyncio.create_task(forwarded.begin(call("GET", "/long")))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            beginning.cancel()
            await asyncio.wait({beginning})
            if not beginning.cancelled() and beginning.exception() is None:
                # It had begun: the server closes what nobody takes, begun or not.
                await forwarded.aclose()
        await settled(session)

    asyncio.run(ends(test))


def test_an_answer_that_is_left_in_its_middle() -> None:
    async def test(session: NodeSession, peer: Peer) -> None:
        forwarded = _Forwarded(peer, 1)
        head = await forwarded.begin(call("GET", "/long"))
        assert head.status == 200
        assert await anext(forwarded) == b"x" * 9
        await forwarded.aclose()
        await settled(session)
        whole = _Forwarded(peer, 2)
        await whole.begin(call("GET", "/long"))
        assert b"".join([piece async for piece in whole]) == b"x" * 450
        assert not session.at_work

    asyncio.run(ends(test))


def test_where_there_are_no_files_no_request_is_taken() -> None:
    """A node that finds itself behind an address does not ask itself again and again."""

    async def test(session: NodeSession, peer: Peer) -> None:
        session._app = None
        with pytest.raises(PeerFault, match="the files are not here"):
            await _Forwarded(peer, 1).begin(call("GET", "/long"))
        assert not session.at_work

    asyncio.run(ends(test))


def test_contents_that_are_closed_before_they_are_open() -> None:
    async def test(session: NodeSession, peer: Peer) -> None:
        class Slow:
            closed = 0
            size = 3

            async def open(self, content: Any) -> "Slow":
                await asyncio.sleep(0.01)
                return self

            async def close(self) -> None:
                self.closed += 1

        slow = Slow()
        session._contents = lambda: slow  # type: ignore[assignment,return-value]
        content = {"id": "x", "sha512": "y", "size": 1, "format": "raw"}
        wish = {"handle": 7, "content": content}
        asking = asyncio.create_task(peer.call("open", wish))
        await asyncio.sleep(0)
        await peer.tell("close", {"handle": 7})
        with pytest.raises(PeerFault):
            await asking
        assert (slow.closed, session._open) == (1, {})

    asyncio.run(ends(test))
