"""Volumes that go back to a snapshot, and the messages that say why they did not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.block_storage.drivers.fake import Fault
from cumulo.block_storage.model.message import MOST, NOT_EXTENDED, MessageRow
from cumulo.block_storage.model.orders import WantedDisk
from cumulo.block_storage.model.pool import PoolRow
from cumulo.block_storage.model.volume import VolumeRow, status_of
from cumulo.block_storage.part import _volume_disk
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.sources import Source
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from tests.block_storage.test_storage import driver_of, make, run, status, who
from tests.support.cloud import TestCloud

HEADERS = {"OpenStack-API-Version": "volume 3.40"}
VOLUMES = "/volume/v3/volumes"


def test_status() -> None:
    def word(**fields: Any) -> str:
        fields = {"wanted": "present", "size": 1, "observed_size": 0, "fault": None, **fields}
        return status_of(reverting=True, from_image=True, **fields)

    assert word() == "reverting"
    assert word(fault="why") == "error"
    assert word(observed_size=1) == "available"
    assert word(wanted="absent") == "deleting"


async def messages(cloud: TestCloud) -> Any:
    answer = await cloud.call("GET", "/volume/v3/messages", headers=HEADERS)
    assert answer.status == 200, answer.raw
    return answer.json["messages"]


async def with_snapshot(cloud: TestCloud) -> tuple[str, str]:
    volume = await make(cloud)
    await status(cloud, volume, "available")
    wish = {"snapshot": {"volume_id": volume}}
    answer = await cloud.call("POST", "/volume/v3/snapshots", json_=wish)
    snapshot = str(answer.json["snapshot"]["id"])
    path = f"/volume/v3/snapshots/{snapshot}"
    await cloud.until(path, lambda a: a.json["snapshot"]["status"] == "available")
    return volume, snapshot


async def has(cloud: TestCloud, volume: str) -> VolumeRow:
    """When its host has said that it is there. An administrator's word is shown before that."""
    for _ in range(200):
        row = await cloud.cloud.database.read(lambda tx: tx.get(VolumeRow, volume))
        if row is not None and row.observed_size and row.connection is not None:
            return row
        await asyncio.sleep(0.05)
    raise AssertionError(row)


