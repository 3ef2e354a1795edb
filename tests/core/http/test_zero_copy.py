"""Files sent by the kernel: whole, in part, to slow clients and to clients that leave."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from cumulo.core.http.zero_copy import EXTENSION, FileRange
from tests.core.http.app import serving

CONTENT = bytes(range(256)) * 40_000


class Downloads:
    """An ASGI application that sends a part of a file, with its length."""

    def __init__(self, path: Path, *, promised: int = 0) -> None:
        self.file = path.open("rb")
        self.promised = promised
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert EXTENSION in scope["extensions"]
        start, end = (int(part) for part in scope["path"][1:].split("-"))
        length = str(end - start + self.promised).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
        )
        part = FileRange.of(self.file.fileno(), start, end - start + self.promised)
        await send({"type": "http.response.body", "body": part, "more_body": True})
        with contextlib.suppress(RuntimeError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        self.ended.set()


async def get(reader: Any, writer: Any, start: int, end: int, method: str = "GET") -> bytes:
    writer.write(f"{method} /{start}-{end} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return bytes(await reader.readexactly(0 if method == "HEAD" else end - start))


def test_parts_of_a_file_on_one_connection(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)

    async def main() -> None:
        async with serving(Downloads(path)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for start, end in ((0, len(CONTENT)), (5, 6), (1000, 9_000_001), (7, 7)):
                assert await get(reader, writer, start, end) == CONTENT[start:end]
            assert await get(reader, writer, 0, 100, "HEAD") == b""
            assert await get(reader, writer, 3, 300) == CONTENT[3:300]
            writer.close()

    asyncio.run(main())


def test_a_slow_client_gets_it_all_and_holds_up_nobody(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT * 4)

    async def main() -> None:
        async with serving(Downloads(path)) as port:
            slow = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            slow[1].write(f"GET /0-{4 * len(CONTENT)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await asyncio.sleep(0.1)
            for _ in range(20):
                quick = await asyncio.open_connection("127.0.0.1", port)
                assert await get(*quick, 10, 20) == CONTENT[10:20]
                quick[1].close()
            await slow[0].readuntil(b"\r\n\r\n")
            assert await slow[0].readexactly(4 * len(CONTENT)) == CONTENT * 4
            slow[1].close()

    asyncio.run(main())


def test_clients_that_leave_and_files_that_shrink(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)

    async def main() -> None:
        app = Downloads(path)
        async with serving(app) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(f"GET /0-{len(CONTENT)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await asyncio.sleep(0.05)
            writer.transport.abort()
            await asyncio.wait_for(app.ended.wait(), 5)
        app = Downloads(path, promised=10)
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /0-{len(CONTENT)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert len(await reader.read(-1)) <= len(CONTENT)

    asyncio.run(main())
