"""Imports of every kind, over the wire: into several stores, refused, failing, killed."""

import asyncio
import gzip
import hashlib
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.db.transaction import Tx
from cumulo.core.work.jobs import Run
from cumulo.core.work.model import JobRow
from cumulo.core.work.runner import _commit
from cumulo.image.drivers.fake import FakeDriver
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import RemovalRow
from cumulo.image.service.steps import Steps
from tests.support.cloud import TestCloud, running_cloud
from tests.support.web import Web, web

STORES = {
    "file": {"type": "file"},
    "one": {"type": "fake"},
    "two": {"type": "fake", "description": "another one"},
    "http": {"type": "http"},
}
CONTENT = b"x" * 3_000_000
OCTETS = {"content-type": "application/octet-stream"}


def run(tmp_path: Path, story: Callable[[TestCloud, Web], Awaitable[None]], **image: Any) -> None:
    async def main() -> None:
        async with web() as server:
            given = {
                "image": {
                    "stores": STORES,
                    "web_download": {"allowed_ports": [server.port]},
                    **image,
                },
                "outbound": {"allowed_networks": ["127.0.0.1/32"]},
            }
            async with running_cloud(tmp_path, **given) as cloud:
                await cloud.token("demo")
                await cloud.token("admin")
                await story(cloud, server)

    asyncio.run(main())


async def new(cloud: TestCloud, **more: Any) -> str:
    body = {"name": "x", "disk_format": "raw", "container_format": "bare", **more}
    answer = await cloud.call("POST", "/image/v2/images", json_=body)
    assert answer.status == 201, answer.raw
    return str(answer.json["id"])


async def stage(cloud: TestCloud, image_id: str, content: bytes = CONTENT) -> int:
    path = f"/image/v2/images/{image_id}/stage"
    return (await cloud.call("PUT", path, headers=OCTETS, body=content)).status


async def start(cloud: TestCloud, image_id: str, name: str, as_: str = "demo", **more: Any) -> Any:
    method = {"name": name, **more.pop("method", {})}
    path = f"/image/v2/images/{image_id}/import"
    return await cloud.call("POST", path, as_=as_, json_={"method": method, **more})


async def show(cloud: TestCloud, image_id: str) -> Any:
    return (await cloud.call("GET", f"/image/v2/images/{image_id}")).json


async def ended(cloud: TestCloud, image_id: str, count: int = 1) -> Any:
    """The image's newest task, when all have ended."""

    def all_ended(answer: Any) -> bool:
        tasks = answer.json["tasks"]
        return len(tasks) == count and all(t["status"] in ("success", "failure") for t in tasks)

    answer = await cloud.until(f"/image/v2/images/{image_id}/tasks", all_ended)
    return answer.json["tasks"][0]


def fake(cloud: TestCloud, name: str) -> FakeDriver:
    store = cloud.cloud.services.image.stores.find(name)
    assert store is not None and isinstance(store.content, FakeDriver)
    return store.content


async def settled(cloud: TestCloud, image_id: str) -> None:
    """All removals of the image are done, and its quota is as it was."""
    names = ("file", "one", "two", "os_glance_staging_store")

    def left(tx: Tx) -> list[Any]:
        return [row for n in names if (row := tx.get(RemovalRow, image_id, n)) is not None]

    for _ in range(300):
        if not await cloud.cloud.database.read(left):
            break
        await asyncio.sleep(0.01)
    staging = cloud.cloud.settings.data_dir / "image-staging"
    assert [path.name for path in staging.iterdir()] == []


async def usage(cloud: TestCloud) -> dict[str, int]:
    found = (await cloud.call("GET", "/image/v2/info/usage")).json["usage"]
    return {name: each["usage"] for name, each in found.items() if each["usage"]}


