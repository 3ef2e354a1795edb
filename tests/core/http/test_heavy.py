"""Heavy reads: in a thread, within their time, few at once; nobody else waits for them."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cumulo.core.auth.policy import Rules
from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import ReadOnly, TooLong, Tx
from cumulo.core.events.history import events_since
from cumulo.core.http import execution, faults
from cumulo.core.http.operations import Call, Face, Operation
from tests.core.events.support import database, make
from tests.core.http.app import application, exchange, serving

COUNT = statement(
    sa.text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
        " SELECT count(*) FROM n"
    )
)


def endless(call: Call, tx: Tx) -> Any:
    return {"n": tx.value(COUNT)}


def where(call: Call, tx: Tx) -> Any:
    return {"thread": threading.current_thread().name, "who": call.principal.user_id}


FACE = Face(
    name="x",
    mount="/x",
    faults=faults.compute,
    rules=Rules({"x:admin": "role:admin"}),
    operations=[
        Operation("GET", "/endless", endless, kind="heavy", deadline=0.5),
        Operation("GET", "/long", endless, kind="heavy", deadline=3600.0),
        Operation("GET", "/where", where, kind="heavy"),
        Operation("GET", "/admin", where, kind="heavy", policy="x:admin"),
        Operation("GET", "/quick", lambda call, tx: {}, public=True),
    ],
)
TOKEN = "X-Auth-Token: good"


def test_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution.HEAVY, "most_each", 1)

    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            status, _, body = await exchange(port, f"GET /x/where HTTP/1.1\r\n{TOKEN}")
            assert (status, b'"cumulo-heavy' in body) == (200, True)
            assert (await exchange(port, "GET /x/where HTTP/1.1"))[0] == 401
            assert (await exchange(port, f"GET /x/admin HTTP/1.1\r\n{TOKEN}"))[0] == 403
            slow = asyncio.create_task(exchange(port, f"GET /x/endless HTTP/1.1\r\n{TOKEN}"))
            await asyncio.sleep(0.1)
            assert (await exchange(port, "GET /x/quick HTTP/1.1"))[0] == 200
            assert not slow.done()
            assert (await exchange(port, f"GET /x/where HTTP/1.1\r\n{TOKEN}"))[0] == 429
            status, head, body = await slow
            assert (status, "retry-after: 30" in head) == (503, True)
            assert b"takes too long" in body

    asyncio.run(main())


def test_a_client_that_leaves_ends_it() -> None:
    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /x/long HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n\r\n".encode())
            await asyncio.sleep(0.3)
            assert len(execution.HEAVY) == 1
            writer.close()
            async with asyncio.timeout(10):
                while len(execution.HEAVY):
                    await asyncio.sleep(0.01)
            # The thread is free again as well.
            began = time.monotonic()
            for _ in range(3):
                assert (await exchange(port, f"GET /x/where HTTP/1.1\r\n{TOKEN}"))[0] == 200
            assert time.monotonic() - began < 5

    asyncio.run(main())


def test_one_moment_and_no_writing(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        with database(tmp_path, database_url) as db:
            await db.write(lambda tx: make(tx, 1))
            begun, go_on = threading.Event(), threading.Event()

            def twice(tx: Tx) -> tuple[int, int]:
                first = len(events_since(tx))
                begun.set()
                go_on.wait(10)
                return first, len(events_since(tx))

            reading = asyncio.create_task(db.study(twice, seconds=20.0))
            while not begun.is_set():
                await asyncio.sleep(0.01)
            await db.write(lambda tx: make(tx, 2))
            go_on.set()
            assert await reading == (1, 1)
            assert await db.study(lambda tx: len(events_since(tx)), seconds=20.0) == 2
            with pytest.raises(ReadOnly):
                await db.study(lambda tx: make(tx, 3), seconds=20.0)
            began = time.monotonic()
            with pytest.raises(TooLong):
                await db.study(lambda tx: tx.value(COUNT), seconds=0.3)
            assert time.monotonic() - began < 5
            assert await db.study(lambda tx: len(events_since(tx)), seconds=20.0) == 2

    asyncio.run(main())
