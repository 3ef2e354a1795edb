"""Hints to the scheduler, server groups' bounds, and what is kept of servers."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from cumulo.compute.model.hypervisor import CachedImageRow
from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries.server import ACTIONS
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from tests.compute.test_moves import SERVERS, VERSION, make, now
from tests.support.cloud import TestCloud, running_cloud


async def ask(cloud: TestCloud, status: int = 202, **hints: Any) -> Any:
    wish = {"name": "hinted", "flavorRef": "42", "imageRef": cloud.image}
    body = {"server": wish, "os:scheduler_hints": hints}
    answer = await cloud.call("POST", SERVERS, json_=body)
    assert answer.status == status, answer.raw
    return answer.json


async def host_of(cloud: TestCloud, server_id: str) -> str:
    shown = await cloud.call("GET", f"{SERVERS}/{server_id}", as_="admin", headers=VERSION)
    return str(shown.json["server"]["OS-EXT-SRV-ATTR:host"])


def test_servers_beside_and_apart(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 3}) as cloud:
            first = await make(cloud)
            place = await host_of(cloud, first)
            for _ in range(2):
                made = await ask(cloud, same_host=first)
                assert await host_of(cloud, made["server"]["id"]) == place
            apart = await ask(cloud, different_host=[first])
            other = await host_of(cloud, apart["server"]["id"])
            assert other != place
            last = await ask(cloud, different_host=[first, apart["server"]["id"]])
            assert await host_of(cloud, last["server"]["id"]) not in (place, other)
            both = await ask(cloud, same_host=[first], different_host=[first])
            await now(cloud, both["server"]["id"], "ERROR")
            for bad in (
                {"same_host": 5},
                {"different_host": [first] * 101},
                {"group": {"a": 1}},
                {"x": "y" * 9000},
                {f"x{n}": n for n in range(30)},
            ):
                await ask(cloud, 400, **bad)

    asyncio.run(story())


def test_a_group_has_only_so_many_members(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            body = {"server_group": {"name": "g", "policies": ["affinity"]}}
            made = await cloud.call("POST", "/compute/v2.1/os-server-groups", json_=body)
            group = made.json["server_group"]["id"]
            path = f"/compute/v2.1/os-quota-sets/{cloud.projects['demo']}"
            quota = {"quota_set": {"server_group_members": 1}}
            changed = await cloud.call("PUT", path, as_="admin", json_=quota)
            assert changed.status == 200, changed.raw
            await ask(cloud, group=group)
            refused = await ask(cloud, 403, group=group)
            assert "too many servers in group" in refused["forbidden"]["message"]

    asyncio.run(story())


def test_a_deleted_server_is_forgotten_at_last(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await make(cloud)
            database = cloud.cloud.database
            row = await database.read(lambda tx: tx.get(ServerRow, server_id))
            assert row is not None and row.admin_password is not None
            assert row.admin_password.startswith("gAAAA"), "it is sealed"
            await cloud.call("DELETE", f"{SERVERS}/{server_id}")
            path = f"{SERVERS}/{server_id}"
            await cloud.until(path, lambda answer: answer.status == 404)
            actions = f"{path}/os-instance-actions"
            shown = await cloud.call("GET", actions, headers=VERSION)
            assert {a["action"] for a in shown.json["instanceActions"]} == {"create", "delete"}
            servers = cloud.cloud.services.compute.servers
            await database.write(lambda tx: servers.forget(tx, server_id))
            assert (
                await database.read(lambda tx: servers.forgotten(tx, later(tx.now, -60), 10)) == []
            )
            assert (await cloud.call("GET", actions, headers=VERSION)).status == 404
            where = {"server_id": server_id}
            assert await database.read(lambda tx: ACTIONS.page(tx, where=where)) == []

    asyncio.run(story())


def test_images_that_hosts_have_ahead(tmp_path: Path) -> None:
    """Items of the hosts of an aggregate for a day, or until they leave it."""

    async def story() -> None:
        async with running_cloud(tmp_path, hosts={"fake": 2}) as cloud:
            newer = {"openstack-api-version": "compute 2.81"}

            async def call(path: str, body: Any, status: int, as_: str = "admin") -> Any:
                path = f"/compute/v2.1/os-aggregates{path}"
                answer = await cloud.call("POST", path, as_=as_, json_=body, headers=newer)
                assert answer.status == status, answer.raw
                return answer.json if answer.raw else None

            made = await call("", {"aggregate": {"name": "a"}}, 200)
            path = f"/{made['aggregate']['id']}"
            for host in ("fake-0001", "fake-0002"):
                await call(f"{path}/action", {"add_host": {"host": host}}, 200)
            image = {"id": cloud.image}
            await call(f"{path}/images", {"cache": [image, image]}, 400)
            await call(f"{path}/images", {"cache": [{"id": str(uuid.uuid4())}]}, 400)
            await call(f"{path}/images", {"cache": [image]}, 403, as_="demo")
            await call(f"{path}/images", {"cache": [image]}, 202)
            await call(f"{path}/images", {"cache": [image]}, 202)
            part = cloud.cloud.conductor.parts["compute"]
            name = f"image-{cloud.image}"
            database = cloud.cloud.database

            def wanted(host: str) -> Any:
                return database.read_now(  # type: ignore[attr-defined]
                    lambda tx: dict(part.items(tx, host, [name]))
                )

            assert all(wanted(host)[name].cached for host in ("fake-0001", "fake-0002"))
            assert part.contents(wanted("fake-0001")[name])[0].id == cloud.image
            await call(f"{path}/action", {"remove_host": {"host": "fake-0002"}}, 200)
            assert wanted("fake-0002") == {}
            precaching = cloud.cloud.services.compute.precaching

            def age(tx: Tx) -> None:
                row = tx.get(CachedImageRow, "fake-0001", cloud.image)
                assert row is not None and precaching.expired(tx, 9) == []
                tx.update(row, until=tx.now)
                (id,) = precaching.expired(tx, 9)
                precaching.forget(tx, id)

            database.write_now(age)  # type: ignore[attr-defined]
            assert wanted("fake-0001") == {}

    asyncio.run(story())
