"""Operations called inside the process: the same as by HTTP, alone and in a transaction."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.auth.principal import Principal
from cumulo.core.faults import Forbidden, NotFound, QuotaExceeded
from cumulo.core.http.caller import Caller
from tests.support.cloud import TestCloud, running_cloud

NETWORKS = "/network/v2.0/networks"


async def principal_of(cloud: TestCloud, user: str) -> Principal:
    token = await cloud.token(user)
    identity = cloud.cloud.services.identity
    found: Principal = await cloud.cloud.database.read(lambda tx: identity.verify(tx, token))
    return found


class Network(msgspec.Struct):
    id: str
    name: str
    status: str


class OneNetwork(msgspec.Struct):
    network: Network


def test_the_same_as_by_http(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            caller, demo = cloud.cloud.frame.caller, await principal_of(cloud, "demo")
            made = await caller.call(demo, "POST", NETWORKS, {"network": {"name": "red"}})
            assert made.status == 201
            network = made.into(OneNetwork).network
            assert (network.name, network.status) == ("red", "ACTIVE")
            path = f"{NETWORKS}/{network.id}"
            by_http = await cloud.call("GET", path)
            inside = await caller.call(demo, "GET", path)
            assert (inside.body, inside.status) == (by_http.json, by_http.status)
            for query in ({"name": "red", "fields": "id"}, [("name", "red"), ("fields", "id")]):
                listed = await caller.call(demo, "GET", NETWORKS, query=query)
                assert listed.body == {"networks": [{"id": network.id}]}
            assert (await caller.call(demo, "GET", f"{NETWORKS}?name=blue")).body["networks"] == []
            await refusals(cloud, caller, demo)
            await versions(caller, demo)
            await streams(cloud, caller, demo)
            gone = await caller.call(demo, "DELETE", path)
            assert (gone.status, gone.body) == (204, None)

    asyncio.run(main())


async def refusals(cloud: TestCloud, caller: Caller, demo: Principal) -> None:
    """Each in the same words as by HTTP."""
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"{NETWORKS}/none", None),
        ("POST", NETWORKS, {"network": {"name": 3}}),
        ("POST", NETWORKS, {"network": {"shared": True}}),
        ("PUT", NETWORKS, {}),
        ("POST", "/compute/v2.1/servers/x/action", {"dance": None}),
        ("GET", "/compute/v2.1/elsewhere/servers", None),
        ("POST", "/compute/v2.1/flavors", {"flavor": {"name": "x", "ram": 1, "vcpus": 1}}),
    ]
    for method, path, body in asked:
        outside = await cloud.call(method, path, json_=body)
        inside = await caller.call(demo, method, path, body)
        assert inside.status == outside.status >= 400, (path, inside)
        assert inside.body == outside.json
        assert inside.fault is not None
    with pytest.raises(NotFound):
        (await caller.call(demo, "GET", f"{NETWORKS}/none")).checked()
    with pytest.raises(Forbidden):
        (await caller.call(demo, "POST", "/compute/v2.1/flavors", asked[-1][2])).into(dict)
    nobody = await caller.call(None, "GET", NETWORKS)
    assert nobody.status == 401
    assert (await caller.call(None, "GET", "/compute/")).body["versions"]
    with pytest.raises(LookupError):
        await caller.call(demo, "GET", "/no/such/thing")


async def versions(caller: Caller, demo: Principal) -> None:
    old = await caller.call(demo, "GET", "/compute/v2.1/flavors/detail")
    new = await caller.call(demo, "GET", "/compute/v2.1/flavors/detail", version="2.61")
    assert old.headers["X-OpenStack-Nova-API-Version"] == "2.1"
    assert new.headers["X-OpenStack-Nova-API-Version"] == "2.61"
    assert "description" in new.body["flavors"][0] and "description" not in old.body["flavors"][0]
    assert (await caller.call(demo, "GET", "/compute/v2.1/servers", version="9.9")).status == 406


async def streams(cloud: TestCloud, caller: Caller, demo: Principal) -> None:
    images = "/image/v2/images"
    wanted = {"name": "x", "disk_format": "raw", "container_format": "bare"}
    image = (await caller.call(demo, "POST", images, wanted)).into(dict)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1000

    octets = {"Content-Type": "application/octet-stream"}
    path = f"{images}/{image['id']}/file"
    put = await caller.call(demo, "PUT", path, content=pieces(), headers=octets)
    assert (put.status, put.body) == (204, None)
    got = await caller.call(demo, "GET", path)
    assert await got.read(3000) == b"x" * 3000
    assert (await caller.call(demo, "GET", f"{images}/{image['id']}")).body["size"] == 3000


def test_in_a_transaction(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            caller, demo = cloud.cloud.frame.caller, await principal_of(cloud, "demo")
            database = cloud.cloud.database

            def make(tx: Any, name: str, **more: Any) -> Any:
                body = {"network": {"name": name, **more}}
                return caller.call_in(tx, demo, "POST", NETWORKS, body)

            def all_or_nothing(tx: Any) -> None:
                assert make(tx, "red").status == 201
                assert make(tx, "bad", dns_domain=3).status == 400
                raise QuotaExceeded("the rest did not work out")

            with pytest.raises(QuotaExceeded):
                await database.write(all_or_nothing)

            def a_refusal_leaves_nothing(tx: Any) -> list[int]:
                network = make(tx, "blue").body["network"]["id"]
                subnet = {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"}
                path = "/network/v2.0/subnets"
                body = {"subnets": [{**subnet, "name": "one"}, {**subnet, "cidr": "nonsense"}]}
                refused = caller.call_in(tx, demo, "POST", path, body)
                made = caller.call_in(tx, demo, "POST", path, {"subnet": {**subnet, "name": "two"}})
                seen = caller.call_in(tx, demo, "GET", path, query={"network_id": network})
                assert [each["name"] for each in seen.body["subnets"]] == ["two"]
                return [refused.status, made.status]

            assert await database.write(a_refusal_leaves_nothing) == [400, 201]
            found = await caller.call(demo, "GET", NETWORKS, query={"router:external": "false"})
            names = sorted(each["name"] for each in found.body["networks"])
            assert names == ["blue", "private"]
            path = f"/image/v2/images/{cloud.image}/file"
            with pytest.raises(TypeError, match="cannot share"):
                await database.write(lambda tx: caller.call_in(tx, demo, "GET", path))

    asyncio.run(main())
