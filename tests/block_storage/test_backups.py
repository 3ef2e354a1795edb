"""Backups that cannot be made or restored, and what a list of them costs."""

from pathlib import Path
from typing import Any

from cumulo.block_storage.drivers.fake import Fault
from cumulo.block_storage.model.backup import backup_status_of
from tests.block_storage.test_storage import driver_of, make, run, status
from tests.support.cloud import TestCloud
from tests.support.counting import counting

BACKUPS = "/volume/v3/backups"


def test_status() -> None:
    def word(**fields: Any) -> str:
        return backup_status_of(**{"wanted": "present", "made": True, **fields})

    assert word() == "available"
    assert word(made=False) == "creating"
    assert word(made=False, fault="why") == "error"
    assert word(restoring=2) == "restoring"
    assert word(declared="error", restoring=1) == "error"
    assert word(wanted="absent", declared="error") == "deleting"
    assert word(wanted="absent", fault="why") == "error_deleting"


async def begun(cloud: TestCloud, volume: str, **wish: Any) -> str:
    body = {"backup": {"volume_id": volume, **wish}}
    answer = await cloud.call("POST", BACKUPS, json_=body)
    assert answer.status == 202, answer.raw
    return str(answer.json["backup"]["id"])


async def backup_is(cloud: TestCloud, id: str, wanted: str) -> Any:
    path = f"{BACKUPS}/{id}"
    answer = await cloud.until(path, lambda a: a.json["backup"]["status"] == wanted, seconds=60)
    return answer.json["backup"]


def test_one_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        driver = driver_of(cloud)
        volume = await make(cloud)
        await status(cloud, volume, "available")
        driver.faults["copy_out"] = Fault("the disk is on fire", delay=0.05)
        backup = await begun(cloud, volume)
        await status(cloud, volume, "backing-up")
        path = f"{BACKUPS}/{backup}"
        assert (await cloud.call("DELETE", path)).status == 400  # it is being made
        body: Any = {"os-force_delete": {}}
        answer = await cloud.call("POST", f"{path}/action", as_="admin", json_=body)
        assert answer.status == 202
        await cloud.until(path, lambda a: a.status == 404)
        await status(cloud, volume, "available")
        quota = f"/volume/v3/os-quota-sets/{cloud.projects['demo']}?usage=true"
        used = (await cloud.call("GET", quota)).json["quota_set"]
        assert used["backups"]["in_use"] == used["backup_gigabytes"]["in_use"] == 0
        del driver.faults["copy_out"]
        gone = await make(cloud)
        await status(cloud, gone, "available")
        driver.faults["copy_out"] = Fault("the disk is on fire", delay=0.05)
        backup = await begun(cloud, gone)
        body = {"os-force_delete": {}}
        path = f"/volume/v3/volumes/{gone}/action"
        assert (await cloud.call("POST", path, as_="admin", json_=body)).status == 202
        seen = await backup_is(cloud, backup, "error")
        assert seen["fail_reason"] == f"Volume {gone} was deleted meanwhile."
        assert not list((tmp_path / "data" / "backups").glob("*"))

    run(tmp_path, story)


def test_one_that_cannot_be_restored(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        volume = await make(cloud)
        await status(cloud, volume, "available")
        backup = await begun(cloud, volume)
        await backup_is(cloud, backup, "available")
        await status(cloud, volume, "available")
        [head] = tmp_path.rglob(f"backups/{backup}/head")
        head.unlink()
        body = {"restore": {"volume_id": volume}}
        answer = await cloud.call("POST", f"{BACKUPS}/{backup}/restore", json_=body)
        assert answer.status == 202
        await status(cloud, volume, "error_restoring")
        await backup_is(cloud, backup, "available")
        reset = {"os-reset_status": {"status": "available"}}
        path = f"/volume/v3/volumes/{volume}/action"
        assert (await cloud.call("POST", path, as_="admin", json_=reset)).status == 202
        await status(cloud, volume, "available")

    run(tmp_path, story)


def test_a_list_costs_the_same_for_any_number(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        async def cost() -> int:
            await cloud.call("GET", f"{BACKUPS}/detail")
            with counting(cloud.cloud.database) as counts:  # type: ignore[arg-type]
                answer = await cloud.call("GET", f"{BACKUPS}/detail")
            assert answer.status == 200
            return counts.statements

        volume = await make(cloud)
        await status(cloud, volume, "available")
        await backup_is(cloud, await begun(cloud, volume), "available")
        few = await cost()
        for _ in range(4):
            await status(cloud, volume, "available")
            await backup_is(cloud, await begun(cloud, volume, incremental=True), "available")
        assert await cost() == few

    run(tmp_path, story)
