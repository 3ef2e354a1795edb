"""One end of the link: two programs that call each other on one websocket.

    call    number, what, body      →   reply   number, body or fault
    tell    what, body                  (no answer)

Frames are msgpack. Both ends look alike: who dialled is of no matter once they talk. What comes is
bounded: a frame in length, calls at work in number (more of them wait, and replies pass them; when
too many wait, nothing more is read), an answer in time, how long the other end may take nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from websockets.exceptions import ConnectionClosed

log = logging.getLogger("cumulo.link")

LONGEST = 16 * 1024 * 1024
"""Bytes of one frame: a page of 500 items, the members of a large group."""
LONGEST_ANSWER = 128 * 1024 * 1024
"""Of what the control plane says: 500 guests, each with all the user data that there may be."""
AT_ONCE = 16
"""Calls of the other end that are worked at."""
HELD, HELD_BYTES = 1000, LONGEST
"""Calls that wait for a place."""
CALL_SECONDS = 60.0
SEND_SECONDS = 45.0
"""After which an end that takes nothing is none: the library's own pings would wait with it."""
END_SECONDS = 10.0
LONG_SECONDS = 6 * 3600.0
"""Of a question whose answer is the end of work: a disk that is copied. The connection's end is its
end, too."""

Handler = Callable[[msgspec.Raw], Awaitable[Any]]


class Call(msgspec.Struct, tag="c", array_like=True, frozen=True):
    """`number` 0: nobody waits for an answer."""

    number: int
    what: str
    body: msgspec.Raw


class Reply(msgspec.Struct, tag="r", array_like=True, frozen=True):
    number: int
    body: msgspec.Raw
    fault: str | None = None


class PeerFault(Exception):
    """The other end refused, or could not; its own words."""


class PeerGone(OSError):
    """There is no other end any more, or it does not answer."""


class Nonsense(Exception):
    """What the other end says is no frame of this protocol."""


class Wire(Protocol):
    """A websocket, of either end."""

    async def send(self, message: bytes) -> None: ...
    def __aiter__(self) -> AsyncIterator[str | bytes]: ...


def abort(wire: Any) -> None:
    """Now, whatever is not sent yet; a closing in good order would wait for the other end."""
    transport = getattr(wire, "transport", None)
    if transport is not None:
        transport.abort()


async def closed(wire: Any, code: int, reason: str) -> None:
    """In good order, if that can be had soon."""
    close = getattr(wire, "close", None)
    if close is None:
        return
    try:
        async with asyncio.timeout(END_SECONDS):
            await close(code, reason)
    except TimeoutError:
        abort(wire)


_FRAMES = msgspec.msgpack.Decoder(Call | Reply)
_encode = msgspec.msgpack.encode


class Peer:
    """`handlers`: what the other end may ask for, by name. What they raise is its fault to read;
    PeerFault's words are meant for it, of anything else it learns the kind."""

    def __init__(
        self, wire: Wire, handlers: Mapping[str, Handler], *, at_once: int = AT_ONCE
    ) -> None:
        self._wire = wire
        self._handlers = handlers
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._number = 0
        self._at_once = at_once
        self._held: deque[tuple[Call, int]] = deque()
        self._held_bytes = 0
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False

    async def run(self) -> None:
        """Until the connection ends. Raises Nonsense."""
        try:
            async for raw in self._wire:
                await self._take(raw)
        except ConnectionClosed as error:
            log.debug("the connection broke: %s", error)
        finally:
            self._over = True
            self._held.clear()
            for task in list(self._tasks):
                task.cancel()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(PeerGone("the connection has ended"))

    async def call(self, what: str, body: Any, *, seconds: float = CALL_SECONDS) -> msgspec.Raw:
        """The other end's answer. Raises PeerFault, PeerGone."""
        self._number += 1
        number = self._number
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(seconds):
                await self._send(Call(number, what, msgspec.Raw(_encode(body))))
                found: msgspec.Raw = await waiting
                return found
        except TimeoutError:
            raise PeerGone(f"{what}: no answer within {seconds:.0f} s") from None
        finally:
            del self._waiting[number]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # looked at, whoever has gone meanwhile

    async def tell(self, what: str, body: Any) -> None:
        """Raises PeerGone."""
        await self._send(Call(0, what, msgspec.Raw(_encode(body))))

    async def _send(self, frame: Call | Reply) -> None:
        if self._over:
            raise PeerGone("the connection has ended")
        raw = _encode(frame)
        if len(raw) > LONGEST_ANSWER:
            raise PeerFault(f"{len(raw)} bytes are too many for one message")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._wire.send(raw)
        except TimeoutError:
            abort(self._wire)
            raise PeerGone(f"the other end takes nothing for {SEND_SECONDS:.0f} s") from None
        except Exception as error:  # the library's own kinds, by how far the closing has come
            raise PeerGone(f"the connection has ended: {error}") from None

    async def _take(self, raw: str | bytes) -> None:
        try:
            frame = _FRAMES.decode(raw if isinstance(raw, bytes) else b"")
        except msgspec.MsgspecError as error:
            raise Nonsense(str(error)) from None
        if isinstance(frame, Reply):
            waiting = self._waiting.get(frame.number)
            if waiting is None or waiting.done():
                return  # nobody waits for it any more
            if frame.fault is None:
                # A copy: the frame's buffer is not kept for one answer.
                waiting.set_result(msgspec.Raw(bytes(frame.body)))
            else:
                waiting.set_exception(PeerFault(frame.fault[:2000]))
            return
        if not frame.number:
            # Nobody waits for it, and it waits for nobody: a wake-up is heard however much goes on.
            await self._answer(frame)
            return
        self._held.append((frame, len(raw)))
        self._held_bytes += len(raw)
        self._work()
        while len(self._held) > HELD or self._held_bytes > HELD_BYTES:
            self._moved.clear()
            await self._moved.wait()

    def _work(self) -> None:
        while self._held and len(self._tasks) < self._at_once and not self._over:
            frame, size = self._held.popleft()
            self._held_bytes -= size
            task = asyncio.create_task(self._answer(frame))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._work()
        self._moved.set()

    async def _answer(self, frame: Call) -> None:
        reply = await self._reply(frame)
        if frame.number:
            try:
                await self._send(reply)
            except PeerFault as error:
                await self._send(Reply(frame.number, msgspec.Raw(b"\xc0"), str(error)))
            except PeerGone:
                return

    async def _reply(self, frame: Call) -> Reply:
        handler = self._handlers.get(frame.what)
        nothing = msgspec.Raw(b"\xc0")
        if handler is None:
            return Reply(frame.number, nothing, f"nobody here knows {frame.what[:100]!r}")
        try:
            return Reply(frame.number, msgspec.Raw(_encode(await handler(frame.body))))
        except PeerFault as error:
            return Reply(frame.number, nothing, str(error))
        except msgspec.ValidationError as error:
            return Reply(frame.number, nothing, f"{frame.what}: {error}"[:500])
        except Exception as error:
            log.exception("%s", frame.what)
            return Reply(frame.number, nothing, f"{frame.what}: {type(error).__name__}")
