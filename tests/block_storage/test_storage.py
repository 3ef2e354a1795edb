"""The host part and compute's interface, over a cloud with simulated disks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.block_storage.agent import StorageAgent
from cumulo.block_storage.drivers.fake import FakeDriver, Fault
from cumulo.block_storage.interface import NewVolume
from cumulo.block_storage.model.orders import DiskSource, SeenDisk, WantedDisk
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.content import Content
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.journal import Journal
from cumulo.core.hosts.messages import Report, Seen
from cumulo.core.hosts.model import ItemRow
from tests.support.cloud import TestCloud, running_cloud
from tests.support.contents import Store, shelf_at
from tests.support.items import Desk, until, worker_at
from tests.support.restore import put_copy_back


def driver_of(cloud: TestCloud) -> Any:
    part = cloud.cloud.agents[0].parts["block_storage"]
    assert isinstance(part, StorageAgent)
    return part.driver


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
        assert found["s1"][0].connection["name"].endswith(f"{volume_id}.qcow2")
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


def test_reports_that_are_old_foreign_or_doubled(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume_id = await make(cloud)
        await status(cloud, volume_id, "available")
        conductor, registry = cloud.cloud.conductor, cloud.cloud.registry
        database = cloud.cloud.database

        def found(tx: Any) -> tuple[str, ItemRow | None]:
            registry.register(tx, "other", ["block_storage"])
            return registry.cloud_id(tx), tx.get(ItemRow, "fake-host", "block_storage", volume_id)

        cloud_id, item = await database.write(found)
        assert item is not None

        async def say(version: int, host: str = "fake-host", epoch: int = 1, **more: Any) -> Any:
            seen = Seen(id=volume_id, version=version, **more)
            report = Report(kind="block_storage", cloud=cloud_id, epoch=epoch, upto=1, items=[seen])
            return await conductor.report(host, report)

        lost = {"state": SeenDisk(size_gb=0), "fault": "lost", "failures": 1}
        await say(item.version - 1, **lost)
        assert (await say(item.version, epoch=0, **lost)).stale
        assert volume_id in (await say(item.version, host="other", **lost)).refused
        assert volume_id in (await say(item.version, gone=True)).refused
        await status(cloud, volume_id, "available")
        path = f"/volume/v3/volumes/{volume_id}"
        driver_of(cloud).faults["remove"] = Fault("busy")
        await cloud.call("DELETE", path)
        await status(cloud, volume_id, "error_deleting")
        for _ in range(2):
            assert (await say(item.version + 1, gone=True)).refused == {}
        assert (await cloud.call("GET", path)).status == 404
        quota = f"/volume/v3/os-quota-sets/{cloud.projects['demo']}?usage=true"
        used = (await cloud.call("GET", quota)).json["quota_set"]["volumes"]["in_use"]
        assert used == 0, "given back once"

    run(tmp_path, story)


def test_a_restored_copy_removes_nothing_and_makes_nothing_up(tmp_path: Path) -> None:
    """The copy was taken after the last start: only the host's own journal can tell."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            grown, deleted = await make(cloud), await make(cloud)
            for volume_id in (grown, deleted):
                await status(cloud, volume_id, "available")
            cloud.cloud.database.keep_copy("yesterday")  # type: ignore[attr-defined]
            later = [await make(cloud, size=3) for _ in range(2)]
            for volume_id in later:
                await status(cloud, volume_id, "available")
            body = {"os-extend": {"new_size": 2}}
            await cloud.call("POST", f"/volume/v3/volumes/{grown}/action", json_=body)
            await status(cloud, grown, "available")
            await cloud.call("DELETE", f"/volume/v3/volumes/{deleted}")
            await cloud.until(f"/volume/v3/volumes/{deleted}", lambda a: a.status == 404)
        put_copy_back(tmp_path, "yesterday")
        async with running_cloud(tmp_path) as cloud:
            await status(cloud, grown, "available")
            assert (await status(cloud, deleted, "error"))["size"] == 1
            assert set(await driver_of(cloud).names()) == {grown, *later}
            seen = await cloud.cloud.database.read(lambda tx: tx.get(VolumeRow, deleted))
            assert seen is not None and "not on this host any more" in str(seen.fault)
            await _decide(cloud, later)
            # The cloud goes on as ever, on the volume that was larger than it knew.
            body = {"os-extend": {"new_size": 4}}
            await cloud.call("POST", f"/volume/v3/volumes/{grown}/action", json_=body)
            await cloud.until(
                f"/volume/v3/volumes/{grown}",
                lambda a: (
                    a.json["volume"]["status"] == "available" and a.json["volume"]["size"] == 4
                ),
            )

    asyncio.run(main())


