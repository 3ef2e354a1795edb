"""The host part and compute's interface, over a cloud with simulated disks."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.block_storage.agent import StorageAgent
from cumulo.block_storage.drivers.fake import FakeDriver, Fault
from cumulo.block_storage.interface import NewVolume
from cumulo.block_storage.model.orders import DesiredStorage, DiskSource, WantedDisk
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.auth.principal import Principal
from cumulo.core.faults import BadRequest, NotFound
from tests.support.cloud import TestCloud, running_cloud


def driver_of(cloud: TestCloud) -> Any:
    part = cloud.cloud.agents[0].parts["block_storage"]
    assert isinstance(part, StorageAgent)
    return part._driver


def who(cloud: TestCloud, project: str | None = None) -> Principal:
    return Principal(
        user_id="u",
        user_name="u",
        user_domain_id="default",
        project_id=project or cloud.projects["demo"],
        roles=("member", "reader"),
    )


async def make(cloud: TestCloud, **wish: Any) -> str:
    answer = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 1, **wish}})
    assert answer.status == 202, answer.raw
    return str(answer.json["volume"]["id"])


async def status(cloud: TestCloud, volume_id: str, wanted: str) -> Any:
    path = f"/volume/v3/volumes/{volume_id}"
    answer = await cloud.until(path, lambda a: a.json["volume"]["status"] == wanted)
    return answer.json["volume"]


def run(tmp_path: Path, story: Any) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            await cloud.token("admin")
            await story(cloud)

    asyncio.run(main())


def test_a_failed_volume_says_why_and_reset_looks_again(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        driver = driver_of(cloud)
        driver.faults["make"] = Fault("the disk is on fire", count=1)
        volume_id = await make(cloud)
        await status(cloud, volume_id, "error")
        row = await cloud.cloud.database.read(lambda tx: tx.get(VolumeRow, volume_id))
        assert row is not None and row.fault == "the disk is on fire"
        path = f"/volume/v3/volumes/{volume_id}/action"
        body = {"os-reset_status": {"status": "available"}}
        assert (await cloud.call("POST", path, as_="admin", json_=body)).status == 202
        await cloud.until(
            f"/volume/v3/volumes/{volume_id}",
            lambda a: a.json["volume"]["status"] == "available",
        )

    run(tmp_path, story)


def test_a_removal_that_fails_is_tried_again(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume_id = await make(cloud)
        await status(cloud, volume_id, "available")
        driver_of(cloud).faults["remove"] = Fault("busy", count=1)
        path = f"/volume/v3/volumes/{volume_id}"
        assert (await cloud.call("DELETE", path)).status == 202
        await status(cloud, volume_id, "error_deleting")
        await cloud.until(path, lambda a: a.status == 404)

    run(tmp_path, story)


def test_an_extension_that_fails(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume_id = await make(cloud)
        await status(cloud, volume_id, "available")
        driver_of(cloud).faults["extend"] = Fault("no space", count=1)
        body = {"os-extend": {"new_size": 2}}
        await cloud.call("POST", f"/volume/v3/volumes/{volume_id}/action", json_=body)
        await status(cloud, volume_id, "error_extending")
        await cloud.call("DELETE", f"/volume/v3/volumes/{volume_id}")
        await cloud.until(f"/volume/v3/volumes/{volume_id}", lambda a: a.status == 404)
        quota = await cloud.call(
            "GET", f"/volume/v3/os-quota-sets/{cloud.projects['demo']}?usage=true"
        )
        assert quota.json["quota_set"]["gigabytes"]["in_use"] == 0

    run(tmp_path, story)


def test_what_compute_asks(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        storage, database = cloud.cloud.services.block_storage, cloud.cloud.database
        wish = {"server_id": "s1", "host_id": "fake-host", "device": "/dev/vdb"}

        def begin(tx: Any) -> tuple[str, Any]:
            volume_id = storage.create_volume(tx, who(cloud), NewVolume(size=1))
            return volume_id, storage.attach(
                tx, who(cloud), volume_id=volume_id, delete_on_termination=True, **wish
            )

        volume_id, attachment = await database.write(begin)
        assert attachment.state == "attaching" and attachment.connection is None
        await status(cloud, volume_id, "attaching")
        found = await database.read(lambda tx: storage.attachments_of(tx, ["s1", "s2"]))
        assert list(found) == ["s1"]
        assert found["s1"][0].connection["path"].endswith(f"{volume_id}.qcow2")
        with pytest.raises(BadRequest, match="already attached"):
            await database.write(
                lambda tx: storage.attach(tx, who(cloud), volume_id=volume_id, **wish)
            )
        with pytest.raises(NotFound):
            await database.write(
                lambda tx: storage.attach(tx, who(cloud, "other"), volume_id=volume_id, **wish)
            )
        await database.write(lambda tx: storage.plugged(tx, attachment.id))
        await database.write(lambda tx: storage.plugged(tx, attachment.id))
        assert (await status(cloud, volume_id, "in-use"))["attachments"][0]["server_id"] == "s1"
        answer = await cloud.call(
            "DELETE",
            f"/volume/v3/attachments/{attachment.id}",
            headers={"OpenStack-API-Version": "volume 3.54"},
        )
        assert answer.status == 409
        await database.write(lambda tx: storage.detach(tx, attachment.id))
        await status(cloud, volume_id, "detaching")
        await database.write(lambda tx: storage.release_server(tx, "s1"))
        await database.write(lambda tx: storage.release_server(tx, "s1"))
        await cloud.until(f"/volume/v3/volumes/{volume_id}", lambda a: a.status == 404)

    run(tmp_path, story)


def test_a_volume_in_error_is_not_attached(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        driver_of(cloud).faults["make"] = Fault("no", count=1)
        volume_id = await make(cloud)
        await status(cloud, volume_id, "error")
        storage = cloud.cloud.services.block_storage
        with pytest.raises(BadRequest):
            await cloud.cloud.database.write(
                lambda tx: storage.attach(
                    tx,
                    who(cloud),
                    volume_id=volume_id,
                    server_id="s",
                    host_id="fake-host",
                    device="/dev/vdb",
                )
            )

    run(tmp_path, story)


def test_an_old_report_changes_nothing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume_id = await make(cloud)
        await status(cloud, volume_id, "available")
        agent, database = cloud.cloud.agents[0], cloud.cloud.database
        part = cloud.cloud.conductor.parts["block_storage"]
        report = await agent.parts["block_storage"].apply(
            await database.read(lambda tx: part.desired(tx, "fake-host", 0))
        )
        old = [
            msgspec.structs.replace(disk, generation=disk.generation - 1, fault="old news")
            for disk in report.disks
        ]
        late = msgspec.structs.replace(report, disks=old)
        await database.write(lambda tx: part.observed(tx, "fake-host", late))
        other = msgspec.structs.replace(
            report, disks=[msgspec.structs.replace(disk, fault="not mine") for disk in report.disks]
        )

        def foreign(tx: Any) -> None:
            cloud.cloud.registry.register(tx, "other", [])
            part.observed(tx, "other", other)

        await database.write(foreign)
        await status(cloud, volume_id, "available")

    run(tmp_path, story)


def test_the_agent_asks_again_after_a_restart_and_waits_for_sources(tmp_path: Path) -> None:
    async def main() -> None:
        driver = FakeDriver(tmp_path, make_seconds=0.3)
        first = WantedDisk(id="a", generation=1, wanted="present", size_gb=1)
        second = WantedDisk(
            id="b", generation=1, wanted="present", size_gb=1, source=DiskSource(disk_id="a")
        )
        agent = StorageAgent(driver)
        desired = DesiredStorage([second, first])
        seen = await agent.apply(desired)
        for _ in range(20):
            if len(seen.disks) == 2 and all(disk.fault is None for disk in seen.disks):
                break
            await asyncio.sleep(0.1)
            seen = await agent.apply(desired)
        assert {disk.id: disk.size_gb for disk in seen.disks} == {"a": 1, "b": 1}
        again = await StorageAgent(FakeDriver(tmp_path)).apply(desired)
        assert {disk.id: disk.size_gb for disk in again.disks} == {"a": 1, "b": 1}
        gone = [
            msgspec.structs.replace(disk, generation=2, wanted="absent") for disk in (first, second)
        ]
        for each in (agent, StorageAgent(driver)):
            seen = await each.apply(DesiredStorage(gone))
            assert [disk.fault for disk in seen.disks] == [None, None]
        assert await driver.list() == []

    asyncio.run(main())
