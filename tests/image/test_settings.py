"""What an operator sets: property protection, shown locations, limits of identity, no hashes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.image.service.protection import Protection
from tests.image.test_imports import CONTENT, OCTETS, ended, new, run, show, start, usage
from tests.support.cloud import TestCloud
from tests.support.web import Web

PATCH = {"content-type": "application/openstack-images-v2.1-json-patch"}
RULES = """
[^secret_.*]
create = admin
read = admin
update = admin
delete = admin

[^seen_.*]
create = admin
read = admin,member
update = !
delete = admin

[^owner_.*]
create = @
read = @
update = @
delete = @
"""


async def patch(cloud: TestCloud, image_id: str, *steps: Any, as_: str = "demo") -> Any:
    path = f"/image/v2/images/{image_id}"
    return await cloud.call("PATCH", path, as_=as_, json_=list(steps), headers=PATCH)


def test_protected_properties(tmp_path: Path) -> None:
    (tmp_path / "rules.conf").write_text(RULES)

    async def story(cloud: TestCloud, server: Web) -> None:
        for name in ("secret_a", "seen_a", "else_a"):
            answer = await cloud.call("POST", "/image/v2/images", json_={name: "x"})
            assert answer.status == 403, name
        image_id = await new(cloud, owner_a="mine")
        add = {"op": "add", "path": "/secret_a", "value": "x"}
        assert (await patch(cloud, image_id, add)).status == 403
        more = {"op": "add", "path": "/seen_a", "value": "y"}
        answer = await patch(cloud, image_id, add, more, as_="admin")
        assert answer.status == 200 and answer.json["secret_a"] == "x"
        found = await show(cloud, image_id)
        assert "secret_a" not in found and (found["seen_a"], found["owner_a"]) == ("y", "mine")
        listed = (await cloud.call("GET", "/image/v2/images?name=x")).json["images"][0]
        assert "secret_a" not in listed and listed["seen_a"] == "y"
        replace = {"op": "replace", "path": "/secret_a", "value": "z"}
        assert (await patch(cloud, image_id, replace)).status == 409
        replace = {"op": "replace", "path": "/seen_a", "value": "z"}
        assert (await patch(cloud, image_id, replace, as_="admin")).status == 403
        remove = {"op": "remove", "path": "/seen_a"}
        assert (await patch(cloud, image_id, remove)).status == 403
        assert (await patch(cloud, image_id, remove, as_="admin")).status == 200
        assert (await patch(cloud, image_id, {"op": "remove", "path": "/owner_a"})).status == 200
        # Who may not read it cannot find out by filtering either.
        listed = (await cloud.call("GET", "/image/v2/images?secret_a=x")).json["images"]
        assert listed == []

    run(tmp_path, story, property_protection="rules.conf")


@pytest.mark.parametrize(
    "text",
    ["[(]\nread = @", "[a]\nread = @,admin", "[a]\nread = @\n[a]\nread = @", "read = @", "[a\nb"],
)
def test_rules_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError):
        Protection(text)


def test_rules_by_policy() -> None:
    text = "[a.*]\ncreate = one\nread = two\nupdate = @\ndelete = !\n"
    asked: list[str] = []

    def allowed(policy: str) -> bool:
        asked.append(policy)
        return policy == "one"

    access = Protection(text, "policies").access([], allowed)
    verbs = ("create", "read", "update", "delete")
    assert [access.may(verb, "abc") for verb in verbs] == [True, False, True, False]
    assert not access.may("read", "b") and asked == ["one", "two"]
    with pytest.raises(ValueError, match="one policy"):
        Protection("[a]\nread = one,two\n", "policies")


def test_locations_by_patch(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, CONTENT if asked.method == "GET" else b"")
        image_id = await new(cloud)
        assert (await show(cloud, image_id))["locations"] == []
        one = {"url": f"{server.url}/one", "metadata": {"a": "b"}}
        two = {"url": f"{server.url}/two", "metadata": {}}
        for bad in ("gopher://x", "file:///etc/passwd", "http://10.0.0.1/x", "s3://x/y"):
            step = {"op": "add", "path": "/locations/-", "value": {**one, "url": bad}}
            assert (await patch(cloud, image_id, step)).status == 400
        for value in ({}, [], {"url": 1, "metadata": {}}, "x"):
            step = {"op": "add", "path": "/locations/-", "value": value}
            assert (await patch(cloud, image_id, step)).status == 400
        step = {"op": "add", "path": "/locations/-", "value": one}
        answer = await patch(cloud, image_id, step)
        assert (answer.status, answer.json["status"]) == (200, "active")
        shown = {"url": one["url"], "metadata": {"a": "b", "store": "http"}}
        assert answer.json["locations"] == [shown]
        assert answer.json["direct_url"] == one["url"]
        assert (await patch(cloud, image_id, step)).status == 400
        step = {"op": "add", "path": "/locations/1", "value": two}
        assert len((await patch(cloud, image_id, step)).json["locations"]) == 2
        # Its size is known, and counts, when a copy is here.
        await cloud.until(
            f"/image/v2/images/{image_id}", lambda answer: answer.json["size"] == len(CONTENT)
        )
        assert (await usage(cloud))["image_size_total"] == 6
        answer = await cloud.call("GET", f"/image/v2/images/{image_id}/file")
        assert answer.raw == CONTENT
        step = {"op": "replace", "path": "/locations", "value": [one]}
        assert (await patch(cloud, image_id, step)).status == 400
        step = {"op": "replace", "path": "/locations", "value": []}
        assert (await patch(cloud, image_id, step)).status == 403
        changed = [{**one, "metadata": {"c": "d"}}, two]
        step = {"op": "replace", "path": "/locations", "value": changed}
        answer = await patch(cloud, image_id, step)
        assert answer.json["locations"][0]["metadata"] == {"c": "d", "store": "http"}
        step = {"op": "remove", "path": "/locations/0"}
        assert (await patch(cloud, image_id, step)).status == 403
        assert (await patch(cloud, image_id, step, as_="admin")).status == 200
        assert (await patch(cloud, image_id, step, as_="admin")).status == 403
        assert (await usage(cloud))["image_size_total"] == 3

    run(tmp_path, story, show_locations=True, show_direct_url=True)


def test_what_hosts_must_not_open_is_not_cached(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (200, {}, b"QFI\xfb" + bytes(1000))
        image_id = await new(cloud, disk_format="qcow2")
        value = {"url": f"{server.url}/one", "metadata": {}}
        step = {"op": "add", "path": "/locations/-", "value": value}
        assert (await patch(cloud, image_id, step)).status == 200
        while len([asked for asked in server.asked if asked.method == "GET"]) < 2:
            await asyncio.sleep(0.01)
        cached = await cloud.call("GET", "/image/v2/cache", as_="admin")
        assert cached.json == {"cached_images": [], "queued_images": [image_id]}

    run(tmp_path, story, show_locations=True)


def test_locations_without_hashes(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        server.answer = lambda asked: (
            200,
            {"Content-Length": "3000000"},
            CONTENT if asked.method == "GET" else b"",
        )
        image_id = await new(cloud)
        path = f"/image/v2/images/{image_id}/locations"
        assert (await cloud.call("POST", path, json_={"url": f"{server.url}/x"})).status == 202
        assert (await ended(cloud, image_id))["status"] == "success"
        found = await show(cloud, image_id)
        assert (found["size"], found["checksum"], found["os_hash_value"]) == (3_000_000, None, None)

    run(tmp_path, story, secure_hash=False)


@pytest.mark.parametrize("hashes", [True, False])
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_location_of_another_format_fails_only_where_it_is_looked_at(
    tmp_path: Path, looked_at: bool, hashes: bool
) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        size = {"Content-Length": str(len(CONTENT))}
        server.answer = lambda asked: (200, size, CONTENT if asked.method == "GET" else b"")
        image_id = await new(cloud, disk_format="qcow2")
        path = f"/image/v2/images/{image_id}/locations"
        assert (await cloud.call("POST", path, json_={"url": f"{server.url}/x"})).status == 202
        task = await ended(cloud, image_id)
        found = await show(cloud, image_id)
        if looked_at:
            assert task["status"] == "failure" and "not accepted" in task["message"]
            assert found["status"] == "queued"
        else:
            assert task["status"] == "success" and found["status"] == "active"
            # No host gets to open it as what it is not.
            await asyncio.sleep(0.3)
            cached = await cloud.call("GET", "/image/v2/cache", as_="admin")
            assert cached.json["cached_images"] == []

    run(tmp_path, story, look_at_locations=looked_at, secure_hash=hashes)


def test_limits_of_identity(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        services = (await cloud.call("GET", "/identity/v3/services?type=image", as_="admin")).json
        service = services["services"][0]["id"]
        limits = {
            "image_count_total": 3,
            "image_size_total": 4,
            "image_stage_total": 2,
            "image_count_uploading": 1,
        }
        body = [
            {"service_id": service, "resource_name": name, "default_limit": value}
            for name, value in limits.items()
        ]
        answer = await cloud.call(
            "POST", "/identity/v3/registered_limits", as_="admin", json_={"registered_limits": body}
        )
        assert answer.status == 201, answer.raw
        found = (await cloud.call("GET", "/image/v2/info/usage")).json["usage"]
        assert {name: each["limit"] for name, each in found.items()} == limits
        images = [await new(cloud) for _ in range(3)]
        assert (await cloud.call("POST", "/image/v2/images", json_={})).status == 413
        path = "/image/v2/images/{}/{}"
        stage, file = path.format(images[0], "stage"), path.format(images[1], "file")
        answer = await cloud.call("PUT", stage, headers=OCTETS, body=CONTENT)
        assert answer.status == 413
        answer = await cloud.call("PUT", stage, headers=OCTETS, body=CONTENT[:100])
        assert answer.status == 204
        assert (await cloud.call("PUT", file, headers=OCTETS, body=CONTENT)).status == 413
        await start(cloud, images[0], "glance-direct")
        assert (await ended(cloud, images[0]))["status"] == "success"
        assert (await cloud.call("PUT", file, headers=OCTETS, body=CONTENT)).status == 204
        last = path.format(images[2], "file")
        assert (await cloud.call("PUT", last, headers=OCTETS, body=CONTENT)).status == 413
        assert await usage(cloud) == {"image_count_total": 3, "image_size_total": 4}

    run(tmp_path, story)
