"""Guests as items: an old copy restored, reports that are old, foreign or doubled."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.compute.model.orders import SeenGuest
from cumulo.core.hosts.messages import Report, Seen
from cumulo.core.hosts.model import ItemRow
from tests.support.cloud import TestCloud, running_cloud
from tests.support.items import until
from tests.support.restore import put_copy_back

SERVERS = "/compute/v2.1/servers"


def driver_of(cloud: TestCloud) -> Any:
    return cloud.cloud.agents[0].parts["compute"].driver


async def create(cloud: TestCloud, name: str) -> str:
    wish = {"name": name, "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
    answer = await cloud.call(
        "POST", SERVERS, json_={"server": wish}, headers={"x-openstack-nova-api-version": "2.37"}
    )
    assert answer.status == 202, answer.raw
    server_id = str(answer.json["server"]["id"])
    await status(cloud, server_id, "ACTIVE")
    return server_id


async def status(cloud: TestCloud, server_id: str, wanted: str) -> Any:
    answer = await cloud.until(
        f"{SERVERS}/{server_id}", lambda a: a.json["server"]["status"] == wanted
    )
    return answer.json["server"]


def test_a_restored_copy_ends_no_guest_and_makes_none_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            kept, deleted = await create(cloud, "kept"), await create(cloud, "deleted")
            cloud.cloud.database.keep_copy("yesterday")  # type: ignore[attr-defined]
            later = await create(cloud, "later")
            pids = {id: (await driver_of(cloud).inspect(id)).pid for id in (kept, later)}
            await cloud.call("DELETE", f"{SERVERS}/{deleted}")
            await cloud.until(f"{SERVERS}/{deleted}", lambda a: a.status == 404)
        put_copy_back(tmp_path, "yesterday")
        async with running_cloud(tmp_path) as cloud:
            found = await cloud.until(
                "/cumulo/hosts/unknown", lambda a: a.json["unknown"], as_="admin"
            )
            (unknown,) = found.json["unknown"]
            assert unknown["id"] == later and unknown["facts"]["power"] == "on"
            shown = (await cloud.call("GET", "/cumulo/status", as_="admin")).json["hosts"][0]
            assert shown["unknown"] == {"compute": 1}
            server = await status(cloud, deleted, "ERROR")
            assert "not on this host any more" in server["fault"]["message"]
            await status(cloud, kept, "ACTIVE")
            assert {id: (await driver_of(cloud).inspect(id)).pid for id in pids} == pids
            # The cloud goes on: orders are newer than those that the copy did not know.
            await cloud.call("POST", f"{SERVERS}/{kept}/action", json_={"os-stop": None})
            await status(cloud, kept, "SHUTOFF")
            named = {"host": "fake-host", "kind": "compute", "id": later}
            project = {**named, "project": "p"}
            at = "/cumulo/hosts/unknown"
            refused = await cloud.call("POST", f"{at}/adopt", as_="admin", json_=project)
            assert refused.status == 400
            answer = await cloud.call("POST", f"{at}/remove", as_="admin", json_=named)
            assert answer.status == 202, answer.raw
            await until(lambda: later not in driver_of(cloud)._guests)
            await cloud.call("DELETE", f"{SERVERS}/{deleted}")
            await cloud.until(f"{SERVERS}/{deleted}", lambda a: a.status == 404)

    asyncio.run(main())


def test_reports_that_are_old_foreign_or_doubled(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            server_id = await create(cloud, "one")
            conductor, registry = cloud.cloud.conductor, cloud.cloud.registry

            def find(tx: Any) -> tuple[str, ItemRow | None]:
                registry.register(tx, "other", ["compute"])
                return registry.cloud_id(tx), tx.get(ItemRow, "fake-host", "compute", server_id)

            cloud_id, item = await cloud.cloud.database.write(find)
            assert item is not None

            async def say(
                version: int, host: str = "fake-host", epoch: int = 1, **more: Any
            ) -> Any:
                items = [Seen(id=server_id, version=version, **more)]
                report = Report(kind="compute", cloud=cloud_id, epoch=epoch, upto=1, items=items)
                return await conductor.report(host, report)

            lost = {"fault": "lost", "failures": 9}
            assert (await say(item.version, epoch=0, **lost)).stale
            assert server_id in (await say(item.version, host="other", **lost)).refused
            assert server_id in (await say(item.version, gone=True)).refused
            # An old report tells facts, but fulfils no wish of today.
            off = SeenGuest(power="off", reason="an old story")
            await say(item.version - 1, done=True, state=off)
            assert (await status(cloud, server_id, "SHUTOFF"))["OS-EXT-STS:task_state"] is None
            await say(item.version, done=True, state=SeenGuest(power="on"))
            await status(cloud, server_id, "ACTIVE")
            await cloud.call("DELETE", f"{SERVERS}/{server_id}")
            await cloud.until(f"{SERVERS}/{server_id}", lambda a: a.status == 404)
            for _ in range(2):
                assert (await say(item.version + 1, gone=True)).refused == {}
            quota = await cloud.call("GET", "/compute/v2.1/limits")
            assert quota.json["limits"]["absolute"]["totalInstancesUsed"] == 0

    asyncio.run(main())
