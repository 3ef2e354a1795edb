"""A web server of the tests' own: says what it was asked, and answers what the test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Web:
    """`answer(asked)` gives (status, headers, body); a body shorter than its length is cut."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], tuple[int, dict[str, str], bytes]] = lambda asked: (200, {}, b"hello")
    pause: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            asked = Asked(method, path, {name.lower(): value for name, value in pairs})
            if "content-length" in asked.headers:
                asked.body = await reader.readexactly(int(asked.headers["content-length"]))
            self.asked.append(asked)
            status, headers, body = self.answer(asked)
            headers = {"Content-Length": str(len(body)), **headers}
            lines = [f"HTTP/1.1 {status} X", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
            writer.write("\r\n".join(lines).encode())
            half = len(body) // 2 if self.pause else len(body)
            writer.write(body[:half])
            await writer.drain()
            if self.pause:
                await asyncio.sleep(self.pause)
                writer.write(body[half:])
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def web() -> AsyncIterator[Web]:
    made = Web()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