async def _decide(cloud: TestCloud, later: list[str]) -> None:
    """An operator adopts one of two disks that nobody knows, and removes the other."""
    found = await cloud.until(
        "/cumulo/hosts/unknown", lambda a: len(a.json["unknown"]) == 2, as_="admin"
    )
    assert {each["id"] for each in found.json["unknown"]} == set(later)
    assert found.json["unknown"][0]["facts"]["size_gb"] == 3
    assert (await cloud.call("GET", "/cumulo/hosts/unknown")).status == 403
    named = {"host": "fake-host", "kind": "block_storage"}
    project = cloud.projects.get("demo") or (await cloud.token("demo") and cloud.projects["demo"])
    refused = await cloud.call(
        "POST",
        "/cumulo/hosts/unknown/adopt",
        as_="admin",
        json_={**named, "id": later[0], "project": "nobody"},
    )
    assert refused.status == 400
    answer = await cloud.call(
        "POST",
        "/cumulo/hosts/unknown/adopt",
        as_="admin",
        json_={**named, "id": later[0], "project": project},
    )
    assert answer.status == 200, answer.raw
    assert (await status(cloud, later[0], "available"))["size"] == 3
    answer = await cloud.call(
        "POST", "/cumulo/hosts/unknown/remove", as_="admin", json_={**named, "id": later[1]}
    )
    assert answer.status == 202, answer.raw
    await until(lambda: not driver_of(cloud).has(later[1]))
    assert driver_of(cloud).has(later[0])
    again = await cloud.call(
        "POST", "/cumulo/hosts/unknown/remove", as_="admin", json_={**named, "id": later[1]}
    )
    assert again.status == 404


def test_a_new_agent_finds_what_the_old_one_made(tmp_path: Path) -> None:
    async def main() -> None:
        desk, driver = Desk(), FakeDriver(tmp_path, make_seconds=0.2)
        desk.order("b", WantedDisk(id="b", generation=1, size_gb=1, source=DiskSource(disk_id="a")))
        desk.order("a", WantedDisk(id="a", generation=1, size_gb=1))
        journal = tmp_path / "journal"
        worker = worker_at(
            desk, StorageAgent(driver, shelf_at(tmp_path), tmp_path), Journal(journal, WantedDisk)
        )
        task = asyncio.create_task(worker.run())
        await until(lambda: len(desk.seen) == 2 and all(s.done for s in desk.seen.values()))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert {id: seen.state.size_gb for id, seen in desk.seen.items()} == {"a": 1, "b": 1}
        desk.remove("a")
        agent = StorageAgent(FakeDriver(tmp_path), shelf_at(tmp_path), tmp_path)
        await worker_at(desk, agent, Journal(journal, WantedDisk)).once()
        assert await agent.driver.names() == ["b"]
        assert desk.seen["a"].gone and desk.seen["b"].done and desk.unknown == {}

    asyncio.run(asyncio.wait_for(main(), 20))


def test_two_long_copies_hold_up_no_blank_volume(tmp_path: Path) -> None:
    async def main() -> None:
        class Slow(FakeDriver):
            async def ensure_volume(self, spec: Any) -> Any:
                if spec.source is not None:
                    await asyncio.sleep(3600)
                return await super().ensure_volume(spec)

        desk = Desk()
        store = Store(tmp_path / "store")
        store.put("an-image", b"content")
        source = DiskSource(content=Content("an-image", "", 7))
        for name in ("one", "two", "three"):
            desk.order(name, WantedDisk(id=name, generation=1, size_gb=1, source=source))
        worker = worker_at(desk, StorageAgent(Slow(), shelf_at(tmp_path, store), tmp_path))
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(0.1)
        for number in range(20):
            desk.order(f"v{number}", WantedDisk(id=f"v{number}", generation=1, size_gb=1))
        worker.bell.ring()
        await until(lambda: sum(seen.done for seen in desk.seen.values()) == 20, 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
