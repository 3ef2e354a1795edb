"""Lines: bytes both ways between something on a host (a guest's console) and who looks at it.

An agent answers a question with a socket. On the control plane's own machine that is the line; from
a host that dialled in, or by another control node, the socket stays where it is, and its bytes are
fetched and sent under a number. Whoever opens the line has chosen it: so it can be closed however
far the opening has come.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.core.hosts.messages import Ask
from cumulo.core.hosts.peer import Handler, Peer, PeerFault

BLOCK = 64 * 1024
LOOK_SECONDS = 20.0
"""After which an answer says that nothing has come."""
IDLE_SECONDS = 600.0
"""A line that nobody reads for so long is closed: who looked at it is gone without a word, or takes
nothing any more."""
WRITE_SECONDS = 40.0
"""For which a device may take nothing; less than a call's time, whose end would be no end here."""
PAUSE_SECONDS = 0.05
PIECE = 16 * 1024
MOST_OF_ONE = 8
"""Lines of one guest: more would be at the cost of others on its host."""
_decode = msgspec.msgpack.decode


class OpenLine(msgspec.Struct, frozen=True):
    """`host`: by another control node, which host is asked."""

    number: int
    ask: Ask
    host: str = ""


class LinePiece(msgspec.Struct, frozen=True):
    number: int
    data: bytes


class Line(Protocol):
    async def read(self) -> bytes:
        """What has come, at most `BLOCK` bytes; b"" at its end. Raises OSError."""

    async def write(self, data: bytes) -> None:
        """Raises OSError."""

    async def close(self) -> None: ...


class SocketLine:
    """`connection` is non-blocking, and this one's from now on."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._connection, BLOCK)

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def close(self) -> None:
        # What is still read or written ends with it; a close alone would wait for that.
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class FarLine:
    """One that is open at the other end of a connection."""

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number

    async def read(self) -> bytes:
        while True:
            raw = await self._call("line_read", self._number)
            found = _decode(raw, type=bytes | None)
            if found is not None:
                return found
            await asyncio.sleep(PAUSE_SECONDS)  # whoever answers so at once is no honest host

    async def write(self, data: bytes) -> None:
        # Pieces that a slow device takes in time.
        for start in range(0, len(data), PIECE):
            piece = LinePiece(self._number, data[start : start + PIECE])
            await self._call("line_write", piece)

    async def close(self) -> None:
        with contextlib.suppress(OSError, PeerFault):
            await asyncio.shield(self._peer.tell("line_close", self._number))

    async def _call(self, what: str, body: Any) -> msgspec.Raw:
        try:
            return await self._peer.call(what, body)
        except PeerFault as error:
            raise OSError(str(error)) from None


async def opened(peer: Peer, wish: OpenLine) -> FarLine:
    """Raises PeerFault, PeerGone."""
    line = FarLine(peer, wish.number)
    try:
        await peer.call("line", wish)
    except BaseException:
        await line.close()
        raise
    return line


class _Open:
    def __init__(self, line: Line) -> None:
        self.line = line
        self.reading: asyncio.Task[bytes] | None = None
        self.writing: asyncio.Task[None] | None = None
        self.ending: asyncio.TimerHandle | None = None


class Lines:
    """What is open here for the other end of one connection. `make`: opens what is asked for;
    raises PeerFault. At most `most` at once."""

    def __init__(self, make: Callable[[OpenLine], Awaitable[Line]], most: int) -> None:
        self._make = make
        self._most = most
        self._open: dict[int, _Open | None] = {}
        """None: it is being opened."""
        self._of: dict[int, object] = {}
        """Whose each is."""
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "line": self._begin,
            "line_read": self._read,
            "line_write": self._write,
            "line_close": self._close,
        }

    async def close(self) -> None:
        """The connection has ended."""
        for number in list(self._open):
            await self._end(number)

    async def _begin(self, raw: msgspec.Raw) -> None:
        wish = _decode(raw, type=OpenLine)
        if len(self._open) >= self._most or wish.number in self._open:
            raise PeerFault("too many lines are open")
        whose = (wish.host, wish.ask.kind, str(wish.ask.arguments.get("id")))
        if sum(each == whose for each in self._of.values()) >= MOST_OF_ONE:
            raise PeerFault("too many lines of this are open")
        self._open[wish.number], self._of[wish.number] = None, whose
        try:
            line = await self._make(wish)
        except BaseException:
            self._open.pop(wish.number, None)
            self._of.pop(wish.number, None)
            raise
        if wish.number not in self._open:
            await line.close()
            raise PeerFault("closed before it was open")
        self._open[wish.number] = opened = _Open(line)
        self._watch(wish.number, opened)

    async def _read(self, raw: msgspec.Raw) -> bytes | None:
        number = _decode(raw, type=int)
        there = self._there(number)
        if there.ending is not None:
            there.ending.cancel()
        if there.reading is None:
            there.reading = asyncio.create_task(there.line.read())
        reading = there.reading
        await asyncio.wait({reading}, timeout=LOOK_SECONDS)
        self._watch(number, there)
        if not reading.done():
            return None  # it is still read: nothing that comes meanwhile is lost
        there.reading = None
        if reading.cancelled():
            return b""  # the line was closed meanwhile
        try:
            return reading.result()
        except OSError:
            return b""

    async def _write(self, raw: msgspec.Raw) -> None:
        piece = _decode(raw, type=LinePiece)
        there = self._there(piece.number)
        if there.writing is not None:
            raise PeerFault("what was written before is not taken yet")
        there.writing = asyncio.create_task(there.line.write(piece.data))
        try:
            await asyncio.wait({there.writing}, timeout=WRITE_SECONDS)
            if not there.writing.done():
                await self._end(piece.number)
                raise PeerFault("the device takes nothing")
            if there.writing.cancelled():
                raise PeerFault("this line is not open")
            there.writing.result()
        except OSError as error:
            raise PeerFault(str(error)) from None
        finally:
            there.writing = None

    async def _close(self, raw: msgspec.Raw) -> None:
        self._end_later(_decode(raw, type=int))

    def _end_later(self, number: int) -> None:
        """Whoever says so is not kept waiting: it may be another line that has to be closed."""
        task = asyncio.get_running_loop().create_task(self._end(number))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _there(self, number: int) -> _Open:
        found = self._open.get(number)
        if found is None:
            raise PeerFault("this line is not open")
        return found

    def _watch(self, number: int, there: _Open) -> None:
        def end() -> None:
            if self._open.get(number) is there:
                self._end_later(number)

        there.ending = asyncio.get_running_loop().call_later(IDLE_SECONDS, end)

    async def _end(self, number: int) -> None:
        there = self._open.pop(number, None)
        self._of.pop(number, None)
        if there is None:
            return
        if there.ending is not None:
            there.ending.cancel()
        tasks = [each for each in (there.reading, there.writing) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await there.line.close()