def test_staged_and_imported_into_all_stores(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        assert await stage(cloud, image_id) == 204
        found = await show(cloud, image_id)
        assert (found["status"], found["size"]) == ("uploading", len(CONTENT))
        assert await usage(cloud) == {
            "image_count_total": 1,
            "image_count_uploading": 1,
            "image_stage_total": 3,
        }
        assert (await start(cloud, image_id, "glance-direct", all_stores=True)).status == 202
        task = await ended(cloud, image_id)
        assert task["status"] == "success", task
        assert task["input"]["import_req"]["method"]["name"] == "glance-direct"
        found = await show(cloud, image_id)
        assert (found["status"], found["stores"]) == ("active", "file,one,two")
        assert found["os_hash_value"] == hashlib.sha512(CONTENT).hexdigest()
        assert found["os_glance_importing_to_stores"] == found["os_glance_failed_import"] == ""
        assert "os_glance_import_task" not in found
        assert await usage(cloud) == {"image_count_total": 1, "image_size_total": 9}
        assert fake(cloud, "one").images[image_id] == CONTENT
        await settled(cloud, image_id)
        # One copy goes, the last one stays.
        path = "/image/v2/stores/{}/" + image_id
        assert (await cloud.call("DELETE", path.format("two"))).status == 403
        for name in ("one", "two"):
            answer = await cloud.call("DELETE", path.format(name), as_="admin")
            assert answer.status == 204, answer.raw
        answer = await cloud.call("DELETE", path.format("file"), as_="admin")
        assert answer.status == 403
        assert (await cloud.call("DELETE", path.format("one"), as_="admin")).status == 404
        await settled(cloud, image_id)
        assert fake(cloud, "one").images == {}
        assert await usage(cloud) == {"image_count_total": 1, "image_size_total": 3}
        assert (await cloud.call("DELETE", f"/image/v2/images/{image_id}")).status == 204
        assert await usage(cloud) == {}

    run(tmp_path, story)


def test_uploads_go_to_the_named_store(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        path = f"/image/v2/images/{image_id}/file"
        for store, status in (("none", 409), ("http", 409), ("one", 204)):
            headers = {**OCTETS, "x-image-meta-store": store}
            answer = await cloud.call("PUT", path, headers=headers, body=CONTENT)
            assert answer.status == status, answer.raw
        assert (await show(cloud, image_id))["stores"] == "one"
        assert (await cloud.call("GET", path)).raw == CONTENT

    run(tmp_path, story)


def test_web_download(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT)
        image_id = await new(cloud)
        wish = {"method": {"uri": f"{server.url}/disk.raw"}, "stores": ["two"]}
        assert (await start(cloud, image_id, "web-download", **wish)).status == 202
        assert (await ended(cloud, image_id))["status"] == "success"
        found = await show(cloud, image_id)
        assert (found["status"], found["stores"], found["size"]) == ("active", "two", 3_000_000)
        assert [asked.path for asked in server.asked] == ["/disk.raw"]
        await settled(cloud, image_id)
        server.answer = lambda asked: (404, {}, b"")
        image_id = await new(cloud)
        assert (await start(cloud, image_id, "web-download", **wish)).status == 202
        task = await ended(cloud, image_id)
        assert (task["status"], "404" in task["message"]) == ("failure", True)
        found = await show(cloud, image_id)
        assert (found["status"], found["os_glance_failed_import"]) == ("queued", "two")
        await settled(cloud, image_id)
        assert await usage(cloud) == {"image_count_total": 2, "image_size_total": 3}
        # And it can be tried again.
        server.answer = lambda asked: (200, {}, CONTENT)
        assert (await start(cloud, image_id, "web-download", **wish)).status == 202
        assert (await ended(cloud, image_id, 2))["status"] == "success"

    run(tmp_path, story)


@pytest.mark.parametrize(
    "uri", ["ftp://a/b", "file:///etc/passwd", "http://127.0.0.2/x", "http://169.254.169.254/x"]
)
def test_web_download_from_where_it_must_not(tmp_path: Path, uri: str) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        answer = await start(cloud, image_id, "web-download", method={"uri": uri})
        assert answer.status == 400 and b"does not pass filtering" in answer.raw
        assert (await show(cloud, image_id))["status"] == "queued"
        # A redirect to the metadata service is found out while it runs.
        server.answer = lambda asked: (302, {"Location": uri}, b"")
        wish = {"method": {"uri": f"{server.url}/x"}}
        assert (await start(cloud, image_id, "web-download", **wish)).status == 202
        assert (await ended(cloud, image_id))["status"] == "failure"
        assert (await show(cloud, image_id))["status"] == "queued"

    run(tmp_path, story)


def test_copies(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        path = f"/image/v2/images/{image_id}/file"
        await cloud.call("PUT", path, headers=OCTETS, body=CONTENT)
        assert (await start(cloud, image_id, "copy-image", stores=["one"])).status == 403
        fake(cloud, "two").faults["write"] = "no room"
        wish: dict[str, Any] = {"as_": "admin", "stores": ["one", "two"]}
        assert (await start(cloud, image_id, "copy-image", **wish)).status == 202
        task = await ended(cloud, image_id)
        assert (task["status"], "no room" in task["message"]) == ("failure", True)
        found = await show(cloud, image_id)
        assert (found["status"], found["stores"]) == ("active", "file")
        assert found["os_glance_failed_import"] == "two"
        await settled(cloud, image_id)
        assert fake(cloud, "one").images == {}
        wish["all_stores_must_succeed"] = False
        assert (await start(cloud, image_id, "copy-image", **wish)).status == 202
        assert (await ended(cloud, image_id, 2))["status"] == "success"
        found = await show(cloud, image_id)
        assert (found["stores"], found["os_glance_failed_import"]) == ("file,one", "two")
        await settled(cloud, image_id)
        del fake(cloud, "two").faults["write"]
        assert (await start(cloud, image_id, "copy-image", "admin", all_stores=True)).status == 202
        await ended(cloud, image_id, 3)
        assert (await show(cloud, image_id))["stores"] == "file,one,two"
        assert await usage(cloud) == {"image_count_total": 1, "image_size_total": 9}
        answer = await start(cloud, image_id, "copy-image", "admin", stores=["one"])
        assert answer.status == 400

    run(tmp_path, story)


def test_one_of_two_stores_fails(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        fake(cloud, "two").faults["keep"] = "it is on fire"
        for must, status, stores in ((True, "queued", None), (False, "active", "one")):
            image_id = await new(cloud)
            await stage(cloud, image_id)
            wish = {"stores": ["one", "two"], "all_stores_must_succeed": must}
            assert (await start(cloud, image_id, "glance-direct", **wish)).status == 202
            task = await ended(cloud, image_id)
            assert "on fire" in task["message"]
            found = await show(cloud, image_id)
            assert (found["status"], found.get("stores")) == (status, stores)
            assert found["os_glance_failed_import"] == "two"
            await settled(cloud, image_id)
        assert list(fake(cloud, "one").images) == [image_id]
        assert await usage(cloud) == {"image_count_total": 2, "image_size_total": 3}

    run(tmp_path, story)


def test_refusals(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        uri = {"uri": f"{server.url}/x"}
        for name, more, status in (
            ("nonsense", {}, 400),
            ("web-download", {}, 400),
            ("glance-direct", {}, 409),
            ("copy-image", {"as_": "admin"}, 409),
            ("web-download", {"method": uri, "stores": ["nowhere"]}, 409),
            ("web-download", {"method": uri, "stores": ["one"], "all_stores": True}, 400),
            ("glance-download", {"method": {"glance_image_id": "foo", "glance_region": "x"}}, 400),
        ):
            answer = await start(cloud, image_id, name, **more)
            assert answer.status == status, (name, more, answer.raw)
        bare = (await cloud.call("POST", "/image/v2/images", json_={})).json["id"]
        answer = await start(cloud, bare, "web-download", method=uri)
        assert answer.status == 400 and b"container_format" in answer.raw
        await stage(cloud, image_id)
        assert (await start(cloud, image_id, "web-download", method=uri)).status == 409
        assert await stage(cloud, image_id) == 409
        path = f"/image/v2/images/{image_id}/file"
        assert (await cloud.call("PUT", path, headers=OCTETS, body=b"x")).status == 409
        assert (await cloud.call("GET", f"/image/v2/images/{image_id}/tasks")).json == {"tasks": []}

    run(tmp_path, story)


def test_deleted_while_it_is_imported(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT)
        server.pause = 0.5
        image_id = await new(cloud)
        await start(cloud, image_id, "web-download", method={"uri": f"{server.url}/x"})
        while not server.asked:
            await asyncio.sleep(0.01)
        assert (await show(cloud, image_id))["status"] == "importing"
        assert (await cloud.call("DELETE", f"/image/v2/images/{image_id}")).status == 204
        assert await usage(cloud) == {}

        def failed(answer: Any) -> bool:
            return bool(answer.json["tasks"][0]["status"] == "failure")

        await cloud.until("/image/v2/tasks", failed, as_="admin")
        await settled(cloud, image_id)

    run(tmp_path, story)


def test_from_another_image_of_this_region(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        more = {"hw_cpu_cores": "5", "trait:SSD": "required", "speed": "88mph"}
        source = await new(cloud, **more)
        await cloud.call("PUT", f"/image/v2/images/{source}/file", headers=OCTETS, body=CONTENT)
        image_id = await new(cloud, disk_format="iso", container_format="ovf", hw_cpu_cores="1")
        where = {"glance_image_id": source, "glance_region": "RegionOne"}
        assert (await start(cloud, image_id, "glance-download", method=where)).status == 202
        task = await ended(cloud, image_id)
        assert task["status"] == "success", task
        found = await show(cloud, image_id)
        assert (found["disk_format"], found["container_format"]) == ("raw", "bare")
        assert (found["hw_cpu_cores"], found["trait:SSD"]) == ("5", "required")
        assert "speed" not in found and found["size"] == len(CONTENT)
        for bad in ({"glance_region": "none"}, {"glance_service_interface": "x"}):
            other = await new(cloud)
            await start(cloud, other, "glance-download", method={**where, **bad})
            assert (await ended(cloud, other))["status"] == "failure"
            assert (await show(cloud, other))["status"] == "queued"
        hidden = (
            await cloud.call(
                "POST",
                "/image/v2/images",
                as_="admin",
                json_={"disk_format": "raw", "container_format": "bare", "visibility": "private"},
            )
        ).json["id"]
        other = await new(cloud)
        await start(cloud, other, "glance-download", method={**where, "glance_image_id": hidden})
        assert "No image found" in (await ended(cloud, other))["message"]

    run(tmp_path, story)


def qcow2(tmp_path: Path) -> bytes:
    path = tmp_path / "made.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "8M"], check=True)
    return path.read_bytes()


def test_conversion_and_properties(tmp_path: Path) -> None:
    disk = qcow2(tmp_path)

    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud, disk_format="qcow2")
        await stage(cloud, image_id, disk)
        await start(cloud, image_id, "glance-direct")
        task = await ended(cloud, image_id)
        assert task["status"] == "success", task
        found = await show(cloud, image_id)
        assert (found["disk_format"], found["size"]) == ("raw", 8 << 20)
        assert found["from"] == "outside"
        answer = await cloud.call("GET", f"/image/v2/images/{image_id}/file")
        assert answer.raw == bytes(8 << 20)
        await settled(cloud, image_id)

    run(tmp_path / "d", story, convert_to="raw", inject={"from": "outside"})


def test_packed_images(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT)

    async def story(cloud: TestCloud, server: Web) -> None:
        image_id = await new(cloud)
        await stage(cloud, image_id, packed)
        await start(cloud, image_id, "glance-direct")
        task = await ended(cloud, image_id)
        assert task["status"] == "success", task["message"]
        found = await show(cloud, image_id)
        assert (found["size"], found["status"]) == (len(CONTENT), "active")
        await settled(cloud, image_id)
        assert await usage(cloud) == {"image_count_total": 1, "image_size_total": 3}

    run(tmp_path, story, decompress=True)


@pytest.mark.parametrize("where", ["fetch", "store"])
def test_another_process_goes_on(tmp_path: Path, where: str) -> None:
    """As after a kill: the lease of a process that is gone ends, the work is done once."""

    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT)
        database, service = cloud.cloud.database, cloud.cloud.services.image
        jobs = cloud.cloud.frame.jobs
        gone = Steps(database, service)
        kind = jobs.kinds["image.download"]
        image_id = await new(cloud)

        def row_of(tx: Tx) -> JobRow:
            return jobs.of(tx, image_id)[0]

        def hold(tx: Tx) -> None:
            """The job is begun, and a process has it that does nothing more."""
            due = "9999-01-01T00:00:00.0"
            tx.update(row_of(tx), lease_by="gone", epoch=1, attempts=1, due=due)

        ring = jobs.wakeup.ring
        jobs.wakeup.ring = lambda: None  # type: ignore[method-assign]
        await start(cloud, image_id, "web-download", method={"uri": f"{server.url}/x"})
        await database.write(hold)
        jobs.wakeup.ring = ring  # type: ignore[method-assign]
        if where == "store":
            for step in (gone.fetch, gone.rewrite):
                run = Run(database, kind, await database.read(row_of))
                outcome = await step(run)
                await database.write(partial(_commit, run=run, outcome=outcome))
            run = Run(database, kind, await database.read(row_of))
            row = await database.read(lambda tx: tx.get(ImageRow, image_id))
            assert row is not None and run.step == "store"
            await gone.copy(run, row, service.stores.default)
        asked = len(server.asked)
        await database.write(lambda tx: tx.update(row_of(tx), due=tx.now))
        ring()
        assert (await ended(cloud, image_id))["status"] == "success"
        assert len(server.asked) == (1 if where == "fetch" else asked)
        assert (await show(cloud, image_id))["status"] == "active"
        await settled(cloud, image_id)
        assert await usage(cloud) == {"image_count_total": 1, "image_size_total": 3}

    run(tmp_path, story)


def test_slow_downloads_of_one_tenant_hold_up_nobody(tmp_path: Path) -> None:
    """Four servers that answer half and wait: others' downloads, and the tenant's own imports of
    what is here, come to their end meanwhile."""

    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT)
        server.pause = 3600.0
        slow = [await new(cloud) for _ in range(4)]
        for image_id in slow:
            await start(cloud, image_id, "web-download", method={"uri": f"{server.url}/slow"})
        while len(server.asked) < 2:
            await asyncio.sleep(0.01)
        server.pause = 0.0
        mine = await new(cloud)
        await stage(cloud, mine)
        await start(cloud, mine, "glance-direct")
        body = {"disk_format": "raw", "container_format": "bare"}
        other = await cloud.call("POST", "/image/v2/images", as_="admin", json_=body)
        other_id = other.json["id"]
        uri = {"uri": f"{server.url}/quick"}
        assert (await start(cloud, other_id, "web-download", as_="admin", method=uri)).status == 202
        for image_id, who in ((mine, "demo"), (other_id, "admin")):
            path = f"/image/v2/images/{image_id}"
            await cloud.until(path, lambda a: a.json["status"] == "active", as_=who)
        for image_id in slow:
            assert (await show(cloud, image_id))["status"] == "importing"
            await cloud.call("DELETE", f"/image/v2/images/{image_id}")
        # Their downloads end with them, though the server says nothing.
        for _ in range(500):
            if not cloud.cloud.frame.jobs.live:
                break
            await asyncio.sleep(0.01)
        assert cloud.cloud.frame.jobs.live == {}

    run(tmp_path, story)


def test_tasks_of_the_older_api(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT)
        wish = {
            "import_from": f"{server.url}/x",
            "import_from_format": "raw",
            "image_properties": {"name": "made", "container_format": "bare"},
        }
        body: Any = {"type": "import", "input": wish}
        assert (await cloud.call("POST", "/image/v2/tasks", json_=body)).status == 403
        answer = await cloud.call("POST", "/image/v2/tasks", as_="admin", json_=body)
        assert answer.status == 201 and answer.json["status"] == "pending"
        path = f"/image/v2/tasks/{answer.json['id']}"
        assert answer.headers["location"] == path.removeprefix("/image")

        def good(answer: Any) -> bool:
            return bool(answer.json["status"] == "success")

        done = await cloud.until(path, good, as_="admin")
        image_id = done.json["result"]["image_id"]
        found = await cloud.call("GET", f"/image/v2/images/{image_id}", as_="admin")
        assert (found.json["name"], found.json["status"]) == ("made", "active")
        assert done.json["expires_at"] > done.json["created_at"]
        assert (await cloud.call("DELETE", path, as_="admin")).status == 405
        for bad in (
            {"type": "export", "input": {}},
            {"type": "import", "input": {}},
            {"type": "import", "input": {**wish, "import_from": "http://10.0.0.1/"}},
            {"type": "import", "input": {**wish, "image_properties": []}},
        ):
            answer = await cloud.call("POST", "/image/v2/tasks", as_="admin", json_=bad)
            assert answer.status == 400, answer.raw
        body["input"] = {**wish, "image_properties": {"min_disk": "many"}}
        answer = await cloud.call("POST", "/image/v2/tasks", as_="admin", json_=body)
        path = f"/image/v2/tasks/{answer.json['id']}"
        failed = await cloud.until(
            path, lambda answer: answer.json["status"] == "failure", as_="admin"
        )
        assert "min_disk" in failed.json["message"]
        server.answer = lambda asked: (500, {}, b"")
        body["input"] = wish
        answer = await cloud.call("POST", "/image/v2/tasks", as_="admin", json_=body)
        path = f"/image/v2/tasks/{answer.json['id']}"
        await cloud.until(path, lambda answer: answer.json["status"] == "failure", as_="admin")
        left = await cloud.call("GET", "/image/v2/images?name=made", as_="admin")
        assert [image["id"] for image in left.json["images"]] == [image_id]
        listed = await cloud.call("GET", "/image/v2/tasks?status=failure&limit=1", as_="admin")
        assert [task["id"] for task in listed.json["tasks"]] == [answer.json["id"]]
        assert "input" not in listed.json["tasks"][0]
        listed = await cloud.call("GET", "/image/v2/tasks?status=nonsense", as_="admin")
        assert listed.status == 400

    run(tmp_path, story)


def test_locations(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (
            (200, {"Content-Length": str(len(CONTENT))}, b"")
            if asked.method == "HEAD"
            else (200, {}, CONTENT)
        )
        url = f"{server.url}/disk"
        good = {"os_hash_algo": "sha256", "os_hash_value": hashlib.sha256(CONTENT).hexdigest()}
        image_id = await new(cloud)
        path = f"/image/v2/images/{image_id}/locations"
        for bad in (
            {"os_hash_value": good["os_hash_value"]},
            {"os_hash_algo": "sha512", "os_hash_value": good["os_hash_value"]},
            {"os_hash_algo": "sha123", "os_hash_value": good["os_hash_value"]},
        ):
            answer = await cloud.call("POST", path, json_={"url": url, "validation_data": bad})
            assert answer.status == 400, answer.raw
        for there in ("file:///etc/passwd", "http://127.0.0.9/x", "s3://a/b", "x"):
            answer = await cloud.call("POST", path, json_={"url": there})
            assert answer.status == 400, answer.raw
        wish = {"url": url, "validation_data": good}
        assert (await cloud.call("POST", path, json_=wish)).status == 202
        assert (await ended(cloud, image_id))["type"] == "location_import"
        found = await show(cloud, image_id)
        assert (found["status"], found["stores"], found["os_hash_algo"]) == (
            "active",
            "http",
            "sha256",
        )
        assert found["checksum"] == hashlib.md5(CONTENT).hexdigest()
        assert (await cloud.call("POST", path, json_=wish)).status == 409
        assert (await cloud.call("GET", path)).status == 403
        # A remote image gets a file of this machine, so that hosts can use it.
        until = await cloud.until(
            "/image/v2/cache", lambda answer: bool(answer.json["cached_images"]), as_="admin"
        )
        assert until.json["cached_images"][0]["image_id"] == image_id
        asked = len(server.asked)
        answer = await cloud.call("GET", f"/image/v2/images/{image_id}/file")
        assert answer.raw == CONTENT and len(server.asked) == asked
        # Out of the cache again: a host that asks gets it back.
        await cloud.call("DELETE", "/image/v2/cache", as_="admin")
        reading = cloud.cloud.services.image.reading
        content = Content(image_id, hashlib.sha512(CONTENT).hexdigest(), len(CONTENT))
        with pytest.raises(OSError, match="being copied"):
            await reading.open(content)
        await cloud.until(
            "/image/v2/cache", lambda answer: bool(answer.json["cached_images"]), as_="admin"
        )
        reader = await reading.open(content)
        assert await reader.read(0, 10) == CONTENT[:10]
        await reader.close()
        wrong = {"os_hash_algo": "sha512", "os_hash_value": "beefdead" * 16}
        other = await new(cloud)
        path = f"/image/v2/images/{other}/locations"
        await cloud.call("POST", path, json_={"url": url, "validation_data": wrong})
        assert (await ended(cloud, other))["status"] == "failure"
        found = await show(cloud, other)
        assert (found["status"], found["os_hash_value"], found["checksum"]) == (
            "queued",
            None,
            None,
        )
        assert (await cloud.call("DELETE", f"/image/v2/images/{image_id}")).status == 204
        with pytest.raises(Missing):
            await reading.open(content)
        cached = await cloud.call("GET", "/image/v2/cache", as_="admin")
        assert cached.json["cached_images"] == []

    run(tmp_path, story)
