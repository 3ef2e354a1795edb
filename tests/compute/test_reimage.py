"""Another image for the volume that a server boots from (API 2.93), or for nobody's volume."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.block_storage.agent import StorageAgent
from cumulo.block_storage.drivers.fake import Fault
from tests.compute.test_moves import SERVERS, now, used
from tests.support.cloud import TestCloud, running_cloud

NEWER = {"openstack-api-version": "compute 2.93"}
VOLUMES = "/volume/v3/volumes"
V368 = {"openstack-api-version": "volume 3.68"}


def storage(cloud: TestCloud) -> Any:
    part = cloud.cloud.agents[0].parts["block_storage"]
    assert isinstance(part, StorageAgent)
    return part.driver


async def other_image(cloud: TestCloud) -> str:
    about = {"name": "other", "disk_format": "raw", "container_format": "bare"}
    made = await cloud.call("POST", "/image/v2/images", json_=about)
    path = f"/image/v2/images/{made.json['id']}"
    sent = await cloud.call(
        "PUT",
        f"{path}/file",
        body=b"x" * 4096,
        headers={"content-type": "application/octet-stream"},
    )
    assert sent.status == 204, sent.raw
    return str(made.json["id"])


async def volume_of(cloud: TestCloud, volume_id: str) -> Any:
    return (await cloud.call("GET", f"{VOLUMES}/{volume_id}")).json["volume"]


def test_a_server_gets_another_image_in_its_volume(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            other = await other_image(cloud)
            root = {"source_type": "image", "uuid": cloud.image, "volume_size": 2}
            root |= {"destination_type": "volume", "boot_index": 0}
            wish = {"name": "v", "flavorRef": "42", "networks": "none"}
            body = {"server": wish | {"block_device_mapping_v2": [root]}}
            made = await cloud.call("POST", SERVERS, json_=body, headers=NEWER)
            id = made.json["server"]["id"]
            server = await now(cloud, id, "ACTIVE")
            (volume,) = server["os-extended-volumes:volumes_attached"]
            rebuild = {"rebuild": {"imageRef": other, "name": "w"}}
            path = f"{SERVERS}/{id}/action"

            async def ask(version: str) -> int:
                headers = {"openstack-api-version": f"compute {version}"}
                return (await cloud.call("POST", path, json_=rebuild, headers=headers)).status

            assert await ask("2.92") == 400
            assert await ask("2.93") == 202
            shown = (await cloud.call("GET", f"{SERVERS}/{id}", headers=NEWER)).json["server"]
            assert (shown["status"], shown["image"], shown["name"]) == ("REBUILD", "", "w")
            await now(cloud, id, "ACTIVE")
            found = await volume_of(cloud, volume["id"])
            assert (found["status"], found["volume_image_metadata"]["image_id"]) == (
                "in-use",
                other,
            )
            assert storage(cloud).content(volume["id"]) > 0 and await used(cloud) == 1
            actions = await cloud.call("GET", f"{SERVERS}/{id}/os-instance-actions", headers=NEWER)
            assert actions.json["instanceActions"][0]["action"] == "rebuild"

            storage(cloud).faults["make"] = Fault("the disk is broken")
            rebuild["rebuild"]["imageRef"] = cloud.image
            assert await ask("2.93") == 202
            broken = await now(cloud, id, "ERROR")
            assert "the disk is broken" in broken["fault"]["message"]
            assert (await volume_of(cloud, volume["id"]))["status"] == "error"
            storage(cloud).faults.clear()
            assert await ask("2.93") == 202, "once more"
            await now(cloud, id, "ACTIVE")
            assert (await volume_of(cloud, volume["id"]))["status"] == "in-use"
            rebuild["rebuild"]["imageRef"] = other
            assert await ask("2.93") == 202
            assert (await cloud.call("DELETE", f"{SERVERS}/{id}")).status == 204
            await cloud.until(SERVERS, lambda a: a.json["servers"] == [])

    asyncio.run(story())


def test_a_volume_of_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            other = await other_image(cloud)
            made = await cloud.call("POST", VOLUMES, json_={"volume": {"name": "b", "size": 1}})
            id = made.json["volume"]["id"]
            path = f"{VOLUMES}/{id}"

            def is_ready(answer: Any) -> bool:
                return bool(answer.json["volume"]["status"] == "available")

            await cloud.until(path, is_ready)
            wish = {"os-reimage": {"image_id": other}}
            older = {"openstack-api-version": "volume 3.67"}
            assert (
                await cloud.call("POST", f"{path}/action", json_=wish, headers=older)
            ).status in (
                400,
                404,
            )
            asked = await cloud.call("POST", f"{path}/action", json_=wish, headers=V368)
            assert asked.status == 202, asked.raw
            again = await cloud.call("POST", f"{path}/action", json_=wish, headers=V368)
            assert again.status == 400, "while it is being written"
            await cloud.until(path, is_ready)
            found = await volume_of(cloud, id)
            assert found["bootable"] == "true"
            assert found["volume_image_metadata"]["image_id"] == other

    asyncio.run(story())
