"""Abandoned zones: nobody's, and answered for, until somebody has a zone of that name."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.dns.service import left
from tests.dns.test_two_processes import ZONES, ask, status, stop_name_server, until
from tests.support.cloud import TestCloud, running_cloud

LEFT = "/cumulo/dns/left"
ADMIN = {"X-Auth-All-Projects": "true"}


async def made(cloud: TestCloud, name: str, address: str, as_: str = "demo") -> str:
    answer = await cloud.call(
        "POST", ZONES, as_=as_, json_={"name": name, "email": "a@example.org"}
    )
    assert answer.status == 202, answer.raw
    zone = str(answer.json["id"])
    body: dict[str, Any] = {"name": f"www.{name}", "type": "A", "records": [address]}
    answer = await cloud.call("POST", f"{ZONES}/{zone}/recordsets", as_=as_, json_=body)
    assert answer.status == 202, answer.raw
    return zone


async def abandoned(cloud: TestCloud, zone: str) -> int:
    path = f"{ZONES}/{zone}/tasks/abandon"
    return (await cloud.call("POST", path, as_="admin", headers=ADMIN)).status


async def ended_by_an_operator(
    cloud: TestCloud, answers: Callable[[str, list[str]], Awaitable[None]]
) -> None:
    zone = await made(cloud, "ended.org.", "192.0.2.4")
    assert await abandoned(cloud, zone) == 204
    await answers("www.ended.org.", ["192.0.2.4"])
    for name, status_ in (("other.org", 404), ("Ended.org", 200), ("ended.org.", 404)):
        answer = await cloud.call("POST", f"{LEFT}/end", as_="admin", json_={"name": name})
        assert answer.status == status_, answer.raw
    await answers("www.ended.org.", [])


def test_an_abandoned_zone_is_answered_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(name: str, wanted: list[str]) -> None:
        await until(lambda: ask(tmp_path, name), wanted)

    async def first() -> None:
        async with running_cloud(tmp_path) as cloud:
            zone = await made(cloud, "left.org.", "192.0.2.1")
            await until(lambda: status(cloud, zone), "ACTIVE")
            await answers("www.left.org.", ["192.0.2.1"])
            assert await abandoned(cloud, zone) == 204
            assert (await cloud.call("GET", f"{ZONES}/{zone}")).status == 404
            listed = (await cloud.call("GET", LEFT, as_="admin")).json["left"]
            assert [each["name"] for each in listed] == ["left.org."]
            assert (await cloud.call("GET", LEFT)).status == 403
            # Its names are nobody else's: not its own, not those below it or above it.
            for name in ("left.org.", "www.left.org.", "_acme-challenge.www.left.org."):
                body = {"name": name, "email": "a@example.org"}
                answer = await cloud.call("POST", ZONES, as_="admin", json_=body)
                assert answer.status == 403, answer.raw
            deep = await made(cloud, "deep.above.org.", "192.0.2.9")
            assert await abandoned(cloud, deep) == 204
            body = {"name": "above.org.", "email": "a@example.org"}
            answer = await cloud.call("POST", ZONES, as_="admin", json_=body)
            assert (answer.status, answer.json["type"]) == (403, "illegal_parent")
            end = await cloud.call(
                "POST", f"{LEFT}/end", as_="admin", json_={"name": "deep.above.org."}
            )
            assert end.status == 200, end.raw
            # A change that the name server has after it.
            other = await made(cloud, "other.org.", "192.0.2.2")
            await until(lambda: status(cloud, other), "ACTIVE")
            await answers("www.left.org.", ["192.0.2.1"])
            # A name server that begins with nothing has it, too.
            stop_name_server(tmp_path, signal.SIGKILL)
            await answers("www.left.org.", ["192.0.2.1"])
            assert (await cloud.call("DELETE", f"{ZONES}/{other}")).status == 202
            monkeypatch.setattr(left, "MOST", 1)
            more = await made(cloud, "more.org.", "192.0.2.3")
            assert await abandoned(cloud, more) == 400
            assert (await cloud.call("DELETE", f"{ZONES}/{more}")).status == 202
            await until(lambda: status(cloud, more), "None")

    async def second() -> None:
        async with running_cloud(tmp_path) as cloud:
            # There is no zone any more, and still something to answer for.
            assert (await cloud.call("GET", ZONES, as_="admin", headers=ADMIN)).json["zones"] == []
            await answers("www.left.org.", ["192.0.2.1"])
            zone = await made(cloud, "left.org.", "192.0.2.9")
            await answers("www.left.org.", ["192.0.2.9"])
            assert (await cloud.call("DELETE", f"{ZONES}/{zone}")).status == 202
            await answers("www.left.org.", [])
            await ended_by_an_operator(cloud, answers)

    asyncio.run(first())
    asyncio.run(second())
