"""The floor: what the bare HTTP server costs for an empty answer, in the same run on the same
machine. Machines differ by a factor of three from hour to hour; figures divided by this one do
not.

When the budgets were written, it was 46 µs.
"""

import asyncio
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

from bench.process import Cloud, free_port
from cumulo.benchmark.client.http import HttpError

REFERENCE_US = 46.0
REQUESTS = 2000


async def _application(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def _serve(port: int) -> None:
    import uvloop

    from cumulo.core.http.server import HttpServer, listening_socket

    bound = listening_socket("127.0.0.1", port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(HttpServer(_application, bound).run())


def _connected(pid: int, port: int) -> Cloud:
    """A client whose first request was answered."""
    end = time.monotonic() + 20
    while True:
        bare = Cloud(pid, port, Path(os.devnull), 0.0)
        try:
            bare.send("GET", "/", user=None)
            return bare
        except HttpError:
            bare.close()
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


def measure() -> float:
    """µs of CPU of the server for one request."""
    port = free_port()
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    child.start()
    assert child.pid is not None
    bare = _connected(child.pid, port)
    spent = bare.run(_spent(bare))
    bare.close()
    child.terminate()
    child.join(10)
    return spent / REQUESTS * 1e6


async def _spent(bare: Cloud) -> float:
    for _ in range(100):
        await bare.ask("GET", "/", user=None)
    before = bare.cpu()
    for _ in range(REQUESTS):
        await bare.ask("GET", "/", user=None)
    return bare.cpu() - before
