"""What is left stays on its host, is told of as unknown, and is taken over again."""

from pathlib import Path
from typing import Any

from tests.block_storage.test_storage import driver_of, make, run, status
from tests.support.cloud import TestCloud

V3 = "/volume/v3"
HEADERS = {"OpenStack-API-Version": "volume 3.8"}


async def ask(cloud: TestCloud, method: str, path: str, body: Any = None) -> Any:
    answer = await cloud.call(method, f"{V3}{path}", as_="admin", json_=body, headers=HEADERS)
    assert answer.status in (200, 202), answer.raw
    return answer.json if answer.raw else None


def test_left_and_taken_over(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume = await make(cloud)
        await status(cloud, volume, "available")
        for size in (2, 3):  # what is taken over is not younger than what the host has accepted
            path = f"{V3}/volumes/{volume}/action"
            await cloud.call("POST", path, json_={"os-extend": {"new_size": size}})
            await status(cloud, volume, "available")
        made = await cloud.call(
            "POST", f"{V3}/snapshots", json_={"snapshot": {"volume_id": volume}}
        )
        snapshot = made.json["snapshot"]["id"]
        await cloud.until(
            f"{V3}/snapshots/{snapshot}", lambda a: a.json["snapshot"]["status"] == "available"
        )
        await ask(cloud, "POST", f"/snapshots/{snapshot}/action", {"os-unmanage": {}})
        await ask(cloud, "POST", f"/volumes/{volume}/action", {"os-unmanage": {}})
        services = (await ask(cloud, "GET", "/os-services"))["services"]
        host = next(each["host"] for each in services if each["binary"] == "cinder-volume")
        worker = cloud.cloud.agents[0].workers["block_storage"]
        path = f"/manageable_volumes/detail?host={host}"
        at_once = (await ask(cloud, "GET", path))["manageable-volumes"]
        assert len(at_once) == 2  # and still there when the host has looked
        for _ in range(3):
            await worker.follower.follow(audit=True)
            await worker._look_around()
            await worker.reporter.report()
        found = (await ask(cloud, "GET", path))["manageable-volumes"]
        assert {each["reference"]["source-name"] for each in found} == {volume, snapshot}
        assert driver_of(cloud).has(volume) and driver_of(cloud).has(snapshot)
        [second] = (
            await ask(cloud, "GET", f"{path}&limit=1&marker={found[0]['reference']['source-name']}")
        )["manageable-volumes"]
        assert second == found[1]
        wish = {"host": host, "ref": {"source-name": volume}, "name": "again", "bootable": True}
        taken = (await ask(cloud, "POST", "/manageable_volumes", {"volume": wish}))["volume"]
        assert (taken["id"], taken["size"], taken["name"]) == (volume, 3, "again")
        of = {"volume_id": volume, "ref": {"source-id": snapshot}, "name": "s"}
        await ask(cloud, "POST", "/os-snapshot-manage", {"snapshot": of})
        for noun, id in (("volume", volume), ("snapshot", snapshot)):
            await cloud.until(
                f"{V3}/{noun}s/{id}",
                lambda a, noun=noun: a.json[noun]["status"] == "available",
                as_="admin",
            )
        assert (await ask(cloud, "GET", path))["manageable-volumes"] == []

    run(tmp_path, story)