def test_one_that_cannot_go_back_says_why_and_has_what_it_had(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume = await make(cloud)
        await status(cloud, volume, "available")
        wish = {"snapshot": {"volume_id": volume}}
        answer = await cloud.call("POST", "/volume/v3/snapshots", json_=wish)
        snapshot = answer.json["snapshot"]["id"]
        path = f"/volume/v3/snapshots/{snapshot}"
        await cloud.until(path, lambda a: a.json["snapshot"]["status"] == "available")
        driver_of(cloud).faults["make"] = Fault("the disk is on fire", count=1, delay=0.2)
        action = f"/volume/v3/volumes/{volume}/action"
        body: Any = {"revert": {"snapshot_id": snapshot}}
        answer = await cloud.call("POST", action, json_=body, headers=HEADERS)
        assert answer.status == 202
        await status(cloud, volume, "reverting")
        assert (await cloud.call("DELETE", path)).status == 400  # it is being read
        again = await cloud.call("POST", action, json_=body, headers=HEADERS)
        assert again.status == 409
        await status(cloud, volume, "error")
        [said] = await messages(cloud)
        assert said["resource_uuid"] == volume
        assert said["user_message"] == "revert volume:the disk is on fire"
        row = await cloud.cloud.database.read(lambda tx: tx.get(VolumeRow, volume))
        assert row is not None and (row.reverting_to, row.fault) == (None, "the disk is on fire")
        made = driver_of(cloud).content(volume)
        reset = {"os-reset_status": {"status": "available"}}
        assert (await cloud.call("POST", action, as_="admin", json_=reset)).status == 202
        row = await has(cloud, volume)
        assert row.status == "available" and driver_of(cloud).content(volume) == made
        assert (await cloud.call("POST", action, json_=body, headers=HEADERS)).status == 202
        await has(cloud, volume)
        assert driver_of(cloud).content(volume) > made

    run(tmp_path, story)


def test_an_image_is_not_the_snapshot_of_a_revert_that_failed(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume, snapshot = await with_snapshot(cloud)
        driver_of(cloud).faults["make"] = Fault("the disk is on fire", count=1)
        action = f"{VOLUMES}/{volume}/action"
        body: Any = {"revert": {"snapshot_id": snapshot}}
        assert (await cloud.call("POST", action, json_=body, headers=HEADERS)).status == 202
        await status(cloud, volume, "error")

        def reimage(tx: Tx) -> WantedDisk:
            storage = cloud.cloud.services.block_storage
            row = tx.get(VolumeRow, volume)
            assert row is not None
            source = Source(format="raw", image_id="11111111-1111-4111-8111-111111111111")
            row = storage.volumes.write_image(tx, row, source, who(cloud))
            return _volume_disk(row, {})

        disk = await cloud.cloud.database.write(reimage)
        assert disk.source is not None and disk.source.disk_id is None
        assert disk.source.content is not None

    run(tmp_path, story)


def test_a_cascade_leaves_what_is_being_copied(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume, snapshot = await with_snapshot(cloud)
        driver_of(cloud).faults["copy_out"] = Fault("not yet", delay=0.2)
        body = {"backup": {"volume_id": volume, "snapshot_id": snapshot}}
        answer = await cloud.call("POST", "/volume/v3/backups", json_=body)
        assert answer.status == 202, answer.raw
        path = f"{VOLUMES}/{volume}?cascade=true"
        assert (await cloud.call("DELETE", path)).status == 400
        answer = await cloud.call("GET", f"/volume/v3/snapshots/{snapshot}")
        assert answer.json["snapshot"]["status"] == "available"
        await status(cloud, volume, "available")

    run(tmp_path, story)


def test_what_a_frozen_host_has_stays_as_it_is(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume, snapshot = await with_snapshot(cloud)
        answer = await cloud.call(
            "POST", "/volume/v3/backups", json_={"backup": {"volume_id": volume}}
        )
        backup = answer.json["backup"]["id"]
        await cloud.until(
            f"/volume/v3/backups/{backup}", lambda a: a.json["backup"]["status"] == "available"
        )
        await status(cloud, volume, "available")
        body: Any = {"volume_type": {"name": "other"}}
        assert (await cloud.call("POST", "/volume/v3/types", as_="admin", json_=body)).status == 200

        def freeze(tx: Tx) -> None:
            row = tx.get(VolumeRow, volume)
            pool = tx.get(PoolRow, (row and row.host_id) or "")
            assert pool is not None
            tx.update(pool, frozen=True)

        await cloud.cloud.database.write(freeze)

        def reimage(tx: Tx) -> None:
            row = tx.get(VolumeRow, volume)
            assert row is not None
            with pytest.raises(BadRequest, match="frozen"):
                volumes = cloud.cloud.services.block_storage.volumes
                volumes.check_image(tx, row, Source(format="raw", image_id="i"), ("available",))

        await cloud.cloud.database.read(reimage)
        of, action = f"{VOLUMES}/{volume}", f"{VOLUMES}/{volume}/action"
        asked: list[tuple[str, str, Any]] = [
            ("POST", action, {"revert": {"snapshot_id": snapshot}}),
            ("POST", action, {"os-extend": {"new_size": 2}}),
            ("POST", action, {"os-retype": {"new_type": "other"}}),
            ("POST", f"/volume/v3/backups/{backup}/restore", {"restore": {"volume_id": volume}}),
            ("DELETE", f"/volume/v3/snapshots/{snapshot}", None),
            ("DELETE", f"{of}?cascade=true", None),
        ]
        for method, path, wish in asked:
            answer = await cloud.call(method, path, json_=wish, headers=HEADERS)
            assert answer.status == 400 and b"frozen" in answer.raw, (path, wish, answer.raw)
        assert (await status(cloud, volume, "available"))["size"] == 1

    run(tmp_path, story)


def test_messages_are_so_many_and_of_late(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        def many(tx: Tx) -> int:
            old = MessageRow(
                **{name: "old" for name in MessageRow.__struct_fields__}
                | {"created_at": tx.now, "expires_at": later(tx.now, -1)}
            )
            tx.insert(old)
            for n in range(MOST + 5):
                tx.insert(
                    MessageRow(
                        **{name: f"{n}" for name in MessageRow.__struct_fields__}
                        | {
                            "project_id": "p",
                            "created_at": later(tx.now, -n),
                            "expires_at": later(tx.now, 60),
                        }
                    )
                )
            Messages().failed(tx, "VOLUME", "v", "p", NOT_EXTENDED)
            assert tx.get(MessageRow, "old") is None
            assert tx.get(MessageRow, str(MOST)) is None
            return Messages.listing.count(tx, {"project_id": "p"})

        assert await cloud.cloud.database.write(many) == MOST

    run(tmp_path, story)
