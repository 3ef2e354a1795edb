"""Feeds and downloads: they end with their clients, and feeds go on where they were."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.policy import Rules
from cumulo.core.http import connection, faults, feeds
from cumulo.core.http.feeds import FeedEvent, resumed_at
from cumulo.core.http.operations import Call, Face, Operation, Reply
from tests.core.http.app import application, exchange, serving
from tests.support.cloud import TestCloud, running_cloud

ENDED: list[str] = []


async def ticking(call: Call) -> AsyncIterator[FeedEvent]:
    first = int(resumed_at(call) or 0) + 1
    try:
        for n in range(first, first + 3):
            yield FeedEvent({"n": n}, str(n), "tick")
        await asyncio.sleep(3600)
    finally:
        ENDED.append("ticking")


async def short(call: Call) -> AsyncIterator[FeedEvent]:
    yield FeedEvent("line\nbreak")


async def endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)
    finally:
        ENDED.append("endless")


async def stuck() -> AsyncIterator[bytes]:
    try:
        yield b"x"
        await asyncio.sleep(3600)
    finally:
        ENDED.append("stuck")


async def download(call: Call) -> Reply:
    return Reply(stream=endless() if call.query.get("endless") else stuck())


async def waiting(call: Call) -> Reply:
    try:
        await asyncio.sleep(3600)
    finally:
        ENDED.append("waiting")
    return Reply()


async def upload(call: Call) -> Any:
    assert call.stream is not None
    return {"bytes": sum([len(piece) async for piece in call.stream])}


FACE = Face(
    name="x",
    mount="/x",
    faults=faults.compute,
    rules=Rules({}),
    operations=[
        Operation("GET", "/ticking", ticking, kind="feed"),
        Operation("GET", "/short", short, kind="feed"),
        Operation("GET", "/download", download, kind="stream"),
        Operation("GET", "/waiting", waiting, kind="stream"),
        Operation("PUT", "/upload", upload, kind="stream"),
    ],
)
TOKEN = "X-Auth-Token: good"


def test_a_whole_feed() -> None:
    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            status, head, body = await exchange(port, f"GET /x/short HTTP/1.1\r\n{TOKEN}")
            assert status == 200
            assert "content-type: text/event-stream" in head
            assert "cache-control: no-store" in head
            assert b"retry: 2000\n\n" in body and b'data: "line\\nbreak"\n\n' in body
            status, _, body = await exchange(port, f"HEAD /x/ticking HTTP/1.1\r\n{TOKEN}")
            assert status == 405
            assert (await exchange(port, "GET /x/short HTTP/1.1"))[0] == 401
            assert len(feeds.FEEDS) == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "ended"),
    [
        ("ticking", "ticking"),
        ("download", "stuck"),
        ("download?endless=1", "endless"),
        ("waiting", "waiting"),
    ],
)
def test_a_client_that_leaves_ends_it(path: str, ended: str) -> None:
    ENDED.clear()

    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /x/{path} HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n\r\n".encode())
            if path != "waiting":
                async with asyncio.timeout(10):
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.read(1)
            else:
                await asyncio.sleep(0.2)
            assert ended not in ENDED
            writer.close()
            async with asyncio.timeout(10):
                while ended not in ENDED:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            assert len(feeds.FEEDS) == 0

    asyncio.run(main())


def test_who_takes_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TAKE_SECONDS", 0.2)
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.1)
    ENDED.clear()

    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            head = f"GET /x/download?endless=1 HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n\r\n"
            writer.write(head.encode())
            async with asyncio.timeout(10):
                while "endless" not in ENDED:
                    await asyncio.sleep(0.01)
            writer.close()

    asyncio.run(main())


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds.FEEDS, "most_each", 1)

    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /x/ticking HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            status, head, _ = await exchange(port, f"GET /x/ticking HTTP/1.1\r\n{TOKEN}")
            assert (status, "retry-after: 10" in head) == (429, True)
            writer.close()

    asyncio.run(main())


def test_signs_of_life_and_the_end_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(feeds, "LONGEST_SECONDS", 0.5)

    async def main() -> None:
        async with application(FACE) as made, serving(made.asgi) as port:
            asked = f"GET /x/ticking HTTP/1.1\r\n{TOKEN}\r\nLast-Event-ID: 41"
            _, _, body = await exchange(port, asked)
            assert b'id: 42\nevent: tick\ndata: {"n":42}\n\n' in body
            assert body.count(b":\n\n") >= 5

    asyncio.run(main())


def events_in(raw: bytes) -> list[dict[str, Any]]:
    lines = raw.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def test_the_live_feed_of_a_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To each project its own; resumed by id; details for administrators."""
    monkeypatch.setattr(feeds, "LONGEST_SECONDS", 1.0)

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            networks = "/network/v2.0/networks"

            async def follow(who: str, query: str = "", **headers: str) -> list[dict[str, Any]]:
                answer = await cloud.call(
                    "GET", f"/cumulo/events{query}", as_=who, headers=headers or None
                )
                assert answer.status == 200, answer.raw
                return events_in(answer.raw)

            await cloud.token("admin"), await cloud.token("demo")
            following = asyncio.gather(follow("demo"), follow("admin", "?all_projects=1"))
            await asyncio.sleep(0.2)
            for who in ("demo", "admin"):
                made = {"network": {"name": f"of {who}"}}
                assert (await cloud.call("POST", networks, as_=who, json_=made)).status == 201
            mine, all_of_them = await following
            assert [event["type"] for event in mine] == ["network.network.create"]
            assert mine[0]["project_id"] == cloud.projects["demo"] and "detail" not in mine[0]
            created = [e for e in all_of_them if e["type"] == "network.network.create"]
            assert [event["detail"]["name"] for event in created] == ["of demo", "of admin"]
            before = all_of_them[0]["id"]
            turn, _, sequence = before.partition("-")
            earlier = {"Last-Event-ID": f"{turn}-{int(sequence) - 1}"}
            again = await follow("demo", **earlier)
            assert mine[0] in again
            refused = await cloud.call("GET", "/cumulo/events?all_projects=1")
            assert refused.status == 403
            await _a_token_that_is_revoked(cloud)
            bad = await cloud.call("GET", "/cumulo/events", headers={"Last-Event-ID": "x"})
            assert bad.status == 400

    asyncio.run(main())


async def _a_token_that_is_revoked(cloud: TestCloud) -> None:
    """What comes after that is not told any more, and the feed ends."""
    networks = "/network/v2.0/networks"
    used = cloud.tokens.pop("demo")
    following = asyncio.create_task(
        cloud.call("GET", "/cumulo/events", as_=None, headers={"x-auth-token": used})
    )
    await asyncio.sleep(0.1)
    made = await cloud.call("POST", networks, json_={"network": {"name": "told"}})
    assert made.status == 201
    await asyncio.sleep(0.2)
    token = {"x-subject-token": used}
    gone = await cloud.call("DELETE", "/identity/v3/auth/tokens", as_="admin", headers=token)
    assert gone.status == 204
    made = await cloud.call("POST", networks, json_={"network": {"name": "not told"}})
    assert made.status == 201
    told = [e["resource_id"] for e in events_in((await following).raw)]
    assert len(told) == 1 and made.json["network"]["id"] not in told
