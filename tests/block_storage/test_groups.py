"""Groups: their status follows from their volumes', and lists cost the same for any number."""

from pathlib import Path
from typing import Any

from cumulo.block_storage.drivers.fake import Fault
from cumulo.block_storage.model.group import group_status_of
from tests.block_storage.test_storage import driver_of, run
from tests.support.cloud import TestCloud
from tests.support.counting import counting

V3 = "/volume/v3"
HEADERS = {"OpenStack-API-Version": "volume 3.58"}


def test_status() -> None:
    def status(*parts: str, **fields: Any) -> str:
        return group_status_of(**{"wanted": "present", "making": True, "parts": parts, **fields})

    assert status("available", "creating") == "creating"
    assert status("available", "downloading") == "creating"
    assert status("available", "error", "creating") == "error"
    assert status("available", "in-use") == "available"
    assert status("error", making=False) == "available"
    assert status("available", declared="error") == "error"
    assert status("deleting", wanted="absent", declared="available") == "deleting"
    assert status("deleting", "error_deleting", wanted="absent") == "error_deleting"


async def ask(cloud: TestCloud, method: str, path: str, body: Any = None, status: int = 202) -> Any:
    answer = await cloud.call(method, f"{V3}{path}", json_=body, headers=HEADERS)
    assert answer.status == status, answer.raw
    return answer.json if answer.raw else None


async def a_group(cloud: TestCloud, volumes: int) -> str:
    wish = {"group_type": "default_cgsnapshot_type", "volume_types": ["__DEFAULT__"]}
    group = (await ask(cloud, "POST", "/groups", {"group": wish}))["group"]["id"]
    for _ in range(volumes):
        await ask(cloud, "POST", "/volumes", {"volume": {"size": 1, "group_id": group}})
    return str(group)


async def settled(cloud: TestCloud) -> None:
    def at_rest(answer: Any) -> bool:
        return all(v["status"] == "available" for v in answer.json["volumes"])

    await cloud.until(f"{V3}/volumes/detail", at_rest)


def test_lists_cost_the_same_for_any_number(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        async def costs() -> list[int]:
            found = []
            for path in ("/groups/detail?list_volume=true", "/volumes/detail", "/group_snapshots"):
                await ask(cloud, "GET", path, status=200)
                with counting(cloud.cloud.database) as counts:  # type: ignore[arg-type]
                    await ask(cloud, "GET", path, status=200)
                found.append(counts.statements)
            return found

        await ask(cloud, "GET", "/types/default", status=200)
        await a_group(cloud, 2)
        await settled(cloud)
        few = await costs()
        for _ in range(4):
            await a_group(cloud, 1)
        await settled(cloud)
        assert await costs() == few

    run(tmp_path, story)


def test_a_volume_that_cannot_go_keeps_its_group(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await ask(cloud, "GET", "/types/default", status=200)
        group = await a_group(cloud, 2)
        await settled(cloud)
        driver_of(cloud).faults["remove"] = Fault("the disk is on fire", count=1)
        path = f"/groups/{group}"
        await ask(cloud, "POST", f"{path}/action", {"delete": {"delete-volumes": True}})
        answer = await cloud.call("GET", f"{V3}{path}", headers=HEADERS)
        assert answer.status == 404 or answer.json["group"]["status"] in (
            "deleting",
            "error_deleting",
        )
        await cloud.until(f"{V3}{path}", lambda a: a.status == 404, headers=HEADERS)

    run(tmp_path, story)


def test_what_could_not_be_made_says_so_in_its_group(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await ask(cloud, "GET", "/types/default", status=200)
        group = await a_group(cloud, 2)
        await settled(cloud)
        driver_of(cloud).faults["make"] = Fault("the disk is on fire", count=1)
        wish = {"create-from-src": {"source_group_id": group}}
        copy = (await ask(cloud, "POST", "/groups/action", wish))["group"]["id"]
        await cloud.until(
            f"{V3}/groups/{copy}",
            lambda a: a.json["group"]["status"] == "error",
            headers=HEADERS,
        )
        body = {"delete": {"delete-volumes": True}}

        async def asked() -> int:
            answer = await cloud.call(
                "POST", f"{V3}/groups/{copy}/action", json_=body, headers=HEADERS
            )
            return int(answer.status)

        for _ in range(50):
            if await asked() == 202:
                break
            await settled_but_failed(cloud)
        await cloud.until(f"{V3}/groups/{copy}", lambda a: a.status == 404, headers=HEADERS)

    async def settled_but_failed(cloud: TestCloud) -> None:
        def at_rest(answer: Any) -> bool:
            return all(v["status"] in ("available", "error") for v in answer.json["volumes"])

        await cloud.until(f"{V3}/volumes/detail", at_rest)

    run(tmp_path, story)
