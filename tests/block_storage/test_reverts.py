"""Volumes that go back to a snapshot, and the messages that say why they did not."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.block_storage.drivers.fake import Fault
from cumulo.block_storage.model.message import MOST, NOT_EXTENDED, MessageRow
from cumulo.block_storage.model.volume import VolumeRow, status_of
from cumulo.block_storage.service.messages import Messages
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from tests.block_storage.test_storage import driver_of, make, run, status
from tests.support.cloud import TestCloud

HEADERS = {"OpenStack-API-Version": "volume 3.40"}


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


def test_one_that_cannot_go_back_says_why_and_is_asked_again(tmp_path: Path) -> None:
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
        reset = {"os-reset_status": {"status": "available"}}
        assert (await cloud.call("POST", action, as_="admin", json_=reset)).status == 202
        # The administrator's word is shown at once: what the host sees comes after it.
        for _ in range(100):
            row = await cloud.cloud.database.read(lambda tx: tx.get(VolumeRow, volume))
            if row is not None and row.observed_size:
                break
            await asyncio.sleep(0.05)
        assert row is not None and row.reverting_to is None and row.content == 1

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
