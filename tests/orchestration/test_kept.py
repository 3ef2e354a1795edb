"""What is healthy is kept: by checks, by what fails, on the way back, by policies."""

import base64
import os
from pathlib import Path
from typing import Any

from tests.orchestration.test_stacks import base, created, on_a_cloud, rows, settled, small, tried
from tests.support.cloud import TestCloud


def disk(size: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Cinder::Volume", "properties": {"size": size}, **more}


def server(**more: Any) -> dict[str, Any]:
    given = {"image": "cumulo-guest", "flavor": "m1.nano", "networks": [{"network": "private"}]}
    return {"type": "OS::Nova::Server", "properties": {**given, **more}}


def word(salt: str, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::RandomString", "properties": {"salt": salt}, **more}


async def wished(cloud: TestCloud, path: str, template: Any, **more: Any) -> dict[str, Any]:
    """The stack after an update."""
    answer = await cloud.call("PUT", path, json_={"template": template, **more})
    assert answer.status == 202, answer.raw
    return await settled(cloud, path)


async def acted(cloud: TestCloud, path: str, action: str) -> dict[str, Any]:
    answer = await cloud.call("POST", f"{path}/actions", json_={action: None})
    assert answer.status == 200, answer.raw
    return await settled(cloud, path)


async def ids(cloud: TestCloud, path: str) -> dict[str, str]:
    return {name: row["physical_resource_id"] for name, row in (await rows(cloud, path)).items()}


async def limited(cloud: TestCloud, gigabytes: int) -> None:
    await cloud.token("admin")
    limits = f"/volume/v3/{cloud.projects['admin']}/os-quota-sets/{cloud.projects['demo']}"
    body = {"quota_set": {"gigabytes": gigabytes}}
    answer = await cloud.call("PUT", limits, as_="admin", json_=body)
    assert answer.status == 200, answer.raw


async def deleted(cloud: TestCloud, path: str) -> None:
    assert (await cloud.call("DELETE", path)).status == 204
    await cloud.until(
        path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE", seconds=60
    )


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        def wish(about: str) -> dict[str, Any]:
            group = {"type": "OS::Neutron::SecurityGroup", "properties": {"description": about}}
            given = {"network": "private", "security_groups": [{"get_resource": "group"}]}
            port = {"type": "OS::Neutron::Port", "properties": given}
            meta = {"networks": [{"port": {"get_resource": "port"}}], "metadata": {"a": about}}
            return small(group=group, port=port, web=server(**meta), disk=disk())

        path = await created(cloud, "checked", wish("one"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)
        assert (await acted(cloud, path, "check"))["stack_status"] == "CHECK_COMPLETE"
        stack = await wished(cloud, path, wish("two"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        made = await cloud.call("GET", f"/compute/v2.1/servers/{before['web']}")
        assert made.json["server"]["metadata"] == {"a": "two"}

        # What was said to be unhealthy is made anew, and what was said to be well again is not.
        mark = {"mark_unhealthy": True, "resource_status_reason": "smells"}
        answer = await cloud.call("PATCH", f"{path}/resources/disk", json_=mark)
        assert answer.status == 200, answer.raw
        answer = await cloud.call("PATCH", f"{path}/resources/port", json_=mark)
        well = {"mark_unhealthy": False}
        answer = await cloud.call("PATCH", f"{path}/resources/port", json_=well)
        assert answer.status == 200, answer.raw
        stack = await wished(cloud, path, wish("two"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert {n for n, id in after.items() if id != before[n]} == {"disk"}

    on_a_cloud(tmp_path, story)


def test_a_change_that_failed_leaves_the_thing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "extended", small(disk=disk(5)))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)
        await limited(cloud, 10)
        stack = await wished(cloud, path, small(disk=disk(50)))
        assert stack["stack_status"] == "UPDATE_FAILED"
        assert stack["stack_status_reason"].startswith(
            "Resource UPDATE failed: VolumeSizeExceedsAvailableQuota: resources.disk: "
        )
        stack = await wished(cloud, path, small(disk=disk(5)))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        back = {"disable_rollback": False}
        stack = await wished(cloud, path, small(disk=disk(50)), **back)
        assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        assert len((await cloud.call("GET", "/volume/v3/volumes")).json["volumes"]) == 1
        # What shall be smaller is refused, not made anew.
        stack = await wished(cloud, path, small(disk=disk(2)), disable_rollback=True)
        assert stack["stack_status"] == "UPDATE_FAILED"
        assert await ids(cloud, path) == before

        # One of a group fails: the others stay.
        def group(count: int, size: int) -> dict[str, Any]:
            given = {"count": count, "resource_def": disk(size)}
            return small(many={"type": "OS::Heat::ResourceGroup", "properties": given})

        path = await created(cloud, "many", group(2, 1))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        first = await cloud.call("GET", f"{path}/resources?nested_depth=1")
        stack = await wished(cloud, path, group(5, 1))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        stack = await wished(cloud, path, group(9, 1))
        assert stack["stack_status"] == "UPDATE_FAILED"
        await limited(cloud, 100)
        stack = await wished(cloud, path, group(9, 1))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await cloud.call("GET", f"{path}/resources?nested_depth=1")
        kept = {each["physical_resource_id"] for each in after.json["resources"]}
        assert len(kept) == 10
        assert {each["physical_resource_id"] for each in first.json["resources"]} <= kept

    on_a_cloud(tmp_path, story)


def test_the_way_back_leads_to_the_things_of_before(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        good = small(
            word=word("a"),
            left=word("left"),
            disk={**disk(), "deletion_policy": "Retain"},
            late=tried(value="fine"),
        )
        path = await created(cloud, "back", good, disable_rollback=False)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)
        zone = {"size": 1, "availability_zone": "nova"}
        worse = small(
            word=word("b"),
            disk={"type": "OS::Cinder::Volume", "properties": zone, "deletion_policy": "Retain"},
            late={**tried(value="fine", fail=True), "depends_on": ["word", "disk"]},
        )
        stack = await wished(cloud, path, worse)
        assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert {n: after[n] for n in ("word", "disk", "left")} == {
            n: before[n] for n in ("word", "disk", "left")
        }
        found = (await cloud.call("GET", "/volume/v3/volumes")).json["volumes"]
        assert before["disk"] in {each["id"] for each in found}

        # The same by hand, without a rollback, and after a check.
        stack = await wished(cloud, path, worse, disable_rollback=True)
        assert "Test Resource failed" in stack["stack_status_reason"]
        assert (await acted(cloud, path, "check"))["stack_status"].startswith("CHECK_")
        stack = await wished(cloud, path, good)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        again = await ids(cloud, path)
        assert {n: again[n] for n in ("word", "disk")} == {n: before[n] for n in ("word", "disk")}

    on_a_cloud(tmp_path, story)


def test_what_a_failed_update_left_off_is_done_by_the_next(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        def wish(value: str, **first: Any) -> dict[str, Any]:
            later = {**tried(value=value), "depends_on": "first"}
            made = small(first=tried(**first), later=later)
            made["outputs"] = {"said": {"value": {"get_attr": ["later", "output"]}}}
            return made

        path = await created(cloud, "left", wish("old"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        failed = await wished(cloud, path, wish("new", fail=True))
        assert failed["stack_status"] == "UPDATE_FAILED"
        await acted(cloud, path, "check")
        stack = await wished(cloud, path, wish("new"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert stack["outputs"][0]["output_value"] == "new"

    on_a_cloud(tmp_path, story)


def test_policies_do_what_they_say(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        template = small(
            kept={**disk(), "deletion_policy": {"get_param": "policy"}},
            saved={**disk(2), "deletion_policy": "Snapshot"},
            web={**server(), "deletion_policy": "Snapshot"},
        )
        template["parameters"] = {"policy": {"type": "string"}}
        path = await created(cloud, "policies", template, parameters={"policy": "Retain"})
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        before = await ids(cloud, path)
        await deleted(cloud, path)
        found = (await cloud.call("GET", "/volume/v3/volumes/detail")).json["volumes"]
        left = {each["id"]: each for each in found}
        assert before["kept"] in left and before["saved"] not in left
        (copy,) = [each for each in found if each["id"] != before["kept"]]
        assert (copy["size"], copy["status"]) == (2, "available")
        assert copy["metadata"] == {"snapshot_of": before["saved"]}
        images = (await cloud.call("GET", "/image/v2/images")).json["images"]
        assert [each["status"] for each in images if each["name"].endswith("-snapshot")] == [
            "active"
        ]
        stacks = await base(cloud)
        for policy in ("Snapshot", "Nonsense", {"get_resource": "other"}):
            wrong = small(a={**word("a"), "deletion_policy": policy}, other=word("b"))
            body = {"stack_name": "wrong", "template": wrong}
            assert (await cloud.call("POST", stacks, json_=body)).status == 400

    on_a_cloud(tmp_path, story)


def public_key() -> str:
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + os.urandom(32)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def test_what_was_there_before_is_never_taken(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        mine = {"keypair": {"name": "mine", "public_key": public_key()}}
        answer = await cloud.call("POST", "/compute/v2.1/os-keypairs", json_=mine)
        assert answer.status in (200, 201), answer.raw
        wish = small(key={"type": "OS::Nova::KeyPair", "properties": {"name": "mine"}})
        path = await created(cloud, "taken", wish)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_FAILED"
        assert (await wished(cloud, path, wish))["stack_status"] == "UPDATE_FAILED"
        await deleted(cloud, path)
        kept = await cloud.call("GET", "/compute/v2.1/os-keypairs/mine")
        assert kept.json["keypair"]["public_key"] == mine["keypair"]["public_key"]

        # A stack that is deleted while its key is made leaves none.
        wish = small(key={"type": "OS::Nova::KeyPair", "properties": {"name": "quick"}})
        path = await created(cloud, "quick", wish)
        await deleted(cloud, path)
        assert (await cloud.call("GET", "/compute/v2.1/os-keypairs/quick")).status == 404

    on_a_cloud(tmp_path, story)


def test_a_server_is_resized_and_rebuilt(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "sized", small(web=server()))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)
        stack = await wished(cloud, path, small(web=server(flavor="m1.tiny")))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        made = await cloud.call(
            "GET",
            f"/compute/v2.1/servers/{before['web']}",
            headers={"x-openstack-nova-api-version": "2.79"},
        )
        found = made.json["server"]
        assert (found["flavor"]["original_name"], found["status"]) == ("m1.tiny", "ACTIVE")
        snapshot = {"createImage": {"name": "second"}}
        one = f"/compute/v2.1/servers/{before['web']}/action"
        assert (await cloud.call("POST", one, json_=snapshot)).status == 202
        await cloud.until(
            "/image/v2/images?name=second", lambda a: a.json["images"][0]["status"] == "active"
        )
        both = server(flavor="m1.nano", image="second")
        stack = await wished(cloud, path, small(web=both))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        found = (await cloud.call("GET", one.removesuffix("/action"))).json["server"]
        image = await cloud.call("GET", f"/image/v2/images/{found['image']['id']}")
        assert (image.json["name"], found["status"]) == ("second", "ACTIVE")
        other = server(flavor="m1.tiny", flavor_update_policy="REPLACE")
        stack = await wished(cloud, path, small(web=other))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) != before

    on_a_cloud(tmp_path, story)
